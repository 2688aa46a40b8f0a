//! The words that the formats for readers share: what is compared, and what is said of an object.

use crate::diff::lines::{Hunk, Tag};
use crate::diff::noise::{Muted, Tally};
use crate::diff::resources;
use crate::manifest::node::Node;
use crate::report::live;
use crate::report::view::{Resource, Revision, Subject, Summary, View};

/// A piece of a sentence.
pub(super) struct Piece {
    /// Whether it came from outside: a name.
    pub(super) name: bool,
    /// Its text.
    pub(super) text: String,
}

/// What is compared with what, on one line: `web in namespace shop: revision 1 → 2`.
pub(super) fn headline(view: &View<'_>) -> Vec<Piece> {
    let name = |text: &str| Piece { name: true, text: text.to_owned() };
    let words = |text: String| Piece { name: false, text };
    let (from, to) = (&view.from, &view.to);
    let here = |what: String| vec![name(&to.release), words(" in namespace ".into()), name(&to.namespace), words(what)];
    let (old, new) = (from.revision, to.revision);
    let side = |side: &Revision| name(&format!("{}/{}", side.namespace, side.release));
    match &view.subject {
        Subject::Revisions => here(format!(": revision {old} → {new}")),
        Subject::Rollback => here(format!(": rollback from revision {old} to {new}")),
        Subject::Releases => {
            vec![side(from), words(format!(" revision {old} → ")), side(to), words(format!(" revision {new}"))]
        }
        Subject::Upgrade => here(format!(": upgrade of revision {old} to {new}")),
        Subject::Install => here(": new installation".to_owned()),
        Subject::Live(report) => vec![
            name(&from.release),
            words(" in namespace ".into()),
            name(&from.namespace),
            words(format!(": revision {old} against the cluster ")),
            name(&report.server),
        ],
        Subject::Files(names) | Subject::Charts(names) => {
            vec![name(&names.old), words(" → ".into()), name(&names.new)]
        }
    }
}

/// What is said where nothing differs.
pub(super) fn nothing_differs(view: &View<'_>) -> String {
    if let Subject::Live(report) = &view.subject {
        let some = if report.problems.is_empty() { "" } else { " that could be compared" };
        let objects = counted(view.summary.unchanged, "object");
        let (are, have) = if view.summary.unchanged == 1 { ("is", "has it") } else { ("are", "has them") };
        return format!("no drift: {objects}{some} {are} as revision {} {have}", view.from.revision);
    }
    let same = match view.subject {
        _ if !view.sections.are_whole() || view.summary.suppressed > 0 => "what is shown is the same",
        Subject::Files(_) => "all objects are the same",
        Subject::Charts(_) => "objects, values, chart and defaults are the same",
        _ => "objects, values, chart and notes are the same",
    };
    format!("no changes: {same} ({})", counted(view.summary.unchanged, "object"))
}

/// What is counted and not shown: `2 suppressed`.
pub(super) fn left_out(summary: Summary) -> Vec<String> {
    let all = [
        (summary.ignored, format!("{} ignored", counted(summary.ignored, "difference"))),
        (summary.suppressed, format!("{} suppressed", summary.suppressed)),
        (summary.hidden, format!("{} hidden (noise only)", summary.hidden)),
    ];
    all.into_iter().filter(|(count, _)| *count > 0).map(|(_, what)| what).collect()
}

/// A noisy change and how many objects it is in: `helm.sh/chart web-0.1.0 → web-0.2.0 in 14 objects`.
pub(super) fn noise(muted: &Muted, objects: usize) -> String {
    let change = match (&muted.old, &muted.new) {
        (Some(old), Some(new)) => format!(" {old} → {new}"),
        (None, Some(new)) => format!(" {new} added"),
        (Some(old), None) => format!(" {old} removed"),
        (None, None) => " changed".to_owned(),
    };
    format!("{}{change} in {}", muted.key, counted(objects, "object"))
}

/// What the noisy changes are, as a title: `With every version of the chart (5 objects differ in nothing else)`.
pub(super) fn noise_title(noise: &Tally) -> String {
    let alone = match noise.alone {
        0 => String::new(),
        1 => " (1 object differs in nothing else)".to_owned(),
        alone => format!(" ({alone} objects differ in nothing else)"),
    };
    format!("With every version of the chart{alone}")
}

/// What is to be known of an object beside its name: API version, former name, hook, template.
pub(super) fn notes(resource: &Resource<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if resource.drift.is_some() {
        notes.push(live::fate(resource.change == resources::Change::Removed).to_owned());
    }
    let version = resource.object.id.api_version();
    match &resource.old_api_version {
        Some(old) => notes.push(format!("{old} → {version}")),
        None if !version.is_empty() => notes.push(version),
        None => {}
    }
    if let Some(name) = &resource.old_name {
        notes.push(format!("renamed from {name}"));
    }
    if resource.object.hook {
        let events = resource.object.node.get("metadata").and_then(|metadata| metadata.get("annotations"));
        let events = events.and_then(|annotations| annotations.get("helm.sh/hook")).and_then(Node::as_str);
        notes.push(format!("{} hook", events.unwrap_or_default()).trim_start().to_owned());
    }
    notes.extend(resource.object.source.clone());
    notes
}

/// `web-0.1.0`; empty where there is no chart.
pub(super) fn chart_of(revision: &Revision) -> String {
    let (name, version) = (&revision.chart, &revision.chart_version);
    [name.as_str(), version.as_str()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// `2026-11-21 07:00:00` of an RFC 3339 time.
pub(super) fn moment(time: &str) -> String {
    time.chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// A text on one line, cut where it is longer than so many characters.
pub(super) fn shortened(text: &str, longest: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The end of a text, where it is longer than so many characters: of a path the end says most.
pub(super) fn ending(text: &str, longest: usize) -> String {
    match text.char_indices().rev().nth(longest) {
        Some((at, character)) => format!("…{}", &text[at + character.len_utf8()..]),
        None => text.to_owned(),
    }
}

/// A line range as `diff -u` writes it.
pub(super) fn range(start: usize, len: usize) -> String {
    if len == 1 { start.to_string() } else { format!("{start},{len}") }
}

/// `1 object`, `2 objects`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// How many lines of the hunks are added, and how many removed.
pub(super) fn changed_lines(hunks: &[Hunk]) -> (usize, usize) {
    let count = |tag| hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.tag == tag).count();
    (count(Tag::Added), count(Tag::Removed))
}

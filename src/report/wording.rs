//! The words that the formats for readers share: what is compared, and what is said of an object.

use crate::diff::lines::{Hunk, Tag};
use crate::diff::noise::Muted;
use crate::diff::resources;
use crate::manifest::node::Node;
use crate::report::live;
use crate::report::view::{Resource, Revision, Subject, View};

/// What is compared with what, on one line, as what it is of and the rest: `web`, ` in namespace shop: revision 1 → 2`.
pub(super) fn headline(view: &View<'_>) -> (String, String) {
    let (from, to) = (&view.from, &view.to);
    let side = |side: &Revision| format!("{}/{} revision {}", side.namespace, side.release, side.revision);
    let (namespace, old, new) = (&to.namespace, from.revision, to.revision);
    match &view.subject {
        Subject::Revisions => (to.release.clone(), format!(" in namespace {namespace}: revision {old} → {new}")),
        Subject::Rollback => {
            (to.release.clone(), format!(" in namespace {namespace}: rollback from revision {old} to {new}"))
        }
        Subject::Upgrade => {
            (to.release.clone(), format!(" in namespace {namespace}: upgrade of revision {old} to {new}"))
        }
        Subject::Install => (to.release.clone(), format!(" in namespace {namespace}: new installation")),
        Subject::Releases => (format!("{} → {}", side(from), side(to)), String::new()),
        Subject::Live(report) => (
            from.release.clone(),
            format!(" in namespace {namespace}: revision {old} against the cluster {}", report.server),
        ),
        Subject::Files(files) => (format!("{} → {}", files.old, files.new), String::new()),
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
        _ if !view.sections.are_whole() => "what is shown is the same",
        Subject::Files(_) => "all objects are the same",
        _ => "objects, values, chart and notes are the same",
    };
    format!("no changes: {same} ({})", counted(view.summary.unchanged, "object"))
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

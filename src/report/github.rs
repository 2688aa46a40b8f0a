//! A diff as annotations of GitHub Actions: workflow commands, one a line, the most important first.
//!
//! Syntax and escapes: "Workflow commands for GitHub Actions" in GitHub's documentation. GitHub shows ten annotations
//! of each level for a step, so no more are written, and the first one says how many objects have none.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::diff::key_differences::Severity;
use crate::diff::resources::Change;
use crate::manifest::identity::ObjectId;
use crate::report::key_differences::{label, namespaces, objects};
use crate::report::paths;
use crate::report::remarks::{NOT_APPLIED, crds, remarks};
use crate::report::style::clean;
use crate::report::view::{Resource, View};
use crate::report::wording::{self, counted, ending, headline, nothing_differs, shortened};

/// GitHub shows no more annotations of one level for a step.
const MOST: usize = 10;

/// An annotation shows no more changes of an object.
const MOST_LINES: usize = 10;

/// Longer names are cut, in characters.
const LONGEST_NAME: usize = 200;

/// Longer remarks are cut, in characters.
const LONGEST_REMARK: usize = 400;

/// The levels of an annotation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Error,
    Warning,
    Notice,
}

/// An annotation: what a command says.
struct Annotation<'a> {
    level: Level,
    title: String,
    /// The template.
    file: Option<&'a str>,
    lines: Vec<String>,
    /// How many objects it is about; none where it is about no change of objects, or a key difference.
    objects: usize,
}

/// What there is no room for.
#[derive(Default)]
struct LeftOut {
    key_differences: usize,
    objects: usize,
}

/// Writes an annotation about the whole, then the others, as far as GitHub shows them.
///
/// # Errors
/// If the writer fails.
pub fn write(view: &View<'_>, out: &mut impl std::io::Write) -> std::io::Result<()> {
    // One place among the notices is the summary's.
    let mut room = [(Level::Error, MOST), (Level::Warning, MOST), (Level::Notice, MOST - 1)];
    let (mut text, mut left_out) = (String::new(), LeftOut::default());
    for annotation in annotations(view) {
        match room.iter_mut().find(|(level, left)| *level == annotation.level && *left > 0) {
            Some((_, left)) => {
                *left -= 1;
                annotation.write(&mut text);
            }
            None if annotation.objects == 0 => left_out.key_differences += 1,
            None => left_out.objects += annotation.objects,
        }
    }
    out.write_all(summary(view, &left_out).as_bytes())?;
    out.write_all(text.as_bytes())
}

/// All there could be, the most important first.
fn annotations<'a>(view: &'a View<'_>) -> Vec<Annotation<'a>> {
    let about = |title: &str, lines: Vec<String>| Annotation {
        level: Level::Warning,
        title: title.to_owned(),
        file: None,
        lines: bounded(lines, "more"),
        objects: 0,
    };
    let mut all = vec![
        about("before you read on", view.notices.clone()),
        about(
            "values without a default any more",
            view.dead_overrides.iter().map(|one| one.location.clone()).collect(),
        ),
    ];
    all.retain(|annotation| !annotation.lines.is_empty());
    all.extend(key_differences(view));
    // What is gone can't be brought back by the next upgrade.
    let rank = |resource: &Resource<'_>| match resource.change {
        Change::Removed => 0,
        Change::Modified => 1,
        Change::Added => 2,
    };
    let mut resources: Vec<&Resource<'_>> = view.resources.iter().collect();
    resources.sort_by_key(|resource| rank(resource));
    all.extend(resources.into_iter().map(|resource| {
        let level = if resource.change == Change::Removed { Level::Warning } else { Level::Notice };
        of_object(resource, level, "")
    }));
    let definitions = crds(view).into_iter().flat_map(|(crds, _)| &crds.resources);
    all.extend(definitions.map(|resource| of_object(resource, Level::Warning, NOT_APPLIED)));
    all
}

/// The key differences, but for those that are only good to know; where the template of one of its objects is known, with
/// that.
fn key_differences<'a>(view: &'a View<'_>) -> impl Iterator<Item = Annotation<'a>> {
    let mut sources: HashMap<&ObjectId, &str> = HashMap::new();
    for object in view.resources.iter().flat_map(|resource| std::iter::once(&resource.object).chain(&resource.also)) {
        sources.extend(object.source.as_deref().map(|source| (&object.id, source)));
    }
    let elsewhere = namespaces(&view.key_differences);
    let told = view.key_differences.iter().filter(|one| one.severity > Severity::Info);
    told.map(move |one| Annotation {
        level: match one.severity {
            Severity::Danger => Level::Error,
            Severity::Warning => Level::Warning,
            Severity::Notice | Severity::Info => Level::Notice,
        },
        title: format!("{}: {}", label(one.topic), objects(one, elsewhere)),
        file: one.objects.iter().find_map(|object| sources.get(object).copied()),
        lines: vec![shortened(&one.text(), LONGEST_REMARK)],
        objects: 0,
    })
}

fn of_object<'a>(resource: &'a Resource<'_>, level: Level, note: &str) -> Annotation<'a> {
    let word = match resource.change {
        Change::Added => "added",
        Change::Removed if resource.drift.is_some() => "missing",
        Change::Removed => "removed",
        Change::Modified => "changed",
    };
    let name = shortened(&resource.object.id.to_string(), LONGEST_NAME);
    let mut lines = match resource.change {
        Change::Modified => bounded(resource.changes.iter().flat_map(paths::lines).collect(), "more changes"),
        Change::Added | Change::Removed => Vec::new(),
    };
    lines.extend((!note.is_empty()).then(|| note.to_owned()));
    for remark in remarks(resource) {
        lines.push(shortened(&format!("{}{}", remark.lead.text, remark.rest.text), LONGEST_REMARK));
    }
    if lines.is_empty() {
        lines.push(format!("{name} is {word}"));
    }
    let file = resource.object.source.as_deref();
    Annotation { level, title: format!("{name} {word}"), file, lines, objects: 1 + resource.also.len() }
}

/// The first of the lines, and how many more there are.
fn bounded(mut lines: Vec<String>, what: &str) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    lines.extend((more > 0).then(|| format!("and {more} {what}")));
    lines
}

fn summary(view: &View<'_>, left_out: &LeftOut) -> String {
    let title: String = headline(view).into_iter().map(|piece| ending(&piece.text, LONGEST_NAME)).collect();
    let summary = view.summary;
    let mut message = match view.is_empty() {
        true => nothing_differs(view),
        false => format!(
            "{} changed, {} added, {} removed, {} unchanged",
            summary.modified, summary.added, summary.removed, summary.unchanged
        ),
    };
    for what in wording::left_out(summary) {
        _ = write!(message, ", {what}");
    }
    let others = [
        ("values", !view.values.changes.is_empty()),
        ("chart", !view.chart.changes.is_empty()),
        ("chart defaults", !view.defaults.changes.is_empty()),
        ("notes", view.notes.changed()),
    ];
    let others: Vec<&str> = others.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect();
    if !others.is_empty() {
        _ = write!(message, "; changed too: {}", others.join(", "));
    }
    let mut missing = Vec::new();
    for (count, what) in [(left_out.key_differences, "more key difference"), (left_out.objects, "more object")] {
        missing.extend((count > 0).then(|| counted(count, what)));
    }
    if !missing.is_empty() {
        _ = write!(message, "; {} not annotated, for GitHub shows no more", missing.join(" and "));
    }
    format!("::notice title={}::{}\n", property(&title), data(&message))
}

impl Annotation<'_> {
    fn write(&self, text: &mut String) {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "notice",
        };
        _ = write!(text, "::{level} title={}", property(&self.title));
        if let Some(file) = self.file {
            _ = write!(text, ",file={}", property(&shortened(file, 2 * LONGEST_NAME)));
        }
        let lines: Vec<String> = self.lines.iter().map(|line| data(line)).collect();
        _ = writeln!(text, "::{}", lines.join("%0A"));
    }
}

/// The message of a command.
fn data(text: &str) -> String {
    clean(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_neither_its_property_nor_its_line() {
        let hostile = "a::b,file=c%0A::error::\r\n::set-env name=X::y";
        let escaped = property(hostile);
        assert!(!escaped.contains([':', ',', '\n', '\r']), "{escaped}");
        assert!(escaped.contains("%250A"), "{escaped}");
        assert!(!data(hostile).contains(['\n', '\r']));
    }
}

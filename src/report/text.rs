//! A diff for a reader at a terminal or in a log.

use crate::diff::changes::{Change, Op};
use crate::diff::lines::{Hunk, Tag};
use crate::diff::noise::Tally;
use crate::diff::resources;
use crate::manifest::node::Node;
use crate::report::chart;
use crate::report::style::{Painter, Role};
use crate::report::view::{Resource, Revision, Section, Subject, Summary, View};

/// Longer descriptions of revisions are cut, in characters.
const LONGEST_DESCRIPTION: usize = 120;

/// Writes the diff as text.
///
/// # Errors
/// If the writer fails.
pub fn write(view: &View<'_>, painter: Painter, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let mut page = Page { text: String::new(), painter };
    page.header(view);
    page.flush(out)?;
    for resource in &view.resources {
        page.resource(resource);
        page.flush(out)?;
    }
    page.section("values (user-supplied)", &view.values);
    if let Some(computed) = &view.computed_values {
        page.section("values (computed)", computed);
    }
    page.chart(&view.chart.changes);
    if !view.notes_hunks.is_empty() {
        page.title("notes", Role::Heading, "");
        page.hunks(&view.notes_hunks);
    }
    page.flush(out)
}

struct Page {
    text: String,
    painter: Painter,
}

impl Page {
    fn flush(&mut self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        out.write_all(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }

    fn put(&mut self, role: Role, text: &str) {
        self.painter.paint(&mut self.text, role, text);
    }

    fn line(&mut self, role: Role, text: &str) {
        self.put(role, text);
        self.text.push('\n');
    }

    fn header(&mut self, view: &View<'_>) {
        let (from, to) = (&view.from, &view.to);
        match &view.subject {
            Subject::Revisions => {
                self.put(Role::Heading, &to.release);
                let (namespace, old, new) = (&to.namespace, from.revision, to.revision);
                self.line(Role::Plain, &format!(" in namespace {namespace}: revision {old} → {new}"));
            }
            Subject::Rollback => {
                self.put(Role::Heading, &to.release);
                let (namespace, old, new) = (&to.namespace, from.revision, to.revision);
                self.line(Role::Plain, &format!(" in namespace {namespace}: rollback from revision {old} to {new}"));
            }
            Subject::Releases => {
                let name = |side: &Revision| format!("{}/{} revision {}", side.namespace, side.release, side.revision);
                self.line(Role::Heading, &format!("{} → {}", name(from), name(to)));
            }
            Subject::Files(files) => self.line(Role::Heading, &format!("{} → {}", files.old, files.new)),
        }
        if !matches!(view.subject, Subject::Files(_)) {
            self.revisions(from, to);
        }
        self.text.push('\n');
        if view.is_empty() {
            let same = match view.subject {
                Subject::Files(_) => "all objects are the same",
                _ => "objects, values, chart and notes are the same",
            };
            self.put(Role::Heading, &format!("no changes: {same} ({})", counted(view.summary.unchanged, "object")));
            self.hidden(view.summary);
            self.text.push('\n');
        } else {
            self.summary(view.summary);
            self.noise(&view.noise);
        }
    }

    /// One line for each change that comes with every version of a chart.
    fn noise(&mut self, noise: &Tally) {
        for (muted, objects) in &noise.objects {
            let change = match (&muted.old, &muted.new) {
                (Some(old), Some(new)) => format!(" {old} → {new}"),
                (None, Some(new)) => format!(" {new} added"),
                (Some(old), None) => format!(" {old} removed"),
                (None, None) => " changed".to_owned(),
            };
            self.line(Role::Dim, &format!("  {}{change} in {}", muted.key, counted(*objects, "object")));
        }
    }

    /// The two revisions, one a line, their columns aligned.
    fn revisions(&mut self, from: &Revision, to: &Revision) {
        let rows = [from, to].map(|revision| {
            let app =
                if revision.app_version.is_empty() { String::new() } else { format!("app {}", revision.app_version) };
            [
                revision.revision.to_string(),
                revision.status.clone(),
                format!("{}-{}", revision.chart, revision.chart_version),
                app,
                moment(&revision.updated),
                shortened(&revision.description),
            ]
        });
        for row in &rows {
            for (column, cell) in row.iter().enumerate() {
                if rows.iter().all(|row| row[column].is_empty()) {
                    continue;
                }
                self.text.push_str("  ");
                let role = if column == 1 { status_role(cell) } else { Role::Dim };
                self.put(role, cell);
                let widest = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
                if column + 1 < row.len() {
                    self.text.extend(std::iter::repeat_n(' ', widest - cell.chars().count()));
                }
            }
            self.text.truncate(self.text.trim_end_matches(' ').len());
            self.text.push('\n');
        }
    }

    fn summary(&mut self, summary: Summary) {
        let parts = [
            (summary.modified, "changed", Role::Changed),
            (summary.added, "added", Role::Added),
            (summary.removed, "removed", Role::Removed),
            (summary.unchanged, "unchanged", Role::Dim),
        ];
        for (index, (count, word, role)) in parts.into_iter().enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            self.put(if count == 0 { Role::Dim } else { role }, &format!("{count} {word}"));
        }
        self.hidden(summary);
        self.text.push('\n');
    }

    fn hidden(&mut self, summary: Summary) {
        if summary.suppressed > 0 {
            self.put(Role::Dim, &format!(", {} suppressed", summary.suppressed));
        }
        if summary.hidden > 0 {
            self.put(Role::Dim, &format!(", {} hidden (noise only)", summary.hidden));
        }
    }

    fn title(&mut self, title: &str, role: Role, note: &str) {
        self.text.push('\n');
        self.put(role, title);
        if !note.is_empty() {
            self.text.push_str("  ");
            self.put(Role::Dim, note);
        }
        self.text.push('\n');
    }

    fn resource(&mut self, resource: &Resource<'_>) {
        let (sign, role) = match resource.change {
            resources::Change::Added => ("+", Role::Added),
            resources::Change::Removed => ("-", Role::Removed),
            resources::Change::Modified => ("~", Role::Changed),
        };
        self.text.push('\n');
        self.put(role, &format!("{sign} "));
        self.put(Role::Heading, &resource.object.id.to_string());
        self.put(Role::Dim, &resource_note(resource));
        self.text.push('\n');
        if !resource.also.is_empty() {
            let also: Vec<String> = resource.also.iter().map(|object| object.id.to_string()).collect();
            self.put(Role::Dim, &format!("  the same in {}: ", counted(also.len(), "more object")));
            self.line(Role::Plain, &also.join(", "));
        }
        if let Some(problem) = &resource.object.problem {
            self.line(
                Role::Warning,
                &format!("  this document can't be read as YAML and is compared as text: {problem}"),
            );
        }
        self.hunks(&resource.hunks);
    }

    fn section(&mut self, title: &str, section: &Section<'_>) {
        if !section.hunks.is_empty() {
            self.title(title, Role::Heading, "");
            self.hunks(&section.hunks);
        }
    }

    fn hunks(&mut self, hunks: &[Hunk]) {
        for hunk in hunks {
            self.put(
                Role::Hunk,
                &format!("@@ -{} +{} @@", range(hunk.old_start, hunk.old_len), range(hunk.new_start, hunk.new_len)),
            );
            if !hunk.location.is_empty() {
                self.text.push(' ');
                self.put(Role::Dim, &hunk.location);
            }
            self.text.push('\n');
            for line in &hunk.lines {
                let (sign, role, word) = match line.tag {
                    Tag::Context => (" ", Role::Plain, Role::Plain),
                    Tag::Removed => ("-", Role::Removed, Role::RemovedWord),
                    Tag::Added => ("+", Role::Added, Role::AddedWord),
                };
                self.put(role, sign);
                for segment in &line.segments {
                    self.put(if segment.emphasised { word } else { role }, &segment.text);
                }
                self.text.push('\n');
            }
        }
    }

    /// The chart's metadata: one line a field.
    fn chart(&mut self, changes: &[Change<'_>]) {
        if changes.is_empty() {
            return;
        }
        self.title("chart", Role::Heading, "");
        let rows = chart::rows(changes);
        let widest = rows.iter().map(|row| row.location.chars().count()).max().unwrap_or(0).min(40);
        for row in rows {
            let (sign, role) = match row.op {
                Op::Add => ("+", Role::Added),
                Op::Remove => ("-", Role::Removed),
                Op::Replace | Op::Move => ("~", Role::Changed),
            };
            self.put(role, &format!("{sign} "));
            self.put(Role::Plain, &format!("{:widest$}  ", row.location));
            match (row.old, row.new) {
                (Some(old), Some(new)) => {
                    self.put(Role::Removed, &old);
                    self.put(Role::Dim, " → ");
                    self.put(Role::Added, &new);
                }
                (Some(old), None) => self.put(Role::Removed, &old),
                (None, Some(new)) => self.put(Role::Added, &new),
                (None, None) => self.put(Role::Dim, "moved"),
            }
            self.text.push('\n');
        }
    }
}

fn resource_note(resource: &Resource<'_>) -> String {
    let mut notes = Vec::new();
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
    notes.iter().map(|note| format!("  {note}")).collect()
}

fn status_role(status: &str) -> Role {
    match status {
        "deployed" => Role::Added,
        "failed" => Role::Error,
        pending if pending.starts_with("pending") => Role::Warning,
        _ => Role::Dim,
    }
}

/// A line range as `diff -u` writes it.
fn range(start: usize, len: usize) -> String {
    if len == 1 { start.to_string() } else { format!("{start},{len}") }
}

/// A description without its line ends, cut where it is long; JSON has all of it.
fn shortened(description: &str) -> String {
    let line = description.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_DESCRIPTION) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// `2026-11-21 07:00:00` of an RFC 3339 time.
fn moment(time: &str) -> String {
    time.chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

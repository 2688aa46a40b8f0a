//! What the reader sees first: what is compared, and how many objects differ.

use crate::diff::noise::Tally;
use crate::report::style::Role;
use crate::report::text::{Page, counted};
use crate::report::view::{Revision, Subject, Summary, View};

/// Longer descriptions of revisions are cut, in characters.
const LONGEST_DESCRIPTION: usize = 120;

impl Page {
    pub(super) fn header(&mut self, view: &View<'_>) {
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
}

fn status_role(status: &str) -> Role {
    match status {
        "deployed" => Role::Added,
        "failed" => Role::Error,
        pending if pending.starts_with("pending") => Role::Warning,
        _ => Role::Dim,
    }
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

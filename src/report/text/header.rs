//! What the reader sees first: what is compared, and how many objects differ.

use crate::diff::noise::Tally;
use crate::report::parts::status_role;
use crate::report::style::Role;
use crate::report::text::Page;
use crate::report::view::{Revision, Subject, Summary, View};
use crate::report::wording::{self, chart_of, headline, left_out, moment, nothing_differs, shortened};

/// Longer descriptions of revisions are cut, in characters; JSON has all of them.
const LONGEST_DESCRIPTION: usize = 120;

impl Page {
    pub(super) fn header(&mut self, view: &View<'_>) {
        for piece in headline(view) {
            self.put(if piece.name { Role::Heading } else { Role::Plain }, &piece.text);
        }
        self.text.push('\n');
        match &view.subject {
            Subject::Files(_) => {}
            Subject::Charts(_) => self.charts(&[&view.from, &view.to]),
            Subject::Install => self.revisions(&[&view.to]),
            Subject::Live(report) => {
                self.revisions(&[&view.from]);
                self.comparison(report);
            }
            _ => self.revisions(&[&view.from, &view.to]),
        }
        for notice in &view.notices {
            self.line(Role::Warning, &format!("! {notice}"));
        }
        self.text.push('\n');
        if view.is_empty() {
            self.put(Role::Heading, &nothing_differs(view));
            self.hidden(view.summary);
            self.text.push('\n');
        } else {
            self.summary(view);
            self.noise(&view.noise);
        }
        self.regenerated(view.regenerated);
    }

    /// One line for each change that comes with every version of a chart.
    fn noise(&mut self, noise: &Tally) {
        for (muted, objects) in &noise.objects {
            self.line(Role::Dim, &format!("  {}", wording::noise(muted, *objects)));
        }
    }

    /// The charts, one a line.
    fn charts(&mut self, charts: &[&Revision]) {
        self.aligned(charts.iter().map(|chart| [chart_of(chart), app_of(chart)]).collect(), |_, _| Role::Dim);
    }

    /// The revisions, one a line.
    fn revisions(&mut self, revisions: &[&Revision]) {
        let row = |revision: &&Revision| {
            [
                revision.revision.to_string(),
                revision.status.clone(),
                chart_of(revision),
                app_of(revision),
                moment(&revision.updated),
                shortened(&revision.description, LONGEST_DESCRIPTION),
            ]
        };
        let role = |column, cell: &str| if column == 1 { status_role(cell) } else { Role::Dim };
        self.aligned(revisions.iter().map(row).collect(), role);
    }

    /// Rows with their columns aligned; a column that is empty in all of them is left out.
    fn aligned<const N: usize>(&mut self, rows: Vec<[String; N]>, role: impl Fn(usize, &str) -> Role) {
        for row in &rows {
            for (column, cell) in row.iter().enumerate() {
                if rows.iter().all(|row| row[column].is_empty()) {
                    continue;
                }
                self.text.push_str("  ");
                self.put(role(column, cell), cell);
                let widest = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
                if column + 1 < row.len() {
                    self.text.extend(std::iter::repeat_n(' ', widest - cell.chars().count()));
                }
            }
            self.text.truncate(self.text.trim_end_matches(' ').len());
            self.text.push('\n');
        }
    }

    fn summary(&mut self, view: &View<'_>) {
        let summary = view.summary;
        let parts = match view.subject {
            // Nothing is new there: what a manifest does not name is not looked for.
            Subject::Live(_) => vec![
                (summary.modified, "changed in the cluster", Role::Changed),
                (summary.removed, "missing in the cluster", Role::Removed),
                (summary.unchanged, "unchanged", Role::Dim),
            ],
            _ => vec![
                (summary.modified, "changed", Role::Changed),
                (summary.added, "added", Role::Added),
                (summary.removed, "removed", Role::Removed),
                (summary.unchanged, "unchanged", Role::Dim),
            ],
        };
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
        for what in left_out(summary) {
            self.put(Role::Dim, &format!(", {what}"));
        }
    }
}

fn app_of(revision: &Revision) -> String {
    if revision.app_version.is_empty() { String::new() } else { format!("app {}", revision.app_version) }
}

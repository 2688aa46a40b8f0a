//! What happened to many releases: their newest revisions, in the order in which they were made.

use std::io::{Result, Write};

use jiff::SignedDuration;
use serde::Serialize;

use super::write_unreadable;
use crate::release::fleet::Unreadable;
use crate::report::parts::status_role;
use crate::report::releases::history::Row;
use crate::report::releases::{SCHEMA_VERSION, Sheet, moment, span, write_json};
use crate::report::style::{Painter, Role};
use crate::report::table::{Cell, Table};
use crate::report::wording::counted;

/// Revisions of many releases, oldest first.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetHistoryView {
    schema_version: u32,
    /// How many older revisions there are of those that were asked for.
    pub older: usize,
    /// The revisions.
    pub revisions: Vec<OfRelease>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// A revision and whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfRelease {
    /// The context of the kubeconfig, where several were asked for.
    pub context: Option<String>,
    /// The release's namespace.
    pub namespace: String,
    /// Its name.
    pub release: String,
    /// The revision.
    #[serde(flatten)]
    pub row: Row,
}

impl FleetHistoryView {
    /// The view of revisions of several places, of which so many newest ones are shown; 0 is all.
    #[must_use]
    pub fn new(mut revisions: Vec<OfRelease>, older: usize, max: usize, unreadable: Vec<Unreadable>) -> Self {
        revisions.sort_by(|a, b| {
            let key = |one: &OfRelease| (one.row.updated, one.namespace.clone(), one.release.clone(), one.row.revision);
            key(a).cmp(&key(b))
        });
        let left = if max == 0 { 0 } else { revisions.len().saturating_sub(max) };
        revisions.drain(..left);
        Self { schema_version: SCHEMA_VERSION, older: older + left, revisions, unreadable }
    }

    /// Writes a table for a reader, on so many terminal columns.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(&self, painter: Painter, columns: Option<u16>, out: &mut impl Write) -> Result<()> {
        let mut sheet = Sheet::new(painter);
        match self.revisions.is_empty() {
            true => sheet.line(Role::Dim, "there are no such revisions"),
            false => {
                let mut table = self.table();
                table.fit(columns, &["TOOK", "BY"]);
                table.draw(painter, columns, &mut sheet.text);
            }
        }
        if self.older > 0 {
            sheet.line(Role::Dim, &format!("{}: --max 0 shows all", counted(self.older, "older revision")));
        }
        write_unreadable(&self.unreadable, &mut sheet);
        out.write_all(sheet.text.as_bytes())
    }

    /// Writes it for a program (docs/schema/fleet-history.json).
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_json(&self, out: &mut impl Write) -> Result<()> {
        write_json(self, out)
    }

    /// Writes a table for a comment.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_markdown(&self, out: &mut impl Write) -> Result<()> {
        let mut text = String::new();
        self.table().markdown(&mut text);
        let mut sheet = Sheet::new(Painter::new(false));
        write_unreadable(&self.unreadable, &mut sheet);
        let notes = sheet.text.lines().map(|line| format!("\n{}\n", crate::report::markdown::escape::prose(line)));
        text.extend(notes);
        out.write_all(text.as_bytes())
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "UPDATED",
            "CONTEXT",
            "NAMESPACE",
            "RELEASE",
            "REV",
            "STATUS",
            "MARK",
            "CHART",
            "TOOK",
            "BY",
            "DESCRIPTION",
        ]);
        for OfRelease { context, namespace, release, row } in &self.revisions {
            let chart =
                if row.chart.is_empty() { String::new() } else { format!("{}-{}", row.chart, row.chart_version) };
            let mark = match row.mark {
                Some("proven") => Cell::new(Role::Added, "proven"),
                mark => Cell::new(Role::Error, mark.unwrap_or_default()),
            };
            let took = row.seconds.map(|seconds| span(SignedDuration::from_secs(seconds))).unwrap_or_default();
            table.row(vec![
                Cell::new(Role::Dim, row.updated.map(moment).unwrap_or_default()),
                Cell::new(Role::Dim, context.as_deref().unwrap_or_default()),
                Cell::new(Role::Plain, namespace),
                Cell::new(Role::Heading, release),
                Cell::new(Role::Plain, row.revision.to_string()),
                Cell::new(status_role(&row.status), &row.status),
                mark,
                Cell::new(Role::Plain, chart),
                Cell::new(Role::Dim, took),
                Cell::new(Role::Plain, row.by.as_deref().unwrap_or_default()),
                match &row.problem {
                    Some(problem) => Cell::new(Role::Error, problem),
                    None => Cell::new(Role::Plain, &row.description),
                },
            ]);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn revision(namespace: &str, revision: u32, seconds: i64) -> OfRelease {
        let updated = Timestamp::from_second(seconds).ok();
        let row = Row { revision, updated, status: "deployed".to_owned(), ..Row::default() };
        OfRelease { context: None, namespace: namespace.to_owned(), release: "web".to_owned(), row }
    }

    #[test]
    fn the_newest_revisions_of_all_are_shown_in_their_order() {
        let all = vec![revision("b", 3, 30), revision("a", 9, 10), revision("a", 10, 40)];
        let view = FleetHistoryView::new(all, 5, 2, Vec::new());
        let shown: Vec<u32> = view.revisions.iter().map(|one| one.row.revision).collect();
        assert_eq!((shown, view.older), (vec![3, 10], 6));
        let mut out = Vec::new();
        view.write_text(Painter::new(false), Some(80), &mut out).unwrap();
        let expected = "\
UPDATED              NAMESPACE  RELEASE  REV  STATUS
1970-01-01 00:00:30  b          web      3    deployed
1970-01-01 00:00:40  a          web      10   deployed
6 older revisions: --max 0 shows all
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert_eq!(FleetHistoryView::new(vec![revision("b", 3, 30)], 0, 0, Vec::new()).revisions.len(), 1);
    }
}

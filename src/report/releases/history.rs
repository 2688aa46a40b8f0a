//! The revisions of a release.

use std::io::{Result, Write};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::report::parts::status_role;
use crate::report::releases::{SCHEMA_VERSION, Sheet, moment, span};
use crate::report::style::{Painter, Role};
use crate::report::table::{Cell, Table};

/// The revisions of a release, oldest first.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryView {
    schema_version: u32,
    /// The release's name.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// How many older revisions there are.
    pub older: usize,
    /// The revisions.
    pub revisions: Vec<Row>,
}

/// A revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its number.
    pub revision: u32,
    /// When it was made.
    pub updated: Option<Timestamp>,
    /// The status, as Helm spells it.
    pub status: String,
    /// The chart's name.
    pub chart: String,
    /// The chart's version.
    pub chart_version: String,
    /// The version of what the chart installs.
    pub app_version: String,
    /// When it was proven good.
    pub proven: Option<Timestamp>,
    /// When it was found bad.
    pub bad: Option<Timestamp>,
    /// Which of the two counts: `proven`, `bad` or nothing.
    pub mark: Option<&'static str>,
    /// How long it took from its start to that, in seconds.
    pub seconds: Option<i64>,
    /// Who made it, where that is known.
    pub by: Option<String>,
    /// What happened.
    pub description: String,
    /// Why its record can't be read, where that is so.
    pub problem: Option<String>,
}

impl HistoryView {
    /// The view of these revisions.
    #[must_use]
    pub fn new(release: String, namespace: String, older: usize, revisions: Vec<Row>) -> Self {
        Self { schema_version: SCHEMA_VERSION, release, namespace, older, revisions }
    }

    fn table(&self) -> Table {
        let mut table =
            Table::new(&["REVISION", "UPDATED", "STATUS", "MARK", "CHART", "APP VERSION", "TOOK", "BY", "DESCRIPTION"]);
        for row in &self.revisions {
            let chart =
                if row.chart.is_empty() { String::new() } else { format!("{}-{}", row.chart, row.chart_version) };
            let took = row.seconds.map(|seconds| span(SignedDuration::from_secs(seconds))).unwrap_or_default();
            let mark = match row.mark {
                Some("proven") => Cell::new(Role::Added, "proven"),
                Some(mark) => Cell::new(Role::Error, mark),
                None => Cell::new(Role::Plain, ""),
            };
            let last = match &row.problem {
                Some(problem) => Cell::new(Role::Error, problem),
                None => Cell::new(Role::Plain, &row.description),
            };
            table.row(vec![
                Cell::new(Role::Plain, row.revision.to_string()),
                Cell::new(Role::Dim, row.updated.map(moment).unwrap_or_default()),
                Cell::new(status_role(&row.status), &row.status),
                mark,
                Cell::new(Role::Plain, chart),
                Cell::new(Role::Plain, &row.app_version),
                Cell::new(Role::Dim, took),
                Cell::new(Role::Plain, row.by.as_deref().unwrap_or_default()),
                last,
            ]);
        }
        table
    }

    /// Writes a table for a reader, on so many terminal columns.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(&self, painter: Painter, columns: Option<u16>, out: &mut impl Write) -> Result<()> {
        let mut sheet = Sheet::new(painter);
        self.table().draw(painter, columns, &mut sheet.text);
        if self.older > 0 {
            sheet.line(Role::Dim, &self.rest());
        }
        out.write_all(sheet.text.as_bytes())
    }

    /// Writes a table for a comment.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_markdown(&self, out: &mut impl Write) -> Result<()> {
        let mut text = String::new();
        self.table().markdown(&mut text);
        if self.older > 0 {
            text.push_str(&format!("\n{}\n", self.rest()));
        }
        out.write_all(text.as_bytes())
    }

    fn rest(&self) -> String {
        let them =
            if self.older == 1 { "1 older revision".to_owned() } else { format!("{} older revisions", self.older) };
        format!("{them}: --max 0 shows all")
    }
}

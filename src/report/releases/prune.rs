//! Which revisions go, and which stay and why.

use std::io::{Result, Write};

use serde::Serialize;

use crate::release::fleet::Unreadable;
use crate::report::fleet::write_unreadable;
use crate::report::parts::status_role;
use crate::report::releases::{SCHEMA_VERSION, Sheet};
use crate::report::style::{Painter, Role};
use crate::report::table::{Cell, Table};
use crate::report::wording::counted;

/// What pruning does, or would do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PruneView {
    schema_version: u32,
    /// Whether nothing is to be deleted.
    pub dry_run: bool,
    /// The releases that were looked at.
    pub releases: Vec<Pruned>,
    /// What could not be looked at.
    pub unreadable: Vec<Unreadable>,
}

/// A release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pruned {
    /// Its name.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// Its revisions, oldest first.
    pub revisions: Vec<Row>,
    /// Why it is left alone altogether.
    pub skipped: Option<String>,
    /// Why deleting ended early.
    pub failed: Option<String>,
}

/// A revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its number.
    pub revision: u32,
    /// The status, as its label says.
    pub status: String,
    /// Why it stays; `null` if it goes.
    pub stays: Option<String>,
    /// Whether it was deleted.
    pub deleted: bool,
}

impl Pruned {
    /// The revisions that go.
    #[must_use]
    pub fn going(&self) -> Vec<u32> {
        if self.skipped.is_some() {
            return Vec::new();
        }
        self.revisions.iter().filter(|row| row.stays.is_none()).map(|row| row.revision).collect()
    }

    fn deleted(&self) -> usize {
        self.revisions.iter().filter(|row| row.deleted).count()
    }
}

impl PruneView {
    /// The view of these releases.
    #[must_use]
    pub fn new(dry_run: bool, releases: Vec<Pruned>, unreadable: Vec<Unreadable>) -> Self {
        Self { schema_version: SCHEMA_VERSION, dry_run, releases, unreadable }
    }

    /// How many revisions go.
    #[must_use]
    pub fn going(&self) -> usize {
        self.releases.iter().map(|release| release.going().len()).sum()
    }

    /// Writes what goes and what stays, for a reader: each revision of a single release, else a line a release.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(&self, painter: Painter, columns: Option<u16>, out: &mut impl Write) -> Result<()> {
        let mut sheet = Sheet::new(painter);
        match self.releases.as_slice() {
            [one] => self.one(one, &mut sheet, columns),
            all => Self::many(all, &mut sheet, columns),
        }
        write_unreadable(&self.unreadable, &mut sheet);
        out.write_all(sheet.text.as_bytes())
    }

    /// Writes what was deleted, for a reader.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_result(&self, painter: Painter, out: &mut impl Write) -> Result<()> {
        let mut sheet = Sheet::new(painter);
        let deleted: usize = self.releases.iter().map(Pruned::deleted).sum();
        let of = self.releases.iter().filter(|release| release.deleted() > 0).count();
        match (self.dry_run, deleted) {
            (true, _) => sheet.line(Role::Dim, &format!("{} would be deleted", counted(self.going(), "revision"))),
            (false, 0) => sheet.line(Role::Plain, "nothing was deleted"),
            (false, _) => {
                let text = format!("deleted {} of {}", counted(deleted, "revision"), counted(of, "release"));
                sheet.line(Role::Added, &text);
            }
        }
        out.write_all(sheet.text.as_bytes())
    }

    fn one(&self, one: &Pruned, sheet: &mut Sheet, columns: Option<u16>) {
        let (going, all) = (one.going().len(), one.revisions.len());
        let text = format!("{} of {} may go", going, counted(all, "revision"));
        sheet.head(&one.release, &one.namespace, if going > 0 { Role::Changed } else { Role::Plain }, &text);
        if let Some(reason) = &one.skipped {
            sheet.line(Role::Warning, &format!("! left alone: {reason}"));
        }
        sheet.text.push('\n');
        let mut table = Table::new(&["REVISION", "STATUS", "ACTION", "BECAUSE"]);
        for row in &one.revisions {
            let goes = row.stays.is_none() && one.skipped.is_none();
            table.row(vec![
                Cell::new(Role::Plain, row.revision.to_string()),
                Cell::new(status_role(&row.status), &row.status),
                if goes { Cell::new(Role::Removed, "delete") } else { Cell::new(Role::Dim, "keep") },
                Cell::new(Role::Dim, row.stays.as_deref().unwrap_or_default()),
            ]);
        }
        table.draw(sheet.painter, columns, &mut sheet.text);
    }

    fn many(all: &[Pruned], sheet: &mut Sheet, columns: Option<u16>) {
        let mut table = Table::new(&["NAMESPACE", "RELEASE", "REVISIONS", "DELETE", "NOTE"]);
        let shown = |one: &&Pruned| one.skipped.is_some() || !one.going().is_empty();
        for one in all.iter().filter(shown) {
            table.row(vec![
                Cell::new(Role::Plain, &one.namespace),
                Cell::new(Role::Plain, &one.release),
                Cell::new(Role::Dim, one.revisions.len().to_string()),
                Cell::new(Role::Removed, runs(&one.going())),
                Cell::new(Role::Warning, one.skipped.as_deref().unwrap_or_default()),
            ]);
        }
        if all.iter().any(|one| shown(&one)) {
            table.draw(sheet.painter, columns, &mut sheet.text);
        }
        let quiet = all.iter().filter(|one| !shown(one)).count();
        if quiet > 0 {
            sheet.line(Role::Dim, &format!("{} with nothing to delete", counted(quiet, "release")));
        }
        if all.is_empty() {
            sheet.line(Role::Dim, "there are no releases");
        }
    }
}

/// `1–7, 9`.
fn runs(revisions: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &revision in revisions {
        match runs.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(revision) => *end = revision,
            _ => runs.push((revision, revision)),
        }
    }
    let text = |(start, end): &(u32, u32)| if start == end { start.to_string() } else { format!("{start}–{end}") };
    runs.iter().map(text).collect::<Vec<_>>().join(", ")
}

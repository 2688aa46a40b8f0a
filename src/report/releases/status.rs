//! Where a release stands.

use std::io::{Result, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::report::parts::status_role;
use crate::report::releases::history::Row;
use crate::report::releases::{Command, Owner, SCHEMA_VERSION, Sheet, ago};
use crate::report::style::{Painter, Role};
use crate::upgrade::canary::kept::{Halt, Kept};

/// Where a release stands.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    schema_version: u32,
    /// The release's name.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The deployed revision.
    pub deployed: Option<Row>,
    /// The last revision.
    pub last: Row,
    /// The revisions that were proven good.
    pub proven: Vec<u32>,
    /// The revisions that were found bad.
    pub bad: Vec<u32>,
    /// Who holds the lease.
    pub owner: Option<Owner>,
    /// Why the lease can't be read.
    pub owner_unknown: Option<String>,
    /// The canary that is under way.
    pub canary: Option<Canary>,
    /// Why it is not known whether one is.
    pub canary_unknown: Option<String>,
    /// What a rollback would go back to.
    pub rollback: Option<Target>,
    /// What can be done next.
    pub commands: Vec<Command>,
    /// When all this was seen.
    pub observed: Timestamp,
}

/// What a rollback would go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The revision.
    pub revision: u32,
    /// Whether it was proven good.
    pub proven: bool,
}

/// A canary that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Canary {
    /// The chart that it leads to, with its version.
    pub chart: String,
    /// How many steps have passed.
    pub passed: usize,
    /// How many there are.
    pub steps: usize,
    /// Why it does not go on, where it does not.
    pub halted: Option<Halt>,
    /// The second release, where it runs beside the stable one.
    pub beside: Option<String>,
}

impl Canary {
    /// What is told of a canary beside its release.
    #[must_use]
    pub fn of(kept: &Kept) -> Self {
        Self {
            chart: format!("{}-{}", kept.chart.name, kept.chart.version),
            passed: kept.passed,
            steps: kept.steps.len(),
            halted: kept.halted.clone(),
            beside: kept.stable.as_ref().map(|stable| stable.canary.clone()),
        }
    }

    fn sentence(&self) -> String {
        let beside = self.beside.as_ref().map(|name| format!(", beside it as {name}")).unwrap_or_default();
        let halted = self.halted.as_ref().map(|halt| format!("; {}", halt.reason)).unwrap_or_default();
        format!("to {}, {} of {} steps have passed{beside}{halted}", self.chart, self.passed, self.steps)
    }
}

/// What a view of a release's standing is made of.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The release's name.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The last revision.
    pub last: Row,
    /// When all this was seen.
    pub observed: Timestamp,
}

impl StatusView {
    /// A view in which nothing but the last revision is known.
    #[must_use]
    pub fn new(standing: Standing) -> Self {
        let Standing { release, namespace, last, observed } = standing;
        Self {
            schema_version: SCHEMA_VERSION,
            release,
            namespace,
            deployed: None,
            last,
            proven: Vec::new(),
            bad: Vec::new(),
            owner: None,
            owner_unknown: None,
            canary: None,
            canary_unknown: None,
            rollback: None,
            commands: Vec::new(),
            observed,
        }
    }

    /// Writes it for a reader.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(&self, painter: Painter, out: &mut impl Write) -> Result<()> {
        let mut sheet = Sheet::new(painter);
        let headline = format!("{}, revision {}", self.last.status, self.last.revision);
        sheet.head(&self.release, &self.namespace, status_role(&self.last.status), &headline);
        match &self.deployed {
            Some(row) if row.revision != self.last.revision => {
                self.row(&mut sheet, "last", &self.last);
                self.row(&mut sheet, "deployed", row);
            }
            Some(row) => self.row(&mut sheet, "deployed", row),
            None => {
                self.row(&mut sheet, "last", &self.last);
                sheet.fact("deployed", Role::Warning, "no revision");
            }
        }
        let list = |revisions: &[u32]| revisions.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        match self.proven.is_empty() {
            true => sheet.fact("proven", Role::Dim, "no revision"),
            false => sheet.fact("proven", Role::Added, &list(&self.proven)),
        }
        if !self.bad.is_empty() {
            sheet.fact("bad", Role::Error, &list(&self.bad));
        }
        self.at_work(&mut sheet);
        match (&self.canary, &self.canary_unknown) {
            (Some(canary), _) => sheet.fact("canary", Role::Warning, &canary.sentence()),
            (None, Some(reason)) => sheet.fact("canary", Role::Warning, &format!("not known: {reason}")),
            (None, None) => {}
        }
        match self.rollback {
            Some(Target { revision, proven: true }) => {
                sheet.fact("rollback", Role::Plain, &format!("goes back to revision {revision}, which is proven"));
            }
            Some(Target { revision, proven: false }) => {
                sheet.fact(
                    "rollback",
                    Role::Warning,
                    &format!("would go back to revision {revision}, which nobody has proven"),
                );
            }
            None => sheet.fact("rollback", Role::Dim, "there is no revision to go back to"),
        }
        sheet.commands("Next", &self.commands);
        out.write_all(sheet.text.as_bytes())
    }

    fn at_work(&self, sheet: &mut Sheet) {
        match (&self.owner, &self.owner_unknown) {
            (Some(owner), _) => {
                let sentence = owner.sentence(self.observed);
                match owner.alive {
                    Some(false) => sheet.fact("at work", Role::Warning, &format!("nobody any more; it was {sentence}")),
                    _ => sheet.fact("at work", Role::Warning, &sentence),
                }
            }
            (None, Some(reason)) => sheet.fact("at work", Role::Warning, &format!("not known: {reason}")),
            (None, None) => sheet.fact("at work", Role::Dim, "nobody with helm safe-upgrade"),
        }
    }

    fn row(&self, sheet: &mut Sheet, name: &str, row: &Row) {
        let mut parts = vec![format!("revision {}", row.revision), row.status.clone()];
        if !row.chart.is_empty() {
            parts.push(format!("{}-{}", row.chart, row.chart_version));
        }
        if !row.app_version.is_empty() {
            parts.push(format!("app {}", row.app_version));
        }
        parts.extend(row.updated.map(|time| ago(time, self.observed)));
        if let Some(problem) = &row.problem {
            parts.push(problem.clone());
        }
        if !row.description.is_empty() {
            parts.push(row.description.clone());
        }
        sheet.fact(name, Role::Plain, &parts.join("  "));
    }
}

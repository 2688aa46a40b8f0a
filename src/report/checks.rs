//! What the checklist found: a table grouped by how much it matters, with what passed in one line.

use std::fmt::Write as _;
use std::io::{Result, Write};

use serde::Serialize;

use crate::checks::{Finding, Findings, Severity};
use crate::report::markdown::escape::prose;
use crate::report::releases::{SCHEMA_VERSION, write_json};
use crate::report::style::{Painter, Role};
use crate::report::table::{Cell, Table};

/// The checklist of an upgrade.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChecksView<'a> {
    schema_version: u32,
    /// The release's name.
    pub release: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// The chart that would be applied, with its version.
    pub chart: String,
    /// What was found.
    #[serde(flatten)]
    pub findings: &'a Findings,
}

impl<'a> ChecksView<'a> {
    /// The view of these findings.
    #[must_use]
    pub fn new((release, namespace): (&'a str, &'a str), chart: String, findings: &'a Findings) -> Self {
        Self { schema_version: SCHEMA_VERSION, release, namespace, chart, findings }
    }

    /// Writes it for a reader, on so many terminal columns where that is known.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(&self, painter: Painter, columns: Option<u16>, out: &mut impl Write) -> Result<()> {
        let mut text = String::new();
        painter.paint(&mut text, Role::Heading, "checks");
        painter.paint(&mut text, Role::Plain, &format!(": {}", self.headline()));
        text.push('\n');
        let mut table = Table::new(&["", "CHECK", "ABOUT", "FINDING"]);
        for finding in self.shown() {
            self.rows(finding, &mut table);
        }
        if self.shown().next().is_some() {
            table.draw(painter, columns, &mut text);
        }
        painter.paint(&mut text, Role::Dim, &self.passed());
        text.push('\n');
        out.write_all(text.as_bytes())
    }

    /// Writes it as Markdown. Nothing in it can break out of its place.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_markdown(&self, out: &mut impl Write) -> Result<()> {
        let mut text = format!("### Checks: {}\n\n", self.headline());
        if self.shown().next().is_some() {
            text.push_str("| | Check | About | Finding |\n| --- | --- | --- | --- |\n");
        }
        for finding in self.shown() {
            let Finding { check, resource, message, evidence, hint, .. } = finding;
            let mut cell = prose(message);
            evidence.iter().for_each(|line| _ = write!(cell, "<br>{}", prose(line)));
            hint.iter().for_each(|hint| _ = write!(cell, "<br>Hint: {}", prose(hint)));
            _ = writeln!(text, "| {} | {check} | {} | {cell} |", self.word(finding), prose(resource));
        }
        _ = writeln!(text, "\n{}", self.passed());
        out.write_all(text.as_bytes())
    }

    /// Writes it as JSON (`docs/schema/checks.json`).
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_json(&self, out: &mut impl Write) -> Result<()> {
        write_json(self, out)
    }

    /// What matters, the worst first: all that did not pass.
    fn shown(&self) -> impl Iterator<Item = &Finding> {
        self.findings.findings.iter().filter(|finding| finding.severity != Severity::Pass)
    }

    fn rows(&self, finding: &Finding, table: &mut Table) {
        let role = match finding.severity {
            Severity::Blocker if self.is_accepted(finding) => Role::Warning,
            Severity::Blocker => Role::Error,
            Severity::Unknown | Severity::Warning => Role::Warning,
            Severity::Info | Severity::Pass => Role::Plain,
        };
        table.row(vec![
            Cell::new(role, self.word(finding)),
            Cell::new(Role::Plain, finding.check),
            Cell::new(Role::Plain, &finding.resource),
            Cell::new(Role::Plain, &finding.message),
        ]);
        let mut below = |role, text: String| {
            let nothing = || Cell::new(Role::Plain, "");
            table.row(vec![nothing(), nothing(), nothing(), Cell::new(role, text)]);
        };
        finding.evidence.iter().for_each(|line| below(Role::Dim, line.clone()));
        finding.hint.iter().for_each(|hint| below(Role::Heading, format!("→ {hint}")));
    }

    fn is_accepted(&self, finding: &Finding) -> bool {
        finding.severity == Severity::Blocker && !self.findings.blocked.contains(&finding.check)
    }

    fn word(&self, finding: &Finding) -> String {
        let mark = match finding.severity {
            Severity::Blocker if self.is_accepted(finding) => return "! accepted".to_owned(),
            Severity::Blocker => "✗",
            Severity::Unknown => "?",
            Severity::Warning => "!",
            Severity::Info | Severity::Pass => "·",
        };
        format!("{mark} {}", finding.severity.word())
    }

    /// `1 blocker, 2 warnings, 3 passed`.
    fn headline(&self) -> String {
        let mut parts = Vec::new();
        for severity in Severity::ALL.into_iter().filter(|severity| *severity != Severity::Pass) {
            let count = self.findings.of_severity(severity).count();
            let plural =
                if count == 1 || severity == Severity::Unknown || severity == Severity::Info { "" } else { "s" };
            parts.extend((count > 0).then(|| format!("{count} {}{plural}", severity.word())));
        }
        let passed = self.findings.passed().len();
        parts.extend((passed > 0).then(|| format!("{passed} passed")));
        parts.join(", ")
    }

    fn passed(&self) -> String {
        match self.findings.passed().as_slice() {
            [] => "✓ passed: none".to_owned(),
            names => format!("✓ passed: {}", names.join(", ")),
        }
    }
}

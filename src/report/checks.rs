//! What the checklist found: grouped by how much it matters, with what passed in one line.

use std::fmt::Write as _;
use std::io::{Result, Write};

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::checks::{ALL, Finding, Findings, Severity};
use crate::report::markdown::escape::prose;
use crate::report::releases::{SCHEMA_VERSION, write_json};
use crate::report::style::{Painter, Role, clean};
use crate::report::table::{LEAST_LAST, wrapped};

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

    /// Writes it for a reader, on so many terminal columns where that is known. What passed is counted, or told as well.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(
        &self,
        (painter, columns): (Painter, Option<u16>),
        passed: bool,
        out: &mut impl Write,
    ) -> Result<()> {
        let mut text = String::new();
        painter.paint(&mut text, Role::Heading, "checks");
        painter.paint(&mut text, Role::Plain, &format!(": {}", self.headline()));
        text.push('\n');
        let indent =
            INDENT + self.findings.findings.iter().map(|finding| finding.check.width()).max().unwrap_or(0) + GAP;
        let room = columns.map_or(usize::MAX, |columns| usize::from(columns).saturating_sub(indent).max(LEAST_LAST));
        let page = Page { painter, indent, room };
        for group in Group::ALL.into_iter().filter(|group| passed || *group != Group::Passed) {
            let findings: Vec<&Finding> = self.of(group).collect();
            if !findings.is_empty() {
                painter.paint(&mut text, group.role(), group.title());
                text.push('\n');
            }
            let mut before = "";
            for finding in findings {
                let name = if finding.check == before { "" } else { finding.check };
                page.finding(finding, name, group.role(), &mut text);
                before = finding.check;
            }
        }
        for line in self.off().into_iter().chain(self.folded().filter(|_| !passed)) {
            painter.paint(&mut text, Role::Dim, &line);
            text.push('\n');
        }
        out.write_all(text.as_bytes())
    }

    /// Writes it as Markdown. Nothing in it can break out of its place.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_markdown(&self, out: &mut impl Write) -> Result<()> {
        let mut text = format!("### Checks: {}\n\n", self.headline());
        if self.findings.findings.iter().any(|finding| finding.severity != Severity::Pass) {
            text.push_str("| | Check | About | Finding |\n| --- | --- | --- | --- |\n");
        }
        for group in Group::ALL.into_iter().filter(|group| *group != Group::Passed) {
            for finding in self.of(group) {
                let Finding { check, resource, message, hint, .. } = finding;
                let mut cell = prose(message);
                told(finding).iter().for_each(|line| _ = write!(cell, "<br>{}", prose(line)));
                hint.iter().for_each(|hint| _ = write!(cell, "<br>Hint: {}", prose(hint)));
                _ = writeln!(text, "| {} | {check} | {} | {cell} |", group.title(), prose(resource));
            }
        }
        if let Some(off) = self.off() {
            _ = writeln!(text, "\n{}", prose(&off));
        }
        let passed = self.findings.passed();
        if !passed.is_empty() {
            let names = passed.join(", ");
            _ = writeln!(text, "\n<details><summary>{} passed</summary>\n\n{names}\n\n</details>", passed.len());
        }
        out.write_all(text.as_bytes())
    }

    /// Writes it as JSON (`docs/schema/checks.json`).
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_json(&self, out: &mut impl Write) -> Result<()> {
        write_json(self, out)
    }

    /// The findings of a group, those of one check side by side.
    fn of(&self, group: Group) -> impl Iterator<Item = &Finding> {
        let of_group = self.findings.findings.iter().filter(move |finding| self.group(finding) == group);
        let mut findings: Vec<&Finding> = of_group.collect();
        let rank = |finding: &&Finding| ALL.iter().position(|check| check.name == finding.check);
        findings.sort_by_key(rank);
        findings.into_iter()
    }

    fn group(&self, finding: &Finding) -> Group {
        match finding.severity {
            Severity::Blocker if !self.findings.blocked.contains(&finding.check) => Group::Accepted,
            Severity::Blocker => Group::Blockers,
            Severity::Unknown => Group::Unknown,
            Severity::Warning => Group::Warnings,
            Severity::Info => Group::Infos,
            Severity::Pass => Group::Passed,
        }
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
        let off = self.findings.off.len();
        parts.extend((off > 0).then(|| format!("{off} off")));
        parts.join(", ")
    }

    /// What the configuration leaves out, in one line.
    fn off(&self) -> Option<String> {
        let off = &self.findings.off;
        (!off.is_empty()).then(|| format!("· off, by the configuration: {}", off.join(", ")))
    }

    /// What passed, in one line.
    fn folded(&self) -> Option<String> {
        let passed = self.findings.passed().len();
        (passed > 0).then(|| format!("✓ {passed} passed (--show-passed tells what was looked at)"))
    }
}

/// Before the name of a check, and between it and what was found.
const INDENT: usize = 2;
const GAP: usize = 2;

/// More lines of evidence than these are counted.
const MOST_EVIDENCE: usize = 12;

/// Findings that are shown together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Blockers,
    Accepted,
    Unknown,
    Warnings,
    Infos,
    Passed,
}

impl Group {
    const ALL: [Self; 6] = [Self::Blockers, Self::Accepted, Self::Unknown, Self::Warnings, Self::Infos, Self::Passed];

    fn title(self) -> &'static str {
        match self {
            Self::Blockers => "✗ blocker",
            Self::Accepted => "! accepted",
            Self::Unknown => "? unknown",
            Self::Warnings => "! warning",
            Self::Infos => "· info",
            Self::Passed => "✓ pass",
        }
    }

    fn role(self) -> Role {
        match self {
            Self::Blockers => Role::Error,
            Self::Accepted | Self::Unknown | Self::Warnings => Role::Warning,
            Self::Infos => Role::Heading,
            Self::Passed => Role::Dim,
        }
    }
}

/// How wide things are where findings are written.
struct Page {
    painter: Painter,
    indent: usize,
    room: usize,
}

impl Page {
    /// The name of the check, and beside it what was found, what it was seen by, and what to do about it.
    fn finding(&self, finding: &Finding, name: &str, role: Role, out: &mut String) {
        let about = if finding.resource.is_empty() { String::new() } else { format!("{}: ", finding.resource) };
        let message = clean(&format!("{about}{}", finding.message)).into_owned();
        out.extend(std::iter::repeat_n(' ', INDENT));
        self.painter.paint(out, role, name);
        out.extend(std::iter::repeat_n(' ', self.indent.saturating_sub(INDENT + name.width())));
        let mut first = true;
        let mut lines = |role, text: &str| {
            for line in wrapped(text, self.room) {
                if !std::mem::take(&mut first) {
                    out.extend(std::iter::repeat_n(' ', self.indent));
                }
                self.painter.paint(out, role, &line);
                out.push('\n');
            }
        };
        lines(Role::Plain, &message);
        told(finding).iter().for_each(|line| lines(Role::Dim, &clean(line)));
        finding.hint.iter().for_each(|hint| lines(Role::Heading, &format!("→ {}", clean(hint))));
    }
}

/// The evidence, as much of it as is told.
fn told(finding: &Finding) -> Vec<String> {
    let evidence = &finding.evidence;
    let mut lines: Vec<String> = evidence.iter().take(MOST_EVIDENCE).cloned().collect();
    let left = evidence.len() - lines.len();
    lines.extend((left > 0).then(|| format!("… and {left} more")));
    lines
}

//! What a branch changes in the charts of a repository: one comment, one document, or text.

use std::fmt::Write as _;
use std::io::{Result, Write};

use serde::Serialize;
use serde_json::Value;

use crate::checks::{Finding, Findings, Severity};
use crate::report::markdown::escape::{prose, span};
use crate::report::releases::{SCHEMA_VERSION, write_json};
use crate::report::style::{Painter, Role, clean};
use crate::report::view::View;
use crate::report::wording::shortened;
use crate::report::{json, markdown, text};

/// What a comment of ours begins with; the name keeps apart those of several workflows.
#[must_use]
pub fn marker(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "._".contains(c) { c } else { '_' }).collect();
    format!("<!-- helm-safe-upgrade {name} -->")
}

/// So many findings are told of a chart in a comment.
const MOST_FINDINGS: usize = 20;
/// Bytes of a comment that are kept for what stands above and below the diffs, for each of them.
const FRAME: usize = 300;
/// A row of the table takes so many bytes at most, with names that are not longer than this in characters.
const LONGEST_NAME: usize = 80;
/// So many rows stand in the table of a comment.
const MOST_ROWS: usize = 60;

/// A chart in an environment.
pub struct Item<'a> {
    /// The chart's folder; empty for the repository's root.
    pub chart: &'a str,
    /// The environment's name; empty if there is none.
    pub environment: &'a str,
    /// `added`, `removed` or `changed`.
    pub fate: &'static str,
    /// What differs and what was found, or why it can't be told.
    pub rendered: std::result::Result<(View<'a>, &'a Findings), String>,
}

/// All charts that a branch touches.
pub struct Review<'a> {
    /// The commits that are compared.
    pub commits: (&'a str, &'a str),
    /// The charts.
    pub items: Vec<Item<'a>>,
}

impl Item<'_> {
    /// `charts/web (production)`.
    fn title(&self) -> String {
        let chart = if self.chart.is_empty() { "." } else { self.chart };
        let chart = shortened(chart, LONGEST_NAME);
        if self.environment.is_empty() {
            chart
        } else {
            format!("{chart} ({})", shortened(self.environment, LONGEST_NAME))
        }
    }

    fn version(&self) -> String {
        let Ok((view, _)) = &self.rendered else { return String::new() };
        let (old, new) = (&view.from.chart_version, &view.to.chart_version);
        match self.fate {
            "added" => format!("new, {new}"),
            "removed" => format!("removed, {old}"),
            _ if old == new => old.clone(),
            _ => format!("{old} → {new}"),
        }
    }

    /// `+1 ~2 −1`, `renders the same`, `cannot be rendered`.
    fn objects(&self) -> String {
        let Ok((view, _)) = &self.rendered else { return "cannot be rendered".to_owned() };
        let summary = view.summary;
        let counts = [("+", summary.added), ("~", summary.modified), ("−", summary.removed)];
        let counts: Vec<String> =
            counts.iter().filter(|(_, count)| *count > 0).map(|(sign, count)| format!("{sign}{count}")).collect();
        if counts.is_empty() { "renders the same".to_owned() } else { counts.join(" ") }
    }

    /// `1 blocker, 2 warnings`.
    fn found(&self) -> String {
        let Ok((_, findings)) = &self.rendered else { return String::new() };
        let named = [(Severity::Blocker, "blocker"), (Severity::Warning, "warning")];
        let told = named.iter().filter_map(|(severity, word)| {
            let count = findings.of_severity(*severity).count();
            (count > 0).then(|| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
        });
        told.collect::<Vec<_>>().join(", ")
    }

    /// Whether it renders differently.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.rendered.as_ref().is_ok_and(|(view, _)| !view.is_empty())
    }
}

impl Review<'_> {
    /// Whether anything renders differently.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.items.iter().any(Item::differs)
    }

    /// `2 charts touched: 1 renders differently, 1 can't be rendered`.
    #[must_use]
    pub fn headline(&self) -> String {
        let renders = self.items.len();
        if renders == 0 {
            return "no chart is touched".to_owned();
        }
        let differ = self.items.iter().filter(|item| item.differs()).count();
        let broken = self.items.iter().filter(|item| item.rendered.is_err()).count();
        let plural = if renders == 1 { "" } else { "s" };
        let mut parts = vec![match differ {
            0 => "nothing renders differently".to_owned(),
            1 => "1 renders differently".to_owned(),
            more => format!("{more} render differently"),
        }];
        parts.extend((broken > 0).then(|| format!("{broken} cannot be rendered")));
        format!("{renders} render{plural} of touched charts: {}", parts.join(", "))
    }

    /// Writes the comment, of at most `max_bytes` bytes where the rest can be cut. Nothing in it can break out of its place.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_markdown(&self, name: &str, max_bytes: usize, out: &mut impl Write) -> Result<()> {
        let mut text = format!("{}\n## Helm: {}\n\n", marker(name), self.headline());
        if !self.items.is_empty() {
            text.push_str("| Chart | Version | Objects | Checks |\n| --- | --- | --- | --- |\n");
        }
        let mut rows = 0;
        for item in self.items.iter().take(MOST_ROWS) {
            if text.len() > max_bytes / 4 {
                break;
            }
            let cells = [item.title(), item.version(), item.objects(), item.found()];
            let cells = cells.map(|cell| prose(&shortened(&cell, LONGEST_NAME)));
            _ = writeln!(text, "| {} |", cells.join(" | "));
            rows += 1;
        }
        if self.items.len() > rows {
            _ = writeln!(text, "| and {} more | | | |", self.items.len() - rows);
        }
        text.push('\n');
        let told: Vec<&Item<'_>> = self
            .items
            .iter()
            .filter(|item| item.differs() || !item.found().is_empty() || item.rendered.is_err())
            .collect();
        let bodies = self.bodies(&told, max_bytes.saturating_sub(text.len() + FRAME))?;
        let mut missing = 0;
        for (item, body) in told.iter().zip(&bodies) {
            // A few are seen at once, many are opened one by one.
            let open = if told.len() <= 2 { " open" } else { "" };
            let title = prose(&item.title());
            let block = format!("<details{open}><summary><b>{title}</b></summary>\n\n{body}\n</details>\n\n");
            // The least that a diff takes may be more than there is.
            match text.len() + block.len() + FRAME <= max_bytes {
                true => text.push_str(&block),
                false => missing += 1,
            }
        }
        if missing > 0 {
            _ = writeln!(text, "{missing} more are not shown: the comment would be too long.\n");
        }
        let (old, new) = self.commits;
        _ = writeln!(text, "<sub>{} compared with {}</sub>", span(short(new)), span(short(old)));
        out.write_all(text.as_bytes())
    }

    /// The body of each chart. What a small one leaves of its share is the others'.
    fn bodies(&self, told: &[&Item<'_>], room: usize) -> Result<Vec<String>> {
        let whole: Vec<String> = told.iter().map(|item| body(item, usize::MAX)).collect::<Result<_>>()?;
        if whole.iter().map(|body| body.len() + FRAME).sum::<usize>() <= room {
            return Ok(whole);
        }
        // The small ones first, so that what they leave is known when the large ones have their turn.
        let mut order: Vec<usize> = (0..whole.len()).collect();
        order.sort_by_key(|index| whole[*index].len());
        let mut bodies = whole;
        let mut left = room;
        for (done, index) in order.into_iter().enumerate() {
            let share = (left / (bodies.len() - done)).saturating_sub(FRAME);
            if bodies[index].len() > share {
                bodies[index] = body(told[index], share)?;
            }
            left = left.saturating_sub(bodies[index].len() + FRAME);
        }
        Ok(bodies)
    }

    /// Writes it for a reader.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(&self, painter: Painter, out: &mut impl Write) -> Result<()> {
        let mut head = String::new();
        painter.paint(&mut head, Role::Heading, &self.headline());
        writeln!(out, "{head}")?;
        for item in &self.items {
            let mut line = String::new();
            painter.paint(&mut line, Role::Heading, &clean(&item.title()));
            let told = [item.version(), item.objects(), item.found()];
            let told: Vec<&str> = told.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
            painter.paint(&mut line, Role::Plain, &clean(&format!(": {}", told.join("; "))));
            writeln!(out, "\n{line}")?;
            match &item.rendered {
                Err(message) => {
                    let mut line = String::new();
                    message.lines().for_each(|said| {
                        painter.paint(&mut line, Role::Error, &clean(said));
                        line.push('\n');
                    });
                    out.write_all(line.as_bytes())?;
                }
                Ok((view, findings)) => {
                    if !view.is_empty() {
                        text::write(view, painter, out)?;
                    }
                    for finding in &findings.findings {
                        let mut line = String::new();
                        let role = if finding.severity == Severity::Blocker { Role::Error } else { Role::Plain };
                        painter.paint(
                            &mut line,
                            role,
                            &clean(&format!("{}: {}", finding.severity.word(), told_of(finding))),
                        );
                        writeln!(out, "{line}")?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes it as JSON (`docs/schema/pull-request.json`).
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_json(&self, out: &mut impl Write) -> Result<()> {
        let charts = self.items.iter().map(document).collect::<Result<Vec<_>>>()?;
        let (base, head) = self.commits;
        write_json(&Document { schema_version: SCHEMA_VERSION, base, head, charts }, out)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    base: &'a str,
    head: &'a str,
    charts: Vec<ChartDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChartDocument<'a> {
    chart: &'a str,
    environment: Option<&'a str>,
    fate: &'a str,
    error: Option<&'a str>,
    diff: Option<Value>,
    findings: &'a [Finding],
}

fn document<'i>(item: &'i Item<'_>) -> Result<ChartDocument<'i>> {
    let (error, diff, findings): (_, _, &[Finding]) = match &item.rendered {
        Err(message) => (Some(message.as_str()), None, &[]),
        Ok((view, findings)) => {
            let mut diff = Vec::new();
            json::write(view, &mut diff)?;
            (None, Some(serde_json::from_slice(&diff)?), &findings.findings)
        }
    };
    let environment = Some(item.environment).filter(|name| !name.is_empty());
    Ok(ChartDocument { chart: item.chart, environment, fate: item.fate, error, diff, findings })
}

/// What a comment says of one chart, of about so many bytes at most.
fn body(item: &Item<'_>, most: usize) -> Result<String> {
    let (view, findings) = match &item.rendered {
        Err(message) => {
            let told = message.split_whitespace().collect::<Vec<_>>().join(" ");
            return Ok(format!("Cannot be rendered: {}\n", prose(&told.chars().take(2000).collect::<String>())));
        }
        Ok(rendered) => rendered,
    };
    let mut text = String::new();
    if !findings.findings.is_empty() {
        text.push_str("| | Check | About | Finding |\n| --- | --- | --- | --- |\n");
        for finding in findings.findings.iter().take(MOST_FINDINGS) {
            let cells = [finding.severity.word(), finding.check, &finding.resource, &finding.message];
            let cells = cells.map(|cell| prose(&cell.chars().take(300).collect::<String>()));
            _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        if findings.findings.len() > MOST_FINDINGS {
            _ = writeln!(text, "| | and {} more | | |", findings.findings.len() - MOST_FINDINGS);
        }
        text.push('\n');
    }
    if !view.is_empty() {
        let mut diff = Vec::new();
        markdown::write(view, most.saturating_sub(text.len()), &mut diff)?;
        text.push_str(&String::from_utf8_lossy(&diff));
    }
    Ok(text)
}

fn told_of(finding: &Finding) -> String {
    let about = if finding.resource.is_empty() { String::new() } else { format!("{}: ", finding.resource) };
    format!("{}  {about}{}", finding.check, finding.message)
}

/// A commit as git abbreviates it.
#[must_use]
pub fn short(commit: &str) -> &str {
    commit.get(..8).unwrap_or(commit)
}

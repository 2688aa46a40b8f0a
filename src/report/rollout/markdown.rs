//! The report of a run as Markdown, for a comment or a job's summary.

use std::fmt::Write as _;

use super::table::span;
use crate::report::markdown::escape::prose as inline;
use crate::upgrade::event::Report;

/// The report. Nothing in it can break out of its place.
#[must_use]
pub fn report(report: &Report) -> String {
    let mut out = format!("### {}\n\n", inline(&report.summary));
    for reason in &report.reasons {
        _ = writeln!(out, "- {}", inline(reason));
    }
    let told = [
        ("Likely cause", &report.cause),
        ("Hint", &report.hint),
        ("Evidence", &report.evidence),
        ("Archive", &report.archive),
    ];
    for (name, text) in told {
        if let Some(text) = text {
            _ = writeln!(out, "- {name}: {}", inline(text));
        }
    }
    if !report.parts.is_empty() {
        out.push_str("\n| Part | Result | Time |\n| --- | --- | ---: |\n");
        for part in &report.parts {
            _ = writeln!(out, "| {} | {} | {} |", inline(&part.name), inline(&part.result), span(part.seconds));
        }
    }
    if !report.next.is_empty() {
        out.push_str("\nNext:\n\n");
        report.next.iter().for_each(|next| _ = writeln!(out, "- {}", inline(next)));
    }
    out
}

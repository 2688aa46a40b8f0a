//! The report of a batch as one page, with all it needs inside: nothing is requested, and nothing can run.

use std::io::{Result, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use super::{charts, revisions, role, took, why};
use crate::report::markup::escaped;
use crate::report::style::Role;
use crate::upgrade::batch::Outcome;
use crate::upgrade::batch::kept::{Entry, Kept};

const STYLE: &str = include_str!("page.css");

/// Writes the page.
pub(super) fn write(
    (title, summary): (&str, &str),
    entries: &[&Entry],
    kept: &Kept,
    out: &mut impl Write,
) -> Result<()> {
    let hash = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{hash}'; \
         base-uri 'none'; form-action 'none'\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Batch {title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>Batch {title}</h1>\n\
         <p class=\"summary\">{}</p>\n<ul class=\"counts\">\n",
        escaped(summary),
        title = escaped(title),
    )?;
    for outcome in Outcome::ALL {
        let count = kept.count(outcome);
        if count > 0 {
            writeln!(out, "<li class=\"{}\"><b>{count}</b> {}</li>", class(role(outcome)), outcome.words())?;
        }
    }
    write!(
        out,
        "</ul>\n<table>\n<thead><tr><th>Release</th><th>Result</th><th>Chart</th><th>Revision</th><th>Time</th><th>Why</th>\
         </tr></thead>\n<tbody>\n"
    )?;
    for entry in entries {
        row(entry, out)?;
    }
    let by = format!("by {}, begun {:.0}", kept.by, kept.started);
    writeln!(out, "</tbody>\n</table>")?;
    for line in &kept.left_out {
        writeln!(out, "<p class=\"warning\">{}</p>", escaped(line))?;
    }
    write!(out, "<p class=\"dim\">{}</p>\n</body>\n</html>\n", escaped(&by))
}

fn row(entry: &Entry, out: &mut impl Write) -> Result<()> {
    let (class, words) = match entry.outcome {
        Some(outcome) => (class(role(outcome)), outcome.words()),
        None => ("dim", "not begun"),
    };
    let place = [entry.id.context.as_deref(), Some(entry.id.namespace.as_str())];
    let place = place.into_iter().flatten().collect::<Vec<_>>().join(" / ");
    write!(
        out,
        "<tr><td>{}<br><span class=\"dim\">{}</span></td><td class=\"{class}\">{words}</td><td>{}</td><td>{}</td><td>{}</td><td>{}",
        escaped(&entry.id.release),
        escaped(&place),
        escaped(&charts(entry.from_chart.as_deref(), entry.to_chart.as_deref())),
        revisions(entry),
        took(entry),
        escaped(&why(entry)),
    )?;
    if let Some(evidence) = &entry.evidence {
        write!(out, "<br><span class=\"dim\">evidence: {}</span>", escaped(evidence))?;
    }
    writeln!(out, "</td></tr>")
}

fn class(role: Role) -> &'static str {
    match role {
        Role::Added => "good",
        Role::Error => "bad",
        Role::Warning => "warning",
        _ => "dim",
    }
}

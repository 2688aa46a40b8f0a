//! What is said of a comparison with the cluster: how it was made, and who made a difference.

use serde::Serialize;

use crate::diff::live::report::{Compare, LiveReport, Problem};
use crate::diff::live::{Drift, EqualValue, Means};
use crate::manifest::identity::ObjectId;
use crate::manifest::managed_fields::Writer;
use crate::report::wording::{counted, moment};

/// More reasons for no dry run are only counted.
const MOST_SHOWN: usize = 3;

/// How it was compared, a line each.
pub(super) fn comparison(report: &LiveReport) -> Vec<String> {
    const FIELDS: &str = "compared by the fields that the manifest sets";
    let mut lines = vec![match (report.wanted, report.dry_runs) {
        (Compare::Apply, _) => "compared by a dry run of the apply".to_owned(),
        (Compare::Fields, _) | (Compare::Auto, 0) => FIELDS.to_owned(),
        (Compare::Auto, count) => format!("{FIELDS}; {} by a dry run of the apply too", counted(count, "object")),
    }];
    let reasons = &report.without_dry_run;
    if !reasons.is_empty() {
        lines.push(format!("no dry run: {}", several(reasons)));
    }
    if !report.equal.is_empty() {
        lines.push(equal(&report.equal));
    }
    lines
}

/// The values that are spelled in two ways, with the first of them.
fn equal(values: &[(ObjectId, EqualValue)]) -> String {
    let Some((id, EqualValue { location, declared, live })) = values.first() else { return String::new() };
    let others = match values.len() {
        1 => String::new(),
        count => format!("; and {} more", count - 1),
    };
    format!("equal in another spelling: {declared} = {live} at {location} of {id}{others}")
}

fn several(texts: &[String]) -> String {
    let shown = texts[..texts.len().min(MOST_SHOWN)].join("; ");
    if texts.len() > MOST_SHOWN { format!("{shown}; and {} more", texts.len() - MOST_SHOWN) } else { shown }
}

/// What became of an object.
pub(super) fn fate(missing: bool) -> &'static str {
    if missing { "missing in the cluster" } else { "changed in the cluster" }
}

/// Who made a change: `by kubectl-edit, 2026-11-21 10:03:00`.
pub(super) fn by(writers: &[Writer]) -> String {
    if writers.is_empty() {
        return "by whom is not recorded".to_owned();
    }
    let writer = |writer: &Writer| {
        let through = writer.subresource.as_ref().map(|name| format!(" through {name}")).unwrap_or_default();
        let time = writer.time.as_ref().map(|time| format!(", {}", moment(time))).unwrap_or_default();
        format!("{}{through}{time}", writer.manager)
    };
    format!("by {}", writers.iter().map(writer).collect::<Vec<_>>().join(" and "))
}

/// Who made which of an object's changes: each author once, with the places.
pub(super) fn authors(drift: &Drift) -> Vec<(String, Vec<&str>)> {
    let mut authors: Vec<(String, Vec<&str>)> = Vec::new();
    let mut places: std::collections::HashMap<&[Writer], usize> = std::collections::HashMap::new();
    for written in &drift.written {
        let place = *places.entry(&written.writers).or_insert_with(|| {
            authors.push((by(&written.writers), Vec::new()));
            authors.len() - 1
        });
        let location = if written.location.is_empty() { "." } else { &written.location };
        authors[place].1.push(location);
    }
    authors
}

/// The comparison as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LiveRow<'a> {
    server: &'a str,
    compare: &'static str,
    compared: usize,
    dry_runs: usize,
    without_dry_run: &'a [String],
    problems: Vec<ProblemRow<'a>>,
    equal: Vec<EqualRow<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProblemRow<'a> {
    #[serde(flatten)]
    object: Named<'a>,
    reason: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EqualRow<'a> {
    #[serde(flatten)]
    object: Named<'a>,
    location: &'a str,
    declared: &'a str,
    live: &'a str,
}

/// An object's name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Named<'a> {
    api_version: String,
    kind: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
}

impl<'a> Named<'a> {
    fn of(id: &'a ObjectId) -> Self {
        Self { api_version: id.api_version(), kind: &id.kind, namespace: id.namespace.as_deref(), name: &id.name }
    }
}

impl<'a> LiveRow<'a> {
    pub(super) fn of(report: &'a LiveReport) -> Self {
        let problem = |problem: &'a Problem| ProblemRow { object: Named::of(&problem.id), reason: &problem.reason };
        let equal = |(id, value): &'a (ObjectId, EqualValue)| EqualRow {
            object: Named::of(id),
            location: &value.location,
            declared: &value.declared,
            live: &value.live,
        };
        Self {
            server: &report.server,
            compare: report.wanted.name(),
            compared: report.compared,
            dry_runs: report.dry_runs,
            without_dry_run: &report.without_dry_run,
            problems: report.problems.iter().map(problem).collect(),
            equal: report.equal.iter().map(equal).collect(),
        }
    }
}

/// Who made a change, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WriterRow<'a> {
    manager: &'a str,
    operation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subresource: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
}

impl<'a> WriterRow<'a> {
    pub(super) fn all(writers: &'a [Writer]) -> Vec<Self> {
        let row = |writer: &'a Writer| Self {
            manager: &writer.manager,
            operation: &writer.operation,
            subresource: writer.subresource.as_deref(),
            time: writer.time.as_deref(),
        };
        writers.iter().map(row).collect()
    }
}

/// By what an object was compared, as JSON.
pub(super) fn means(drift: &Drift) -> &'static str {
    match drift.means {
        Means::DryRun => "dry-run",
        Means::Fields => "fields",
    }
}

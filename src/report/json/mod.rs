//! A diff as one JSON document. Its schema is `docs/schema/revdiff.json`.

mod overview;

use serde::Serialize;

use crate::diff::changes::{Change, Op};
use crate::diff::live::Drift;
use crate::diff::overrides::DeadOverride;
use crate::diff::regenerated::Regenerated;
use crate::diff::release::Both;
use crate::diff::resources;
use crate::manifest::embedded::Format;
use crate::manifest::emit::{self, Lead};
use crate::manifest::node::Node;
use crate::report::escape::Escaping;
use crate::report::live::{self, LiveRow, WriterRow};
use crate::report::style::clean;
use crate::report::view::{Crds, Resource, Revision, Subject, View};

/// The version of the document's form. It grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// Writes the document, indented, with a newline at its end.
///
/// # Errors
/// If the writer fails.
pub fn write(view: &View<'_>, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Escaping::default());
    Document::of(view).serialize(&mut serializer).map_err(std::io::Error::from)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    release: Option<&'a str>,
    namespace: Option<&'a str>,
    notices: &'a [String],
    from: Side<'a>,
    to: Side<'a>,
    summary: Summary,
    key_differences: Vec<overview::KeyRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    impact: Option<overview::ImpactRow<'a>>,
    resources: Vec<ResourceRow<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    regenerated: Vec<RegeneratedRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<LiveRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crds: Option<CrdRows<'a>>,
    values: Vec<Operation<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dead_overrides: Vec<DeadRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    computed_values: Option<Vec<Operation<'a>>>,
    defaults: Vec<Operation<'a>>,
    chart: Chart<'a>,
    notes: Notes<'a>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Side<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    chart: Option<ChartFields<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    revision: Option<RevisionFields<'a>>,
}

/// A chart, as it was named and as it names itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChartFields<'a> {
    chart: &'a str,
    chart_name: &'a str,
    chart_version: &'a str,
    app_version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RevisionFields<'a> {
    revision: u32,
    status: &'a str,
    chart: &'a str,
    chart_version: &'a str,
    app_version: &'a str,
    updated: &'a str,
    description: &'a str,
}

/// Writes the same document as YAML. Characters that could steer a terminal are shown as in text (`\u{1b}`); JSON keeps
/// them, escaped.
///
/// # Errors
/// If the writer fails.
pub fn write_yaml(view: &View<'_>, out: &mut impl std::io::Write) -> std::io::Result<()> {
    // By way of text, so that the fields keep their order.
    let document = serde_json::to_vec(&Document::of(view)).map_err(std::io::Error::from)?;
    let node: Node = serde_json::from_slice(&document).map_err(std::io::Error::from)?;
    let mut written = Ok(());
    emit::write(&node, &Lead::root(), &mut |line| {
        if written.is_ok() {
            written = writeln!(out, "{}", clean(&line));
        }
    });
    written
}

#[derive(Serialize)]
struct Summary {
    added: usize,
    removed: usize,
    modified: usize,
    unchanged: usize,
    suppressed: usize,
    ignored: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceRow<'a> {
    api_version: String,
    kind: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
    hook: bool,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_api_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notices: &'a [String],
    /// By what it was compared with the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    compared_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    changes: Vec<Operation<'a>>,
}

#[derive(Serialize)]
struct CrdRows<'a> {
    unchanged: usize,
    resources: Vec<ResourceRow<'a>>,
    problems: Vec<CrdProblemRow<'a>>,
}

#[derive(Serialize)]
struct CrdProblemRow<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    reason: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RegeneratedRow<'a> {
    api_version: String,
    kind: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
    hook: bool,
    paths: &'a [String],
    restarts: bool,
}

#[derive(Serialize)]
struct Operation<'a> {
    path: &'a str,
    op: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<&'a Node>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<&'a Node>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    origins: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<Vec<Operation<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Vec<WriterRow<'a>>>,
}

#[derive(Serialize)]
struct DeadRow<'a> {
    location: &'a str,
    gone: &'a str,
    origins: &'a [String],
}

#[derive(Serialize)]
struct Chart<'a> {
    changed: bool,
    changes: Vec<Operation<'a>>,
}

#[derive(Serialize)]
struct Notes<'a> {
    changed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<&'a str>,
}

impl<'a> Document<'a> {
    fn of(view: &'a View<'_>) -> Self {
        let notes_changed = view.notes_changed();
        let no_release = matches!(view.subject, Subject::Files(_) | Subject::Charts(_));
        Self {
            schema_version: SCHEMA_VERSION,
            release: (!no_release).then_some(view.to.release.as_str()),
            namespace: (!no_release).then_some(view.to.namespace.as_str()),
            notices: &view.notices,
            from: side(&view.subject, &view.from, |names| &names.old),
            to: match &view.subject {
                Subject::Live(report) => Side { cluster: Some(&report.server), ..Side::default() },
                subject => side(subject, &view.to, |names| &names.new),
            },
            summary: Summary {
                added: view.summary.added,
                removed: view.summary.removed,
                modified: view.summary.modified,
                unchanged: view.summary.unchanged,
                suppressed: view.summary.suppressed,
                ignored: view.summary.ignored,
            },
            key_differences: view.key_differences.iter().map(overview::key_difference).collect(),
            impact: view.impact.as_ref().map(overview::impact),
            resources: view.resources.iter().map(row).collect(),
            regenerated: view.regenerated.iter().map(regenerated).collect(),
            live: match &view.subject {
                Subject::Live(report) => Some(LiveRow::of(report)),
                _ => None,
            },
            crds: view.crds.as_ref().map(crds),
            values: operations(&view.values.changes),
            dead_overrides: view.dead_overrides.iter().map(dead).collect(),
            defaults: operations(&view.defaults.changes),
            computed_values: view.computed_values.as_ref().map(|section| operations(&section.changes)),
            chart: Chart { changed: !view.chart.changes.is_empty(), changes: operations(&view.chart.changes) },
            notes: Notes {
                changed: notes_changed,
                old: notes_changed.then_some(view.notes.old.as_str()),
                new: notes_changed.then_some(view.notes.new.as_str()),
            },
        }
    }
}

fn side<'a>(subject: &'a Subject, revision: &'a Revision, name: fn(&Both<String>) -> &String) -> Side<'a> {
    match subject {
        Subject::Files(names) => return Side { file: Some(name(names)), ..Side::default() },
        Subject::Charts(names) => {
            let chart = ChartFields {
                chart: name(names),
                chart_name: &revision.chart,
                chart_version: &revision.chart_version,
                app_version: &revision.app_version,
            };
            return Side { chart: Some(chart), ..Side::default() };
        }
        Subject::Install if revision.release.is_empty() => return Side::default(),
        _ => {}
    }
    let named = *subject == Subject::Releases;
    Side {
        release: named.then_some(revision.release.as_str()),
        namespace: named.then_some(revision.namespace.as_str()),
        revision: Some(RevisionFields {
            revision: revision.revision,
            status: &revision.status,
            chart: &revision.chart,
            chart_version: &revision.chart_version,
            app_version: &revision.app_version,
            updated: &revision.updated,
            description: &revision.description,
        }),
        ..Side::default()
    }
}

fn row<'a>(resource: &'a Resource<'_>) -> ResourceRow<'a> {
    let id = &resource.object.id;
    ResourceRow {
        api_version: id.api_version(),
        kind: &id.kind,
        namespace: id.namespace.as_deref(),
        name: &id.name,
        hook: resource.object.hook,
        change: match resource.change {
            resources::Change::Added => "added",
            resources::Change::Removed => "removed",
            resources::Change::Modified => "modified",
        },
        old_api_version: resource.old_api_version.as_deref(),
        old_name: resource.old_name.as_deref(),
        source: resource.object.source.as_deref(),
        problem: resource.object.problem.as_deref(),
        notices: &resource.object.notices,
        compared_by: resource.drift.map(live::means),
        note: resource.drift.and_then(|drift| drift.note.as_deref()),
        changes: match resource.drift {
            Some(drift) => written(&resource.changes, drift),
            None => operations(&resource.changes),
        },
    }
}

/// The operations, each with who made it.
fn written<'a>(changes: &'a [Change<'_>], drift: &'a Drift) -> Vec<Operation<'a>> {
    let mut rows = operations(changes);
    for (row, writers) in rows.iter_mut().zip(drift.writers_of(changes)) {
        row.by = Some(WriterRow::all(writers));
    }
    rows
}

fn crds<'a>(crds: &'a Crds<'_>) -> CrdRows<'a> {
    let problems = crds.problems.iter().map(|problem| CrdProblemRow {
        file: &problem.file,
        name: problem.id.as_ref().map(|id| id.name.as_str()),
        reason: &problem.reason,
    });
    CrdRows {
        unchanged: crds.unchanged,
        resources: crds.resources.iter().map(row).collect(),
        problems: problems.collect(),
    }
}

fn regenerated(one: &Regenerated) -> RegeneratedRow<'_> {
    RegeneratedRow {
        api_version: one.object.api_version(),
        kind: &one.object.kind,
        namespace: one.object.namespace.as_deref(),
        name: &one.object.name,
        hook: one.hook,
        paths: &one.paths,
        restarts: one.restarts,
    }
}

fn dead(one: &DeadOverride) -> DeadRow<'_> {
    DeadRow { location: &one.location, gone: &one.gone, origins: &one.origins }
}

fn operations<'a>(changes: &'a [Change<'_>]) -> Vec<Operation<'a>> {
    changes
        .iter()
        .map(|change| Operation {
            path: &change.path,
            op: match change.op {
                Op::Add => "add",
                Op::Remove => "remove",
                Op::Replace => "replace",
                Op::Move => "move",
            },
            from: change.from.as_deref(),
            old: change.old,
            new: change.new,
            origins: &change.origins,
            format: change.within.as_ref().map(|inner| match inner.format {
                Format::Json => "json",
                Format::Yaml => "yaml",
            }),
            within: change.within.as_ref().map(|inner| operations(&inner.changes)),
            by: None,
        })
        .collect()
}

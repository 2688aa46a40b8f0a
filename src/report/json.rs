//! A diff as one JSON document. Its schema is `docs/schema/revdiff.json`.

use serde::Serialize;

use crate::diff::changes::{Change, Op};
use crate::diff::resources;
use crate::manifest::node::Node;
use crate::report::view::{Resource, Revision, View};

/// The version of the document's form. It grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// Writes the document, indented, with a newline at its end.
///
/// # Errors
/// If the writer fails.
pub fn write(view: &View<'_>, out: &mut impl std::io::Write) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Document::of(view)).map_err(std::io::Error::from)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    release: &'a str,
    namespace: &'a str,
    from: Side<'a>,
    to: Side<'a>,
    summary: Summary,
    resources: Vec<ResourceRow<'a>>,
    values: Vec<Operation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    computed_values: Option<Vec<Operation<'a>>>,
    chart: Chart<'a>,
    notes: Notes<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Side<'a> {
    revision: u32,
    status: &'a str,
    chart: &'a str,
    chart_version: &'a str,
    app_version: &'a str,
    updated: &'a str,
    description: &'a str,
}

#[derive(Serialize)]
struct Summary {
    added: usize,
    removed: usize,
    modified: usize,
    unchanged: usize,
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
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
    changes: Vec<Operation<'a>>,
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
        let notes_changed = view.notes.changed();
        Self {
            schema_version: SCHEMA_VERSION,
            release: view.release,
            namespace: view.namespace,
            from: side(&view.from),
            to: side(&view.to),
            summary: Summary {
                added: view.summary.added,
                removed: view.summary.removed,
                modified: view.summary.modified,
                unchanged: view.summary.unchanged,
            },
            resources: view.resources.iter().map(row).collect(),
            values: operations(&view.values.changes),
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

fn side(revision: &Revision) -> Side<'_> {
    Side {
        revision: revision.revision,
        status: &revision.status,
        chart: &revision.chart,
        chart_version: &revision.chart_version,
        app_version: &revision.app_version,
        updated: &revision.updated,
        description: &revision.description,
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
        source: resource.object.source.as_deref(),
        problem: resource.object.problem.as_deref(),
        changes: operations(&resource.changes),
    }
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
        })
        .collect()
}

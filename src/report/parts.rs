//! What stands beside the objects on a page: the revisions, tables above the objects, and sections below them. All
//! formats that make a page show the same ones, in the same order and under the same titles.

use crate::diff::changes::{Change, Op};
use crate::diff::impact::Impact;
use crate::diff::key_differences::KeyDifference;
use crate::diff::lines::Hunk;
use crate::diff::overrides::DeadOverride;
use crate::diff::regenerated::Regenerated;
use crate::report::chart;
use crate::report::impact::{self, footnotes, growth};
use crate::report::key_differences::{label, namespaces, objects, severity};
use crate::report::live::comparison;
use crate::report::style::Role;
use crate::report::view::{Revision, Subject, View};
use crate::report::wording::{chart_of, moment, shortened};

/// Longer descriptions of revisions are cut, in characters; JSON has all of them.
const LONGEST_DESCRIPTION: usize = 120;

/// A titled part of the page.
pub(super) struct Part<'a> {
    /// Its title.
    pub(super) title: &'static str,
    /// What is in it.
    pub(super) body: Body<'a>,
    /// Sentences below it.
    pub(super) notes: Vec<&'static str>,
}

/// What is in a part.
pub(super) enum Body<'a> {
    /// Lines that changed.
    Hunks(&'a [Hunk]),
    /// Cells.
    Table(Table),
}

/// A table.
pub(super) struct Table {
    /// The columns' names; none if they speak for themselves.
    pub(super) head: Vec<&'static str>,
    /// The rows, each as wide as the head.
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A cell of a table.
pub(super) struct Cell {
    /// What it is.
    pub(super) role: Role,
    /// Its text.
    pub(super) text: String,
}

impl Cell {
    pub(super) fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, text: text.into() }
    }
}

/// The revisions that are compared, a row each; none if files are.
pub(super) fn revisions(view: &View<'_>) -> Option<Table> {
    let sides = match &view.subject {
        Subject::Files(_) => return None,
        Subject::Charts(names) => return Some(charts([(&names.old, &view.from), (&names.new, &view.to)])),
        Subject::Install => vec![&view.to],
        Subject::Live(_) => vec![&view.from],
        _ => vec![&view.from, &view.to],
    };
    let head = vec!["Revision", "Status", "Chart", "App version", "Updated", "Description"];
    Some(Table { head, rows: sides.into_iter().map(revision).collect() })
}

/// Two charts, as they were named and as they name themselves.
fn charts(charts: [(&String, &Revision); 2]) -> Table {
    let row = |(named, chart): (&String, &Revision)| {
        vec![
            Cell::new(Role::Plain, named),
            Cell::new(Role::Plain, chart_of(chart)),
            Cell::new(Role::Plain, &chart.app_version),
        ]
    };
    Table { head: vec!["Named", "Chart", "App version"], rows: charts.into_iter().map(row).collect() }
}

fn revision(side: &Revision) -> Vec<Cell> {
    vec![
        Cell::new(Role::Plain, side.revision.to_string()),
        Cell::new(status_role(&side.status), &side.status),
        Cell::new(Role::Plain, chart_of(side)),
        Cell::new(Role::Plain, &side.app_version),
        Cell::new(Role::Dim, moment(&side.updated)),
        Cell::new(Role::Dim, shortened(&side.description, LONGEST_DESCRIPTION)),
    ]
}

/// What is to be said before all else: notices as warnings, and how it was compared with a cluster.
pub(super) fn said(view: &View<'_>) -> Vec<Cell> {
    let mut said: Vec<Cell> = view.notices.iter().map(|notice| Cell::new(Role::Warning, notice)).collect();
    if let Subject::Live(report) = &view.subject {
        said.extend(comparison(report).into_iter().map(|line| Cell::new(Role::Dim, line)));
    }
    said
}

/// What a status means to a reader.
pub(super) fn status_role(status: &str) -> Role {
    match status {
        "deployed" => Role::Added,
        "failed" => Role::Error,
        pending if pending.starts_with("pending") => Role::Warning,
        _ => Role::Dim,
    }
}

/// The parts above the objects.
pub(super) fn above<'a>(view: &'a View<'_>) -> Vec<Part<'a>> {
    if view.is_empty() {
        return Vec::new();
    }
    let mut parts = vec![
        Part::table("Key differences", key_differences(&view.key_differences)),
        Part::table("Made anew at each render", regenerated(view.regenerated)),
    ];
    if let Some(impact) = &view.impact {
        let notes = footnotes(impact);
        parts.insert(1, Part { title: "Resource impact", body: Body::Table(cost(impact)), notes });
    }
    parts.into_iter().filter(|part| !part.is_empty()).collect()
}

/// The key differences, a row each.
fn key_differences(all: &[KeyDifference]) -> Table {
    let elsewhere = namespaces(all);
    let rows = all.iter().map(|one| {
        let (role, word) = severity(one.severity);
        vec![
            Cell::new(role, word),
            Cell::new(role, label(one.topic)),
            Cell::new(Role::Heading, objects(one, elsewhere)),
            Cell::new(role, one.text()),
        ]
    });
    Table { head: vec!["", "About", "Object", "Difference"], rows: rows.collect() }
}

/// What the change costs: a row for each resource of a workload, without columns in which there is nothing.
fn cost(impact: &Impact) -> Table {
    let mut head = vec!["Workload", "Resource"];
    head.extend(["Requests before", "after", "ratio", "peak", "Limits before", "after", "ratio", "peak"]);
    let (mut rows, mut workload) = (Vec::new(), String::new());
    for row in impact::rows(impact, usize::MAX) {
        let Some(cells) = row.cells else {
            workload = format!("{}: {}", row.name, row.note).trim_end_matches(": ").to_owned();
            continue;
        };
        // The workload stands in the first of its rows.
        let mut line = vec![Cell::new(Role::Heading, std::mem::take(&mut workload)), Cell::new(Role::Plain, row.name)];
        for ([before, after, ratio, peak], grown) in cells.into_iter().zip(row.ratios) {
            line.push(Cell::new(Role::Dim, before));
            line.push(Cell::new(Role::Plain, after));
            line.push(Cell::new(growth(grown), ratio));
            line.push(Cell::new(Role::Dim, peak));
        }
        rows.push(line);
    }
    let used: Vec<bool> = (0..head.len()).map(|at| rows.iter().any(|row| !row[at].text.is_empty())).collect();
    let mut keep = used.iter().cycle();
    head.retain(|_| *keep.next().unwrap_or(&true));
    for row in &mut rows {
        let mut keep = used.iter();
        row.retain(|_| *keep.next().unwrap_or(&true));
    }
    Table { head, rows }
}

/// What the chart makes anew at each render, a row an object.
fn regenerated(all: &[Regenerated]) -> Table {
    let rows = all.iter().map(|one| {
        let values = if one.paths.is_empty() { "its name".to_owned() } else { one.paths.join(", ") };
        let restarts = if one.restarts { "restarts with every upgrade" } else { "" };
        vec![
            Cell::new(Role::Heading, one.object.to_string()),
            Cell::new(Role::Plain, values),
            Cell::new(Role::Warning, restarts),
        ]
    });
    Table { head: vec!["Object", "Values", ""], rows: rows.collect() }
}

/// The parts below the objects.
pub(super) fn below<'a>(view: &'a View<'_>) -> Vec<Part<'a>> {
    let computed = view.computed_values.as_ref().map_or(&[][..], |section| &section.hunks);
    let hunks = |title, hunks: &'a [Hunk]| Part { title, body: Body::Hunks(hunks), notes: Vec::new() };
    let parts = [
        hunks("Values (user-supplied)", &view.values.hunks),
        Part::table("Where these values come from", origins(&view.origins)),
        Part::table("Values that the new chart has no default for any more", dead(view.dead_overrides)),
        hunks("Values (computed)", computed),
        Part::table("Chart", fields(&view.chart.changes)),
        Part::table("Chart defaults", fields(&view.defaults.changes)),
        hunks("Notes", &view.notes_hunks),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect()
}

impl Part<'_> {
    fn table(title: &'static str, table: Table) -> Self {
        Self { title, body: Body::Table(table), notes: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        match &self.body {
            Body::Hunks(hunks) => hunks.is_empty(),
            Body::Table(table) => table.rows.is_empty(),
        }
    }
}

/// The files and flags that set values of the user, and which.
fn origins(all: &[(String, Vec<String>)]) -> Table {
    let row = |(origin, places): &(String, Vec<String>)| {
        vec![Cell::new(Role::Heading, origin), Cell::new(Role::Plain, places.join(", "))]
    };
    Table { head: vec!["Set by", "Values"], rows: all.iter().map(row).collect() }
}

/// Values of the user that mean nothing to the new chart.
fn dead(all: &[DeadOverride]) -> Table {
    let row = |one: &DeadOverride| {
        vec![
            Cell::new(Role::Warning, &one.location),
            Cell::new(Role::Plain, &one.gone),
            Cell::new(Role::Dim, one.origins.join(", ")),
        ]
    };
    Table { head: vec!["Value", "Gone", "Set by"], rows: all.iter().map(row).collect() }
}

/// The chart's metadata or its defaults, a row a field.
fn fields(changes: &[Change<'_>]) -> Table {
    let rows = chart::rows(changes).into_iter().map(|row| {
        let change = match row.op {
            Op::Add => Cell::new(Role::Added, "added"),
            Op::Remove => Cell::new(Role::Removed, "removed"),
            Op::Replace => Cell::new(Role::Changed, "changed"),
            Op::Move => Cell::new(Role::Changed, "moved"),
        };
        vec![
            change,
            Cell::new(Role::Plain, row.location),
            Cell::new(Role::Removed, row.old.unwrap_or_default()),
            Cell::new(Role::Added, row.new.unwrap_or_default()),
        ]
    });
    Table { head: vec!["", "Field", "Before", "After"], rows: rows.collect() }
}

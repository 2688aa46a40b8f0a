//! The words of the impact: amounts, ratios, and what is to be known of a workload's pods.

use crate::diff::impact::{Bound, Impact, Line, Range, Scale, Workload};
use crate::manifest::quantity::Quantity;
use crate::report::style::Role;

/// The columns of one bound: before, after, ratio, peak.
pub(super) type Cells = [String; 4];

/// A line of the table.
pub(super) struct Row {
    /// A resource; in the head of a block the workload.
    pub(super) name: String,
    /// What is said beside it.
    pub(super) note: String,
    /// Requests, then limits; none in the head of a block.
    pub(super) cells: Option<[Cells; 2]>,
    /// The ratios of requests and limits.
    pub(super) ratios: [Option<f64>; 2],
}

/// The lines of the table: a block for each workload whose amounts differ, so many at most, and one for the total.
pub(super) fn rows(impact: &Impact, most: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let differing = differing(impact);
    for workload in differing.iter().take(most) {
        rows.push(Row::head(workload.object.to_string(), pods(workload)));
        rows.extend(block(&workload.lines));
    }
    if differing.len() > most {
        rows.push(Row::head(format!("and {} more", differing.len() - most), "-o json has all".to_owned()));
    }
    // Of one workload the total is the same again.
    let alone = impact.summed == 1 && differing.iter().any(|one| one.scale.runs_always());
    let tells = impact.total.iter().any(|line| line.differs() || line.peaks());
    if !alone && tells && !differing.is_empty() {
        let of = if impact.summed == 1 { "1 workload".to_owned() } else { format!("{} workloads", impact.summed) };
        rows.push(Row::head("total".to_owned(), format!("of {of} that change")));
        rows.extend(block(&impact.total));
    }
    rows
}

/// The workloads whose amounts differ.
fn differing(impact: &Impact) -> Vec<&Workload> {
    impact.workloads.iter().filter(|one| one.lines.iter().any(Line::differs)).collect()
}

/// What is to be said below the table.
pub(super) fn footnotes(impact: &Impact) -> Vec<&'static str> {
    let differing = differing(impact);
    let notes = [
        (Scale::PerNode, "a DaemonSet is shown for one node, and not in the total"),
        (Scale::Job, "a Job is not in the total: it ends"),
        (Scale::CronJob, "a CronJob is shown for one run, and not in the total"),
    ];
    let told = notes.into_iter().filter(|(scale, _)| differing.iter().any(|one| one.scale == *scale));
    told.map(|(_, note)| note).collect()
}

impl Row {
    fn head(name: String, note: String) -> Self {
        Self { name, note, cells: None, ratios: [None, None] }
    }
}

/// A line for each resource: what is requested and what is the limit, side by side.
fn block(lines: &[Line]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in lines {
        let side = if line.bound == Bound::Request { 0 } else { 1 };
        let new = rows.last().is_none_or(|row| row.name != line.resource);
        if new {
            let cells = Some([Cells::default(), Cells::default()]);
            rows.push(Row { name: line.resource.clone(), note: String::new(), cells, ratios: [None, None] });
        }
        let Some(row) = rows.last_mut() else { continue };
        row.ratios[side] = line.ratio;
        if let Some(cells) = &mut row.cells {
            let nothing = || "–".to_owned();
            let amount = |range: Option<Range<Quantity>>| range.map_or_else(nothing, span);
            let peak = if line.peaks() { line.peak.map(span) } else { None };
            cells[side] = [amount(line.before), amount(line.after), ratio(line), peak.unwrap_or_default()];
        }
    }
    rows
}

/// `100m`, or `100m–500m` where an autoscaler decides.
fn span(range: Range<Quantity>) -> String {
    if range.least == range.most { range.most.to_string() } else { format!("{}–{}", range.least, range.most) }
}

/// `6×`, `1.5×`, `0.33×`; nothing where nothing changes.
fn ratio(line: &Line) -> String {
    match line.ratio {
        Some(ratio) if line.differs() && (ratio - 1.0).abs() > f64::EPSILON => {
            let digits = if ratio >= 10.0 {
                0
            } else if ratio >= 0.1 {
                2
            } else {
                3
            };
            let text = format!("{ratio:.digits$}");
            let text = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { text.as_str() };
            format!("{text}×")
        }
        _ => String::new(),
    }
}

/// More than double is worth a look.
pub(super) fn growth(ratio: Option<f64>) -> Role {
    match ratio {
        Some(ratio) if ratio >= 2.0 => Role::Warning,
        Some(ratio) if ratio > 1.0 => Role::Changed,
        Some(_) => Role::Added,
        None => Role::Dim,
    }
}

/// `1 → 3 pods, up to 4 in the roll-out`.
fn pods(workload: &Workload) -> String {
    let count = |range: Range<u64>| match range.least == range.most {
        true => range.most.to_string(),
        false => format!("{}–{}", range.least, range.most),
    };
    let plural = |range: Range<u64>| if range.most == 1 { "" } else { "s" };
    let turn = match (workload.pods_before, workload.pods_after) {
        (Some(before), Some(after)) if before == after => format!("{} pod{}", count(after), plural(after)),
        (Some(before), Some(after)) => format!("{} → {} pods", count(before), count(after)),
        (None, Some(after)) => format!("new, {} pod{}", count(after), plural(after)),
        (Some(before), None) => format!("gone, {} pod{}", count(before), plural(before)),
        (None, None) => String::new(),
    };
    let turn = match workload.scale {
        Scale::PerNode => turn.replace("1 pod", "1 pod on each node"),
        Scale::CronJob => format!("{turn} a run"),
        Scale::Pods | Scale::Job => turn,
    };
    let most = workload.pods_before.into_iter().chain(workload.pods_after).map(|range| range.most).max();
    match (workload.rollout, workload.completions) {
        (Some(rollout), _) if Some(rollout.pods) > most && workload.scale == Scale::Pods => {
            format!("{turn}, up to {} in the roll-out", rollout.pods)
        }
        (_, Some(completions)) => format!("{turn} at a time, {completions} to complete"),
        _ => turn,
    }
}

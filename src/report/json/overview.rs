//! The key differences and the impact in JSON.

use serde::Serialize;

use crate::diff::impact::{Bound, Impact, Line, Range, Scale, Workload};
use crate::diff::key_differences::{KeyDifference, Turn};
use crate::manifest::identity::ObjectId;
use crate::manifest::quantity::Quantity;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ObjectRow<'a> {
    api_version: String,
    kind: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
}

#[derive(Serialize)]
pub(super) struct KeyRow<'a> {
    topic: &'static str,
    severity: &'static str,
    text: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    place: &'a str,
    changes: Vec<TurnRow<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'a str,
    objects: Vec<ObjectRow<'a>>,
}

#[derive(Serialize)]
struct TurnRow<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct ImpactRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<u64>,
    workloads: Vec<WorkloadRow<'a>>,
    total: TotalRow<'a>,
}

#[derive(Serialize)]
struct TotalRow<'a> {
    workloads: usize,
    resources: Vec<LineRow<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkloadRow<'a> {
    #[serde(flatten)]
    object: ObjectRow<'a>,
    counted: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pods_before: Option<RangeRow<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pods_after: Option<RangeRow<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completions: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rollout: Option<RolloutRow>,
    resources: Vec<LineRow<'a>>,
}

#[derive(Serialize)]
struct RolloutRow {
    surge: u64,
    unavailable: u64,
    pods: u64,
}

#[derive(Serialize)]
struct RangeRow<T> {
    least: T,
    most: T,
}

#[derive(Serialize)]
struct LineRow<'a> {
    resource: &'a str,
    bound: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<RangeRow<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<RangeRow<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak: Option<RangeRow<String>>,
}

pub(super) fn key_difference(one: &KeyDifference) -> KeyRow<'_> {
    KeyRow {
        topic: one.topic.name(),
        severity: one.severity.name(),
        text: one.text(),
        place: &one.place,
        changes: one.turns.iter().map(turn).collect(),
        note: &one.note,
        objects: one.objects.iter().map(object).collect(),
    }
}

pub(super) fn impact(impact: &Impact) -> ImpactRow<'_> {
    ImpactRow {
        nodes: impact.nodes,
        workloads: impact.workloads.iter().map(workload).collect(),
        total: TotalRow { workloads: impact.summed, resources: impact.total.iter().map(line).collect() },
    }
}

fn object(id: &ObjectId) -> ObjectRow<'_> {
    ObjectRow { api_version: id.api_version(), kind: &id.kind, namespace: id.namespace.as_deref(), name: &id.name }
}

fn turn(turn: &Turn) -> TurnRow<'_> {
    TurnRow { what: &turn.what, old: turn.old.as_deref(), new: turn.new.as_deref() }
}

fn workload(one: &Workload) -> WorkloadRow<'_> {
    let pods = |range: Range<u64>| RangeRow { least: range.least, most: range.most };
    WorkloadRow {
        object: object(&one.object),
        counted: match one.scale {
            Scale::Pods => "pods",
            Scale::PerNode => "perNode",
            Scale::Job => "job",
            Scale::CronJob => "cronJob",
        },
        pods_before: one.pods_before.map(pods),
        pods_after: one.pods_after.map(pods),
        completions: one.completions,
        rollout: one.rollout.map(|rollout| RolloutRow {
            surge: rollout.surge,
            unavailable: rollout.unavailable,
            pods: rollout.pods,
        }),
        resources: one.lines.iter().map(line).collect(),
    }
}

fn line(one: &Line) -> LineRow<'_> {
    let amounts = |range: Range<Quantity>| RangeRow { least: range.least.to_string(), most: range.most.to_string() };
    LineRow {
        resource: &one.resource,
        bound: match one.bound {
            Bound::Request => "request",
            Bound::Limit => "limit",
        },
        before: one.before.map(amounts),
        after: one.after.map(amounts),
        ratio: one.ratio,
        peak: one.peak.map(amounts),
    }
}

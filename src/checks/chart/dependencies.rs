//! From which versions to which the charts in the chart go.

use std::collections::{BTreeMap, HashMap};

use super::super::{Check, Finding, Severity, Snapshot};
use super::before;
use crate::manifest::node::Node;
use crate::manifest::version::Version;
use crate::release::Chart;

const NAME: &str = "dependencies";

pub(crate) const CHECK: Check =
    Check::new(NAME, "from which versions to which the charts go that the chart depends on", run);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let Some(old) = before(snapshot) else {
        return vec![Finding::new(NAME, Severity::Pass, "there is nothing to compare with")];
    };
    let there: HashMap<&str, &str> =
        snapshot.chart_seen.subcharts.iter().map(|chart| (chart.name.as_str(), chart.version.as_str())).collect();
    let old = required(old, &HashMap::new());
    let new = required(&snapshot.releases.new.chart, &there);
    let names: BTreeMap<&str, ()> = old.keys().chain(new.keys()).map(|name| (*name, ())).collect();
    let findings: Vec<Finding> = names
        .into_keys()
        .filter_map(|name| {
            let (severity, message) = judge(old.get(name).copied(), new.get(name).copied())?;
            Some(Finding::new(NAME, severity, message).about(format!("chart {name}")))
        })
        .collect();
    match (findings.is_empty(), new.len()) {
        (false, _) => findings,
        (true, 0) => vec![Finding::new(NAME, Severity::Pass, "the chart depends on no other")],
        (true, _) => vec![Finding::new(NAME, Severity::Pass, "the charts that it depends on make no large step")],
    }
}

/// The charts that are in use, with their versions: of those that are there, else as they are locked, else as they are asked for.
fn required<'a>(chart: &'a Chart, there: &HashMap<&str, &'a str>) -> BTreeMap<&'a str, &'a str> {
    let listed = |node: Option<&'a Node>| node.and_then(Node::as_list).unwrap_or_default();
    let text = |node: &'a Node, key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default();
    let locked: HashMap<&str, &str> =
        listed(chart.lock.get("dependencies")).iter().map(|one| (text(one, "name"), text(one, "version"))).collect();
    let asked = listed(chart.metadata.get("dependencies")).iter();
    let asked = asked.map(|one| (text(one, "name"), text(one, "version"))).filter(|(name, _)| !name.is_empty());
    asked.map(|(name, range)| (name, there.get(name).or(locked.get(name)).copied().unwrap_or(range))).collect()
}

fn judge(old: Option<&str>, new: Option<&str>) -> Option<(Severity, String)> {
    let (old, new) = match (old, new) {
        (Some(old), Some(new)) if old != new => (old, new),
        (None, Some(new)) => return Some((Severity::Info, format!("the chart depends on it now: {new}"))),
        (Some(old), None) => return Some((Severity::Info, format!("the chart does not depend on it any more: {old}"))),
        _ => return None,
    };
    let turn = format!("from {old} to {new}");
    match (exact(old), exact(new)) {
        (Some(from), Some(to)) if to < from => Some((Severity::Warning, format!("it goes back, {turn}"))),
        (Some(from), Some(to)) if to.major > from.major => {
            Some((Severity::Warning, format!("a new major version, {turn}")))
        }
        (Some(_), Some(_)) => None,
        _ => Some((Severity::Info, format!("{turn}; which versions these are is not known"))),
    }
}

/// A version, and no range: for Helm, one with fewer than three numbers is a range.
fn exact(text: &str) -> Option<Version> {
    (text.split(['-', '+']).next()?.split('.').count() == 3).then(|| Version::parse(text))?
}

//! Values of another kind than the chart's default: text where the chart has a map.

use super::{MOST, at, kind, named};
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::manifest::node::{Node, Value};

const NAME: &str = "value-type";

pub(super) const CHECK: Check =
    Check::new(NAME, "values you set that are of another kind than the new chart's default", run);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let chart = match &snapshot.values.chart {
        Ok(chart) => chart,
        Err(reason) => {
            let message = format!("whether your values are of the kind that the chart takes: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let mut found = Vec::new();
    compare(&snapshot.releases.new.config, &chart.defaults, &mut Vec::new(), &mut |steps, given, default| {
        if !snapshot.is_first && was_so(snapshot, steps, given, default) {
            return;
        }
        let old = (!snapshot.is_first).then(|| at(&snapshot.releases.old.chart.values, steps)).flatten();
        let took = old.filter(|old| shape(old) != shape(default) && !matches!(old.value(), Value::Null));
        // What is empty says little of what a chart takes, unless it took something else before.
        if (default.is_empty() || default.as_str() == Some("")) && took.is_none() {
            return;
        }
        let took = took.map(|old| format!(" now (it took {})", kind(old))).unwrap_or_default();
        let message = format!("the chart takes {} here{took}, and you give {}", kind(default), kind(given));
        let finding = Finding::new(NAME, Severity::Warning, message).about(named(steps));
        found.push(finding.seen_by(vec![snapshot.values.place(steps)]));
    });
    found.truncate(MOST);
    if found.is_empty() {
        let message = "your values are of the same kinds as the chart's defaults";
        found.push(Finding::new(NAME, Severity::Pass, message));
    }
    found
}

/// Whether the same was given for a default of the same kind before.
fn was_so(snapshot: &Snapshot<'_>, steps: &[&str], given: &Node, default: &Node) -> bool {
    let old = &snapshot.releases.old;
    let same = |tree: &Node, now: &Node| at(tree, steps).is_some_and(|before| shape(before) == shape(now));
    same(&old.config, given) && same(&old.chart.values, default)
}

/// Numbers, text and switches are alike to a template that prints them.
fn shape(node: &Node) -> &'static str {
    match node.value() {
        Value::Null => "nothing",
        Value::Map(_) => "map",
        Value::List(_) => "list",
        _ => "scalar",
    }
}

fn compare<'a>(
    given: &'a Node,
    default: &'a Node,
    steps: &mut Vec<&'a str>,
    differ: &mut impl FnMut(&[&str], &Node, &Node),
) {
    if let (Value::Map(entries), Value::Map(_)) = (given.value(), default.value()) {
        for (key, value) in entries {
            if let Some(default) = default.get(key) {
                steps.push(key);
                compare(value, default, steps, differ);
                steps.pop();
            }
        }
        return;
    }
    let is_nothing = |node: &Node| matches!(node.value(), Value::Null);
    if !is_nothing(given) && !is_nothing(default) && shape(given) != shape(default) {
        differ(steps, given, default);
    }
}

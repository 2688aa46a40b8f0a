//! Values that are set to nothing, which takes the chart's default away.

use super::{MOST, at, leaves, named};
use crate::checks::snapshot::values::is_open;
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::manifest::node::{Node, Value};

const NAME: &str = "null-override";

/// So many templates are named for a value.
const READERS: usize = 3;

pub(super) const CHECK: Check = Check::new(NAME, "defaults that your values set to null", run);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let chart = match &snapshot.values.chart {
        Ok(chart) => chart,
        Err(reason) => {
            let message = format!("whether values that are null take a default away: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let is_null = |node: &Node| matches!(node.value(), Value::Null);
    let (config, old) = (&snapshot.releases.new.config, &snapshot.releases.old);
    let mut found = Vec::new();
    for steps in leaves(config).into_iter().filter(|steps| at(config, steps).is_some_and(is_null)).take(MOST) {
        let was_so = at(&old.config, &steps).is_some_and(is_null)
            && at(&old.chart.values, &steps) == at(&chart.defaults, &steps);
        let Some(default) = at(&chart.defaults, &steps).filter(|default| !is_null(default)) else { continue };
        if was_so && !snapshot.is_first {
            continue;
        }
        let words: Vec<&str> = steps.iter().map(String::as_str).collect();
        let readers = if is_open(default) { Vec::new() } else { below(chart, default, &words) };
        let (severity, message) = match readers.is_empty() {
            true => (Severity::Info, "set to null: the chart's default is taken away"),
            false => (
                Severity::Warning,
                "set to null: the chart's defaults below it are taken away, and templates read them",
            ),
        };
        let mut evidence = vec![snapshot.values.place(&steps)];
        evidence.extend(readers.into_iter().map(|place| format!("read by {place}")));
        let finding = Finding::new(NAME, severity, message).about(named(&steps)).seen_by(evidence);
        found.push(finding.hint("a key without a value is null: leave the key out to keep the default"));
    }
    if found.is_empty() {
        found.push(Finding::new(NAME, Severity::Pass, "no default is newly set to null"));
    }
    found
}

/// The templates that read something below a map.
fn below(chart: &crate::checks::snapshot::values::ChartValues, map: &Node, steps: &[&str]) -> Vec<String> {
    let keys = map.as_map().unwrap_or_default().iter().take(MOST).map(|(key, _)| &**key);
    let mut found: Vec<String> = keys.flat_map(|key| chart.readers(&[steps, &[key]].concat(), READERS)).collect();
    found.sort();
    found.dedup();
    found.truncate(READERS);
    found
}

//! Values that had a meaning for the chart as it was, and have none for the new one.

use super::{MOST, at, is_off, is_within_whole, named, nearest};
use crate::checks::snapshot::values::ChartValues;
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::diff::overrides::dead;

const NAME: &str = "dead-override";

pub(super) const CHECK: Check =
    Check::new(NAME, "values you set that the chart took and takes no more", run).worst(Severity::Blocker);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let pass = |message| vec![Finding::new(NAME, Severity::Pass, message)];
    if snapshot.is_first {
        return pass("nothing was set before");
    }
    let chart = match &snapshot.values.chart {
        Ok(chart) => chart,
        Err(reason) => {
            let message = format!("whether a value that you set has lost its meaning: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let (old, new) = (&snapshot.releases.old, &snapshot.releases.new);
    let mut found: Vec<Finding> = Vec::new();
    for (steps, index) in dead(&new.config, &old.chart.values, &chart.defaults) {
        let gone = &steps[..=index];
        let resource = named(gone);
        if chart.speaks_of(&steps[index]) || found.iter().any(|finding| finding.resource == resource) {
            continue;
        }
        let value = at(&new.config, &steps);
        // With --reuse-values Helm stores what a user has set among the chart's defaults.
        let before = at(&old.config, &steps);
        let was_own = before.is_some() && before == at(&old.chart.values, &steps);
        let (severity, message) = if value == at(&old.chart.values, &steps) {
            (Severity::Info, "the chart takes it no more; your value was its default")
        } else if value.is_none_or(is_off) {
            (Severity::Info, "the chart takes it no more; your value asks for nothing")
        } else if was_own {
            (Severity::Warning, "the chart has it no more, and may never have had it: --reuse-values made it a default")
        } else if may_be_taken(&steps, index, chart) {
            (Severity::Warning, "the chart has it no more among its defaults; a template may still take it")
        } else {
            (Severity::Blocker, "the chart took it and takes it no more: your value has no effect")
        };
        let place = snapshot.values.place(&steps);
        let around = at(&chart.defaults, &steps[..index]);
        let near = around.and_then(|map| nearest(&steps[index], map));
        let hint = match near {
            Some(near) => format!("did you mean {}? Else take it out", named(&[&steps[..index], &[near]].concat())),
            None => format!("look in helm show values {} for what replaces it, or take it out", snapshot.chart.named),
        };
        found.push(Finding::new(NAME, severity, message).about(resource).seen_by(vec![place]).hint(hint));
    }
    found.truncate(MOST);
    if found.is_empty() { pass("the new chart has a place for all that you set before") } else { found }
}

/// Whether a template may take it without naming it. Of `global` any chart in the chart may take what it likes.
fn may_be_taken(steps: &[String], index: usize, chart: &ChartValues) -> bool {
    chart.takes_all() || steps.first().is_some_and(|first| first == "global") || is_within_whole(steps, index, chart)
}

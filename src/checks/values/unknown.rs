//! Values that the new chart does not know: most often a key that is mistyped.

use super::{MOST, at, foreign_at, is_within_whole, leaves, named, nearest};
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::diff::overrides::dead;
use crate::manifest::node::Node;

const NAME: &str = "unknown-value";

pub(super) const CHECK: Check = Check::new(NAME, "values you set that the new chart does not know", run);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let chart = match &snapshot.values.chart {
        Ok(chart) => chart,
        Err(reason) => {
            let message = format!("whether the chart knows all values that you set: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let (old, new) = (&snapshot.releases.old, &snapshot.releases.new);
    let dead: Vec<Vec<String>> =
        if snapshot.is_first { Vec::new() } else { told_as_dead(&new.config, &old.chart.values, &chart.defaults) };
    let (mut found, mut before): (Vec<Finding>, Vec<String>) = (Vec::new(), Vec::new());
    for steps in leaves(&new.config) {
        let Some(index) = foreign_at(&steps, &chart.defaults) else { continue };
        let (resource, around) = (named(&steps[..=index]), at(&chart.defaults, &steps[..index]));
        let near = around.and_then(|map| nearest(&steps[index], map));
        let may_be_taken =
            is_within_whole(&steps, index, chart) && !near.as_ref().is_some_and(|near| is_slip(near, &steps[index]));
        let told = found.iter().any(|finding: &Finding| finding.resource == resource) || before.contains(&resource);
        if told || may_be_taken || chart.speaks_of(&steps[index]) || dead.contains(&steps) {
            continue;
        }
        let was_so = at(&old.config, &steps).is_some() && foreign_at(&steps, &old.chart.values).is_some();
        if was_so && !snapshot.is_first {
            before.push(resource);
            continue;
        }
        let message = "the chart knows no such value: it has no effect";
        let hint = match near {
            Some(near) => format!("did you mean {}?", named(&[&steps[..index], &[near]].concat())),
            None => format!("helm show values {} has those that it knows", snapshot.chart.named),
        };
        let place = snapshot.values.place(&steps[..=index]);
        found.push(Finding::new(NAME, Severity::Warning, message).about(resource).seen_by(vec![place]).hint(hint));
    }
    found.truncate(MOST);
    if !before.is_empty() {
        let message = "values that the chart does not know, and did not know before";
        before.truncate(MOST);
        found.push(Finding::new(NAME, Severity::Info, message).seen_by(before));
    }
    if found.is_empty() {
        found.push(Finding::new(NAME, Severity::Pass, "the chart knows every value that you set"));
    }
    found
}

fn told_as_dead(config: &Node, old: &Node, new: &Node) -> Vec<Vec<String>> {
    dead(config, old, new).into_iter().map(|(steps, _)| steps).collect()
}

/// Whether one word is the other with a letter doubled, left out or swapped: too near for two keys of one map.
fn is_slip(one: &str, other: &str) -> bool {
    let letters = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let sorted = |word: &str| {
        let mut bytes = word.as_bytes().to_vec();
        bytes.sort_unstable();
        bytes
    };
    let (a, b) = (sorted(one), sorted(other));
    let near = strsim::damerau_levenshtein(one, other) == 1 && (a == b || a.len() != b.len());
    near && letters(one) && letters(other)
}

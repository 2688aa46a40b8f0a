//! Whether nodes will fetch the images that change.

use super::super::{Check, Finding, Severity, Snapshot, capped};
use super::{MOST, Pair, grouped, pairs};

const NAME: &str = "image-pull";

pub(crate) const CHECK: Check = Check::new(NAME, "the pull policies of the images that change", run);

/// Why nodes may not have the image that is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    Never,
    KeepsOld,
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let pairs = pairs(snapshot.objects, snapshot.namespace);
    let findings: Vec<Finding> = grouped(&pairs, |pair| judge(pair))
        .into_iter()
        .map(|((image, wrong), places)| finding(image, wrong, places))
        .collect();
    if findings.is_empty() {
        return vec![Finding::new(NAME, Severity::Pass, "nodes fetch each image that changes")];
    }
    findings
}

fn judge(pair: &Pair<'_>) -> Option<Wrong> {
    let before = pair.old.is_some_and(|old| old.whole == pair.image.whole);
    match pair.policy {
        Some("Never") if !before => Some(Wrong::Never),
        // Without a policy, Kubernetes always fetches `latest`.
        Some("IfNotPresent") if !before && pair.image.floats() => Some(Wrong::KeepsOld),
        _ => None,
    }
}

fn finding(image: &str, wrong: Wrong, places: Vec<String>) -> Finding {
    let (message, hint) = match wrong {
        Wrong::Never => (
            "its pull policy is Never: only nodes that have it already can run it",
            "see that each node has it, or set imagePullPolicy: IfNotPresent",
        ),
        Wrong::KeepsOld => (
            "its pull policy is IfNotPresent, and it has no fixed version: nodes that have one of this name run that one",
            "name a version, or set imagePullPolicy: Always",
        ),
    };
    Finding::new(NAME, Severity::Warning, message).about(image).seen_by(capped(places, MOST)).hint(hint)
}

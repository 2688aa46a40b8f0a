//! Whether another tool manages the release: what is changed by hand, it changes back.

use std::collections::BTreeMap;

use crate::checks::{Check, Finding, Severity, Snapshot, capped};
use crate::diff::live::tools;

const NAME: &str = "managed-elsewhere";

/// So many signs are shown.
const MOST_SHOWN: usize = 5;

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "whether Argo CD, Flux or another tool manages the release or its objects", run)
        .rights("list Helm's storage; get the objects of the deployed revision");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let mut signs: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    if let Some(last) = snapshot.history.entries().last() {
        for writer in &last.writers {
            if let Some(tool) = tools::of_writer(writer) {
                signs.entry(tool).or_default().push(format!("revision {} was stored by {writer}", last.revision));
            }
        }
    }
    let mut findings = Vec::new();
    match &snapshot.live {
        Some(Ok(live)) => {
            for one in live.managed {
                signs.entry(one.tool).or_default().push(format!("{}: {}", one.object, one.sign));
            }
        }
        Some(Err(reason)) if signs.is_empty() => {
            let message = format!("whether another tool manages the objects: {reason}");
            findings.push(Finding::new(NAME, Severity::Unknown, message));
        }
        _ => {}
    }
    for (tool, seen) in signs {
        let seen = capped(seen, MOST_SHOWN);
        let message = format!("{tool} manages the release: it may undo this upgrade, or be in its way");
        let hint = format!("change what {tool} reads, or have it pause first");
        findings.push(Finding::new(NAME, Severity::Warning, message).about(tool).seen_by(seen).hint(hint));
    }
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "no other tool manages the release"));
    }
    findings
}

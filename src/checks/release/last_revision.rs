//! Whether the revision that the upgrade goes on from is a good one.

use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::release::history::Entry;

const NAME: &str = "last-revision";

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "whether the last revision has failed, and whether the deployed one is proven", run)
        .rights("list Helm's storage");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let entries = snapshot.history.entries();
    let about = |revision: u32| format!("revision {revision}");
    let warn = |message: String, revision| Finding::new(NAME, Severity::Warning, message).about(about(revision));
    let mut findings = Vec::new();
    if let Some(last) = entries.last().filter(|last| ["failed", "uninstalling"].contains(&last.status_hint.as_str())) {
        let from = match snapshot.deployed {
            Some(deployed) => format!("the upgrade goes on from revision {deployed}, which is deployed"),
            None => "and none is deployed".to_owned(),
        };
        let hint = format!("helm safe-upgrade diagnose {} -n {}", snapshot.release, snapshot.namespace);
        let message = format!("it is the last one, and its status is {}: {from}", last.status_hint);
        findings.push(warn(message, last.revision).hint(hint));
    }
    let deployed = entries.iter().find(|entry| Some(entry.revision) == snapshot.deployed);
    findings.extend(
        deployed
            .and_then(|deployed| doubtful(snapshot, deployed))
            .map(|finding| finding.about(about(snapshot.deployed.unwrap_or_default()))),
    );
    if findings.is_empty() {
        let message = match entries.last() {
            None => "there is no revision yet".to_owned(),
            Some(last) => format!("revision {}, the last one, is {}", last.revision, last.status_hint),
        };
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

/// What speaks against the deployed revision. That a failure leads back to one that is not proven is for another check.
fn doubtful(snapshot: &Snapshot<'_>, deployed: &Entry) -> Option<Finding> {
    let prove = || format!("helm safe-upgrade history {} -n {}", snapshot.release, snapshot.namespace);
    if deployed.marks.is_bad() {
        let message = "it is deployed, and marked as bad";
        return Some(Finding::new(NAME, Severity::Warning, message).hint(prove()));
    }
    let target = snapshot.target.filter(|target| *target != deployed.revision)?;
    if deployed.marks.is_proven() {
        return None;
    }
    let message = format!("it is deployed and not proven: a failure leads past it, back to revision {target}");
    let hint = format!(
        "prove it first: helm safe-upgrade {} -n {} with its own chart and values",
        snapshot.release, snapshot.namespace
    );
    Some(Finding::new(NAME, Severity::Warning, message).hint(hint))
}

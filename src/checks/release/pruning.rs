//! Whether the next `helm upgrade` by hand would delete the only revision that is proven.

use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::release::history::Entry;

const NAME: &str = "pruning";

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "whether a helm run by hand would delete the only proven revision", run)
        .rights("list Helm's storage");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let entries = snapshot.history.entries();
    let pass = |message: &str| vec![Finding::new(NAME, Severity::Pass, message)];
    let keeps = snapshot.helm_keeps;
    if keeps == 0 {
        return pass("helm deletes no revisions: HELM_MAX_HISTORY is 0");
    }
    let proven: Vec<u32> = entries.iter().filter(|one| one.marks.is_proven()).map(|one| one.revision).collect();
    let gone = deleted(entries, keeps as usize, snapshot.deployed);
    let Some(last) = proven.last().filter(|_| proven.iter().all(|revision| gone.contains(revision))) else {
        return pass(if proven.is_empty() {
            "no revision is proven"
        } else {
            "a helm run by hand leaves a proven revision"
        });
    };
    let message =
        format!("the next helm upgrade or rollback by hand deletes it, the last proven one: helm keeps {keeps}");
    let finding = Finding::new(NAME, Severity::Warning, message).about(format!("revision {last}"));
    vec![finding.hint("HELM_MAX_HISTORY=0 has helm keep all revisions; helm safe-upgrade always keeps the proven ones")]
}

/// What Helm deletes before it makes a revision: the oldest, sparing the deployed one, until with the new one there are as many as
/// it keeps (`removeLeastRecent` in Helm's `pkg/storage/storage.go`).
fn deleted(entries: &[Entry], keeps: usize, deployed: Option<u32>) -> Vec<u32> {
    let too_many = (entries.len() + 1).saturating_sub(keeps);
    let all = entries.iter().map(|entry| entry.revision).filter(|revision| Some(*revision) != deployed);
    all.take(too_many).collect()
}

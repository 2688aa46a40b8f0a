//! Whether the last revision is stuck in a pending status, and who works on it.

use super::snapshot::Owner;
use super::{Check, Finding, Severity, Snapshot};

const NAME: &str = "pending";

pub(super) const CHECK: Check =
    Check::new(NAME, "the status of the last revision, and who is at work on the release", run)
        .worst(Severity::Blocker)
        .rights("get leases");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let last = snapshot.history.entries().last();
    let pending = last.filter(|entry| entry.status_hint.starts_with("pending-"));
    let (owner, missing) = match &snapshot.owner {
        Ok(owner) => (owner.as_ref(), None),
        Err(reason) => (None, Some(reason)),
    };
    let wait = format!("wait for it; helm safe-upgrade status {} shows what it is at", snapshot.release);
    if let Some(owner) = owner.filter(|owner| owner.alive == Some(true)) {
        let message = format!("{} is at work on the release", owner.holder);
        return vec![Finding::new(NAME, Severity::Blocker, message).seen_by(signs(owner, snapshot)).hint(wait)];
    }
    let Some(pending) = pending else {
        return vec![match missing {
            None => Finding::new(NAME, Severity::Pass, "nobody is at work on the release"),
            Some(reason) => {
                Finding::new(NAME, Severity::Unknown, format!("whether somebody is at work on the release: {reason}"))
            }
        }];
    };
    let (revision, status) = (pending.revision, &pending.status_hint);
    let resource = format!("revision {revision}");
    // Only a lease that names the revision, and whose holder is gone, proves that nobody works on it.
    let gone = owner.filter(|owner| owner.alive == Some(false) && owner.revision == Some(revision));
    if let Some(owner) = gone {
        let message = format!("its status is {status}, and its owner is gone: the upgrade records it as failed first");
        return vec![Finding::new(NAME, Severity::Warning, message).about(resource).seen_by(signs(owner, snapshot))];
    }
    let mut evidence = owner.map(|owner| signs(owner, snapshot)).unwrap_or_default();
    evidence.extend(missing.map(|reason| format!("who is at work is not known: {reason}")));
    let message = format!("its status is {status}, and nothing proves that nobody is at work on it");
    let hint = format!("helm safe-upgrade unlock {} -n {}", snapshot.release, snapshot.namespace);
    vec![Finding::new(NAME, Severity::Blocker, message).about(resource).seen_by(evidence).hint(hint)]
}

fn signs(owner: &Owner, snapshot: &Snapshot<'_>) -> Vec<String> {
    let mut signs = vec![format!("lease held by {}", owner.holder)];
    signs.extend(owner.since.map(|since| format!("since {since:.0}")));
    let ago = |sign: jiff::Timestamp| snapshot.now.duration_since(sign).as_secs().max(0);
    signs.extend(owner.last_sign.map(|sign| format!("last sign of life {} s ago", ago(sign))));
    signs
}

//! `quota`: pods cannot be made, as a quota, a limit range, an admission webhook or a missing ServiceAccount forbids it.
//!
//! Looks at the condition `ReplicaFailure` of the newest ReplicaSet of a Deployment, which goes away when a pod could be made
//! (k8s.io/kubernetes, pkg/controller/replicaset/replica_set_utils.go), and, where a controller sets no such condition, at its events
//! `FailedCreate` since the upgrade began, as long as it has fewer pods than it wants.
//!
//! Grace: `--fail-fast-after`, as pods of the old revision give room when they go.

use super::{Found, Suspect, because};
use crate::manifest::observed::Observed;
use crate::upgrade::revision;

pub(super) const RULE: &str = "quota";

pub(super) fn find<'a>(suspect: &Suspect<'a>, found: &mut Vec<Found<'a>>) {
    let told = match &*suspect.key.kind {
        "Deployment" => revision::current_replica_set(suspect.world, suspect.object).and_then(failure),
        "ReplicaSet" | "ReplicationController" => failure(suspect.object),
        "StatefulSet" | "DaemonSet" | "Job" if lacks_pods(suspect.object, &suspect.key.kind) => {
            let events = suspect.world.events_of(suspect.object).iter().rev();
            let newest = events.filter(|event| event.fresh).find(|event| event.reason == "FailedCreate");
            newest.map(|event| event.message.clone())
        }
        _ => None,
    };
    if let Some(message) = told {
        let message = because("cannot create pods".to_owned(), &message);
        found.push(Found::of_object(RULE, message, suspect.patience.fail_fast_after));
    }
}

fn failure(set: &Observed) -> Option<String> {
    let condition = set.condition("ReplicaFailure").filter(|condition| condition.is_true())?;
    (condition.text("reason") == "FailedCreate").then(|| condition.text("message").to_owned())
}

/// Whether it has fewer pods than it wants.
fn lacks_pods(object: &Observed, kind: &str) -> bool {
    let number = |path: &[&str], default| object.number(path).unwrap_or(default);
    match kind {
        "StatefulSet" => number(&["status", "replicas"], 0) < number(&["spec", "replicas"], 1),
        "DaemonSet" => {
            number(&["status", "currentNumberScheduled"], 0) < number(&["status", "desiredNumberScheduled"], 0)
        }
        _ => ["active", "succeeded", "failed"].iter().all(|field| number(&["status", field], 0) == 0),
    }
}

//! What runs pods for ever: Deployments, StatefulSets, ReplicaSets and ReplicationControllers.

use super::{Counts, Readiness, Subject, said};
use crate::manifest::node::Node;
use crate::manifest::observed::{Condition, Observed};
use crate::upgrade::world::Key;

/// All pods are updated and available, and none is old. (kstatus: `deploymentConditions`)
///
/// A paused Deployment rolls nothing out, so no time will make it ready: where its pods are not updated, it is unverified.
pub(super) fn deployment(subject: &Subject<'_>) -> Readiness {
    let object = subject.object;
    let progressing = object.condition("Progressing");
    if progressing.is_some_and(|condition| condition.text("reason") == "ProgressDeadlineExceeded") {
        let message = progressing.map_or("", |condition| condition.text("message"));
        return Readiness::Failed(said("progress deadline exceeded", message));
    }
    let paused = object.at(&["spec", "paused"]).and_then(Node::as_bool) == Some(true);
    let (wanted, has) = (wanted(object), |field| status(object, field));
    let lacking = enough(&[
        (has("replicas"), wanted, "pods exist"),
        (has("updatedReplicas"), wanted, "pods are updated"),
        (has("availableReplicas"), wanted.max(has("updatedReplicas")), "pods are available"),
        (has("readyReplicas"), wanted, "pods are ready"),
    ]);
    let old = has("replicas").saturating_sub(has("updatedReplicas"));
    let left = if old > 0 { Some(many(old, "old pod", "is left", "are left")) } else { extra(has("replicas"), wanted) };
    if let Some(text) = lacking.or(left) {
        return if paused { Readiness::Unverified(format!("is paused: {text}")) } else { Readiness::Waiting(text) };
    }
    // Without a deadline the controller does not say that it progresses.
    let deadline = object.number(&["spec", "progressDeadlineSeconds"]).is_some_and(|seconds| seconds != NO_DEADLINE);
    let done = progressing.is_some_and(|c| c.is_true() && c.text("reason") == "NewReplicaSetAvailable");
    if deadline && !done && !paused {
        return Readiness::Waiting("its controller has not finished the roll-out".to_owned());
    }
    if object.condition("Available").is_some_and(Condition::is_true) {
        return Readiness::Ready;
    }
    Readiness::Waiting("is not available yet".to_owned())
}

/// What the API takes for no deadline: the largest number of 32 bits.
const NO_DEADLINE: i64 = i32::MAX as i64;

/// All pods are ready, and those that the partition lets through are updated. (kstatus: `stsConditions`)
///
/// With `OnDelete` nobody replaces pods until they are deleted, so only that they are ready is asked for.
pub(super) fn stateful_set(subject: &Subject<'_>) -> Readiness {
    let object = subject.object;
    if object.number(&["status", "observedGeneration"]).is_none() {
        return Readiness::Waiting("its controller has not seen it yet".to_owned());
    }
    let (wanted, has) = (wanted(object), |field| status(object, field));
    let partition = number(object, &["spec", "updateStrategy", "rollingUpdate", "partition"], 0);
    let available = object.number(&["status", "availableReplicas"]).map_or(wanted, |count| clamp(Some(count), 0));
    let by_hand = object.text(&["spec", "updateStrategy", "type"]) == "OnDelete";
    let through = if by_hand { 0 } else { wanted.saturating_sub(partition) };
    let lacking = enough(&[
        (has("replicas"), wanted, "pods exist"),
        (has("readyReplicas"), wanted, "pods are ready"),
        (has("updatedReplicas"), through, "pods are updated"),
        (available, wanted, "pods are available"),
    ]);
    if let Some(text) = lacking.or_else(|| extra(has("replicas"), wanted)) {
        return Readiness::Waiting(text);
    }
    let revision = |field| object.text(&["status", field]);
    if !by_hand && partition == 0 && revision("currentRevision") != revision("updateRevision") {
        return Readiness::Waiting("its controller has not finished the roll-out".to_owned());
    }
    Readiness::Ready
}

/// All pods are available. (kstatus: `replicasetConditions`)
pub(super) fn replica_set(subject: &Subject<'_>) -> Readiness {
    let object = subject.object;
    if let Some(failure) = object.condition("ReplicaFailure").filter(|condition| condition.is_true()) {
        return Readiness::Waiting(said("pods cannot be created", failure.text("message")));
    }
    let (wanted, has) = (wanted(object), |field| status(object, field));
    let lacking = enough(&[
        (has("fullyLabeledReplicas"), wanted, "pods exist"),
        (has("availableReplicas"), wanted, "pods are available"),
        (has("readyReplicas"), wanted, "pods are ready"),
    ]);
    lacking.or_else(|| extra(has("replicas"), wanted)).map_or(Readiness::Ready, Readiness::Waiting)
}

/// How many pods there are, by the object's own status.
pub(super) fn counts(object: &Observed, key: &Key) -> Counts {
    let has = |field| status(object, field);
    let of = |wanted, ready, updated, all: u32| Counts { ready, wanted, updated, old: all.saturating_sub(updated) };
    match (&*key.group, &*key.kind) {
        ("apps" | "extensions", "Deployment") | ("apps", "StatefulSet") => {
            of(wanted(object), has("readyReplicas"), has("updatedReplicas"), has("replicas"))
        }
        ("apps" | "extensions", "DaemonSet") => {
            let [wanted, updated, all] =
                ["desiredNumberScheduled", "updatedNumberScheduled", "currentNumberScheduled"].map(has);
            of(wanted, has("numberReady"), updated, all)
        }
        ("apps" | "extensions", "ReplicaSet") | ("", "ReplicationController") => {
            of(wanted(object), has("readyReplicas"), has("replicas"), has("replicas"))
        }
        ("batch", "Job") => {
            let parallelism = number(object, &["spec", "parallelism"], 1);
            of(number(object, &["spec", "completions"], parallelism), has("succeeded"), 0, 0)
        }
        ("", "Pod") => {
            let done = object.text(&["status", "phase"]) == "Succeeded";
            let ready = done || object.condition("Ready").is_some_and(Condition::is_true);
            of(1, u32::from(ready), 1, 1)
        }
        _ => Counts::default(),
    }
}

/// `spec.replicas`, which is 1 where it is not said.
fn wanted(object: &Observed) -> u32 {
    number(object, &["spec", "replicas"], 1)
}

pub(super) fn status(object: &Observed, field: &str) -> u32 {
    number(object, &["status", field], 0)
}

fn number(object: &Observed, path: &[&str], default: u32) -> u32 {
    clamp(object.number(path), default)
}

pub(super) fn clamp(number: Option<i64>, default: u32) -> u32 {
    number.map_or(default, |number| u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}

/// The first of these of which there are fewer than wanted: `2 of 3 pods are updated`.
pub(super) fn enough(counts: &[(u32, u32, &str)]) -> Option<String> {
    let (has, wanted, what) = counts.iter().find(|(has, wanted, _)| has < wanted)?;
    let what = if *wanted == 1 {
        what.replace("pods are", "pod is").replace("pods exist", "pod exists")
    } else {
        (*what).to_owned()
    };
    Some(format!("{has} of {wanted} {what}"))
}

fn extra(has: u32, wanted: u32) -> Option<String> {
    let more = has.saturating_sub(wanted);
    (more > 0).then(|| many(more, "pod", "too many is left", "too many are left"))
}

fn many(count: u32, what: &str, one: &str, more: &str) -> String {
    if count == 1 { format!("1 {what} {one}") } else { format!("{count} {what}s {more}") }
}

//! DaemonSets. One whose pods tolerate the taints of a node that is lost wants a pod there, which never becomes ready: its controller
//! counts it in `desiredNumberScheduled`, and as one of the pods that may be unavailable, so that it may replace no other one.
//! (k8s.io/kubernetes, pkg/controller/daemon: `NodeShouldRunDaemonPod`, `updateDaemonSetStatus`, `rollingUpdate`) Only nodes that answer
//! can say whether the upgrade is good.

use std::collections::BTreeSet;

use super::workload::{clamp, enough, status};
use super::{Readiness, Subject};
use crate::manifest::observed::Observed;
use crate::upgrade::revision;
use crate::upgrade::world::{Key, World};

/// All pods are updated and available. (kstatus: `daemonsetConditions`, `checkGenerationSet`)
///
/// With `OnDelete` nobody replaces pods until they are deleted, so only that they are available is asked for. Where nothing but nodes that
/// were lost before is in the way, it is unverified.
pub(super) fn daemon_set(subject: &Subject<'_>) -> Readiness {
    let object = subject.object;
    let desired = object.number(&["status", "desiredNumberScheduled"]);
    if object.number(&["status", "observedGeneration"]).is_none() || desired.is_none() {
        return Readiness::Waiting("its controller has not seen it yet".to_owned());
    }
    let (wanted, has) = (clamp(desired, 0), |field| status(object, field));
    let updated = if is_by_hand(object) { wanted } else { has("updatedNumberScheduled") };
    let lacking = enough(&[
        (has("currentNumberScheduled"), wanted, "pods exist"),
        (updated, wanted, "pods are updated"),
        (has("numberAvailable"), wanted, "pods are available"),
        (has("numberReady"), wanted, "pods are ready"),
    ]);
    let Some(text) = lacking else { return Readiness::Ready };
    match beside_lost_nodes(subject.world, subject.key, object) {
        Some(doubt) => Readiness::Unverified(doubt),
        None => Readiness::Waiting(text),
    }
}

/// What is to be said of a DaemonSet whose pods are as they should be but for nodes that were lost before: they are on all nodes that
/// answer, or the lost ones keep its controller from replacing any there.
fn beside_lost_nodes(world: &World, key: &Key, object: &Observed) -> Option<String> {
    let pods = revision::pods(world, key, object);
    let (lost, others): (Vec<_>, Vec<_>) = pods.iter().partition(|(pod, _)| world.is_lost_node(&pod.facts.node));
    let lost: BTreeSet<&str> = lost.iter().map(|(pod, _)| &*pod.facts.node).collect();
    let answering: BTreeSet<&str> = others.iter().map(|(pod, _)| &*pod.facts.node).collect();
    let is_seen = object.number(&["status", "observedGeneration"]) == Some(object.generation());
    if lost.is_empty() || !is_seen || others.iter().any(|(pod, _)| !pod.facts.ready || pod.facts.leaving) {
        return None;
    }
    let desired = status(object, "desiredNumberScheduled") as usize;
    let available = status(object, "numberAvailable") as usize;
    if answering.len().min(available) + lost.len() < desired {
        return None;
    }
    let nodes: Vec<&str> = lost.iter().copied().collect();
    let nodes = match &nodes[..] {
        [one] => format!("node {one} was lost before"),
        more => format!("nodes {} were lost before", more.join(", ")),
    };
    let (all, new) = (others.len(), others.iter().filter(|(_, new)| *new).count());
    if new == all || is_by_hand(object) {
        return Some(format!("ready on {all} of {desired} nodes; {nodes}"));
    }
    let may_lack = may_be_unavailable(object, desired)?;
    let is_held_up = lost.len() >= may_lack;
    is_held_up.then(|| {
        format!("{new} of {all} pods on nodes that answer are updated, and no more will be: {nodes}, and its update strategy lets no more than {may_lack} be unavailable")
    })
}

fn is_by_hand(object: &Observed) -> bool {
    object.text(&["spec", "updateStrategy", "type"]) == "OnDelete"
}

/// How many pods may be unavailable; `None` where new pods are made beside the old ones, which goes on whatever is lost.
/// (`updatedDesiredNodeCounts`)
fn may_be_unavailable(object: &Observed, desired: usize) -> Option<usize> {
    let of = |field: &str, default: usize| {
        let Some(amount) = object.at(&["spec", "updateStrategy", "rollingUpdate", field]) else { return default };
        match amount.as_str().and_then(|text| text.strip_suffix('%')) {
            Some(percent) => (percent.parse::<usize>().unwrap_or_default() * desired).div_ceil(100),
            None => object
                .number(&["spec", "updateStrategy", "rollingUpdate", field])
                .and_then(|number| usize::try_from(number).ok())
                .unwrap_or(default),
        }
    };
    (of("maxSurge", 0) == 0).then(|| of("maxUnavailable", 1).max(1))
}

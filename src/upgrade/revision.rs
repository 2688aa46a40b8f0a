//! Which pods of a workload are of its newest revision.
//!
//! A Deployment numbers its ReplicaSets in `deployment.kubernetes.io/revision` (k8s.io/kubernetes,
//! pkg/controller/deployment/util/deployment_util.go); a StatefulSet labels its pods with `controller-revision-hash`
//! (pkg/controller/statefulset/stateful_set_utils.go); a DaemonSet with `pod-template-generation`
//! (pkg/controller/daemon/util/daemonset_util.go).

use super::world::{Key, PodRef, World};
use crate::manifest::observed::Observed;

/// The annotation that numbers the ReplicaSets of a Deployment.
const REVISION: &str = "deployment.kubernetes.io/revision";
/// The annotation of a DaemonSet, and the label of its pods.
const GENERATION: [&str; 2] = ["deprecated.daemonset.template.generation", "pod-template-generation"];

/// The pods of an object, in the order of names, and whether each is of the newest revision. As long as the controller has not seen
/// the newest specification, none is.
pub(super) fn pods<'a>(world: &'a World, key: &Key, object: &Observed) -> Vec<(PodRef<'a>, bool)> {
    let seen = object.number(&["status", "observedGeneration"]) == Some(object.generation());
    match (&*key.group, &*key.kind) {
        ("apps" | "extensions", "Deployment") => {
            let current = current_replica_set(world, object).map(Observed::uid);
            let sets = world.controlled(object).filter(|owned| owned.text(&["kind"]) == "ReplicaSet");
            let of = |set: &'a Observed| {
                let new = current == Some(set.uid());
                world.pods_controlled_by(set).map(move |pod| (pod, new))
            };
            sets.flat_map(of).collect()
        }
        ("apps", "StatefulSet") => {
            let update = object.text(&["status", "updateRevision"]);
            let new =
                |pod: &PodRef<'_>| seen && !update.is_empty() && pod.object.label("controller-revision-hash") == update;
            world.pods_controlled_by(object).map(|pod| (pod, new(&pod))).collect()
        }
        ("apps" | "extensions", "DaemonSet") => {
            let newest = object.annotation(GENERATION[0]);
            let new = |pod: &PodRef<'_>| seen && !newest.is_empty() && pod.object.label(GENERATION[1]) == newest;
            world.pods_controlled_by(object).map(|pod| (pod, new(&pod))).collect()
        }
        ("apps" | "extensions", "ReplicaSet") | ("" | "batch", "ReplicationController" | "Job" | "Pod") => {
            world.pods_of(key).into_iter().map(|pod| (pod, true)).collect()
        }
        // What an operator makes of a custom resource is not known.
        _ => Vec::new(),
    }
}

/// The ReplicaSet of a Deployment's newest revision, once its controller has seen the newest specification.
pub(super) fn current_replica_set<'a>(world: &'a World, deployment: &Observed) -> Option<&'a Observed> {
    let revision = deployment.annotation(REVISION);
    let seen = deployment.number(&["status", "observedGeneration"]) == Some(deployment.generation());
    if !seen || revision.is_empty() {
        return None;
    }
    world.controlled(deployment).find(|set| set.text(&["kind"]) == "ReplicaSet" && set.annotation(REVISION) == revision)
}

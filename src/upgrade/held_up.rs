//! StatefulSets that Kubernetes does not lead back by itself. One that makes its pods in their order (`OrderedReady`, the default) waits
//! for a pod that is not ready before it replaces any, so a pod that never becomes ready is not replaced even where the template is
//! good again: somebody must delete it. (kubernetes/kubernetes#67250; pkg/controller/statefulset/stateful_set_control.go)

use jiff::Timestamp;

use super::world::{Key, PodRef, World};
use crate::manifest::observed::Observed;

/// A pod that holds up its StatefulSet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldUp {
    /// The StatefulSet.
    pub set: Key,
    /// The pod.
    pub pod: String,
    /// The pod's uid.
    pub uid: String,
    /// When it was made; not known if the server does not say.
    pub made: Option<Timestamp>,
}

/// The pods that hold up the way back to what the world wants, at most one of a StatefulSet: not ready, and of another revision than
/// the one that is wanted. Only of StatefulSets that were led back since the watch began, and whose controller has seen it: before that
/// the wanted revision is the one that is gone back from. A set whose controller is at work on it is not held up: while it replaces
/// a pod, others may lack it.
#[must_use]
pub fn held_up(world: &World) -> Vec<HeldUp> {
    let wanted = world.wanted().iter().filter(|wanted| !wanted.hook && wanted.key.is("apps", "StatefulSet"));
    let sets = wanted.filter_map(|wanted| Some((&wanted.key, world.object(&wanted.key)?)));
    let sets = sets.filter(|(_, set)| world.is_changed(set) && waits_in_order(set) && is_seen(set));
    sets.filter_map(|(key, set)| {
        let newest = set.text(&["status", "updateRevision"]);
        let pods = || world.pods_controlled_by(set);
        if newest.is_empty() || pods().any(|pod| pod.facts.leaving || (revision(&pod) == newest && !pod.facts.ready)) {
            return None;
        }
        let stuck = pods().filter(|pod| holds_up(pod, newest) && ordinal(pod) >= Some(first_replaced(set)));
        let PodRef { object, .. } = stuck.max_by_key(ordinal)?;
        Some(HeldUp {
            set: key.clone(),
            pod: object.name().to_owned(),
            uid: object.uid().to_owned(),
            made: object.text(&["metadata", "creationTimestamp"]).parse().ok(),
        })
    })
    .collect()
}

fn revision<'a>(pod: &PodRef<'a>) -> &'a str {
    pod.object.label("controller-revision-hash")
}

/// The number at the end of its name.
fn ordinal(pod: &PodRef<'_>) -> Option<i64> {
    pod.object.name().rsplit('-').next()?.parse().ok()
}

/// The pods below that stay as they are.
fn first_replaced(set: &Observed) -> i64 {
    let number = |path: &[&str]| set.number(path).unwrap_or_default();
    number(&["spec", "ordinals", "start"]).saturating_add(number(&[
        "spec",
        "updateStrategy",
        "rollingUpdate",
        "partition",
    ]))
}

/// Whether the StatefulSet replaces pods by itself, and one after the other.
fn waits_in_order(set: &Observed) -> bool {
    set.text(&["spec", "podManagementPolicy"]) != "Parallel"
        && set.text(&["spec", "updateStrategy", "type"]) != "OnDelete"
}

fn is_seen(set: &Observed) -> bool {
    set.number(&["status", "observedGeneration"]) == Some(set.generation())
}

fn holds_up(pod: &PodRef<'_>, newest: &str) -> bool {
    let revision = revision(pod);
    !revision.is_empty() && revision != newest && !pod.facts.ready && !pod.facts.leaving
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::upgrade::world::Wanted;

    fn set(generation: i64, observed: i64, newest: &str, spec: &Value) -> Observed {
        let metadata = json!({"name": "db", "namespace": "shop", "uid": "set", "generation": generation});
        let status = json!({"observedGeneration": observed, "updateRevision": newest});
        observed_of(&json!({"metadata": metadata, "spec": spec, "status": status}), "apps/v1", "StatefulSet")
    }

    fn pod(name: &str, revision: &str, ready: &str) -> Observed {
        let metadata = json!({
            "name": name, "namespace": "shop", "uid": name, "labels": {"controller-revision-hash": revision},
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "ownerReferences": [{"kind": "StatefulSet", "name": "db", "uid": "set", "controller": true}],
        });
        let status = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]});
        observed_of(&json!({"metadata": metadata, "spec": {}, "status": status}), "v1", "Pod")
    }

    fn observed_of(json: &Value, version: &str, kind: &str) -> Observed {
        Observed::new(serde_json::from_value(json.clone()).unwrap(), version, kind).unwrap()
    }

    fn world() -> World {
        let key = Key { group: "apps".into(), kind: "StatefulSet".into(), namespace: "shop".into(), name: "db".into() };
        World::new(vec![Wanted { key, hook: false, replicas: None, expires: false }])
    }

    /// The pods that hold up the set once it is this one; it was in generation 2 and led to the revision `bad` before.
    fn pods_of(now: Observed) -> Vec<String> {
        held_up_of(now, [pod("db-0", "good", "True"), pod("db-1", "bad", "False"), pod("db-2", "bad", "False")])
    }

    fn held_up_of(now: Observed, pods: [Observed; 3]) -> Vec<String> {
        let mut world = world();
        world.set(set(2, 2, "bad", &json!({})));
        for pod in pods {
            world.set(pod);
        }
        world.mark_before();
        world.set(now);
        held_up(&world).into_iter().map(|held| held.pod).collect()
    }

    #[test]
    fn the_pod_that_is_not_ready_holds_up_a_set_that_is_led_back() {
        assert_eq!(pods_of(set(3, 3, "good", &json!({}))), ["db-2"]);
        assert_eq!(pods_of(set(3, 3, "good", &json!({"podManagementPolicy": "OrderedReady"}))), ["db-2"]);
    }

    #[test]
    fn a_set_that_is_being_led_back_is_not_held_up() {
        let nothing: [String; 0] = [];
        let now = || set(3, 3, "good", &json!({}));
        // The new db-2 starts, and db-1 is not ready without it.
        let starting = [pod("db-0", "bad", "True"), pod("db-1", "bad", "False"), pod("db-2", "good", "False")];
        assert_eq!(held_up_of(now(), starting), nothing);
        let mut leaving = pod("db-2", "bad", "True");
        leaving = {
            let mut json = serde_json::to_value(leaving.node()).unwrap();
            json["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:01:00Z");
            observed_of(&json, "v1", "Pod")
        };
        assert_eq!(held_up_of(now(), [pod("db-0", "bad", "True"), pod("db-1", "bad", "False"), leaving]), nothing);
        let partition = json!({"updateStrategy": {"rollingUpdate": {"partition": 3}}});
        assert_eq!(pods_of(set(3, 3, "good", &partition)), nothing, "they stay as they are");
    }

    #[test]
    fn what_a_lost_attempt_has_led_back_is_held_up_still() {
        let (mut first, mut second) = (world(), world());
        first.set(set(2, 2, "bad", &json!({})));
        first.mark_before();
        second.set(set(3, 3, "good", &json!({})));
        second.set(pod("db-0", "bad", "False"));
        second.mark_before();
        assert_eq!(held_up(&second), [], "nobody knows who has changed it");
        second.count_from(first.before());
        assert_eq!(held_up(&second)[0].pod, "db-0");
    }

    #[test]
    fn nothing_is_held_up_that_is_not_led_back_yet_or_waits_for_nothing() {
        let nothing: [String; 0] = [];
        assert_eq!(
            pods_of(set(2, 2, "bad", &json!({}))),
            nothing,
            "helm has not applied yet: the old pods are the good ones"
        );
        assert_eq!(pods_of(set(3, 2, "bad", &json!({}))), nothing, "the controller has not seen it yet");
        assert_eq!(pods_of(set(3, 3, "good", &json!({"podManagementPolicy": "Parallel"}))), nothing);
        assert_eq!(pods_of(set(3, 3, "good", &json!({"updateStrategy": {"type": "OnDelete"}}))), nothing);
    }
}

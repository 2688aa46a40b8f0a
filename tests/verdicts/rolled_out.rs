//! Whether a new revision has run at all: what is ready may be ready for having changed nothing.

use helm_safe_upgrade::upgrade::gates::rolled_out::not_rolled_out;
use helm_safe_upgrade::upgrade::judge::Verdict;
use serde_json::{Value, json};

use crate::scene::{Scene, deployment, key};

/// The Deployment `web` of three pods is changed, and this is what its controller has made of it.
fn upgraded(changes: &[(&str, Value)], updated: i64, pods: i64) -> Scene {
    let at = |generation, updated: i64, pods: i64| {
        let status = json!({"replicas": pods, "updatedReplicas": updated, "readyReplicas": 3, "availableReplicas": 3});
        let mut web = deployment(generation, status);
        web["spec"]["replicas"] = json!(3);
        web
    };
    let mut scene = Scene::of(&[key("apps", "Deployment", "web")]);
    scene.set(at(1, 3, 3));
    scene.world.mark_before();
    let mut web = at(2, updated, pods);
    for (field, value) in changes {
        web["spec"][*field] = value.clone();
    }
    scene.set(web);
    scene
}

#[test]
fn a_deployment_that_is_paused_has_run_nothing_new() {
    let mut scene = upgraded(&[("paused", json!(true))], 0, 3);
    assert_eq!(scene.at(0.0).verdict, Verdict::Ready, "nobody can wait for it");
    let told = "deployment/web: 0 of 3 pods run the new revision, as it is paused";
    assert_eq!(not_rolled_out(&scene.world, false), [told]);
}

#[test]
fn a_deployment_that_is_rolled_out_or_scaled_up_is_well() {
    assert!(not_rolled_out(&upgraded(&[], 3, 3).world, false).is_empty());
    // An autoscaler asks for five just now.
    assert!(not_rolled_out(&upgraded(&[("replicas", json!(5))], 3, 3).world, false).is_empty());
    assert!(not_rolled_out(&upgraded(&[("replicas", json!(0))], 0, 0).world, false).is_empty());
}

#[test]
fn what_the_upgrade_has_not_changed_need_not_be_rolled_out_unless_it_is_only_looked_at() {
    let mut scene = upgraded(&[("paused", json!(true))], 0, 3);
    scene.world.mark_before();
    assert!(not_rolled_out(&scene.world, false).is_empty());
    assert_eq!(not_rolled_out(&scene.world, true).len(), 1);
}

#[test]
fn pods_that_are_replaced_by_hand_or_held_back_have_run_nothing_new() {
    let set = |kind: &str, strategy: Value, status: Value| {
        let mut set = json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "db", "generation": 1},
            "spec": {"replicas": 3, "updateStrategy": strategy}, "status": status});
        set["status"]["observedGeneration"] = json!(1);
        set
    };
    let cases = [
        (
            "StatefulSet",
            json!({"type": "OnDelete"}),
            0,
            "0 of 3 pods run the new revision, as others are replaced only",
        ),
        (
            "StatefulSet",
            json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}),
            1,
            "1 of 3 pods run the new revision, as its partition holds",
        ),
        ("DaemonSet", json!({"type": "OnDelete"}), 1, "1 of 3 pods run the new revision, as others are replaced only"),
    ];
    for (kind, strategy, updated, told) in cases {
        let mut scene = Scene::of(&[key("apps", kind, "db")]);
        let status = json!({"replicas": 3, "readyReplicas": 3, "updatedReplicas": updated, "availableReplicas": 3,
            "desiredNumberScheduled": 3, "currentNumberScheduled": 3, "updatedNumberScheduled": updated,
            "numberReady": 3, "numberAvailable": 3});
        scene.set(set(kind, strategy, status));
        assert_eq!(scene.at(0.0).verdict, Verdict::Ready);
        let found = not_rolled_out(&scene.world, false);
        assert!(found[0].contains(told), "{found:?}");
    }
}

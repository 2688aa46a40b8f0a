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

/// A DaemonSet of generation 2 that is wanted on four nodes, and its pods: the node, its generation, and whether it is ready. Node `d` was
/// lost before.
fn daemon_set(strategy: Value, pods: &[(&str, &str, bool)]) -> Scene {
    let count = |of: &dyn Fn(&(&str, &str, bool)) -> bool| pods.iter().filter(|pod| of(pod)).count();
    let (ready, updated) = (count(&|pod| pod.2), count(&|pod| pod.1 == "2"));
    let metadata = json!({"name": "agent", "namespace": "shop", "uid": "agent", "generation": 2,
        "annotations": {"deprecated.daemonset.template.generation": "2"}});
    let status = json!({"observedGeneration": 2, "desiredNumberScheduled": 4, "currentNumberScheduled": pods.len(),
        "updatedNumberScheduled": updated, "numberReady": ready, "numberAvailable": ready});
    let spec = json!({"updateStrategy": strategy});
    let mut scene = Scene::of(&[key("apps", "DaemonSet", "agent")]);
    scene.set(
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": spec, "status": status}),
    );
    for (node, generation, ready) in pods {
        let ready = if *ready { "True" } else { "False" };
        scene.set(json!({"apiVersion": "v1", "kind": "Pod", "spec": {"nodeName": node},
            "metadata": {"name": node, "namespace": "shop", "uid": node, "labels": {"pod-template-generation": generation},
                "ownerReferences": [{"kind": "DaemonSet", "name": "agent", "uid": "agent", "controller": true}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}}));
    }
    scene
}

fn of_daemon_set(strategy: Value, pods: &[(&str, &str, bool)]) -> (Verdict, Vec<String>) {
    let mut scene = daemon_set(strategy, pods);
    assert_eq!(scene.world.nodes_in_doubt(), pods.iter().filter(|pod| !pod.2).map(|pod| pod.0).collect::<Vec<_>>());
    assert_eq!(scene.at(0.0).verdict, Verdict::Waiting, "nobody says that a node is lost");
    scene.world.lose_nodes(["d".to_owned()]);
    (scene.at(1.0).verdict, not_rolled_out(&scene.world, false))
}

#[test]
fn a_daemon_set_that_runs_wherever_a_node_answers_is_in_doubt_and_waited_for_no_more() {
    let pods = [("a", "2", true), ("b", "2", true), ("c", "2", true), ("d", "1", false)];
    let (verdict, told) = of_daemon_set(json!({}), &pods);
    assert_eq!(verdict, Verdict::Ready);
    assert_eq!(told, ["daemonset/agent: ready on 3 of 4 nodes; node d was lost before"]);
}

#[test]
fn a_daemon_set_that_a_lost_node_holds_up_is_in_doubt_and_others_are_waited_for() {
    let pods = [("a", "2", true), ("b", "1", true), ("c", "1", true), ("d", "1", false)];
    let (verdict, told) = of_daemon_set(json!({}), &pods);
    assert_eq!(verdict, Verdict::Ready);
    let held_up = "1 of 3 pods on nodes that answer are updated, and no more will be: node d was lost before";
    assert!(told[0].contains(held_up), "{told:?}");
    for goes_on in [
        json!({"rollingUpdate": {"maxUnavailable": 2}}),
        json!({"rollingUpdate": {"maxUnavailable": "26%"}}),
        json!({"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}),
    ] {
        assert_eq!(of_daemon_set(goes_on.clone(), &pods).0, Verdict::Waiting, "{goes_on}");
    }
    let quarter = json!({"rollingUpdate": {"maxUnavailable": "25%"}});
    assert_eq!(of_daemon_set(quarter, &pods).0, Verdict::Ready);
}

#[test]
fn what_is_missing_on_nodes_that_answer_is_waited_for() {
    let not_ready = [("a", "2", true), ("b", "2", true), ("c", "2", false), ("d", "1", false)];
    assert_eq!(of_daemon_set(json!({}), &not_ready).0, Verdict::Waiting);
    let missing = [("a", "2", true), ("b", "2", true), ("d", "1", false)];
    assert_eq!(of_daemon_set(json!({}), &missing).0, Verdict::Waiting);
}

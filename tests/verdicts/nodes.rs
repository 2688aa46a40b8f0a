//! Nodes that are restarted, lost or drained in a soak: what becomes of their pods is not the upgrade's work.

use helm_safe_upgrade::upgrade::gates::nodes::Standing;
use helm_safe_upgrade::upgrade::gates::vigil::Vigil;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::scene::{Scene, deployment, observed, pod, running, waiting};

/// `web`, whose two pods of the new revision are on the nodes `a` and `b`.
struct Soak {
    scene: Scene,
    vigil: Vigil,
    /// How nodes answer when they are asked.
    answer: Standing,
    asked: Vec<String>,
}

impl Soak {
    fn begins() -> Self {
        let mut scene = Scene::upgraded();
        scene.finish();
        scene.set(web(2));
        scene.set(on("a", running(true)));
        scene.set(on("b", running(true)));
        let judgement = scene.at(0.0);
        let vigil = Vigil::begin(&scene.world, &judgement, SignedDuration::from_secs(60));
        Self { scene, vigil, answer: Standing::Ready(None), asked: Vec::new() }
    }

    /// What is told at this time, after the nodes that must be asked have answered.
    fn troubles_at(&mut self, seconds: f64) -> Vec<String> {
        let now = self.scene.start + SignedDuration::from_secs_f64(seconds);
        for _ in 0..2 {
            let judgement = self.scene.at(seconds);
            let troubles = self.vigil.troubles(&self.scene.world, &judgement, now);
            let nodes = self.vigil.unheard_nodes();
            if nodes.is_empty() {
                return troubles;
            }
            assert_eq!(troubles, Vec::<String>::new(), "nothing is told before they have answered");
            self.asked.extend(nodes.clone());
            self.vigil.hear(nodes.into_iter().map(|node| (node, self.answer)).collect(), now);
        }
        panic!("nodes are asked again and again: {:?}", self.asked)
    }

    fn is_well_at(&mut self, seconds: f64) {
        assert_eq!(self.troubles_at(seconds), Vec::<String>::new(), "after {seconds} s");
    }
}

fn web(ready: i64) -> Value {
    let status = json!({"replicas": 2, "updatedReplicas": 2, "readyReplicas": ready, "availableReplicas": ready});
    let mut web = deployment(2, status);
    web["spec"]["replicas"] = json!(2);
    web
}

fn on(node: &str, status: Value) -> Value {
    let mut pod = pod(&format!("web-2-{node}"), "ReplicaSet", "web-2", status);
    pod["spec"]["nodeName"] = json!(node);
    pod
}

/// The node controller says so where a node is lost: of the containers nothing more is heard.
fn lost() -> Value {
    let mut status = running(true);
    status["conditions"][0]["status"] = json!("False");
    status
}

/// The container ran since noon, and was started again.
fn restarted(reason: &str) -> Value {
    let mut status = running(true);
    status["containerStatuses"][0]["restartCount"] = json!(1);
    let last = json!({"exitCode": 255, "reason": reason, "startedAt": "2026-03-01T12:00:00Z"});
    status["containerStatuses"][0]["lastState"] = json!({"terminated": last});
    status
}

fn noon_and(seconds: i64) -> Timestamp {
    "2026-03-01T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

#[test]
fn what_is_restarted_with_its_node_is_a_doubt() {
    for answer in [Standing::Lost, Standing::Ready(Some(noon_and(300)))] {
        let mut soak = Soak::begins();
        soak.answer = answer;
        soak.scene.set(on("a", restarted("Error")));
        soak.is_well_at(310.0);
        soak.is_well_at(3000.0);
        assert_eq!(soak.asked, ["a"], "once");
        let told = "deployment/web: container app was restarted, exit code 255 (pod web-2-a) with its node a";
        assert_eq!(soak.vigil.doubts(), [told]);
    }
}

/// After a node is up again, everything on it takes its time.
#[test]
fn what_is_restarted_with_its_node_may_take_long() {
    let mut soak = Soak::begins();
    let mut starting = restarted("Unknown");
    (starting["conditions"][0]["status"], starting["containerStatuses"][0]["ready"]) = (json!("False"), json!(false));
    soak.scene.set(on("a", starting));
    soak.scene.set(web(1));
    for at in [10.0, 69.0, 75.0, 200.0] {
        soak.is_well_at(at);
    }
}

#[test]
fn what_is_restarted_on_a_node_that_was_well_all_along_fails() {
    for answer in [Standing::Ready(Some(noon_and(-300))), Standing::Ready(None), Standing::Unknown] {
        let mut soak = Soak::begins();
        soak.answer = answer;
        soak.scene.set(on("a", restarted("Error")));
        assert_eq!(soak.troubles_at(310.0).len(), 1, "{answer:?}");
    }
}

/// So containerd tells what it finds dead after the machine was restarted.
#[test]
fn a_container_that_its_runtime_has_lost_is_a_doubt_whatever_the_node_says() {
    let mut soak = Soak::begins();
    soak.scene.set(on("a", restarted("Unknown")));
    soak.is_well_at(310.0);
    assert!(soak.asked.is_empty());
    assert_eq!(soak.vigil.doubts().len(), 1);
}

#[test]
fn readiness_that_is_lost_with_its_node_does_not_fail_it() {
    let mut soak = Soak::begins();
    soak.answer = Standing::Lost;
    soak.scene.set(on("a", lost()));
    soak.scene.set(web(1));
    soak.is_well_at(10.0);
    assert!(soak.asked.is_empty(), "not before its grace is over");
    soak.is_well_at(70.0);
    assert_eq!(soak.asked, ["a"]);
    // After five minutes it is evicted, and nothing has room for the pod that comes for it.
    soak.scene.gone(on("a", lost()));
    let told = json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]);
    soak.scene.set(pod("web-2-c", "ReplicaSet", "web-2", json!({"phase": "Pending", "conditions": told})));
    soak.is_well_at(400.0);
    soak.is_well_at(500.0);
    // The other one is lost by itself.
    soak.answer = Standing::Ready(None);
    soak.scene.set(on("b", lost()));
    soak.scene.set(web(0));
    soak.is_well_at(510.0);
    soak.is_well_at(569.0);
    assert!(!soak.troubles_at(570.0).is_empty());
}

#[test]
fn readiness_that_is_lost_on_a_node_that_is_well_fails_it() {
    for answer in [Standing::Ready(Some(noon_and(-300))), Standing::Unknown] {
        let mut soak = Soak::begins();
        soak.answer = answer;
        soak.scene.set(on("a", lost()));
        soak.scene.set(web(1));
        soak.is_well_at(10.0);
        assert_eq!(soak.troubles_at(70.0).len(), 1);
    }
}

/// A drain, a preemption, or a node that is lost, where nodes may not be looked at.
#[test]
fn a_pod_that_is_disrupted_from_outside_does_not_fail_it_until_another_is_there() {
    let mut soak = Soak::begins();
    soak.answer = Standing::Unknown;
    let mut disrupted = on("a", running(true));
    disrupted["metadata"]["deletionTimestamp"] = json!("2026-03-01T12:00:10Z");
    let conditions = disrupted["status"]["conditions"].as_array_mut().unwrap();
    conditions.push(json!({"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}));
    soak.scene.set(disrupted.clone());
    soak.is_well_at(10.0);
    soak.scene.set(web(1));
    soak.scene.gone(disrupted);
    soak.scene.set(on("c", waiting("ContainerCreating", "")));
    soak.is_well_at(20.0);
    soak.is_well_at(85.0);
    soak.scene.set(on("c", running(true)));
    soak.scene.set(web(2));
    soak.is_well_at(90.0);
    assert!(soak.vigil.doubts().is_empty());
    soak.scene.set(on("c", lost()));
    soak.scene.set(web(1));
    soak.is_well_at(100.0);
    assert_eq!(soak.troubles_at(165.0).len(), 1, "all was well again, so this is another matter");
}

/// The new version may have filled the disk by itself.
#[test]
fn a_pod_that_its_kubelet_evicts_is_not_disrupted_from_outside() {
    let mut soak = Soak::begins();
    let mut evicted = on("a", running(false));
    evicted["status"] = json!({"phase": "Failed", "reason": "Evicted", "message": "ephemeral local storage usage exceeds",
        "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}]});
    soak.scene.set(evicted);
    soak.scene.set(web(1));
    soak.is_well_at(10.0);
    assert_eq!(soak.troubles_at(70.0).len(), 1);
}

#[test]
fn a_node_says_whether_it_is_ready_and_since_when() {
    let node = |condition: Value| {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}, "status": {"conditions": [condition]}});
        Standing::of(&observed(node))
    };
    let ready =
        |status: &str| node(json!({"type": "Ready", "status": status, "lastTransitionTime": "2026-03-01T12:00:00Z"}));
    assert_eq!(ready("True"), Standing::Ready(Some(noon_and(0))));
    assert_eq!((ready("Unknown"), ready("False")), (Standing::Lost, Standing::Lost));
    assert_eq!(node(json!({"type": "DiskPressure", "status": "False"})), Standing::Unknown);
}

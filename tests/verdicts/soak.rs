//! A release that is ready and watched on: what fails it, and what does not.

use helm_safe_upgrade::upgrade::gates::images;
use helm_safe_upgrade::upgrade::gates::vigil::Vigil;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::scene::{Scene, deployment, pod, running};

/// How long what is not ready has to become so again.
const GRACE: f64 = 60.0;

struct Soak {
    scene: Scene,
    vigil: Vigil,
}

impl Soak {
    /// The upgrade is done, and its pod was restarted once until then.
    fn begins() -> Self {
        let mut scene = Scene::upgraded();
        scene.finish();
        scene.new_pod(restarted(1, true));
        let judgement = scene.at(0.0);
        let vigil = Vigil::begin(&scene.world, &judgement, SignedDuration::from_secs_f64(GRACE));
        Self { scene, vigil }
    }

    fn troubles_at(&mut self, seconds: f64) -> Vec<String> {
        let judgement = self.scene.at(seconds);
        let now = self.scene.start + SignedDuration::from_secs_f64(seconds);
        self.vigil.troubles(&self.scene.world, &judgement, now)
    }

    fn is_well_at(&mut self, seconds: f64) {
        assert_eq!(self.troubles_at(seconds), Vec::<String>::new(), "after {seconds} s");
    }

    fn has(&mut self, pods: u32, ready: u32) {
        let status =
            json!({"replicas": pods, "updatedReplicas": pods, "readyReplicas": ready, "availableReplicas": ready});
        let mut deployment = deployment(2, status);
        deployment["spec"]["replicas"] = json!(pods);
        self.scene.set(deployment);
    }
}

pub(crate) fn restarted(times: i64, ready: bool) -> Value {
    let mut status = running(ready);
    status["containerStatuses"][0]["restartCount"] = json!(times);
    status["containerStatuses"][0]["lastState"] = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    status
}

#[test]
fn a_restart_fails_it_at_once() {
    let mut soak = Soak::begins();
    soak.is_well_at(30.0);
    soak.scene.new_pod(restarted(2, true));
    assert_eq!(
        soak.troubles_at(31.0),
        ["deployment/web: container app was restarted, OOMKilled (pod web-2-a)"],
        "the restart before it began does not count"
    );
}

#[test]
fn a_pod_that_comes_meanwhile_must_not_restart_either() {
    let mut soak = Soak::begins();
    soak.scene.set(pod("web-2-b", "ReplicaSet", "web-2", running(true)));
    soak.is_well_at(10.0);
    soak.scene.set(pod("web-2-b", "ReplicaSet", "web-2", restarted(1, true)));
    assert_eq!(soak.troubles_at(11.0).len(), 1);
}

#[test]
fn a_pod_that_is_replaced_is_no_restart() {
    let mut soak = Soak::begins();
    soak.scene.gone(pod("web-2-a", "ReplicaSet", "web-2", restarted(1, true)));
    soak.scene.set(pod("web-2-b", "ReplicaSet", "web-2", running(true)));
    soak.is_well_at(100.0);
}

#[test]
fn what_is_not_ready_any_more_fails_it_after_its_grace() {
    let mut soak = Soak::begins();
    soak.has(1, 0);
    soak.is_well_at(10.0);
    soak.is_well_at(10.0 + GRACE - 0.001);
    let troubles = soak.troubles_at(10.0 + GRACE);
    assert!(troubles[0].starts_with("deployment/web: not ready any more: "), "{troubles:?}");
}

#[test]
fn what_is_ready_again_within_its_grace_is_well() {
    let mut soak = Soak::begins();
    for at in [10.0, 100.0, 190.0] {
        soak.has(1, 0);
        soak.is_well_at(at);
        soak.is_well_at(at + GRACE - 1.0);
        soak.has(1, 1);
        soak.is_well_at(at + GRACE);
    }
}

/// An autoscaler asks for more pods than can be had.
#[test]
fn pods_that_are_asked_for_meanwhile_need_not_become_ready() {
    let mut soak = Soak::begins();
    soak.has(5, 1);
    soak.is_well_at(10.0);
    soak.is_well_at(10_000.0);
    soak.has(5, 0);
    soak.is_well_at(10_010.0);
    assert_eq!(soak.troubles_at(10_010.0 + GRACE).len(), 1, "the one that there was is gone");
}

#[test]
fn no_grace_runs_while_it_is_out_of_sight() {
    let mut soak = Soak::begins();
    soak.has(1, 0);
    soak.is_well_at(10.0);
    soak.scene.world.lose_sight("apps", "Deployment", Some("shop"));
    soak.is_well_at(500.0);
    soak.scene.world.regain_sight("apps", "Deployment", Some("shop"));
    soak.is_well_at(501.0);
    assert_eq!(soak.troubles_at(501.0 + GRACE).len(), 1);
}

#[test]
fn an_image_that_somebody_else_has_set_is_told() {
    let mut scene = Scene::upgraded();
    scene.finish();
    let status = json!({"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1});
    let mut deployment = deployment(2, status);
    deployment["spec"]["template"] = json!({"spec": {"containers": [{"name": "app", "image": "web:2"}]}});
    scene.set(deployment.clone());
    assert!(images::compare(&scene.world).is_empty());
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = json!("mirror/web:2");
    scene.set(deployment);
    assert_eq!(images::compare(&scene.world), ["deployment/web: container app runs web:2, not mirror/web:2"]);
}

//! What happens in a soak and is not the upgrade's work: it leaves a doubt, and never means rollback.

use helm_safe_upgrade::upgrade::gates::vigil::Vigil;
use helm_safe_upgrade::upgrade::world::{Wanted, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::scene::{Scene, deployment, key, observed, owner, pod, replica_set, running, waiting};
use crate::soak::restarted;

const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// A soak of a release that is as the scene has it now.
struct Soak {
    scene: Scene,
    vigil: Vigil,
}

impl Soak {
    fn of(mut scene: Scene) -> Self {
        let judgement = scene.at(0.0);
        let vigil = Vigil::begin(&scene.world, &judgement, GRACE);
        Self { scene, vigil }
    }

    fn troubles_at(&mut self, seconds: f64) -> Vec<String> {
        let judgement = self.scene.at(seconds);
        let now = self.scene.start + SignedDuration::from_secs_f64(seconds);
        self.vigil.troubles(&self.scene.world, &judgement, now)
    }

    /// Nothing of it means rollback, now or later; the doubts.
    fn doubts_from(&mut self, seconds: f64) -> &[String] {
        for at in [seconds, seconds + 59.0, seconds + 61.0, seconds + 3600.0] {
            assert_eq!(self.troubles_at(at), Vec::<String>::new(), "after {at} s");
        }
        self.vigil.doubts()
    }
}

/// The Deployment `api` of three pods, which the upgrade leaves as it is, beside `web`, which it changes.
fn beside() -> Soak {
    let mut scene = Scene::of(&[key("apps", "Deployment", "web"), key("apps", "Deployment", "api")]);
    scene.set(deployment(1, json!({"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1})));
    scene.set(replica_set("web-1", 1));
    scene.set(api(1, 3, 3));
    let mut set = replica_set("api-1", 1);
    set["metadata"]["ownerReferences"] = json!([owner("Deployment", "api")]);
    scene.set(set);
    scene.set(pod("api-1-a", "ReplicaSet", "api-1", running(true)));
    scene.world.mark_before();
    scene.roll_out();
    scene.finish();
    Soak::of(scene)
}

fn api(generation: i64, pods: i64, ready: i64) -> Value {
    let status = json!({"replicas": pods, "updatedReplicas": pods, "readyReplicas": ready, "availableReplicas": ready});
    let mut api = deployment(1, status);
    (api["metadata"]["name"], api["metadata"]["uid"]) = (json!("api"), json!("Deployment-api"));
    (api["metadata"]["generation"], api["status"]["observedGeneration"]) = (json!(generation), json!(generation));
    api["spec"]["replicas"] = json!(pods);
    api
}

#[test]
fn a_restart_in_what_the_upgrade_has_not_changed_is_a_doubt() {
    let mut soak = beside();
    soak.scene.set(pod("api-1-a", "ReplicaSet", "api-1", restarted(1, true)));
    let told = "deployment/api: container app was restarted, OOMKilled (pod api-1-a), which this upgrade has not made";
    assert_eq!(soak.doubts_from(10.0), [told]);
    soak.scene.new_pod(restarted(1, true));
    assert_eq!(soak.troubles_at(4000.0).len(), 1, "what the upgrade has changed counts as ever");
}

#[test]
fn what_was_only_looked_at_counts_altogether() {
    let mut soak = beside();
    soak.vigil = soak.vigil.of_everything(true);
    soak.scene.set(pod("api-1-a", "ReplicaSet", "api-1", restarted(1, true)));
    assert_eq!(soak.troubles_at(10.0), ["deployment/api: container app was restarted, OOMKilled (pod api-1-a)"]);
}

#[test]
fn what_the_upgrade_has_not_changed_may_lose_its_readiness() {
    let mut soak = beside();
    soak.scene.set(api(1, 3, 2));
    let doubts = soak.doubts_from(10.0);
    assert!(doubts[0].starts_with("deployment/api: not ready any more: "), "{doubts:?}");
}

/// A certificate is renewed, a database fails over: the condition of somebody else's custom resource.
#[test]
fn an_unchanged_custom_resource_may_lose_its_readiness() {
    let certificate = |status: &str| {
        json!({"apiVersion": "example.com/v1", "kind": "Certificate", "metadata": {"name": "tls", "generation": 1},
            "spec": {}, "status": {"conditions": [{"type": "Ready", "status": status}]}})
    };
    let mut scene = Scene::of(&[key("example.com", "Certificate", "tls")]);
    scene.set(certificate("True"));
    scene.world.mark_before();
    let mut soak = Soak::of(scene);
    soak.scene.set(certificate("False"));
    assert_eq!(soak.doubts_from(10.0).len(), 1);
}

fn pending(condition: &str) -> Value {
    json!({"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": condition}]})
}

/// The autoscaler asks for eight pods at peak load, and only five fit.
#[test]
fn an_autoscaler_may_ask_for_more_than_fits() {
    let mut scene = Scene::upgraded();
    scene.finish();
    let mut soak = Soak::of(scene);
    let mut scaled = deployment(
        2,
        json!({"replicas": 3, "updatedReplicas": 3, "readyReplicas": 1,
        "availableReplicas": 1, "observedGeneration": 3}),
    );
    (scaled["metadata"]["generation"], scaled["status"]["observedGeneration"]) = (json!(3), json!(3));
    scaled["spec"]["replicas"] = json!(3);
    soak.scene.set(scaled.clone());
    for name in ["web-2-b", "web-2-c"] {
        soak.scene.set(pod(name, "ReplicaSet", "web-2", pending("0/3 nodes are available: 3 Insufficient cpu.")));
    }
    assert!(soak.doubts_from(10.0).is_empty());
    // That one of those that there were is not ready for a moment counts after its grace, however long others have waited.
    let mut less = scaled.clone();
    less["status"]["readyReplicas"] = json!(0);
    soak.scene.set(less);
    assert!(soak.troubles_at(3700.0).is_empty() && soak.troubles_at(3759.0).is_empty());
    assert_eq!(soak.troubles_at(3760.0).len(), 1);
    soak.scene.set(scaled);
    // Those that there were must stay, and a new one that starts must not fail in itself.
    soak.scene.set(pod("web-2-b", "ReplicaSet", "web-2", waiting("InvalidImageName", "")));
    assert!(soak.troubles_at(4000.0).is_empty());
    assert_eq!(soak.troubles_at(4100.0).len(), 1);
}

#[test]
fn a_quota_may_refuse_what_an_autoscaler_asks_for() {
    let mut scene = Scene::upgraded();
    scene.finish();
    let mut soak = Soak::of(scene);
    let mut scaled = deployment(
        2,
        json!({"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1,
        "availableReplicas": 1}),
    );
    scaled["spec"]["replicas"] = json!(5);
    soak.scene.set(scaled);
    let mut set = replica_set("web-2", 2);
    set["status"] = json!({"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
        "message": "exceeded quota: few"}]});
    soak.scene.set(set);
    assert!(soak.doubts_from(10.0).is_empty());
}

/// A release of `web` whose manifest names so many replicas, of which there are two before the upgrade.
fn scaled(declared: Option<i64>) -> Scene {
    let mut scene = Scene::of(&[]);
    let wanted = Wanted { key: key("apps", "Deployment", "web"), hook: false, replicas: declared, expires: false };
    scene.world = World::new(vec![wanted]);
    let at = |generation: i64, replicas: i64| {
        let status = json!({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2});
        let mut web = deployment(1, status);
        (web["metadata"]["generation"], web["status"]["observedGeneration"]) = (json!(generation), json!(generation));
        web["spec"]["replicas"] = json!(replicas);
        web
    };
    scene.set(at(1, 2));
    scene.set(replica_set("web-1", 1));
    scene.world.mark_before();
    scene.set(at(2, 5));
    scene.set(pod("web-1-c", "ReplicaSet", "web-1", pending("0/3 nodes are available: 3 Insufficient cpu.")));
    scene
}

#[test]
fn who_is_scaled_by_an_autoscaler_meanwhile_is_not_changed_by_the_upgrade() {
    for declared in [None, Some(2)] {
        let mut scene = scaled(declared);
        assert!(!scene.world.is_changed(&observed(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "generation": 1}}))));
        scene.is_healed_at(0.0);
    }
}

#[test]
fn what_the_upgrade_itself_scales_up_must_find_its_room() {
    let mut scene = scaled(Some(5));
    scene.holds_at(0.0);
    assert_eq!(scene.fails_at(60.0).rule, "unschedulable");
}

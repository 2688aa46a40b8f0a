//! Whose signs count: objects that the upgrade changed, and new pods of the newest revision. Nobody else's.

use helm_safe_upgrade::upgrade::judge::{State, Verdict};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::scene::{Scene, deployment, key, observed, pod, replica_set, running, waiting, waiting_after};

fn crashing() -> Value {
    waiting_after(9, "CrashLoopBackOff", "")
}

#[test]
fn an_old_pod_that_crashes_is_not_the_upgrades_fault() {
    let mut scene = Scene::upgraded();
    scene.set(pod("web-1-a", "ReplicaSet", "web-1", crashing()));
    scene.is_healed_at(0.0);
    // Nor is one that the old ReplicaSet makes anew while it is still there.
    scene.set(pod("web-1-b", "ReplicaSet", "web-1", crashing()));
    scene.is_healed_at(90_000.0);
}

#[test]
fn a_workload_that_the_upgrade_does_not_change_is_not_its_fault() {
    let mut scene = Scene::of(&[key("apps", "Deployment", "web")]);
    scene.set(deployment(1, json!({"replicas": 1})));
    scene.set(replica_set("web-1", 1));
    scene.world.mark_before();
    scene.set(pod("web-1-a", "ReplicaSet", "web-1", crashing()));
    scene.is_healed_at(0.0);
    assert!(matches!(scene.state(), State::Waiting(_)), "and it is not ready");
}

#[test]
fn a_pod_of_another_release_does_not_count() {
    let mut scene = Scene::upgraded();
    scene.set(pod("web-2-x", "ReplicaSet", "other", crashing()));
    let mut orphan = pod("web-2-y", "ReplicaSet", "web-2", crashing());
    orphan["metadata"]["ownerReferences"] = json!([]);
    scene.set(orphan);
    scene.is_healed_at(0.0);
}

#[test]
fn a_pod_that_was_there_before_does_not_count_even_if_its_revision_is_the_newest_again() {
    let mut scene = Scene::of(&[key("apps", "Deployment", "web")]);
    scene.set(deployment(3, json!({})));
    scene.set(replica_set("web-2", 3));
    scene.set(pod("web-2-a", "ReplicaSet", "web-2", crashing()));
    scene.world.mark_before();
    scene.set(deployment(4, json!({})));
    scene.set(replica_set("web-2", 4));
    scene.is_healed_at(0.0);
    scene.set(pod("web-2-b", "ReplicaSet", "web-2", crashing()));
    scene.holds_at(90_000.0);
    scene.fails_at(90_010.0);
}

#[test]
fn nothing_counts_until_the_controller_has_seen_the_change() {
    let mut scene = Scene::upgraded();
    scene.new_pod(crashing());
    let mut unseen = deployment(3, json!({}));
    unseen["status"]["observedGeneration"] = json!(2);
    scene.set(unseen);
    scene.is_healed_at(0.0);
}

#[test]
fn a_pod_that_leaves_does_not_count() {
    let mut scene = Scene::upgraded();
    let mut leaving = pod("web-2-a", "ReplicaSet", "web-2", crashing());
    leaving["metadata"]["deletionTimestamp"] = json!("2026-03-01T12:00:00Z");
    scene.set(leaving);
    scene.is_healed_at(0.0);
}

#[test]
fn a_pod_that_is_gone_takes_its_sign_with_it() {
    let mut scene = Scene::upgraded();
    scene.new_pod(crashing());
    scene.holds_at(0.0);
    scene.gone(pod("web-2-a", "ReplicaSet", "web-2", crashing()));
    scene.is_healed_at(9.0);
}

#[test]
fn a_pod_that_a_new_list_lacks_is_gone() {
    let mut scene = Scene::upgraded();
    scene.new_pod(crashing());
    scene.holds_at(0.0);
    scene.world.replace("", "Pod", Some("other"), Vec::new());
    assert_eq!(scene.at(1.0).signs.len(), 1, "a list of another namespace says nothing of it");
    let still = observed(pod("web-1-a", "ReplicaSet", "web-1", running(true)));
    scene.world.replace("", "Pod", Some("shop"), vec![still]);
    scene.is_healed_at(9.0);
    assert_eq!(scene.row().pods.len(), 1);
}

#[test]
fn a_pod_of_the_same_name_that_is_made_anew_starts_from_nothing() {
    let mut scene = Scene::upgraded();
    scene.new_pod(waiting("ImagePullBackOff", ""));
    scene.holds_at(0.0);
    let mut anew = pod("web-2-a", "ReplicaSet", "web-2", waiting("ImagePullBackOff", ""));
    anew["metadata"]["uid"] = json!("another");
    scene.set(anew);
    scene.holds_at(29.0);
    scene.fails_at(59.0);
}

#[test]
fn an_event_from_before_the_upgrade_says_nothing_of_it() {
    let claim = |scene: &mut Scene| {
        scene.set(json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "generation": 2},
            "spec": {"replicas": 2}, "status": {"observedGeneration": 2, "replicas": 1}}));
    };
    let mut scene = Scene::of(&[key("apps", "StatefulSet", "db")]);
    scene.event("StatefulSet-db", "FailedCreate", "exceeded quota");
    scene.world.mark_before();
    claim(&mut scene);
    scene.is_healed_at(0.0);
    let mut again = crate::scene::event("StatefulSet-db", "FailedCreate", "exceeded quota");
    again["count"] = json!(2);
    scene.set(again);
    scene.holds_at(90_000.0);
    scene.fails_at(90_060.0);
}

#[test]
fn what_may_not_be_watched_is_unknown_and_neither_ready_nor_failed() {
    let mut scene = Scene::upgraded();
    scene.new_pod(crashing());
    scene.world.cannot_see("apps", "Deployment", "no right to watch deployments".to_owned());
    let judgement = scene.at(0.0);
    assert_eq!(judgement.rows[0].state, State::Unknown("no right to watch deployments".to_owned()));
    assert_eq!(judgement.verdict, Verdict::Waiting);
    assert!(judgement.is_only_unknown() && judgement.signs.is_empty());
    scene.holds_at(86_400.0);
}

#[test]
fn an_object_that_is_not_there_is_waited_for() {
    let mut scene = Scene::of(&[key("apps", "Deployment", "web")]);
    assert_eq!(scene.state(), State::Waiting("is not there yet".to_owned()));
    assert_eq!(scene.at(86_400.0).verdict, Verdict::Waiting);
}

#[test]
fn a_release_of_nothing_that_takes_time_is_ready() {
    let mut scene = Scene::of(&[key("", "ConfigMap", "settings"), key("rbac.authorization.k8s.io", "Role", "web")]);
    let judgement = scene.at(0.0);
    assert_eq!((judgement.rows.len(), judgement.verdict), (0, Verdict::Ready));
}

#[test]
fn the_clocks_of_cluster_and_user_play_no_part() {
    for start in ["1970-01-01T00:00:01Z", "2026-03-01T12:00:00Z", "2093-01-01T00:00:00Z"] {
        let mut scene = Scene::upgraded();
        scene.start = start.parse::<Timestamp>().unwrap();
        scene.new_pod(crashing());
        scene.event("Pod-web-2-a", "BackOff", "Back-off restarting failed container");
        scene.holds_at(0.0);
        scene.fails_at(10.0);
    }
}

#[test]
fn a_clock_that_is_set_back_makes_a_verdict_late_and_not_early() {
    let mut scene = Scene::upgraded();
    scene.new_pod(crashing());
    scene.start += SignedDuration::from_secs(3600);
    scene.holds_at(0.0);
    scene.start -= SignedDuration::from_secs(3600);
    scene.holds_at(20.0);
    scene.fails_at(3610.0);
}

#[test]
fn a_whole_roll_out_goes_from_waiting_to_ready() {
    let mut scene = Scene::upgraded();
    assert_eq!(scene.at(0.0).verdict, Verdict::Waiting);
    scene.new_pod(waiting("ContainerCreating", ""));
    let judgement = scene.at(1.0);
    let row = &judgement.rows[0];
    assert_eq!((row.ready, row.wanted, row.updated, row.old), (1, 1, 1, 1));
    assert!(judgement.signs.is_empty());
    scene.finish();
    let judgement = scene.at(2.0);
    assert_eq!(judgement.verdict, Verdict::Ready);
    let row = &judgement.rows[0];
    assert_eq!((row.ready, row.wanted, row.updated, row.old), (1, 1, 1, 0));
    assert_eq!(row.since, Some(scene.start + SignedDuration::from_secs(2)));
}

#[test]
fn the_last_event_since_the_upgrade_is_told() {
    let mut scene = Scene::upgraded();
    scene.event("Deployment-web", "ScalingReplicaSet", "Scaled up replica set web-2");
    assert_eq!(scene.row().event.as_deref(), Some("ScalingReplicaSet: Scaled up replica set web-2"));
    scene.new_pod(waiting("ImagePullBackOff", ""));
    let mut later = crate::scene::event("Pod-web-2-a", "Failed", "not found");
    later["lastTimestamp"] = json!("2026-03-01T12:00:01Z");
    scene.set(later);
    assert_eq!(scene.row().event.as_deref(), Some("Failed: not found"));
}

#[test]
fn while_the_api_server_is_away_no_grace_runs_and_nothing_is_ready() {
    let mut scene = Scene::upgraded();
    scene.new_pod(crashing());
    scene.holds_at(0.0);
    scene.world.lose_sight("", "Pod", Some("shop"));
    let judgement = scene.at(8.0);
    assert_eq!((judgement.signs[0].due, judgement.look_again), (None, None));
    scene.holds_at(40.0);
    // Its watch goes on: the whole grace runs anew, in which the pod can heal.
    scene.world.regain_sight("", "Pod", Some("shop"));
    scene.holds_at(40.1);
    scene.fails_at(50.0);
    let mut scene = Scene::upgraded();
    scene.finish();
    scene.world.lose_sight("apps", "Deployment", None);
    assert_eq!(scene.at(0.0).verdict, Verdict::Waiting);
    let all = vec![observed(deployment(
        2,
        json!({"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}),
    ))];
    scene.world.replace("apps", "Deployment", None, all);
    assert_eq!(scene.at(1.0).verdict, Verdict::Ready);
}

#[test]
fn a_kind_that_has_nothing_to_do_with_it_may_be_out_of_sight() {
    let mut scene = Scene::upgraded();
    scene.new_pod(crashing());
    scene.world.lose_sight("example.com", "Backup", None);
    scene.holds_at(0.0);
    scene.fails_at(10.0);
}

//! Signs that objects show beside those of containers: each fails after its grace, and heals within it.

use helm_safe_upgrade::upgrade::judge::{Patience, State, Verdict};
use serde_json::{Value, json};

use crate::scene::{Scene, deployment, key, pod, replica_set, running, waiting};

fn unschedulable() -> Value {
    json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/3 nodes are available: 3 Insufficient cpu."}]})
}

#[test]
fn a_pod_that_no_node_takes_fails_after_a_minute() {
    let mut scene = Scene::upgraded();
    scene.new_pod(unschedulable());
    scene.holds_at(0.0);
    let sign = scene.fails_at(60.0);
    assert_eq!(sign.message, "no node takes the pod: 0/3 nodes are available: 3 Insufficient cpu.");
    assert_eq!(sign.rule, "unschedulable");
}

#[test]
fn a_pod_that_finds_its_node_within_a_minute_is_no_failure() {
    let mut scene = Scene::upgraded();
    scene.new_pod(unschedulable());
    scene.holds_at(0.0);
    scene.new_pod(waiting("ContainerCreating", ""));
    scene.is_healed_at(59.9);
}

#[test]
fn an_autoscaler_at_work_is_waited_for() {
    for (reason, message) in [
        ("TriggeredScaleUp", "pod triggered scale-up: [{group 1->2 (max: 5)}]"),
        ("Nominated", "Pod should schedule on: nodeclaim/default-abc"),
    ] {
        let mut scene = Scene::upgraded();
        scene.new_pod(unschedulable());
        scene.holds_at(0.0);
        scene.event("Pod-web-2-a", reason, message);
        let judgement = scene.at(30.0);
        assert_eq!((judgement.signs[0].due, judgement.look_again), (None, None), "paused");
        scene.holds_at(86_400.0);
        scene.new_pod(running(true));
        scene.is_healed_at(86_401.0);
    }
}

#[test]
fn where_events_may_not_be_seen_an_autoscaler_may_be_at_work() {
    let mut scene = Scene::upgraded();
    scene.world.cannot_see("", "Event", "no right to list events".to_owned());
    scene.new_pod(unschedulable());
    let sign = scene.at(0.0).signs[0].clone();
    assert_eq!((sign.rule, sign.due), ("unschedulable", None));
    scene.holds_at(86_400.0);
}

#[test]
fn an_autoscaler_that_gives_up_lets_the_minute_begin() {
    for (reason, message) in [
        ("NotTriggerScaleUp", "pod didn't trigger scale-up: 1 max node group size reached"),
        ("FailedScheduling", "Failed to schedule pod, all available instance types exceed limits"),
    ] {
        let mut scene = Scene::upgraded();
        scene.new_pod(unschedulable());
        scene.event("Pod-web-2-a", "TriggeredScaleUp", "");
        scene.holds_at(0.0);
        scene.holds_at(500.0);
        scene.event("Pod-web-2-a", reason, message);
        scene.holds_at(501.0);
        scene.fails_at(560.0);
    }
}

#[test]
fn the_schedulers_own_event_does_not_end_the_work_of_an_autoscaler() {
    let mut scene = Scene::upgraded();
    scene.new_pod(unschedulable());
    scene.event("Pod-web-2-a", "TriggeredScaleUp", "");
    scene.event("Pod-web-2-a", "FailedScheduling", "0/3 nodes are available: 3 Insufficient cpu.");
    scene.holds_at(0.0);
    scene.holds_at(86_400.0);
}

fn refused(on: &str) -> Value {
    let mut set = replica_set("web-2", 2);
    set["status"] = json!({"conditions": [{"type": "ReplicaFailure", "status": on, "reason": "FailedCreate",
        "message": "pods \"web-2-\" is forbidden: exceeded quota: small"}]});
    set
}

#[test]
fn a_quota_that_refuses_the_new_pods_fails_after_a_minute() {
    let mut scene = Scene::upgraded();
    scene.set(refused("True"));
    scene.holds_at(0.0);
    let sign = scene.fails_at(60.0);
    assert_eq!(sign.message, "cannot create pods: pods \"web-2-\" is forbidden: exceeded quota: small");
    assert_eq!(sign.rule, "quota");
}

#[test]
fn a_quota_that_gives_room_within_a_minute_is_no_failure() {
    let mut scene = Scene::upgraded();
    scene.set(refused("True"));
    scene.holds_at(0.0);
    scene.set(refused("False"));
    scene.is_healed_at(59.9);
}

#[test]
fn a_quota_that_refuses_pods_of_the_old_revision_does_not_count() {
    let mut scene = Scene::upgraded();
    let mut old = refused("True");
    old["metadata"]["name"] = json!("web-1");
    old["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("1");
    scene.set(old);
    scene.is_healed_at(0.0);
}

#[test]
fn a_quota_is_told_of_stateful_sets_daemon_sets_and_jobs_by_their_events() {
    let cases = [
        (
            "apps",
            "StatefulSet",
            json!({"replicas": 1, "observedGeneration": 1}),
            json!({"replicas": 3, "observedGeneration": 1}),
        ),
        (
            "apps",
            "DaemonSet",
            json!({"desiredNumberScheduled": 3, "currentNumberScheduled": 2, "observedGeneration": 1}),
            json!({"desiredNumberScheduled": 3, "currentNumberScheduled": 3, "observedGeneration": 1}),
        ),
        ("batch", "Job", json!({}), json!({"active": 1})),
    ];
    for (group, kind, lacking, enough) in cases {
        let object = |status: &Value| {
            json!({"apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": "x", "generation": 1},
                "spec": {"replicas": 3}, "status": status})
        };
        let begin = || {
            let mut scene = Scene::of(&[key(group, kind, "x")]);
            scene.set(object(&lacking));
            scene.event(&format!("{kind}-x"), "FailedCreate", "exceeded quota: small");
            scene.holds_at(0.0);
            scene
        };
        assert_eq!(begin().fails_at(60.0).message, "cannot create pods: exceeded quota: small", "{kind}");
        let mut scene = begin();
        scene.set(object(&enough));
        scene.is_healed_at(59.9);
    }
}

fn claim(phase: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk"}, "status": {"phase": phase}})
}

#[test]
fn a_new_claim_that_is_not_bound_fails_after_a_minute() {
    let mut scene = Scene::of(&[key("", "PersistentVolumeClaim", "disk")]);
    scene.set(claim("Pending"));
    scene.event("PersistentVolumeClaim-disk", "ProvisioningFailed", "storageclass \"fast\" not found");
    scene.holds_at(0.0);
    let sign = scene.fails_at(60.0);
    assert_eq!(sign.message, "claim is not bound: storageclass \"fast\" not found");
    assert_eq!((sign.rule, &*sign.object.to_string()), ("unbound-claim", "persistentvolumeclaim/disk"));
}

#[test]
fn a_claim_that_is_bound_within_a_minute_is_no_failure() {
    let mut scene = Scene::of(&[key("", "PersistentVolumeClaim", "disk")]);
    scene.set(claim("Pending"));
    scene.holds_at(0.0);
    scene.set(claim("Bound"));
    scene.is_healed_at(59.9);
    assert_eq!(scene.at(60.0).verdict, Verdict::Ready);
}

#[test]
fn a_claim_that_waits_for_its_first_pod_is_not_waited_for_until_one_uses_it() {
    let mut scene = Scene::of(&[key("", "PersistentVolumeClaim", "disk")]);
    scene.set(claim("Pending"));
    scene.event(
        "PersistentVolumeClaim-disk",
        "WaitForFirstConsumer",
        "waiting for first consumer to be created before binding",
    );
    assert!(matches!(scene.state(), State::Unverified(_)));
    assert_eq!(scene.at(86_400.0).verdict, Verdict::Ready);
    let mut user = pod("tool", "ReplicaSet", "x", json!({"phase": "Pending"}));
    user["spec"]["volumes"] = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "disk"}}]);
    scene.set(user.clone());
    assert_eq!(scene.at(86_400.0).verdict, Verdict::Waiting);
    scene.gone(user);
    assert_eq!(scene.at(86_401.0).verdict, Verdict::Ready);
}

fn stateful_set() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "generation": 1}, "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "replicas": 1, "updateRevision": "db-1", "currentRevision": "db-1"}})
}

fn member(status: Value) -> Value {
    let mut pod = pod("db-0", "StatefulSet", "db", status);
    pod["metadata"]["labels"] = json!({"controller-revision-hash": "db-1"});
    pod["spec"]["volumes"] = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "disk"}}]);
    pod
}

#[test]
fn a_claim_that_a_stateful_set_makes_and_that_is_not_bound_fails_after_a_minute() {
    let begin = || {
        let mut scene = Scene::of(&[key("apps", "StatefulSet", "db")]);
        scene.set(stateful_set());
        scene.set(claim("Pending"));
        scene.set(member(json!({"phase": "Pending"})));
        scene.holds_at(0.0);
        scene
    };
    let sign = begin().fails_at(60.0);
    assert_eq!((&*sign.message, sign.pod.as_deref()), ("claim \"disk\" is not bound", Some("db-0")));
    let mut scene = begin();
    scene.set(claim("Bound"));
    scene.is_healed_at(59.9);
}

#[test]
fn a_volume_that_is_not_mounted_fails_after_a_minute_and_heals_when_the_container_starts() {
    let begin = || {
        let mut scene = Scene::upgraded();
        scene.new_pod(waiting("ContainerCreating", ""));
        scene.event(
            "Pod-web-2-a",
            "FailedMount",
            "MountVolume.SetUp failed for volume \"v\" : secret \"tls\" not found",
        );
        scene.holds_at(0.0);
        scene
    };
    let sign = begin().fails_at(60.0);
    assert_eq!(
        sign.message,
        "cannot mount a volume: MountVolume.SetUp failed for volume \"v\" : secret \"tls\" not found"
    );
    let mut scene = begin();
    scene.new_pod(running(true));
    scene.is_healed_at(59.9);
    let mut scene = begin();
    let mut later = crate::scene::event("Pod-web-2-a", "Pulling", "Pulling image \"web:2\"");
    later["lastTimestamp"] = json!("2026-03-01T12:00:30Z");
    scene.set(later);
    scene.is_healed_at(59.9);
}

fn job(conditions: Value) -> Value {
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate", "generation": 1},
        "status": {"startTime": "2026-03-01T12:00:00Z", "conditions": conditions}})
}

fn failed(condition: &str) -> Value {
    job(json!([{"type": condition, "status": "True", "reason": "BackoffLimitExceeded",
        "message": "Job has reached the specified backoff limit"}]))
}

#[test]
fn a_job_that_failed_fails_the_release_and_its_last_pod_is_quoted() {
    for condition in ["Failed", "FailureTarget"] {
        let mut scene = Scene::of(&[key("batch", "Job", "migrate")]);
        scene.set(failed(condition));
        let ended = json!({"phase": "Failed", "containerStatuses": [{"name": "main", "restartCount": 0, "ready": false,
            "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}]});
        scene.set(pod("migrate-a", "Job", "migrate", ended));
        scene.holds_at(0.0);
        let sign = scene.fails_at(2.0);
        assert_eq!(
            sign.message,
            "job failed: BackoffLimitExceeded (Job has reached the specified backoff limit); last container \"main\": exit code 3"
        );
        assert_eq!(sign.rule, "job-failed");
    }
}

#[test]
fn a_job_that_is_replaced_in_time_is_no_failure() {
    let mut scene = Scene::of(&[key("batch", "Job", "migrate")]);
    scene.set(failed("Failed"));
    scene.holds_at(0.0);
    let mut anew = job(json!([{"type": "Complete", "status": "True"}]));
    anew["metadata"]["uid"] = json!("another");
    scene.set(anew);
    scene.is_healed_at(1.9);
}

#[test]
fn a_job_that_failed_before_the_upgrade_is_not_its_fault() {
    let mut scene = Scene::of(&[key("batch", "Job", "migrate")]);
    scene.set(failed("Failed"));
    scene.world.mark_before();
    scene.is_healed_at(0.0);
    assert_eq!(scene.at(1.0).verdict, Verdict::Ready);
    assert!(matches!(scene.state(), State::Unverified(text) if text.ends_with("(before the upgrade)")));
}

#[test]
fn a_pod_of_a_job_that_fails_is_no_failure_while_the_job_tries_again() {
    let mut scene = Scene::of(&[key("batch", "Job", "migrate")]);
    scene.set(job(json!([])));
    scene.set(pod("migrate-a", "Job", "migrate", json!({"phase": "Failed"})));
    scene.is_healed_at(0.0);
}

#[test]
fn a_hook_that_fails_is_told_and_one_that_runs_keeps_nothing_from_being_ready() {
    let mut scene = Scene::of_hook(key("batch", "Job", "migrate"));
    assert_eq!(scene.at(0.0).rows.len(), 0, "it is not there yet");
    scene.set(job(json!([])));
    let judgement = scene.at(0.0);
    assert_eq!(judgement.verdict, Verdict::Ready);
    assert!(judgement.rows[0].hook && matches!(judgement.rows[0].state, State::Waiting(_)));
    scene.set(failed("Failed"));
    scene.holds_at(1.0);
    assert!(scene.fails_at(3.0).message.starts_with("hook failed: BackoffLimitExceeded"));
}

#[test]
fn a_hook_pod_that_fails_is_told_and_one_left_over_is_not() {
    let ended = json!({"phase": "Failed", "containerStatuses": [{"name": "main", "restartCount": 0, "ready": false,
        "state": {"terminated": {"exitCode": 1, "reason": "Error", "message": "no route to db"}}}]});
    let mut pod = pod("check", "", "", ended);
    pod["metadata"]["ownerReferences"] = json!([]);
    let mut scene = Scene::of_hook(key("", "Pod", "check"));
    scene.set(pod.clone());
    scene.holds_at(0.0);
    assert_eq!(scene.fails_at(2.0).message, "hook failed: container \"main\": exit code 1: no route to db");
    let mut scene = Scene::of_hook(key("", "Pod", "check"));
    scene.set(pod);
    scene.world.mark_before();
    scene.is_healed_at(0.0);
}

fn stuck(generation: i64, observed: i64) -> Value {
    let mut object = deployment(
        generation,
        json!({"replicas": 2, "updatedReplicas": 1, "conditions": [{"type": "Progressing", "status": "False",
            "reason": "ProgressDeadlineExceeded", "message": "ReplicaSet \"web-2\" has timed out progressing."}]}),
    );
    object["status"]["observedGeneration"] = json!(observed);
    object
}

#[test]
fn a_deployment_past_its_progress_deadline_fails_after_five_seconds() {
    let mut scene = Scene::upgraded();
    scene.set(stuck(2, 2));
    scene.holds_at(0.0);
    let sign = scene.fails_at(5.0);
    assert_eq!(sign.message, "made no progress within its deadline: ReplicaSet \"web-2\" has timed out progressing.");
    assert_eq!(sign.rule, "progress-deadline");
}

#[test]
fn a_progress_deadline_of_the_revision_before_is_no_failure() {
    let mut scene = Scene::upgraded();
    scene.set(stuck(3, 2));
    scene.is_healed_at(0.0);
    let mut scene = Scene::upgraded();
    scene.set(stuck(2, 2));
    scene.holds_at(0.0);
    scene.roll_out();
    scene.is_healed_at(4.9);
}

fn custom(condition: &str, status: &str) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Backup", "metadata": {"name": "nightly", "generation": 1},
        "status": {"conditions": [{"type": condition, "status": status, "message": "no bucket"}]}})
}

#[test]
fn a_custom_resource_that_is_stalled_fails_after_a_minute() {
    let begin = || {
        let mut scene = Scene::of(&[key("example.com", "Backup", "nightly")]);
        scene.set(custom("Stalled", "True"));
        scene.holds_at(0.0);
        scene
    };
    let sign = begin().fails_at(60.0);
    assert_eq!((sign.rule, &*sign.message), ("stalled", "stalled: no bucket"));
    assert_eq!(sign.object.to_string(), "backup.example.com/nightly");
    let mut scene = begin();
    scene.set(custom("Ready", "True"));
    scene.is_healed_at(59.9);
}

#[test]
fn a_custom_resource_without_a_word_blocks_only_if_strict() {
    for (strict, verdict) in [(false, Verdict::Ready), (true, Verdict::Waiting)] {
        let patience = Patience { strict, ..Patience::default() };
        let mut scene = Scene::with(&[key("example.com", "Backup", "nightly")], patience);
        scene.set(
            json!({"apiVersion": "example.com/v1", "kind": "Backup", "metadata": {"name": "nightly", "generation": 1}}),
        );
        assert_eq!(scene.at(0.0).verdict, verdict);
        assert_eq!(scene.state(), State::Unverified("has no status".to_owned()));
    }
}

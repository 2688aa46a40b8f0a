//! Signs that containers show: each fails after its grace, and heals within it.

use helm_safe_upgrade::upgrade::judge::{Look, Patience, State, Verdict};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::scene::{Scene, key, owner, pod, running, waiting, waiting_after};

const NOT_FOUND: &str = "rpc error: code = NotFound desc = manifest unknown";

#[test]
fn an_image_fails_when_the_kubelet_backs_off_for_the_second_time() {
    let mut scene = Scene::upgraded();
    for (seconds, reason) in [(0.0, "ErrImagePull"), (1.0, "ImagePullBackOff"), (12.0, "ErrImagePull")] {
        scene.new_pod(waiting(
            reason,
            if reason == "ErrImagePull" { NOT_FOUND } else { "Back-off pulling image \"web:2\"" },
        ));
        scene.holds_at(seconds);
    }
    scene.new_pod(waiting("ImagePullBackOff", "Back-off pulling image \"web:2\""));
    let Verdict::Failed(signs) = scene.at(13.0).verdict else { panic!("it has failed") };
    let sign = &signs[0];
    assert_eq!(sign.message, format!("cannot pull image \"web:2\": {NOT_FOUND}"));
    assert_eq!((sign.rule, sign.object.to_string()), ("image", "deployment/web".to_owned()));
    assert_eq!((sign.pod.as_deref(), sign.container.as_deref()), (Some("web-2-a"), Some("app")));
    assert_eq!(sign.since, scene.start, "the first error counts");
}

#[test]
fn an_image_fails_after_30_seconds_even_if_the_second_back_off_was_not_seen() {
    let mut scene = Scene::upgraded();
    scene.new_pod(waiting("ErrImagePull", NOT_FOUND));
    scene.holds_at(0.0);
    scene.new_pod(waiting("ImagePullBackOff", ""));
    assert_eq!(scene.fails_at(30.0).message, format!("cannot pull image \"web:2\": {NOT_FOUND}"));
}

#[test]
fn a_registry_that_is_back_at_the_second_try_is_no_failure() {
    let mut scene = Scene::upgraded();
    scene.new_pod(waiting("ErrImagePull", "i/o timeout"));
    scene.holds_at(0.0);
    scene.new_pod(waiting("ImagePullBackOff", ""));
    scene.holds_at(1.0);
    scene.new_pod(running(true));
    scene.is_healed_at(16.0);
}

#[test]
fn the_back_offs_of_two_pods_are_not_added_up() {
    let mut scene = Scene::upgraded();
    for name in ["web-2-a", "web-2-b"] {
        scene.set(pod(name, "ReplicaSet", "web-2", waiting("ImagePullBackOff", "")));
    }
    scene.holds_at(0.0);
    // The same status told again is no second back-off.
    scene.new_pod(waiting("ImagePullBackOff", ""));
    scene.holds_at(1.0);
}

#[test]
fn an_image_name_that_is_none_fails_at_once_and_heals_if_it_goes_away() {
    for reason in ["InvalidImageName", "ErrImageNeverPull"] {
        let mut scene = Scene::upgraded();
        scene.new_pod(waiting(reason, "Failed to apply default image tag"));
        scene.holds_at(0.0);
        assert_eq!(scene.fails_at(2.0).rule, "image");
        let mut scene = Scene::upgraded();
        scene.new_pod(waiting(reason, ""));
        scene.holds_at(0.0);
        scene.new_pod(running(true));
        scene.is_healed_at(1.9);
    }
}

#[test]
fn a_container_that_keeps_crashing_fails_after_ten_seconds() {
    let mut scene = Scene::upgraded();
    scene.new_pod(waiting_after(3, "CrashLoopBackOff", "back-off 40s"));
    scene.holds_at(0.0);
    let sign = scene.fails_at(10.0);
    assert_eq!(sign.message, "container \"app\" keeps crashing, was restarted 3 times: exit code 1");
    assert_eq!(sign.rule, "crash-loop");
    assert_eq!(scene.at(10.0).rows[0].state, State::Failed(sign.message));
}

#[test]
fn a_container_that_crashes_at_first_and_then_runs_is_no_failure() {
    let mut scene = Scene::upgraded();
    scene.new_pod(waiting_after(3, "CrashLoopBackOff", ""));
    scene.holds_at(0.0);
    scene.new_pod(running(true));
    scene.is_healed_at(9.9);
}

#[test]
fn a_crash_that_comes_back_has_its_whole_grace_again() {
    let mut scene = Scene::upgraded();
    scene.new_pod(waiting_after(3, "CrashLoopBackOff", ""));
    scene.holds_at(0.0);
    scene.new_pod(running(true));
    scene.holds_at(9.0);
    scene.new_pod(waiting_after(4, "CrashLoopBackOff", ""));
    scene.holds_at(11.0);
    scene.fails_at(21.0);
}

#[test]
fn fewer_crashes_than_allowed_are_no_failure_however_long_the_back_off_is() {
    let mut scene = Scene::upgraded();
    scene.new_pod(waiting_after(2, "CrashLoopBackOff", ""));
    scene.is_healed_at(0.0);
    let patience = Patience { max_restarts: 5, ..Patience::default() };
    let mut scene = Scene::upgraded_with(patience);
    scene.new_pod(waiting_after(4, "CrashLoopBackOff", ""));
    scene.is_healed_at(0.0);
    scene.new_pod(waiting_after(5, "CrashLoopBackOff", ""));
    scene.holds_at(86_500.0);
    scene.fails_at(86_510.0);
}

/// A pod whose init container shows this.
fn init(restart_policy: Option<&str>, last: Value) -> Value {
    let mut spec = json!({"name": "prepare", "image": "x:1"});
    if let Some(policy) = restart_policy {
        spec["restartPolicy"] = json!(policy);
    }
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web-2-a", "ownerReferences": [owner("ReplicaSet", "web-2")]},
        "spec": {"initContainers": [spec], "containers": [{"name": "app", "image": "web:2"}]},
        "status": {"phase": "Pending", "initContainerStatuses": [{
            "name": "prepare", "restartCount": 3, "ready": false,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": last},
        }], "containerStatuses": [{"name": "app", "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": "PodInitializing"}}}]},
    })
}

#[test]
fn init_containers_and_sidecars_that_keep_crashing_fail_and_are_named() {
    let killed = json!({"exitCode": 137, "reason": "OOMKilled"});
    let mut scene = Scene::upgraded();
    scene.set(init(None, killed.clone()));
    scene.holds_at(0.0);
    let message = scene.fails_at(10.0).message;
    assert!(message.starts_with("init container \"prepare\" keeps crashing"), "{message}");
    assert!(message.ends_with("out of memory (OOMKilled, exit code 137)"), "{message}");
    let mut scene = Scene::upgraded();
    scene.set(init(Some("Always"), killed));
    scene.holds_at(0.0);
    assert!(scene.fails_at(10.0).message.starts_with("sidecar \"prepare\""));
}

#[test]
fn a_container_that_cannot_be_made_fails_after_half_a_minute() {
    for reason in ["CreateContainerConfigError", "CreateContainerError", "RunContainerError"] {
        let mut scene = Scene::upgraded();
        scene.new_pod(waiting(reason, "configmap \"settings\" not found"));
        scene.holds_at(0.0);
        let sign = scene.fails_at(30.0);
        assert_eq!(sign.message, "container \"app\" cannot be started: configmap \"settings\" not found");
        assert_eq!(sign.rule, "container-config");
    }
    let patience = Patience { fail_fast_after: SignedDuration::from_secs(5), ..Patience::default() };
    let mut scene = Scene::upgraded_with(patience);
    scene.new_pod(waiting("CreateContainerConfigError", ""));
    scene.holds_at(0.0);
    scene.fails_at(5.0);
}

#[test]
fn a_config_map_that_comes_late_is_no_failure() {
    let mut scene = Scene::upgraded();
    scene.new_pod(waiting("CreateContainerConfigError", "configmap \"settings\" not found"));
    scene.holds_at(0.0);
    scene.new_pod(running(true));
    scene.is_healed_at(29.9);
}

#[test]
fn a_container_that_never_becomes_ready_fails_after_a_minute_and_its_probe_is_quoted() {
    let mut scene = Scene::upgraded();
    scene.new_pod(running(false));
    scene.holds_at(0.0);
    scene.event("Pod-web-2-a", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503");
    let sign = scene.fails_at(60.0);
    assert_eq!(
        sign.message,
        "container \"app\" runs, but is not ready: Readiness probe failed: HTTP probe failed with statuscode: 503"
    );
    assert_eq!(sign.rule, "probe");
}

#[test]
fn a_container_that_becomes_ready_within_a_minute_is_no_failure() {
    let mut scene = Scene::upgraded();
    scene.new_pod(running(false));
    scene.event("Pod-web-2-a", "Unhealthy", "Readiness probe failed");
    scene.holds_at(0.0);
    scene.new_pod(running(true));
    scene.is_healed_at(59.9);
}

/// A new pod that runs and is not ready, with these probes.
fn probed(probes: Value) -> Value {
    let mut pod = pod("web-2-a", "ReplicaSet", "web-2", running(false));
    for (name, probe) in probes.as_object().unwrap() {
        pod["spec"]["containers"][0][name] = probe.clone();
    }
    pod
}

#[test]
fn an_application_has_the_time_that_its_own_probes_allow() {
    let cases = [
        (json!({"startupProbe": {"periodSeconds": 10, "failureThreshold": 30}}), 300.0),
        (json!({"readinessProbe": {"initialDelaySeconds": 120}}), 150.0),
        (
            json!({"startupProbe": {"periodSeconds": 5, "failureThreshold": 20}, "livenessProbe": {"periodSeconds": 60}}),
            280.0,
        ),
        (json!({"readinessProbe": {"periodSeconds": 1, "failureThreshold": 1}}), 60.0),
    ];
    for (probes, seconds) in cases {
        let mut scene = Scene::upgraded();
        scene.set(probed(probes));
        scene.holds_at(0.0);
        scene.fails_at(seconds);
    }
}

#[test]
fn probes_that_allow_more_than_time_can_hold_are_no_panic() {
    let mut scene = Scene::upgraded();
    scene.set(probed(json!({"startupProbe": {"periodSeconds": i64::MAX, "failureThreshold": i64::MAX}})));
    scene.is_only_waiting();
}

impl Scene {
    /// The sign is there, and nothing comes of it within a day.
    fn is_only_waiting(&mut self) {
        self.holds_at(0.0);
        self.holds_at(86_400.0);
        assert_eq!(self.at(86_400.0).signs.len(), 1);
    }
}

#[test]
fn a_container_that_was_ready_for_a_moment_has_its_whole_grace_again() {
    let mut scene = Scene::upgraded();
    scene.new_pod(running(false));
    scene.holds_at(0.0);
    scene.new_pod(running(true));
    scene.holds_at(50.0);
    scene.new_pod(running(false));
    scene.holds_at(51.0);
    scene.fails_at(111.0);
}

#[test]
fn while_a_grace_runs_the_row_says_what_is_wrong_and_when_to_look_again() {
    let mut scene = Scene::upgraded();
    scene.new_pod(waiting_after(3, "CrashLoopBackOff", ""));
    let judgement = scene.at(0.0);
    let row = &judgement.rows[0];
    assert!(matches!(&row.state, State::Waiting(text) if text.contains("keeps crashing")), "{:?}", row.state);
    assert_eq!(judgement.look_again, Some(scene.start + SignedDuration::from_secs(10)));
    let looks: Vec<(&str, bool, Look)> = row.pods.iter().map(|pod| (&*pod.name, pod.new, pod.look)).collect();
    assert_eq!(looks, [("web-1-a", false, Look::Ready), ("web-2-a", true, Look::Trouble)]);
    let before = judgement.signs[0].due;
    assert_eq!(scene.at(5.0).signs[0].due, before, "the grace does not move");
}

#[test]
fn pods_of_a_job_may_crash_as_often_as_the_job_allows() {
    let mut scene = Scene::of(&[key("batch", "Job", "migrate")]);
    scene.set(
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"}, "status": {"startTime": "x"}}),
    );
    let mut pod = pod("migrate-a", "Job", "migrate", waiting_after(5, "CrashLoopBackOff", ""));
    pod["spec"]["restartPolicy"] = json!("OnFailure");
    scene.set(pod.clone());
    scene.is_healed_at(0.0);
    pod["status"] = waiting("InvalidImageName", "");
    scene.set(pod);
    scene.holds_at(90_000.0);
    scene.fails_at(90_002.0);
}

#[test]
fn a_message_from_the_cluster_is_one_harmless_line() {
    let mut scene = Scene::upgraded();
    scene.new_pod(waiting("CreateContainerError", &format!("a\n\u{1b}[31mred\u{202e} {}", "x".repeat(5000))));
    scene.holds_at(0.0);
    let message = scene.fails_at(30.0).message;
    assert!(!message.contains(['\n', '\u{1b}', '\u{202e}']) && message.chars().count() < 600, "{message}");
    assert!(message.contains("a [31mred xxx"), "{message}");
}

//! Readiness of every kind that takes time, at least as strict as kstatus.

use helm_safe_upgrade::upgrade::judge::{Patience, State};
use serde_json::{Value, json};

use crate::scene::{Scene, key};

/// The state of the only object of a release, which was made by the upgrade.
fn state(api_version: &str, kind: &str, fields: &Value) -> State {
    state_with(api_version, kind, fields, Patience::default())
}

fn state_with(api_version: &str, kind: &str, fields: &Value, patience: Patience) -> State {
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    let mut scene = Scene::with(&[key(group, kind, "x")], patience);
    scene.set(object(api_version, kind, fields));
    scene.state()
}

fn object(api_version: &str, kind: &str, fields: &Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "generation": 2}});
    for (name, value) in fields.as_object().unwrap() {
        if name == "metadata" {
            object["metadata"].as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        } else {
            object[name] = value.clone();
        }
    }
    object
}

/// The object with one field of its status in another way.
fn with(fields: &Value, changes: Value) -> Value {
    let mut fields = fields.clone();
    for (name, value) in changes.as_object().unwrap() {
        fields["status"][name] = value.clone();
    }
    fields
}

fn waits(state: State, text: &str) {
    assert_eq!(state, State::Waiting(text.to_owned()));
}

#[test]
fn a_deployment_is_ready_when_all_pods_are_updated_and_available_and_no_old_one_is_left() {
    let good = json!({"spec": {"replicas": 3, "progressDeadlineSeconds": 600}, "status": {
        "observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "readyReplicas": 3,
        "conditions": [{"type": "Available", "status": "True"},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]}});
    let state = |changes: Value| state("apps/v1", "Deployment", &with(&good, changes));
    assert_eq!(state(json!({})), State::Ready);
    waits(state(json!({"observedGeneration": 1})), "its controller has not seen the change yet");
    waits(state(json!({"replicas": 2})), "2 of 3 pods exist");
    waits(state(json!({"updatedReplicas": 1})), "1 of 3 pods are updated");
    waits(state(json!({"availableReplicas": 2})), "2 of 3 pods are available");
    waits(state(json!({"readyReplicas": 2})), "2 of 3 pods are ready");
    waits(state(json!({"replicas": 4})), "1 old pod is left");
    waits(state(json!({"replicas": 5, "updatedReplicas": 5, "availableReplicas": 5})), "2 pods too many are left");
    waits(
        state(json!({"conditions": [{"type": "Available", "status": "True"}]})),
        "its controller has not finished the roll-out",
    );
    let progressing = json!({"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"});
    waits(state(json!({"conditions": [progressing]})), "is not available yet");
    assert_eq!(state(json!({"availableReplicas": null})), State::Waiting("0 of 3 pods are available".to_owned()));
}

#[test]
fn a_deployment_of_no_pods_is_ready_and_a_paused_one_is_not_waited_for() {
    let conditions = json!([{"type": "Available", "status": "True"},
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]);
    let none = json!({"spec": {"replicas": 0}, "status": {"observedGeneration": 2, "conditions": conditions}});
    assert_eq!(state("apps/v1", "Deployment", &none), State::Ready);
    let paused = json!({"spec": {"replicas": 1, "paused": true}, "status": {"observedGeneration": 2, "replicas": 1,
        "readyReplicas": 1, "availableReplicas": 1, "conditions": [{"type": "Available", "status": "True"}]}});
    assert_eq!(
        state("apps/v1", "Deployment", &paused),
        State::Unverified("is paused: 0 of 1 pod is updated".to_owned())
    );
}

#[test]
fn a_stateful_set_is_ready_when_its_revisions_are_equal_and_its_partition_is_done() {
    let good = json!({"spec": {"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}},
        "status": {"observedGeneration": 2, "replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "currentReplicas": 3,
            "updatedReplicas": 3, "currentRevision": "b", "updateRevision": "b"}});
    let state = |fields: &Value| state("apps/v1", "StatefulSet", fields);
    assert_eq!(state(&good), State::Ready);
    waits(state(&with(&good, json!({"replicas": 2}))), "2 of 3 pods exist");
    waits(state(&with(&good, json!({"readyReplicas": 2}))), "2 of 3 pods are ready");
    waits(state(&with(&good, json!({"updatedReplicas": 2}))), "2 of 3 pods are updated");
    waits(state(&with(&good, json!({"availableReplicas": 1}))), "1 of 3 pods are available");
    waits(state(&with(&good, json!({"replicas": 4}))), "1 pod too many is left");
    waits(state(&with(&good, json!({"currentRevision": "a"}))), "its controller has not finished the roll-out");
    waits(state(&json!({"spec": {"replicas": 0}})), "its controller has not seen it yet");
    let mut parted = with(&good, json!({"currentRevision": "a", "updatedReplicas": 1}));
    parted["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = json!(2);
    assert_eq!(state(&parted), State::Ready);
    parted["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = json!(1);
    waits(state(&parted), "1 of 2 pods are updated");
    let mut by_hand = with(&good, json!({"currentRevision": "a", "updatedReplicas": 0}));
    by_hand["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    assert_eq!(state(&by_hand), State::Ready);
    waits(state(&with(&by_hand, json!({"readyReplicas": 2}))), "2 of 3 pods are ready");
}

#[test]
fn a_daemon_set_is_ready_when_every_node_has_an_updated_and_available_pod() {
    let good = json!({"status": {"observedGeneration": 2, "desiredNumberScheduled": 3, "currentNumberScheduled": 3,
        "updatedNumberScheduled": 3, "numberAvailable": 3, "numberReady": 3}});
    let state = |fields: &Value| state("apps/v1", "DaemonSet", fields);
    assert_eq!(state(&good), State::Ready);
    waits(state(&with(&good, json!({"currentNumberScheduled": 2}))), "2 of 3 pods exist");
    waits(state(&with(&good, json!({"updatedNumberScheduled": 0}))), "0 of 3 pods are updated");
    waits(state(&with(&good, json!({"numberAvailable": 1}))), "1 of 3 pods are available");
    waits(state(&with(&good, json!({"numberReady": 1}))), "1 of 3 pods are ready");
    waits(state(&json!({"status": {}})), "its controller has not seen it yet");
    let mut by_hand = with(&good, json!({"updatedNumberScheduled": 0}));
    by_hand["spec"] = json!({"updateStrategy": {"type": "OnDelete"}});
    assert_eq!(state(&by_hand), State::Ready);
}

#[test]
fn replica_sets_and_replication_controllers_are_ready_when_all_pods_are_available() {
    for (version, kind) in [("apps/v1", "ReplicaSet"), ("v1", "ReplicationController")] {
        let good = json!({"spec": {"replicas": 2}, "status": {"replicas": 2, "fullyLabeledReplicas": 2, "availableReplicas": 2,
            "readyReplicas": 2, "observedGeneration": 2}});
        assert_eq!(state(version, kind, &good), State::Ready);
        waits(state(version, kind, &with(&good, json!({"fullyLabeledReplicas": 1}))), "1 of 2 pods exist");
        waits(state(version, kind, &with(&good, json!({"availableReplicas": 1}))), "1 of 2 pods are available");
        waits(state(version, kind, &with(&good, json!({"replicas": 3}))), "1 pod too many is left");
        let refused = json!({"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "quota"}]});
        waits(state(version, kind, &with(&good, refused)), "pods cannot be created: quota");
    }
}

#[test]
fn a_pod_is_ready_when_it_is_ready_or_has_succeeded() {
    let pod = |status: Value| state("v1", "Pod", &json!({"status": status}));
    let condition = |name: &str, status: &str| json!([{"type": name, "status": status}]);
    assert_eq!(pod(json!({"phase": "Succeeded"})), State::Ready);
    assert_eq!(pod(json!({"phase": "Running", "conditions": condition("Ready", "True")})), State::Ready);
    waits(pod(json!({"phase": "Running"})), "runs, but is not ready");
    waits(pod(json!({"phase": "Pending"})), "is starting");
    waits(pod(json!({"phase": "Pending", "conditions": condition("PodScheduled", "False")})), "is not scheduled yet");
    waits(pod(json!({})), "its phase is not known yet");
}

#[test]
fn a_job_has_started_or_is_complete_where_jobs_are_waited_for() {
    let wait = || Patience { wait_for_jobs: true, ..Patience::default() };
    let conditions =
        |name: &str| json!({"status": {"startTime": "x", "conditions": [{"type": name, "status": "True"}]}});
    let started = json!({"status": {"startTime": "2026-03-01T12:00:00Z"}});
    assert_eq!(state("batch/v1", "Job", &started), State::Ready);
    waits(state_with("batch/v1", "Job", &started, wait()), "is not complete yet");
    waits(state("batch/v1", "Job", &json!({})), "has not started yet");
    assert_eq!(state_with("batch/v1", "Job", &conditions("Complete"), wait()), State::Ready);
    assert_eq!(state("batch/v1", "Job", &conditions("Suspended")), State::Unverified("is suspended".to_owned()));
    assert_eq!(state("batch/v1", "CronJob", &json!({})), State::Ready);
}

#[test]
fn claims_and_volumes_are_ready_when_they_are_bound() {
    let phase = |kind: &str, phase: &str| state("v1", kind, &json!({"status": {"phase": phase}}));
    assert_eq!(phase("PersistentVolumeClaim", "Bound"), State::Ready);
    assert!(matches!(phase("PersistentVolumeClaim", "Pending"), State::Waiting(_)));
    assert!(matches!(phase("PersistentVolumeClaim", "Lost"), State::Waiting(_)));
    assert_eq!(phase("PersistentVolume", "Available"), State::Ready);
    waits(phase("PersistentVolume", "Failed"), "has failed");
    waits(phase("PersistentVolume", "Pending"), "is not available yet");
}

#[test]
fn a_new_load_balancer_needs_its_address_and_an_old_one_that_has_none_is_left_alone() {
    let address = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}});
    let service = |spec: Value, status: Value| json!({"spec": spec, "status": status});
    let balancer = || json!({"type": "LoadBalancer", "clusterIP": "10.0.0.1"});
    let state = |fields: &Value| state("v1", "Service", fields);
    assert_eq!(state(&service(balancer(), address)), State::Ready);
    waits(state(&service(balancer(), json!({"loadBalancer": {}}))), "has no external address yet");
    waits(state(&service(json!({"type": "LoadBalancer"}), json!({}))), "has no cluster IP yet");
    let external = json!({"type": "LoadBalancer", "clusterIP": "10.0.0.1", "externalIPs": ["192.0.2.2"]});
    assert_eq!(state(&service(external, json!({}))), State::Ready);
    assert_eq!(state(&service(json!({"type": "ClusterIP"}), json!({}))), State::Ready);
    let mut scene = Scene::of(&[key("", "Service", "x")]);
    scene.set(object("v1", "Service", &service(balancer(), json!({}))));
    scene.world.mark_before();
    assert!(matches!(scene.state(), State::Unverified(_)));
}

#[test]
fn what_only_steers_is_never_waited_for_long() {
    assert_eq!(state("policy/v1", "PodDisruptionBudget", &json!({"status": {"observedGeneration": 2}})), State::Ready);
    assert!(matches!(state("policy/v1", "PodDisruptionBudget", &json!({})), State::Waiting(_)));
    assert_eq!(state("autoscaling/v2", "HorizontalPodAutoscaler", &json!({})), State::Ready);
    let blind =
        json!({"status": {"conditions": [{"type": "ScalingActive", "status": "False", "message": "no metrics"}]}});
    let expected = State::Unverified("does not scale: no metrics".to_owned());
    assert_eq!(state("autoscaling/v2", "HorizontalPodAutoscaler", &blind), expected);
    assert_eq!(state("networking.k8s.io/v1", "Ingress", &json!({})), State::Unverified("has no address".to_owned()));
    let address = json!({"status": {"loadBalancer": {"ingress": [{"hostname": "a"}]}}});
    assert_eq!(state("networking.k8s.io/v1", "Ingress", &address), State::Ready);
}

#[test]
fn what_makes_the_api_larger_is_ready_when_it_serves() {
    let crd = |name: &str, status: &str, reason: &str| {
        let condition = json!({"type": name, "status": status, "reason": reason, "message": "m"});
        state("apiextensions.k8s.io/v1", "CustomResourceDefinition", &json!({"status": {"conditions": [condition]}}))
    };
    assert_eq!(crd("Established", "True", ""), State::Ready);
    waits(crd("Established", "False", "Installing"), "is not established yet");
    waits(crd("Established", "False", "NotAccepted"), "is not established: m");
    waits(crd("NamesAccepted", "False", "x"), "its names are not accepted: m");
    let service = |status: &str| {
        let condition = json!({"type": "Available", "status": status, "message": "m"});
        state("apiregistration.k8s.io/v1", "APIService", &json!({"status": {"conditions": [condition]}}))
    };
    assert_eq!(service("True"), State::Ready);
    waits(service("False"), "is not available: m");
    assert_eq!(state("v1", "Namespace", &json!({"status": {"phase": "Active"}})), State::Ready);
    waits(state("v1", "Namespace", &json!({})), "is not active yet");
}

#[test]
fn a_custom_resource_is_what_its_conditions_say() {
    let custom = |conditions: Value| state("example.com/v1", "Backup", &json!({"status": {"conditions": conditions}}));
    let is = |name: &str, status: &str| json!({"type": name, "status": status, "message": "m"});
    assert_eq!(custom(json!([is("Ready", "True")])), State::Ready);
    waits(custom(json!([is("Ready", "False")])), "is not ready: m");
    waits(custom(json!([is("Ready", "Unknown")])), "is not ready: m");
    waits(custom(json!([is("Available", "True"), is("Ready", "False")])), "is not ready: m");
    assert_eq!(custom(json!([is("Available", "True")])), State::Ready);
    waits(custom(json!([is("Reconciling", "True"), is("Ready", "True")])), "reconciling: m");
    waits(custom(json!([is("Stalled", "True"), is("Ready", "True")])), "stalled: m");
    let unsaid = State::Unverified("its status does not say whether it is ready".to_owned());
    assert_eq!(custom(json!([is("Painted", "True")])), unsaid);
    waits(
        custom(json!([{"type": "Ready", "status": "True", "observedGeneration": 1}])),
        "its controller has not seen the change yet",
    );
    let behind = json!({"status": {"observedGeneration": 1, "conditions": [is("Ready", "True")]}});
    waits(state("example.com/v1", "Backup", &behind), "its controller has not seen the change yet");
    // A group that only looks like one of Kubernetes' own.
    assert_eq!(
        state("gateway.networking.k8s.io/v1", "Gateway", &json!({})),
        State::Unverified("has no status".to_owned())
    );
}

#[test]
fn whatever_is_being_deleted_is_not_ready() {
    let leaving = json!({"metadata": {"deletionTimestamp": "2026-03-01T12:00:00Z"}, "status": {"phase": "Bound"}});
    waits(state("v1", "PersistentVolumeClaim", &leaving), "is being deleted");
    waits(state("example.com/v1", "Backup", &leaving), "is being deleted");
}

//! What an upgrade interrupts, takes away for good, or makes impossible to interrupt.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde_json::json;

use crate::cluster;
use crate::findings::{allow, found, has, passes};
use crate::user::User;

stories![
    a_disruption_budget_that_deadlocks_stops_an_upgrade_that_helm_lets_through,
    what_makes_a_gap_is_told,
    what_goes_for_good_is_told,
    a_node_port_that_is_taken_stops_the_upgrade,
    budgets_and_autoscalers_that_may_not_be_listed_are_unknown,
];

const CHECK: &str = "helm safe-upgrade check web risky";

fn checked(user: &User, flags: &str) -> Vec<crate::findings::Found> {
    found(user, &format!("{CHECK} {flags} -o json"))
}

fn a_disruption_budget_that_deadlocks_stops_an_upgrade_that_helm_lets_through(user: &User) {
    user.does("helm install web risky");
    passes(&checked(user, "--set budget.maxUnavailable=1"), "disruption-budget");
    has(&checked(user, "--set budget.maxUnavailable=0"), "disruption-budget", "warning", "no pod can ever be evicted");
    let flags = "--set budget.minAvailable=2";
    has(&checked(user, flags), "disruption-budget", "blocker", "minAvailable is 2, and there are 2 pods");
    let shown = user.types(&format!("helm safe-upgrade web risky {flags} --yes --accept way-back"));
    shown.exits(3);
    assert!(shown.stderr.contains("blocked by the check disruption-budget"), "{}", shown.stderr);
    user.does(&format!("helm upgrade web risky {flags} --wait --timeout 20s"));
    let status = || cluster::find::<PodDisruptionBudget>(&user.namespace, "web").and_then(|budget| budget.status);
    user.waits_for(|| status().is_some_and(|status| status.current_healthy == Some(2)));
    assert_eq!(status().unwrap().disruptions_allowed, Some(0), "no drain ends any more");
    // As before, it is nothing new.
    passes(&checked(user, &format!("{flags},tag=2")), "disruption-budget");
    // Without a number in the manifest something else may scale the pods.
    user.does("helm upgrade web risky --set replicas=null");
    let unsaid = "--set replicas=null,budget.minAvailable=2";
    let live = json!({"spec": {"replicas": 2}});
    cluster::merge::<Deployment>(&user.namespace, "web", live);
    has(&checked(user, unsaid), "disruption-budget", "warning", "there are 2 pods unless something scales them");
    let spec = json!({"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "minReplicas": 3, "maxReplicas": 4});
    cluster::create::<HorizontalPodAutoscaler>(&user.namespace, json!({"metadata": {"name": "other"}, "spec": spec}));
    passes(&checked(user, unsaid), "disruption-budget");
}

fn what_makes_a_gap_is_told(user: &User) {
    user.does("helm install web risky --set database.enabled=true");
    let same = checked(user, "--set database.enabled=true,tag=2");
    for check in ["availability", "services", "autoscaler", "restarts", "node-ports", "deletions"] {
        passes(&same, check);
    }
    let flags = "--set database.enabled=true,deployment.strategy.type=Recreate,replicas=1,service.selector.app=wrong,\
                 service.type=NodePort,settings.color=blue,database.strategy=OnDelete,tag=2,probe=false";
    let findings = checked(user, flags);
    has(&findings, "availability", "warning", "its strategy is Recreate");
    has(&findings, "availability", "warning", "one pod is left of 2");
    has(&findings, "availability", "warning", "its readiness probe is gone");
    let all = checked(user, "--set database.enabled=true,deployment.strategy.rollingUpdate.maxUnavailable=100%,tag=2");
    has(&all, "availability", "warning", "its maxUnavailable takes all pods at once");
    has(&findings, "services", "warning", "its selector fits no pods of the new revision");
    has(&findings, "services", "warning", "its type changes from ClusterIP to NodePort");
    has(&findings, "restarts", "warning", "its updateStrategy is OnDelete");
    has(&checked(user, "--set settings.color=blue"), "restarts", "warning", "should restart, and does not");
    let scaled = checked(user, "--set autoscaler.minReplicas=2,autoscaler.maxReplicas=5");
    has(&scaled, "autoscaler", "warning", "each upgrade resets what that has chosen");
    has(&checked(user, "--set database.enabled=true,database.size=2Gi"), "immutable", "blocker", "");
    let ports = "--set service.ports[0].port=80,service.ports[0].targetPort=web";
    has(&checked(user, ports), "services", "warning", "has the port web that it leads to");
}

fn what_goes_for_good_is_told(user: &User) {
    user.does("helm install web risky");
    let findings = checked(user, "--set secret=false,claim.enabled=false");
    has(&findings, "deletions", "warning", "whatever else uses it fails");
    let claims = findings.iter().filter(|one| one.0 == "deletions").count();
    assert_eq!(claims, 2, "{findings:#?}");
}

fn a_node_port_that_is_taken_stops_the_upgrade(user: &User) {
    user.does("helm install web risky");
    let other = user.makes_another_namespace();
    let service = json!({"metadata": {"name": "first"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}});
    cluster::create::<Service>(&other, service);
    let port = cluster::find::<Service>(&other, "first").unwrap().spec.unwrap().ports.unwrap()[0].node_port.unwrap();
    let flags = format!("--set service.type=NodePort,service.ports[0].port=80,service.ports[0].nodePort={port}");
    has(&checked(user, &flags), "node-ports", "blocker", &format!("node port {port} is taken by Service/first"));
    user.types(&format!("{CHECK} {flags}")).exits(3);
    let free = "--set service.type=NodePort,service.ports[0].port=80";
    passes(&checked(user, free), "node-ports");
}

fn budgets_and_autoscalers_that_may_not_be_listed_are_unknown(user: &User) {
    let scaled = "autoscaler.minReplicas=2,autoscaler.maxReplicas=5";
    user.does(&format!("helm install web risky --set {scaled}"));
    let path = format!("/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers/web/status", user.namespace);
    let status = json!({"status": {"currentReplicas": 2, "desiredReplicas": 4, "conditions": []}});
    cluster::writes_as("test", "merge", &path, &status);
    let now =
        cluster::find::<HorizontalPodAutoscaler>(&user.namespace, "web").unwrap().status.unwrap().desired_replicas;
    assert_eq!(now, 4);
    has(&checked(user, &format!("--set {scaled},tag=2")), "autoscaler", "warning", "the autoscaler has chosen 4 pods");
    allow(user, "viewer", &[("", "secrets", &["get", "list"])]);
    let flags = format!(
        "--set {scaled},budget.maxUnavailable=1,claim.enabled=false,service.ports[0].port=80,service.ports[0].nodePort=30999 --kube-as-user viewer"
    );
    let findings = checked(user, &flags);
    for check in ["autoscaler", "disruption-budget", "deletions", "node-ports"] {
        has(&findings, check, "unknown", "");
    }
}

//! What pods and accounts may do after an upgrade that they could not do before.

use serde_json::json;

use crate::cluster;
use crate::findings::{allow, found, has, passes};
use crate::user::User;

stories![
    pods_that_the_namespace_forbids_stop_an_upgrade_that_helm_lets_through,
    privileges_and_rights_that_are_new_are_told
];

const CHECK: &str = "helm safe-upgrade check web risky";

fn checked(user: &User, flags: &str) -> Vec<crate::findings::Found> {
    found(user, &format!("{CHECK} {flags} -o json"))
}

fn pods_that_the_namespace_forbids_stop_an_upgrade_that_helm_lets_through(user: &User) {
    user.does("helm install web risky");
    let label = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}});
    cluster::writes_as("test", "merge", &format!("/api/v1/namespaces/{}", user.namespace), &label);
    passes(&checked(user, "--set tag=2"), "pod-security");
    let flags = "--set pod.hostNetwork=true";
    has(
        &checked(user, flags),
        "pod-security",
        "blocker",
        "enforces the Pod Security level baseline, and refuses its pods",
    );
    user.types(&format!("{CHECK} {flags}")).exits(3);
    user.does(&format!("helm upgrade web risky {flags} --dry-run=server"));
    user.types(&format!("helm upgrade web risky {flags} --wait --timeout 2s")).exits(1);
    // The server's own word counts, and without a dry run there is none.
    allow(user, "viewer", &[("", "secrets", &["get", "list"]), ("", "namespaces", &["get"])]);
    let unseen = checked(user, &format!("{flags},tag=3 --kube-as-user viewer"));
    has(&unseen, "pod-security", "unknown", "and whether the server lets them in");
}

fn privileges_and_rights_that_are_new_are_told(user: &User) {
    user.does("helm install web risky");
    let plain = checked(user, "--set tag=2");
    for check in ["pod-security", "privileges", "grants"] {
        passes(&plain, check);
    }
    let container = "container.securityContext.privileged=true,container.securityContext.runAsUser=0";
    let rule = "rules[0].apiGroups={*},rules[0].resources={*},rules[0].verbs={*}";
    let path = "pod.volumes[0].name=root,pod.volumes[0].hostPath.path=/";
    let findings = checked(user, &format!("--set '{container},{rule},{path}'"));
    has(&findings, "privileges", "warning", "its pods gain hostPath /");
    has(&findings, "privileges", "warning", "its container main gains privileged");
    has(&findings, "grants", "warning", "");
    let capabilities = checked(user, "--set 'container.securityContext.capabilities.add={SYS_ADMIN}'");
    has(&capabilities, "privileges", "warning", "its container main gains capability SYS_ADMIN");
    let label = json!({"metadata": {"labels": {"pod-security.kubernetes.io/warn": "baseline"}}});
    cluster::writes_as("test", "merge", &format!("/api/v1/namespaces/{}", user.namespace), &label);
    passes(&checked(user, "--set tag=2"), "pod-security");
    let account = checked(user, "--set pod.hostPID=true");
    has(&account, "pod-security", "warning", "they break rules that the namespace warns of");
    has(&account, "privileges", "warning", "its pods gain hostPID");
}

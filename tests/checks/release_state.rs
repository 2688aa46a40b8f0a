//! The release: how its revisions stand, what runs of it, and who else works on it.

use serde_json::json;

use crate::cluster;
use crate::findings::{allow, found, has, passes};
use crate::record::Record;
use crate::user::User;

stories![
    a_release_that_is_in_order_passes,
    a_failed_revision_and_what_it_left_behind_are_told,
    what_was_changed_in_the_cluster_is_told_before_it_is_overwritten,
    a_proven_revision_that_helm_would_delete_is_told,
    a_chart_that_does_not_fit_into_a_secret_is_stopped,
    another_tool_is_known_by_what_it_leaves,
    who_may_not_see_the_objects_is_told_what_is_not_known,
];

const CHECK: &str = "helm safe-upgrade check web app --set tag=2 -o json";
const CONFIG: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {color: {{ .Values.color | default \"red\" }}}\n";
const EXTRA: &str =
    "{{ if .Values.extra.on }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {a: b}\n{{ end }}\n";

fn a_release_that_is_in_order_passes(user: &User) {
    user.has_web(&[("config", CONFIG)]);
    let findings = found(user, CHECK);
    for check in ["last-revision", "history", "pruning", "record-size", "managed-elsewhere", "drift", "left-over"] {
        passes(&findings, check);
    }
}

fn a_failed_revision_and_what_it_left_behind_are_told(user: &User) {
    user.has_web(&[("extra", EXTRA)]);
    user.types("helm upgrade web app --set tag=unready --set extra.on=true --wait --timeout 1s");
    assert_eq!(user.revisions(), ["1 deployed", "2 failed"]);
    let findings = found(user, CHECK);
    has(&findings, "last-revision", "warning", "its status is failed: the upgrade goes on from revision 1");
    has(&findings, "left-over", "warning", "left an object behind");
    // With the object in the chart it is left over no more.
    passes(&found(user, &format!("{CHECK} --set extra.on=true")), "left-over");
}

fn what_was_changed_in_the_cluster_is_told_before_it_is_overwritten(user: &User) {
    user.has_web(&[("config", CONFIG)]);
    let path = format!("/api/v1/namespaces/{}/configmaps/web", user.namespace);
    cluster::writes_as("kubectl-edit", "merge", &path, &json!({"data": {"color": "blue", "more": "by hand"}}));
    let shown = user.types(CHECK);
    let findings: serde_json::Value = serde_json::from_str(&shown.stdout).expect(&shown.stderr);
    let drift = findings["findings"].as_array().unwrap().iter().find(|one| one["check"] == "drift").unwrap();
    assert_eq!((&drift["severity"], &drift["resource"]), (&json!("warning"), &json!("ConfigMap/web")), "{drift:#}");
    assert_eq!(drift["evidence"], json!(["data.color: blue becomes red, by kubectl-edit"]), "{drift:#}");
    // What the new values say too is not set back.
    passes(&found(user, &format!("{CHECK} --set color=blue")), "drift");
    cluster::remove(&path);
    has(&found(user, CHECK), "drift", "warning", "it was deleted in the cluster");
}

fn a_proven_revision_that_helm_would_delete_is_told(user: &User) {
    user.has_web(&[]);
    user.does("helm upgrade web app --set tag=3");
    passes(&found(user, CHECK), "pruning");
    user.exports("HELM_MAX_HISTORY", "2");
    let findings = found(user, CHECK);
    has(&findings, "pruning", "warning", "deletes it, the last proven one: helm keeps 2");
    has(
        &findings,
        "last-revision",
        "warning",
        "it is deployed and not proven: a failure leads past it, back to revision 1",
    );
    // And so it does.
    user.does("helm upgrade web app --set tag=4");
    assert_eq!(user.revisions(), ["2 superseded", "3 deployed"]);
}

fn a_chart_that_does_not_fit_into_a_secret_is_stopped(user: &User) {
    user.has_web(&[]);
    // What can't be compressed: digits of a generator.
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{:016x}", state ^ (state >> 29))
    };
    let text: String = (0..110_000).map(|_| noise()).collect();
    user.writes("app/large.txt", &text);
    user.types(&CHECK.replace(" -o json", "")).exits(3);
    has(&found(user, CHECK), "record-size", "blocker", "helm can't store it");
    let shown = user.types("helm upgrade web app --set tag=2");
    assert!(shown.stderr.contains("1048576 bytes"), "{}", shown.stderr);
}

fn another_tool_is_known_by_what_it_leaves(user: &User) {
    user.has_web(&[("config", CONFIG)]);
    let path = format!("/api/v1/namespaces/{}/configmaps/web", user.namespace);
    let sign = json!({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "web:/ConfigMap:shop/web"}}});
    cluster::writes_as("argocd-controller", "merge", &path, &sign);
    let record = format!("/api/v1/namespaces/{}/secrets/{}", user.namespace, Record::of(user, "web", 1).name);
    cluster::writes_as("helm-controller", "merge", &record, &json!({"metadata": {"labels": {"touched": "yes"}}}));
    let findings = found(user, CHECK);
    has(&findings, "managed-elsewhere", "warning", "Argo CD manages the release");
    has(&findings, "managed-elsewhere", "warning", "Flux manages the release");
}

fn who_may_not_see_the_objects_is_told_what_is_not_known(user: &User) {
    user.has_web(&[("extra", EXTRA)]);
    user.types("helm upgrade web app --set tag=unready --set extra.on=true --wait --timeout 1s");
    allow(user, "reader", &[("", "secrets", &["get", "list"])]);
    let findings = found(user, &format!("{CHECK} --kube-as-user reader"));
    has(&findings, "drift", "unknown", "what was changed in the cluster");
    has(&findings, "managed-elsewhere", "unknown", "whether another tool manages the objects");
    has(&findings, "left-over", "unknown", "what failed revisions have left behind");
    passes(&findings, "record-size");
}

//! The way back, before it is needed.

use k8s_openapi::api::core::v1::ResourceQuota;
use serde_json::json;

use crate::cluster;
use crate::findings::{allow, found, has, passes};
use crate::user::User;

stories![
    a_claim_that_grows_leaves_no_way_back,
    what_the_server_does_not_take_any_more_is_no_way_back,
    what_changes_for_good_leaves_no_way_back,
];

const CHECK: &str = "helm safe-upgrade check web refused -o json";

fn a_claim_that_grows_leaves_no_way_back(user: &User) {
    user.does("helm safe-upgrade web refused --install --yes --set claim=1Gi,rollbackHook=1");
    let findings = found(user, &format!("{CHECK} --set claim=1Gi,rollbackHook=1,note=2"));
    passes(&findings, "irreversible");
    passes(&findings, "rehearsal");
    has(&findings, "rollback-hooks", "info", "a hook runs");

    let grows = format!("{CHECK} --set claim=2Gi,rollbackHook=1");
    user.types(&grows).exits(3);
    has(&found(user, &grows), "irreversible", "blocker", "a claim can't shrink");
    has(&found(user, &format!("{grows} --on-failure=keep")), "irreversible", "warning", "a claim can't shrink");
    // It is so: the upgrade is made, and Helm can't go back.
    user.does("helm upgrade web refused --set claim=2Gi");
    let back = user.types("helm rollback web 1 --no-hooks");
    back.exits(1);
    assert!(back.stderr.contains("can not be less than"), "{}", back.stderr);
}

fn what_the_server_does_not_take_any_more_is_no_way_back(user: &User) {
    user.does("helm safe-upgrade web refused --install --yes --set configMap=more");
    user.does("helm upgrade web refused --reset-values");
    let line = format!("{CHECK} --set note=3");
    passes(&found(user, &line), "rehearsal");

    let quota = json!({"metadata": {"name": "few"}, "spec": {"hard": {"count/configmaps": "1"}}});
    cluster::create::<ResourceQuota>(&user.namespace, quota);
    user.waits_for(|| {
        found(user, &line).iter().any(|one| one.0 == "rehearsal" && one.2.contains("exceeded quota: few"))
    });
    has(&found(user, &line), "rehearsal", "blocker", "going back to revision 1 would fail");
    user.types(&format!("{line} --accept rehearsal")).exits(0);

    allow(user, "viewer", &[("", "secrets", &["get", "list"])]);
    has(&found(user, &format!("{line} --kube-as-user viewer")), "rehearsal", "unknown", "can't be told");
}

/// A definition with these versions, of which the last one is stored; a Secret that may or may not change; and what else is given.
fn lasting(user: &User, versions: &[&str], secret: &str, more: &str) -> String {
    let group = format!("{}.example.com", user.namespace);
    let version = |name: &&str| {
        let stored = versions.last() == Some(name);
        format!("{{name: {name}, served: true, storage: {stored}, schema: {{openAPIV3Schema: {{type: object}}}}}}")
    };
    let versions: Vec<String> = versions.iter().map(version).collect();
    let definition = |plural: &str, kind: &str, versions: &str| {
        format!(
            "- {{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: {plural}.{group}}}, \
             spec: {{group: {group}, scope: Namespaced, names: {{kind: {kind}, plural: {plural}}}, versions: [{versions}]}}}}\n"
        )
    };
    let things = definition("things", "Thing", &versions.join(", "));
    let more = if more.is_empty() { String::new() } else { definition(more, "Other", &versions.join(", ")) };
    format!("objects:\n{things}{more}- {{apiVersion: v1, kind: Secret, metadata: {{name: keys}}, {secret}}}\n")
}

fn what_changes_for_good_leaves_no_way_back(user: &User) {
    user.writes("one.yaml", &lasting(user, &["v1"], "stringData: {a: b}", ""));
    user.types("helm safe-upgrade web parts --install --yes -f one.yaml").exits(0);
    let migration = "hooks: {db-migrate: {image: 'busybox:1'}}\n";
    let two = lasting(user, &["v1", "v2"], "immutable: true, stringData: {a: c}", "others");
    user.writes("two.yaml", &format!("{two}{migration}"));
    let line = "helm safe-upgrade check web parts -f two.yaml -o json";
    let findings = found(user, line);
    has(&findings, "irreversible", "blocker", "it stores objects in version v2, which can't be taken out again");
    has(&findings, "irreversible", "blocker", "it becomes immutable, and can't be changed back");
    has(&findings, "irreversible", "warning", "it is new: going back deletes it, with every object of its kind");
    has(&findings, "irreversible", "warning", "migration of a database and runs with the upgrade: going back does not");
    user.types(line).exits(3);
    // It is so: the upgrade is made, and Helm can't go back.
    user.does("helm upgrade web parts -f two.yaml");
    assert_ne!(user.types("helm rollback web 1").code, Some(0));
    user.does("helm uninstall web");
}

//! The way back, before it is needed.

use k8s_openapi::api::core::v1::ResourceQuota;
use serde_json::json;

use crate::cluster;
use crate::findings::{allow, found, has, passes};
use crate::user::User;

stories![a_claim_that_grows_leaves_no_way_back, what_the_server_does_not_take_any_more_is_no_way_back];

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

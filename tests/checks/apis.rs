//! API versions that the server, or another version of Kubernetes, does not serve.

use crate::findings::{found, has, passes};
use crate::record::Record;
use crate::user::User;

stories![
    an_api_version_that_the_server_does_not_serve_stops_the_upgrade,
    a_deployed_manifest_that_helm_can_not_read_any_more_stops_the_upgrade,
    a_removed_api_in_the_rollback_target_stops_the_upgrade,
    a_custom_resource_without_its_definition_stops_the_upgrade_where_it_is_stored,
    another_version_of_kubernetes_is_asked_about,
    what_the_server_calls_deprecated_is_told,
];

const BUDGET: &str = "apiVersion: {{ .Values.api | default \"policy/v1\" }}\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}\n";
const CHECK: &str = "helm safe-upgrade check web app --set tag=2";

/// Has a revision as it was stored before the cluster was upgraded.
fn is_from_an_older_cluster(user: &User, revision: u32) {
    Record::of(user, "web", revision).edit(|release| {
        let manifest = release["manifest"].as_str().unwrap().replace("policy/v1", "policy/v1beta1");
        release["manifest"] = manifest.into();
    });
}

fn an_api_version_that_the_server_does_not_serve_stops_the_upgrade(user: &User) {
    user.has_web(&[("budget", BUDGET)]);
    let findings = found(user, &format!("{CHECK} -o json"));
    for check in ["removed-api", "rollback-api", "deprecated-api", "target-api"] {
        passes(&findings, check);
    }
    let line = format!("{CHECK} --set api=policy/v1beta1");
    user.types(&line).exits(3);
    let findings = found(user, &format!("{line} -o json"));
    has(&findings, "removed-api", "blocker", "does not serve policy/v1beta1: Kubernetes 1.25 removed it");
    passes(&findings, "rollback-api");
}

fn a_deployed_manifest_that_helm_can_not_read_any_more_stops_the_upgrade(user: &User) {
    user.has_web(&[("budget", BUDGET)]);
    is_from_an_older_cluster(user, 1);
    user.types(CHECK).exits(3);
    let findings = found(user, &format!("{CHECK} -o json"));
    has(&findings, "removed-api", "blocker", "helm can't read the manifest of revision 1");
    has(&findings, "rollback-api", "blocker", "there is no way back to revision 1");
    let shown = user.types("helm upgrade web app --set tag=2");
    assert!(shown.stderr.contains("no matches for kind \"PodDisruptionBudget\""), "{}", shown.stderr);
}

fn a_removed_api_in_the_rollback_target_stops_the_upgrade(user: &User) {
    user.has_web(&[("budget", BUDGET)]);
    user.does("helm upgrade web app --set tag=unready");
    is_from_an_older_cluster(user, 1);
    let findings = found(user, &format!("{CHECK} -o json"));
    has(&findings, "rollback-api", "blocker", "there is no way back to revision 1");
    passes(&findings, "removed-api");
    user.types(CHECK).exits(3);
    user.types(&format!("{CHECK} --accept rollback-api")).exits(0);
    let shown = user.types("helm rollback web 1");
    assert!(shown.stderr.contains("no matches for kind \"PodDisruptionBudget\""), "{}", shown.stderr);
}

fn a_custom_resource_without_its_definition_stops_the_upgrade_where_it_is_stored(user: &User) {
    user.has_web(&[]);
    Record::of(user, "web", 1).edit(|release| {
        let custom = "---\napiVersion: example.com/v1\nkind: Gone\nmetadata: {name: web}\n";
        release["manifest"] = format!("{}{custom}", release["manifest"].as_str().unwrap()).into();
    });
    has(&found(user, &format!("{CHECK} -o json")), "removed-api", "blocker", "does not serve example.com/v1");
    let shown = user.types("helm upgrade web app --set tag=2");
    assert!(shown.stderr.contains("no matches for kind \"Gone\""), "{}", shown.stderr);
}

fn another_version_of_kubernetes_is_asked_about(user: &User) {
    user.has_web(&[("budget", BUDGET)]);
    passes(&found(user, &format!("{CHECK} --kube-version v1.37.0 -o json")), "target-api");
    let findings = found(user, &format!("{CHECK} --kube-version 1.20 -o json"));
    has(&findings, "target-api", "blocker", "Kubernetes 1.20 does not serve policy/v1: it is new in 1.21");
    has(&found(user, &format!("{CHECK} --kube-version 1.99 -o json")), "target-api", "unknown", "1.99");
    user.types(&format!("{CHECK} --kube-version newest")).exits(1);
    // A plan is judged by the version that it was made for.
    user.types("helm safe-upgrade plan web app --set tag=2 --kube-version 1.99 --out web.plan").exits(0);
    let shown = user.types("helm safe-upgrade apply web.plan --set tag=2 --yes");
    assert!(shown.exits(0).stdout.contains("what Kubernetes 1.99 removes"), "{}", shown.stdout);
}

fn what_the_server_calls_deprecated_is_told(user: &User) {
    const ENDPOINTS: &str = "{{ if .Values.extra.on }}\napiVersion: v1\nkind: Endpoints\nmetadata: {name: web}\nsubsets: [{addresses: [{ip: 10.1.2.3}], ports: [{port: {{ .Values.extra.on }}}]}]\n{{ end }}\n";
    user.has_web(&[("endpoints", ENDPOINTS)]);
    let on = |port: &str| format!("{CHECK} --set extra.on={port} -o json");
    has(&found(user, &on("80")), "deprecated-api", "warning", "the server warns: v1 Endpoints is deprecated");
    user.does("helm upgrade web app --set extra.on=80");
    has(&found(user, &on("81")), "deprecated-api", "info", "the server warns: v1 Endpoints is deprecated");
}

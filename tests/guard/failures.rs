//! Upgrades that fail: the verdict, the way back, and how the release stands then.

use k8s_openapi::api::core::v1::ConfigMap;

use crate::cluster;
use crate::processes::{child_of, plugin_of, signal};
use crate::release::hook;
use crate::user::User;

stories![
    a_missing_image_is_rolled_back,
    a_crash_loop_is_rolled_back,
    pods_that_are_never_ready_are_rolled_back,
    a_failing_hook_before_the_upgrade_is_rolled_back,
    a_failing_hook_after_the_upgrade_is_rolled_back,
    a_hook_without_an_image_does_not_hang,
    an_immutable_field_is_rolled_back,
    a_quota_is_rolled_back,
    what_cannot_be_scheduled_is_rolled_back,
    a_claim_that_is_never_bound_is_rolled_back,
    a_first_installation_that_fails_is_kept,
    a_first_installation_that_fails_is_removed_where_asked,
    a_failure_is_kept_where_asked,
    what_a_failed_upgrade_created_is_removed_where_asked,
    what_a_lost_helm_created_is_removed_too_where_asked,
    a_timeout_is_rolled_back,
    without_a_proven_revision_the_good_one_before_is_the_target,
    a_bad_revision_is_never_gone_back_to,
    where_only_a_hook_fails_the_good_revision_stays,
];

/// It failed, and the release is back at revision 1.
fn is_back(user: &User, line: &str, why: &str) {
    let shown = user.types(line);
    shown.exits(4);
    assert!(shown.stderr.contains(why), "{why:?} is not in: {}", shown.stderr);
    assert!(shown.stdout.contains("revision 2 failed; web is back at revision 1, as revision 3"), "{}", shown.stdout);
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    assert_eq!(user.proven(), [1, 3]);
    assert_eq!(user.bad(), [2]);
    assert!(user.description(2).starts_with("Failed: "), "{}", user.description(2));
    user.left_no_lease();
}

fn a_missing_image_is_rolled_back(user: &User) {
    user.has_web(&[]);
    is_back(
        user,
        "helm safe-upgrade web app --set tag=2-missing --yes",
        "cannot pull image \"example.com/app:2-missing\"",
    );
}

fn a_crash_loop_is_rolled_back(user: &User) {
    user.has_web(&[]);
    is_back(user, "helm safe-upgrade web app --set tag=2-crash --yes", "keeps crashing");
}

fn pods_that_are_never_ready_are_rolled_back(user: &User) {
    user.has_web(&[]);
    is_back(user, "helm safe-upgrade web app --set tag=2-unready --yes --fail-fast-after 5s", "deployment/web");
}

fn a_failing_hook_before_the_upgrade_is_rolled_back(user: &User) {
    user.has_web(&[("hook", &hook("pre-upgrade"))]);
    is_back(user, "helm safe-upgrade web app --set tag=2,hook=1-crash --yes", "job/web-migrate");
}

fn a_failing_hook_after_the_upgrade_is_rolled_back(user: &User) {
    user.has_web(&[("hook", &hook("post-upgrade"))]);
    is_back(user, "helm safe-upgrade web app --set tag=2,hook=1-crash --yes", "job/web-migrate");
}

fn a_hook_without_an_image_does_not_hang(user: &User) {
    user.has_web(&[("hook", &hook("pre-upgrade"))]);
    is_back(user, "helm safe-upgrade web app --set tag=2,hook=1-missing --yes", "cannot pull image");
}

fn an_immutable_field_is_rolled_back(user: &User) {
    user.has_web(&[]);
    let template = std::fs::read_to_string(user.folder.join("app/templates/deployment.yaml")).unwrap();
    user.writes("app/templates/deployment.yaml", &template.replace("{app: {{ .Release.Name }}}", "{app: other}"));
    is_back(user, "helm safe-upgrade web app --yes --accept immutable", "immutable");
}

fn a_quota_is_rolled_back(user: &User) {
    user.has_web(&[]);
    user.may_have_pods(2);
    is_back(user, "helm safe-upgrade web app --set replicas=5 --yes --accept quota --fail-fast-after 3s", "quota");
}

fn what_cannot_be_scheduled_is_rolled_back(user: &User) {
    user.has_web(&[]);
    let template = std::fs::read_to_string(user.folder.join("app/templates/deployment.yaml")).unwrap();
    user.writes(
        "app/templates/deployment.yaml",
        &template.replace("      containers:", "      nodeSelector: {disk: none}\n      containers:"),
    );
    is_back(user, "helm safe-upgrade web app --yes --fail-fast-after 3s", "deployment/web");
}

fn a_claim_that_is_never_bound_is_rolled_back(user: &User) {
    user.has_web(&[]);
    user.writes(
        "app/templates/claim.yaml",
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: store}\nspec:\n  storageClassName: none-such\n  \
         accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Gi}}\n",
    );
    is_back(
        user,
        "helm safe-upgrade web app --yes --accept classes --fail-fast-after 3s",
        "persistentvolumeclaim/store",
    );
}

fn a_first_installation_that_fails_is_kept(user: &User) {
    user.has_an_app(&[]);
    let shown = user.types("helm safe-upgrade web app --install --set tag=1-missing --yes");
    shown.exits(5);
    assert!(shown.stdout.contains("revision 1 failed, and is left as it is"), "{}", shown.stdout);
    assert_eq!(user.revisions(), ["1 failed"]);
    user.left_no_lease();
    // The next installation goes on from there.
    user.types("helm safe-upgrade web app --install --set tag=1 --yes").exits(0);
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"], "Helm itself supersedes what failed");
}

fn a_first_installation_that_fails_is_removed_where_asked(user: &User) {
    user.has_an_app(&[]);
    let shown = user.types("helm safe-upgrade web app --install --set tag=1-missing --yes --on-failure uninstall");
    shown.exits(5);
    assert!(shown.stdout.contains("web was uninstalled"), "{}", shown.stdout);
    assert_eq!(user.does("helm list --short").trim(), "");
    user.left_no_lease();
}

fn a_failure_is_kept_where_asked(user: &User) {
    user.has_web(&[]);
    user.types("helm safe-upgrade web app --set tag=2-missing --yes --on-failure keep").exits(5);
    assert_eq!(user.revisions(), ["1 deployed", "2 failed"]);
    assert_eq!(user.bad(), [2]);
    user.left_no_lease();
}

fn what_a_failed_upgrade_created_is_removed_where_asked(user: &User) {
    user.has_web(&[]);
    user.writes("app/templates/more.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n");
    let line = "helm safe-upgrade web app --set tag=2-missing --yes --on-failure keep --cleanup-on-fail";
    user.types(line).exits(5);
    assert_eq!(user.revisions(), ["1 deployed", "2 failed"]);
    assert!(cluster::find::<ConfigMap>(&user.namespace, "more").is_none());
}

fn what_a_lost_helm_created_is_removed_too_where_asked(user: &User) {
    user.has_web(&[]);
    user.writes("app/templates/more.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n");
    let flags = "--yes --on-failure keep --cleanup-on-fail --fail-fast-after 10s";
    let mut helm = user.starts(&format!("exec helm safe-upgrade web app --set tag=2-unready {flags}"));
    user.waits_for(|| cluster::find::<ConfigMap>(&user.namespace, "more").is_some());
    signal(child_of(plugin_of(&helm)), "KILL");
    assert_eq!(helm.wait().unwrap().code(), Some(5));
    assert_eq!(user.revisions(), ["1 deployed", "2 failed", "3 failed"]);
    assert!(cluster::find::<ConfigMap>(&user.namespace, "more").is_none());
}

fn a_timeout_is_rolled_back(user: &User) {
    user.has_web(&[]);
    is_back(
        user,
        "helm safe-upgrade web app --set tag=2-unready --yes --timeout 4s --rollback-timeout 60s",
        "not ready within",
    );
}

fn without_a_proven_revision_the_good_one_before_is_the_target(user: &User) {
    user.has_an_app(&[]);
    user.does("helm install web app --wait");
    let shown = user.types("helm safe-upgrade web app --set tag=2-missing --yes");
    shown.exits(4);
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    assert!(user.proven().is_empty(), "what was never proven is not by going back to it");
}

fn a_bad_revision_is_never_gone_back_to(user: &User) {
    user.has_an_app(&[]);
    user.types("helm safe-upgrade web app --install --set tag=1-missing --yes").exits(5);
    let shown = user.types("helm safe-upgrade web app --install --set tag=2-missing --yes");
    shown.exits(5);
    assert_eq!(user.revisions(), ["1 failed", "2 failed"]);
}

fn where_only_a_hook_fails_the_good_revision_stays(user: &User) {
    user.has_web(&[("hook", &hook("pre-upgrade"))]);
    user.types("helm safe-upgrade web app --set tag=2 --yes").exits(0);
    let shown = user.types("helm safe-upgrade web app --set tag=2,hook=1-crash --yes");
    shown.exits(4);
    assert!(shown.stdout.contains("web is back at revision 2, as revision 4"), "{}", shown.stdout);
    assert!(user.does("helm get manifest web").contains("example.com/app:2"), "nothing below the proven revision");
}

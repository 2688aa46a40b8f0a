//! Upgrades that Helm lets through, in a dry run at the server too, and that then fail: the checklist stops each of them.

use k8s_openapi::api::apps::v1::Deployment;

use crate::cluster;
use crate::record::Record;
use crate::user::User;

stories![
    an_immutable_selector_is_stopped,
    a_quota_without_room_for_the_roll_out_is_stopped,
    a_missing_priority_class_is_stopped,
    a_removed_api_in_the_rollback_target_is_stopped,
    a_dead_override_is_stopped,
    a_budget_that_lets_no_pod_be_evicted_is_stopped,
];

/// Helm finds nothing wrong with the upgrade in a dry run; the checklist stops it, and nothing was changed.
fn is_stopped(user: &User, flags: &str, check: &str) {
    user.types(&format!("helm upgrade web app {flags} --dry-run=server")).exits(0);
    let before = user.revisions();
    let shown = user.types(&format!("helm safe-upgrade web app {flags} --yes"));
    shown.exits(3);
    let blocked = shown.stderr.lines().any(|line| line.contains("blocked by the check") && line.contains(check));
    assert!(blocked, "{check}: {}\n{}", shown.stderr, shown.stdout);
    assert_eq!(user.revisions(), before);
}

/// It would have failed.
fn fails_with_helm(user: &User, flags: &str, with: &str) {
    let shown = user.types(&format!("helm upgrade web app {flags} --wait --timeout 5s"));
    assert_ne!(shown.code, Some(0), "{}", shown.stdout);
    assert!(shown.stderr.contains(with), "{}", shown.stderr);
}

/// The app with a template of one Deployment of its own.
fn has_web_of(user: &User, pod: &str) {
    user.has_an_app(&[]);
    user.writes(
        "app/templates/deployment.yaml",
        &format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  replicas: {{{{ .Values.replicas }}}}\n  \
             selector: {{matchLabels: {{app: {{{{ .Values.selector | default \"web\" }}}}}}}}\n  template:\n    \
             metadata: {{labels: {{app: {{{{ .Values.selector | default \"web\" }}}}}}}}\n    spec:\n{pod}      \
             containers: [{{name: main, image: \"example.com/app:{{{{ .Values.tag }}}}\"}}]\n"
        ),
    );
    user.types("helm safe-upgrade web app --install --yes").exits(0);
}

fn an_immutable_selector_is_stopped(user: &User) {
    has_web_of(user, "");
    is_stopped(user, "--set selector=other", "immutable");
    fails_with_helm(user, "--set selector=other", "field is immutable");
}

fn a_quota_without_room_for_the_roll_out_is_stopped(user: &User) {
    user.has_web(&[]);
    user.may_have_pods(2);
    is_stopped(user, "--set tag=2", "quota");
    fails_with_helm(user, "--set tag=2", "");
}

fn a_missing_priority_class_is_stopped(user: &User) {
    has_web_of(user, "      priorityClassName: {{ .Values.class | default \"\" | quote }}\n");
    is_stopped(user, "--set class=no-such-class", "classes");
    fails_with_helm(user, "--set class=no-such-class", "");
}

const BUDGET: &str = "{{- if .Values.kept }}\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n\
    spec: {minAvailable: {{ .Values.kept }}, selector: {matchLabels: {app: web}}}\n{{- end }}\n";

fn a_removed_api_in_the_rollback_target_is_stopped(user: &User) {
    user.has_an_app(&[("budget", BUDGET)]);
    user.types("helm safe-upgrade web app --set kept=1 --install --yes").exits(0);
    user.does("helm upgrade web app --set tag=unready");
    // Revision 1 is as it was stored before Kubernetes 1.25 removed this version.
    Record::of(user, "web", 1).edit(|release| {
        let manifest = release["manifest"].as_str().unwrap().replace("policy/v1", "policy/v1beta1");
        release["manifest"] = manifest.into();
    });
    is_stopped(user, "--set tag=2", "rollback-api");
    let shown = user.types("helm rollback web 1");
    assert!(shown.stderr.contains("no matches for kind \"PodDisruptionBudget\""), "{}", shown.stderr);
}

fn a_dead_override_is_stopped(user: &User) {
    user.has_an_app(&[]);
    user.types("helm safe-upgrade web app --set replicas=3 --install --yes").exits(0);
    // The next version of the chart calls it otherwise.
    user.writes("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.1.0\n");
    user.writes("app/values.yaml", "tag: \"1\"\nreplicaCount: 1\nextra: {}\n");
    user.does("sed -i 's/[.]Values[.]replicas/.Values.replicaCount/' app/templates/deployment.yaml");
    is_stopped(user, "--set replicas=3", "dead-override");
    user.does("helm upgrade web app --set replicas=3");
    let web = cluster::find::<Deployment>(&user.namespace, "web").unwrap();
    assert_eq!(web.spec.replicas, Some(1), "one pod is left of three");
}

fn a_budget_that_lets_no_pod_be_evicted_is_stopped(user: &User) {
    user.has_an_app(&[("budget", BUDGET)]);
    user.types("helm safe-upgrade web app --set kept=1 --install --yes").exits(0);
    is_stopped(user, "--set kept=2", "disruption-budget");
}

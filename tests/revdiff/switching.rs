//! For those who come from helm-diff: its flags and variables, and what its users ask for. `docs/helm-diff.md` names these tests.

use crate::user::User;

stories!(
    flags_of_helm_diff_mean_the_same,
    variables_of_helm_diff_mean_the_same,
    reuse_values_keeps_the_old_defaults,
    suppressed_changes_do_not_count_for_the_exit_code,
    an_upgrade_is_shown_to_who_may_only_read,
    a_new_chart_label_is_one_line,
    windows_line_ends_are_no_change,
);

fn flags_of_helm_diff_mean_the_same(user: &User) {
    user.upgrades("parts", "configMaps: {settings: {a: \"1\"}}\nsecrets: {key: {k: hunter2}}\n");
    user.writes("next.yaml", "configMaps: {settings: {a: \"2\"}}\nsecrets: {key: {k: hunter3}}\n");
    let all = user.types(
        "helm revdiff upgrade web parts -f next.yaml --allow-unreleased --detailed-exitcode --normalize-manifests \
         --strip-trailing-cr --include-tests --three-way-merge --dry-run=server --disable-validation --output diff -C 5",
    );
    all.shows_change("-  a: \"1\"\n+  a: \"2\"\n")
        .shows_change("! what was changed in the cluster by others is shown by: helm revdiff live web");
    user.types("helm revdiff upgrade web parts -f next.yaml -q")
        .mentions("1 suppressed")
        .keeps_quiet_about("Secret/key");
    let decoded = user.types("helm revdiff upgrade web parts -f next.yaml --show-secrets-decoded");
    decoded.mentions("-  k: hunter2\n+  k: hunter3\n");
    user.types("helm revdiff upgrade web parts -f next.yaml --show-secrets").mentions("-  k: aHVudGVyMg==\n");
    user.types("helm revdiff upgrade web parts -f next.yaml --output simple").mentions("ConfigMap/settings");
    user.types("helm revdiff upgrade web parts -f next.yaml --output dyff").mentions("~ ConfigMap/settings  data.a  ");
    assert!(
        user.types("helm revdiff upgrade web parts -f next.yaml --output structured").json()["resources"].is_array()
    );
    user.types("helm revdiff local parts web").mentions("+ Deployment/");
    user.types("helm revdiff upgrade new parts --allow-unreleased --set configMaps.x.y=1").mentions("+ ConfigMap/x");
}

fn variables_of_helm_diff_mean_the_same(user: &User) {
    user.upgrades("parts", "configMaps: {settings: {a: \"1\", b: \"1\", c: \"1\"}}\n");
    user.upgrades("parts", "configMaps: {settings: {a: \"1\", b: \"2\", c: \"1\"}}\n");
    user.types("HELM_DIFF_OUTPUT=structured helm revdiff web").json();
    user.types("HELM_DIFF_OUTPUT=structured helm revdiff web -o paths").mentions("~ ConfigMap/settings  data.b");
    user.types("HELM_DIFF_OUTPUT_CONTEXT=0 helm revdiff web --only configmap")
        .mentions("@@ data\n-  b: \"1\"\n+  b: \"2\"\n");
    user.types("HELM_DIFF_COLOR=true helm revdiff web").mentions("\u{1b}[");
    user.types("HELM_DIFF_COLOR=true helm revdiff web --no-color").keeps_quiet_about("\u{1b}[");
    user.types("helm revdiff web --no-such-flag").explains("--no-such-flag");
    user.types("HELM_DIFF_IGNORE_UNKNOWN_FLAGS=true helm revdiff web --no-such-flag").mentions("1 changed");
    user.types("HELM_DIFF_OUTPUT=template helm revdiff web").explains("template");
}

fn reuse_values_keeps_the_old_defaults(user: &User) {
    user.does("echo 'colour: red' >> parts/values.yaml");
    user.writes(
        "parts/templates/colour.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: colour}\ndata: {colour: {{ .Values.colour }}}\n",
    );
    user.does("helm install web parts");
    user.does("sed -i 's/^colour: red/colour: blue/' parts/values.yaml");
    user.types("helm revdiff upgrade web parts").mentions("-  colour: red\n+  colour: blue\n");
    user.types("helm revdiff upgrade web parts --reset-then-reuse-values").mentions("+  colour: blue\n");
    let kept = user.types("helm revdiff upgrade web parts --reuse-values --only configmap");
    kept.mentions("no changes");
}

fn suppressed_changes_do_not_count_for_the_exit_code(user: &User) {
    user.upgrades("parts", "secrets: {key: {k: a}}\nconfigMaps: {settings: {time: \"1\", other: \"x\"}}\n");
    user.does("helm get values web > values.yaml");
    user.writes("parts/templates/extra.yaml", "");
    let upgrade = "helm revdiff upgrade web parts --reuse-values --detailed-exitcode";
    user.types(upgrade).exits(0);
    user.does("sed -i 's/b64enc/b64enc | replace \"=\" \"=\"/' parts/templates/secrets.yaml");
    user.writes("parts/templates/extra.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: extra}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: stamp}\ndata: {time: now}\n");
    user.types(upgrade).exits(2);
    user.types(&format!("{upgrade} --suppress Secret --suppress ConfigMap")).exits(0).mentions("2 suppressed");
    user.types(&format!("{upgrade} -q --suppress-output-line-regex '.'")).exits(0).mentions("2 suppressed");
    user.types(&format!("{upgrade} -q --suppress-output-line-regex time")).exits(2);
    user.types(&format!("{upgrade} --suppress-output-line-regex '['")).explains("regex");
}

fn an_upgrade_is_shown_to_who_may_only_read(user: &User) {
    user.upgrades("parts", "configMaps: {settings: {a: \"1\"}}\n");
    crate::access::allow(user, "viewer", &["get", "list"]);
    let shown = user
        .types("helm revdiff upgrade web parts --set configMaps.settings.a=2,configMaps.new.x=y --kube-context viewer");
    shown.mentions("~ ConfigMap/settings").mentions("+ ConfigMap/new");
    let refused = user.types("helm revdiff upgrade web parts --kube-context nobody");
    refused.explains("cannot list the revisions of release \"web\": user \"nobody\" cannot list resource \"secrets\"");
}

fn a_new_chart_label_is_one_line(user: &User) {
    user.does("helm install web web");
    user.does("sed -i 's/^version: .*/version: 9.9.9/' web/Chart.yaml");
    let shown = user.types("helm revdiff upgrade web web");
    shown.mentions("  helm.sh/chart web-1.0.0 → web-9.9.9 in 7 objects\n").keeps_quiet_about("~ Deployment/");
}

fn windows_line_ends_are_no_change(user: &User) {
    user.upgrades("parts", "configMaps: {settings: {a: \"1\"}}\n");
    user.does("sed -i 's/$/\\r/' parts/templates/*.yaml");
    user.types("helm revdiff upgrade web parts --reuse-values --detailed-exitcode").exits(0).mentions("no changes");
}

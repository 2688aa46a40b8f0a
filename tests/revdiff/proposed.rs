//! `helm revdiff upgrade`: what it shows is what `helm upgrade` then makes, whatever state the release is in.

use serde_json::Value;

use crate::user::User;

stories!(
    every_flag_of_values_is_shown_as_helm_then_applies_it,
    the_templates_see_the_cluster_and_the_revision,
    values_from_standard_input,
    a_release_that_is_not_installed,
    a_failed_release_is_compared_with_what_is_deployed,
    a_pending_release_is_compared_with_what_is_deployed,
    an_uninstalled_release_is_shown_as_new,
    kinds_the_server_does_not_know_are_shown,
    what_is_made_anew_at_each_render_is_told_apart,
    a_chart_that_does_not_render,
    old_values_that_break_the_new_schema,
    values_are_shown_with_what_set_them,
    all_test_charts_are_shown_as_helm_then_makes_them,
);

/// What `helm revdiff upgrade` shows before, and `helm revdiff` after the upgrade has been made; `only_shown` are flags
/// that the upgrade does not get.
pub(crate) fn shown_and_made(user: &User, arguments: &str, only_shown: &str) -> (Value, Value) {
    // Helm keeps ten revisions, so their count is not the number of the last one.
    let history = user.types("helm history web -o json").json();
    let last = history.as_array().unwrap().last().unwrap()["revision"].as_u64().unwrap();
    let shown = user.types(&format!("helm revdiff upgrade web {arguments} {only_shown} -o json --show-secrets")).json();
    user.does(&format!("helm upgrade web {arguments}"));
    let made = user.types(&format!("helm revdiff web {last} {} -o json --show-secrets", last + 1)).json();
    assert_eq!(shown["to"]["revision"], made["to"]["revision"]);
    (shown, made)
}

/// These parts of the two are the same.
pub(crate) fn agree(shown: &Value, made: &Value, parts: &[&str], arguments: &str) {
    let told = |document: &Value, part: &str| {
        let mut part = document[part].clone();
        // Only a proposal knows which file or flag set a value.
        for row in part.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            row.remove("origins");
        }
        part
    };
    for part in parts {
        assert_eq!(told(shown, part), told(made, part), "{part} of helm upgrade web {arguments}");
    }
}

fn is_made(user: &User, arguments: &str) -> Value {
    let (shown, made) = shown_and_made(user, arguments, "");
    agree(&shown, &made, &["resources", "summary", "values", "defaults", "chart", "notes"], arguments);
    assert_eq!(shown["to"]["status"], "proposed");
    shown
}

fn every_flag_of_values_is_shown_as_helm_then_applies_it(user: &User) {
    user.writes("base.yaml", "configMaps:\n  settings:\n    a: \"1\"\n    b: \"1\"\nsecrets:\n  key:\n    k: old\n");
    user.writes(
        "more.yaml",
        "configMaps:\n  settings:\n    c: \"2\"\nhooks:\n  before:\n    kind: ConfigMap\n    data: {x: y}\n",
    );
    user.writes("text.txt", "from a file");
    user.does("helm install web parts -f base.yaml");
    for arguments in [
        "parts -f base.yaml -f more.yaml --set configMaps.settings.a=3",
        "parts --reuse-values --set-string configMaps.settings.d=4 --set-file configMaps.settings.e=text.txt",
        "parts",
        "parts --reset-then-reuse-values --set-json 'configMaps.more={\"x\":\"y\"}' --set-literal secrets.key.k=a,b",
        "parts --set configMaps.settings.z=1",
        "parts --reset-values",
        "parts -f base.yaml,more.yaml --atomic --wait --timeout 60s --description said",
    ] {
        is_made(user, arguments);
    }
    let nothing =
        user.types("helm revdiff upgrade web parts -f base.yaml -f more.yaml --detailed-exitcode --description x");
    nothing.exits(0).mentions("no changes");
    let something = user.types("helm revdiff upgrade web parts -f base.yaml --detailed-exitcode");
    something.shows_change("upgrade of revision 8 to 9").shows_change("proposed").shows_change("- ConfigMap/before");
}

fn the_templates_see_the_cluster_and_the_revision(user: &User) {
    let template = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: seen
data:
  revision: "{{ .Release.Revision }}"
  upgrade: "{{ .Release.IsUpgrade }}"
  service: "{{ .Release.Service }}"
  namespace: "{{ .Release.Namespace }}"
  kubernetes: "{{ .Capabilities.KubeVersion }}"
  leases: "{{ .Capabilities.APIVersions.Has "coordination.k8s.io/v1/Lease" }}"
  helm: "{{ .Capabilities.HelmVersion.Version }}"
  found: "{{ (lookup "v1" "ConfigMap" .Release.Namespace "kube-root-ca.crt").kind }}"
  values: {{ .Values.numbers | toJson | quote }}
"#;
    user.writes("parts/templates/seen.yaml", template);
    user.writes("numbers.yaml", "numbers: [1, 1.5, 1000000, 0644, 1e3, 12345678901, true, null]\n");
    user.writes("parts/templates/NOTES.txt", "revision {{ .Release.Revision }}\n");
    user.does("helm install web parts -f numbers.yaml");
    let first = is_made(user, "parts -f numbers.yaml");
    assert_eq!(first["notes"]["new"], "revision 2");
    is_made(user, "parts");
    is_made(user, "parts --reuse-values");
    user.types("helm revdiff upgrade web parts --debug 2>&1")
        .mentions("rendering by helm upgrade --dry-run=server, with the release in memory");
}

fn values_from_standard_input(user: &User) {
    user.upgrades("parts", "configMaps:\n  settings:\n    a: \"1\"\n");
    let piped = user.types("echo '{configMaps: {settings: {a: piped}}}' | helm revdiff upgrade web parts -f -");
    piped.exits(0).mentions("+  a: piped\n");
    // Read once, although a chart with random content is rendered twice.
    user.writes("parts/templates/random.yaml", "{{- $x := randAlphaNum 5 }}\n");
    user.types("echo '{configMaps: {settings: {a: again}}}' | helm revdiff upgrade web parts -f -")
        .mentions("+  a: again\n");
}

fn a_release_that_is_not_installed(user: &User) {
    user.types("helm revdiff upgrade web parts").fails(
        r#"
        Error: release "web" not found in namespace "NAMESPACE"
        Hint: --install shows what installing it would create; there are no releases here; try -n NAMESPACE
        "#,
    );
    let shown =
        user.types("helm revdiff upgrade web parts --install --set configMaps.settings.a=1 --detailed-exitcode");
    shown.shows_change("web in namespace NAMESPACE: new installation").shows_change("+ ConfigMap/settings");
    let document = user.types("helm revdiff upgrade web parts -i --set configMaps.settings.a=1 -o json").json();
    assert_eq!(document["to"]["revision"], 1);
    assert_eq!(document["from"], serde_json::json!({}));
}

fn a_failed_release_is_compared_with_what_is_deployed(user: &User) {
    user.upgrades("parts", "configMaps:\n  settings:\n    a: \"1\"\n");
    user.writes(
        "bad.yaml",
        "configMaps:\n  settings:\n    a: \"2\"\ndeployments:\n  web: {image: \"busybox:crash\"}\n",
    );
    user.types("helm upgrade web parts -f bad.yaml --wait --timeout 2s").explains("");
    let shown = user.types("helm revdiff upgrade web parts --set configMaps.settings.a=3");
    shown.exits(0).mentions("! revision 2 failed; compared with revision 1, which is deployed");
    shown.mentions("-  a: \"1\"\n+  a: \"3\"\n").mentions("upgrade of revision 1 to 3");
}

fn a_pending_release_is_compared_with_what_is_deployed(user: &User) {
    user.upgrades("parts", "configMaps:\n  settings:\n    a: \"1\"\n");
    user.writes("slow.yaml", "configMaps:\n  settings:\n    a: \"2\"\nhooks:\n  slow: {image: \"busybox:unready\"}\n");
    let mut child = user.starts("exec helm upgrade web parts -f slow.yaml");
    user.types("until helm history web | grep -q pending-upgrade; do sleep 0.1; done").exits(0);
    child.kill().unwrap();
    child.wait().unwrap();
    let shown = user.types("helm revdiff upgrade web parts --set configMaps.settings.a=3");
    shown.exits(0).mentions(
        "! revision 2 is pending-upgrade, and helm upgrade refuses until that has ended; compared with revision 1, which is deployed",
    );
    shown.mentions("-  a: \"1\"\n+  a: \"3\"\n").mentions("upgrade of revision 1 to 3");
}

fn an_uninstalled_release_is_shown_as_new(user: &User) {
    user.upgrades("parts", "configMaps:\n  settings:\n    a: \"1\"\n");
    user.does("helm uninstall web --keep-history");
    let shown = user.types("helm revdiff upgrade web parts --set configMaps.settings.a=3");
    shown.exits(0).mentions("! the release is uninstalled (revision 1), and helm upgrade needs --install for it");
    shown.mentions("new installation").mentions("+ ConfigMap/settings");
    let install = user.types("helm revdiff upgrade web parts --set configMaps.settings.a=3 --install");
    install.mentions("! the release is uninstalled (revision 1); everything is shown as new");
}

fn kinds_the_server_does_not_know_are_shown(user: &User) {
    user.upgrades("parts", "configMaps:\n  settings:\n    a: \"1\"\n");
    user.writes(
        "custom.yaml",
        "objects:\n- apiVersion: nowhere.example/v1\n  kind: Gadget\n  metadata: {name: one}\n  spec: {size: 3}\n",
    );
    user.types("helm upgrade web parts -f custom.yaml --dry-run=server").explains("no matches for kind");
    user.types("helm revdiff upgrade web parts -f custom.yaml").exits(0).mentions("+ Gadget/one");
}

fn what_is_made_anew_at_each_render_is_told_apart(user: &User) {
    let template = r#"apiVersion: v1
kind: Secret
metadata:
  name: random
stringData:
  password: {{ randAlphaNum 20 }}
  fixed: {{ .Values.fixed | quote }}
"#;
    user.writes("parts/templates/random.yaml", template);
    user.does("helm install web parts --set fixed=one");
    let same = user.types("helm revdiff upgrade web parts --set fixed=one --detailed-exitcode");
    same.exits(0).mentions("made anew at each render: 1 value in 1 object  Secret/random /stringData/password");
    let changed = user.types("helm revdiff upgrade web parts --set fixed=two --detailed-exitcode");
    changed.shows_change("~ Secret/random").shows_change("1 changed").shows_change("made anew at each render: 1 value");
    let document = user.types("helm revdiff upgrade web parts --set fixed=two -o json").json();
    assert_eq!(document["resources"][0]["changes"].as_array().unwrap().len(), 1);
    assert_eq!(document["resources"][0]["changes"][0]["path"], "/stringData/fixed");
    assert_eq!(document["regenerated"][0]["paths"], serde_json::json!(["/stringData/password"]));
}

fn a_chart_that_does_not_render(user: &User) {
    user.upgrades("parts", "");
    user.copies("parts", "broken");
    user.writes("broken/templates/broken.yaml", "a: {{ required \"a colour is needed\" .Values.colour }}\n");
    user.types("helm revdiff upgrade web broken")
        .explains("(parts/templates/broken.yaml:1:")
        .explains("a colour is needed");
    user.types("helm revdiff upgrade web nowhere/chart").explains("cannot fetch the chart \"nowhere/chart\"");
    user.types("helm revdiff upgrade web ./nowhere").explains("./nowhere");
    user.types("helm revdiff upgrade web parts -f nothing.yaml").explains("nothing.yaml");
    user.writes("broken.yaml", "a: [1\n");
    user.types("helm revdiff upgrade web parts -f broken.yaml").explains("broken.yaml");
    user.copies("parts", "lacking");
    user.does(
        "cat >> lacking/Chart.yaml <<< $'  - name: gone\\n    version: 1.0.0\\n    repository: https://gone.invalid'",
    );
    user.types("helm revdiff upgrade web lacking")
        .explains("missing in charts/ directory: gone")
        .explains("helm dependency build");
}

fn old_values_that_break_the_new_schema(user: &User) {
    user.upgrades("parts", "size: large\n");
    user.writes("parts/values.schema.json", r#"{"type":"object","properties":{"size":{"type":"integer"}}}"#);
    user.types("helm revdiff upgrade web parts --set size=3").exits(0).mentions("size");
    user.types("helm revdiff upgrade web parts --set size=big").explains("size").explains("--skip-schema-validation");
    user.types("helm revdiff upgrade web parts --set size=big --skip-schema-validation").exits(0);
}

fn values_are_shown_with_what_set_them(user: &User) {
    user.writes(
        "base.yaml",
        "size: small\nlegacy: {mode: a}\nlabels: {team: x}\nsecrets: {key: {password: hunter2}}\n",
    );
    user.does("echo $'size: medium\\ncolour: red\\nlabels: {}\\nlegacy: {mode: b, level: 1}' >> parts/values.yaml");
    user.does("helm install web parts -f base.yaml");
    user.copies("parts", "next");
    user.does("sed -i 's/^version: .*/version: 2.0.0/' next/Chart.yaml; sed -i '/^legacy/d; s/^colour: .*/colour: blue/' next/values.yaml");
    user.writes("prod.yaml", "size: large\n");
    let shown = user.types("helm revdiff upgrade web next -f base.yaml -f prod.yaml --set replicas=3,labels.tier=web");
    shown.mentions("-size: small\n+size: large\n").mentions("  set by prod.yaml: size\n").mentions("  set by --set: ");
    shown.mentions(
        "values that the new chart has no default for any more\n! legacy.mode  (legacy is gone)  set by base.yaml\n",
    );
    shown.mentions("\nchart defaults\n").mentions("~ colour  red → blue\n").keeps_quiet_about("labels.team  (");
    shown.keeps_quiet_about("hunter2");
    // The first values of a release, each with its origin.
    user.does("helm install bare parts");
    let first = user.types("helm revdiff upgrade bare parts -f prod.yaml --set replicas=3 --sections values");
    first
        .mentions("+replicas: 3\n+size: large\n")
        .mentions("  set by prod.yaml: size\n")
        .mentions("  set by --set: replicas\n");
    first.keeps_quiet_about("null");
    let kept = user.types("helm revdiff upgrade web next --reset-then-reuse-values --set size=huge -o json").json();
    assert_eq!(kept["values"][0]["origins"], serde_json::json!(["--set"]));
    assert_eq!(kept["deadOverrides"][0]["origins"], serde_json::json!(["revision 1"]));
    assert_eq!(kept["deadOverrides"][0]["location"], "legacy.mode");
    let paths = user.types("helm revdiff upgrade web next -f base.yaml -o paths");
    paths.mentions("~ chart defaults  colour  red → blue\n");
}

fn all_test_charts_are_shown_as_helm_then_makes_them(user: &User) {
    for (chart, first, then) in [
        // Node ports are shared by the whole cluster.
        ("web", "-f web/values-v1.yaml", "-f web/values-v2.yaml --set service.nodePorts.http="),
        (
            "parts",
            "--set configMaps.a.b=c",
            "--set configMaps.a.b=d,hooks.h.image=busybox,notes=new,addon.enabled=true",
        ),
    ] {
        user.does(&format!("helm install web {chart} {first}"));
        for arguments in [then, "--reuse-values", "--reset-values"] {
            is_made(user, &format!("{chart} {arguments}"));
        }
        user.does("helm uninstall web");
    }
}

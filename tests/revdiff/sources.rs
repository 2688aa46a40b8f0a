//! Other things to compare than two revisions: a rollback, two releases. And the short formats.

use crate::user::User;

stories!(
    a_rollback_is_shown_before_it_is_made,
    two_releases,
    the_short_formats,
    renames_and_selections,
    differences_that_are_ignored,
);

fn a_rollback_is_shown_before_it_is_made(user: &User) {
    for number in 1..=3 {
        user.upgrades("parts", &format!("configMaps:\n  settings:\n    number: \"{number}\"\n"));
    }
    let shown = user.types("helm revdiff rollback web");
    shown.mentions("rollback from revision 3 to 2").mentions("-  number: \"3\"\n+  number: \"2\"\n");
    user.types("helm revdiff rollback web 1").mentions("-  number: \"3\"\n+  number: \"1\"\n");
    user.types("helm revdiff rollback web 9").fails(
        r#"
        Error: release "web" in namespace "NAMESPACE" has no revision 9
        Hint: there are the revisions 1–3
        "#,
    );

    // What was shown is what the rollback does.
    user.does("helm rollback web 1");
    let diff = user.types("helm revdiff web 1 4 --detailed-exitcode");
    diff.exits(0).mentions("no changes");
}

fn two_releases(user: &User) {
    user.writes("small.yaml", "configMaps:\n  settings:\n    size: small\n");
    user.writes("large.yaml", "configMaps:\n  settings:\n    size: large\n");
    let other = user.makes_another_namespace();
    let namespace = &user.namespace;
    user.does("helm install web parts --values small.yaml");
    user.does(&format!("helm install web parts --values large.yaml --namespace {other}"));

    let across = user.types(&format!("helm revdiff release web {other}/web"));
    across.mentions("NAMESPACE/web revision 1 → NAMESPACE-2/web revision 1");
    across.mentions("-  size: small\n+  size: large\n");
    let document = user.types(&format!("helm revdiff release web {other}/web -o json")).json();
    assert_eq!(document["from"]["namespace"], namespace.as_str());
    assert_eq!(document["to"]["namespace"], other.as_str());
    user.types(&format!("helm revdiff release web {other}/nothing"))
        .explains("release \"nothing\" not found in namespace");
}

fn the_short_formats(user: &User) {
    user.upgrades("parts", "configMaps:\n  settings:\n    a: \"1\"\n    b: \"1\"\n");
    user.upgrades("parts", "configMaps:\n  settings:\n    a: \"2\"\n  more:\n    c: \"1\"\n");
    let paths = user.types("helm revdiff web -o paths");
    paths
        .exits(0)
        .mentions("~ ConfigMap/settings  data.a  \"1\" → \"2\"\n")
        .mentions("- ConfigMap/settings  data.b  \"1\"\n");
    paths.mentions("+ ConfigMap/more\n").mentions("~ values  configMaps.settings.a  \"1\" → \"2\"\n");
    let stat = user.types("helm revdiff web -o stat");
    stat.exits(0).shows(
        r"
        web in namespace NAMESPACE: revision 1 → 2
         ConfigMap/more     | 6 ++++++
         ConfigMap/settings | 3 +--
         values             | 5 +++--
         1 changed, 1 added, 0 removed, 0 unchanged; 10 lines added, 4 lines removed
        ",
    );
    assert_eq!(user.types("helm revdiff web --stat").exits(0).stdout, stat.stdout);
    user.types("helm revdiff web --stat -o json").explains("cannot be used with");
    // Where nothing differs a reader is told, and a script gets nothing.
    user.types("helm revdiff web 2 2 -o paths").exits(0).shows("");
    user.types("helm revdiff web 2 2 --stat").exits(0).mentions(" no changes: ");
    let yaml = user.types("helm revdiff web -o yaml");
    yaml.exits(0).mentions("schemaVersion: 1\n").mentions("  - path: /data/a\n    op: replace\n");
}

fn renames_and_selections(user: &User) {
    let content = "    one: \"1\"\n    two: \"2\"\n    three: \"3\"\n    four: \"4\"\n";
    user.upgrades("parts", &format!("configMaps:\n  before:\n{content}"));
    user.upgrades("parts", &format!("configMaps:\n  after:\n{content}secrets:\n  key:\n    k: v\n"));
    user.types("helm revdiff web").mentions("+ ConfigMap/after").mentions("- ConfigMap/before");
    let renamed = user.types("helm revdiff web --find-renames 0.5");
    renamed.mentions("~ ConfigMap/after").mentions("renamed from before").mentions("1 changed, 1 added, 0 removed");
    let suppressed = user.types("helm revdiff web --suppress secret --suppress 'configmap/aft*'");
    suppressed.mentions("0 added, 1 removed").mentions("2 suppressed");
    user.types("helm revdiff web --only secret").mentions("1 added, 0 removed");
}

fn differences_that_are_ignored(user: &User) {
    user.upgrades("parts", "configMaps: {settings: {a: \"1\", b: \"1\"}, other: {x: \"1\"}}\n");
    user.upgrades("parts", "configMaps: {settings: {a: \"2\", b: \"2\"}, other: {x: \"2\"}}\n");
    let by_flag =
        user.types("helm revdiff web --ignore configmap/settings:/data/a --ignore '*/other' --only configmap");
    by_flag.mentions("1 changed, 0 added, 0 removed, 0 unchanged, 2 differences ignored").mentions("-  b: \"1\"\n");
    by_flag.keeps_quiet_about("ConfigMap/other");
    // A file is found from below, up to the repository's root; the exit code follows what is shown.
    user.does("git init -q . && mkdir -p deep/er");
    user.writes("helm-safe-upgrade.yaml", "ignore:\n- kind: ConfigMap\n  release: web\n  paths: [\"$.data[*]\"]\n");
    let all = user.types("cd deep/er && helm revdiff web -o json").json();
    assert_eq!(all["summary"]["ignored"], 3);
    assert_eq!(all["resources"], serde_json::json!([]));
    user.writes("wrong.yaml", "ignore:\n- kinds: ConfigMap\n");
    user.types("helm revdiff web --config wrong.yaml").fails(
        r#"
        Error: cannot use wrong.yaml: line 2: a rule of ignore has no key "kinds"
        Hint: did you mean "kind"?
        "#,
    );
    user.types("helm revdiff web --config nowhere.yaml").explains("cannot read nowhere.yaml: there is no such file");
    user.types("helm revdiff web --ignore spec.replicas:x").explains("neither a JSON Pointer");
}

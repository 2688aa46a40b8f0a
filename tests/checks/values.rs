//! Values: what the new chart makes of those that a user sets.

use serde_json::Value;

use crate::findings::{found, has, passes};
use crate::user::User;

stories![
    values_that_the_new_chart_takes_no_more_stop_the_upgrade,
    every_value_that_breaks_the_schema_is_told_with_its_line,
    reused_values_leave_new_defaults_out,
    a_value_that_is_kept_is_told_with_its_revision,
];

const CONFIG: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  tag: {{ .Values.image.tag | quote }}
  size: {{ .Values.cacheSize | quote }}
  password: {{ .Values.db.password | quote }}
";

/// A chart `app` as it was, and `next`, which takes other values.
fn has_two_versions(user: &User) {
    user.writes("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
    user.writes("app/values.yaml", "image: {tag: a}\ncacheSize: 1\nlimits: {}\nprobe: text\ndb: {password: ''}\n");
    user.writes("app/templates/config.yaml", CONFIG);
    user.does("cp -r app next");
    user.writes("next/Chart.yaml", "apiVersion: v2\nname: app\nversion: 2.0.0\n");
    user.writes(
        "next/values.yaml",
        "image: {tag: b}\ncache: {size: 1}\nlimits: {}\nprobe: {path: /}\ndb: {password: ''}\n",
    );
    let next = CONFIG.replace(".Values.cacheSize", "(.Values.cache | default dict).size").replace("data:", "data:\n  path: {{ .Values.probe | toJson | quote }}\n  cache: {{ if .Values.cache }}{{ .Values.cache.size | quote }}{{ end }}");
    user.writes("next/templates/config.yaml", &next);
}

/// What a finding of a check about this was seen by.
fn evidence(user: &User, line: &str, check: &str, about: &str) -> (Vec<String>, String) {
    let document: Value = serde_json::from_str(&user.types(line).stdout).unwrap();
    let findings = document["findings"].as_array().unwrap();
    let one = findings.iter().find(|one| one["check"] == check && one["resource"] == about);
    let one = one.unwrap_or_else(|| panic!("no {check} about {about}: {document:#}"));
    let lines = one["evidence"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect();
    (lines, one["hint"].as_str().unwrap_or_default().to_owned())
}

fn values_that_the_new_chart_takes_no_more_stop_the_upgrade(user: &User) {
    has_two_versions(user);
    user.writes("old.yaml", "cacheSize: 5\nlimits: {cpu: 1}\n");
    user.does("helm install web app -f old.yaml");
    let new = "cacheSize: 5\nimage:\n  tga: c\nlimits: {cpu: 2, memory: 3}\ndb:\n  password: hunter2-hunter2\n";
    user.writes("prod.yaml", new);
    let line = "helm safe-upgrade check web next -f prod.yaml --set probe=x --set limits.cpu=null -o json";
    let findings = found(user, line);
    has(&findings, "dead-override", "blocker", "your value has no effect");
    has(&findings, "unknown-value", "warning", "the chart knows no such value");
    has(&findings, "value-type", "warning", "the chart takes a map here now (it took text), and you give text");
    has(&findings, "changed-default", "info", "a default changes that you leave to the chart");
    has(&findings, "plain-secret", "warning", "ends up in an object that is no Secret");
    passes(&findings, "values-schema");
    passes(&findings, "reuse-values");
    assert_eq!(evidence(user, line, "dead-override", "cacheSize").0, ["prod.yaml:1"]);
    let (place, hint) = evidence(user, line, "unknown-value", "image.tga");
    assert_eq!((place, hint.as_str()), (vec!["prod.yaml:3".to_owned()], "did you mean image.tag?"));
    assert_eq!(evidence(user, line, "value-type", "probe").0, ["--set"]);
    assert_eq!(evidence(user, line, "changed-default", "").0, ["image.tag: a → b"]);
    let shown = user.types(line);
    assert!(!shown.stdout.contains("hunter2"), "{}", shown.stdout);
    let line = "helm safe-upgrade web next -f prod.yaml --yes";
    let shown = user.types(line);
    assert!(shown.exits(3).stderr.contains("--accept dead-override"), "{}", shown.stderr);
    assert_eq!(user.revisions(), ["1 deployed"]);
    // Nothing new is wrong where the values stay as they are.
    let findings = found(user, "helm safe-upgrade check web app -f old.yaml --set limits.memory=1 -o json");
    for check in ["dead-override", "unknown-value", "value-type", "changed-default", "plain-secret", "null-override"] {
        passes(&findings, check);
    }
    let findings = found(user, "helm safe-upgrade check web next --set cache=null -o json");
    has(&findings, "null-override", "warning", "templates read them");
}

fn every_value_that_breaks_the_schema_is_told_with_its_line(user: &User) {
    has_two_versions(user);
    user.does("helm install web app");
    let schema = r#"{"properties": {
        "image": {"properties": {"tag": {"type": "string", "pattern": "^v"}}, "additionalProperties": false},
        "cache": {"properties": {"size": {"type": "integer"}}}}}"#;
    user.writes("next/values.schema.json", schema);
    user.writes("prod.yaml", "# ours\nimage:\n  tag: secret-tag\ncache:\n  size: big\n");
    let line = "helm safe-upgrade check web next -f prod.yaml -o json";
    user.types(line).exits(3);
    assert_eq!(evidence(user, line, "values-schema", "image.tag").0, ["prod.yaml:3"]);
    assert_eq!(evidence(user, line, "values-schema", "cache.size").0, ["prod.yaml:5"]);
    let findings = found(user, line);
    has(&findings, "values-schema", "blocker", "does not match pattern");
    has(&findings, "values-schema", "blocker", "got string, want integer");
    assert_eq!(findings.iter().filter(|one| one.0 == "values-schema").count(), 2, "{findings:#?}");
    let findings = found(user, &format!("{line} --skip-schema-validation"));
    has(&findings, "values-schema", "info", "--skip-schema-validation");
    passes(&found(user, "helm safe-upgrade check web next --set image.tag=v1 -o json"), "values-schema");
    // The diff alone is Helm's to refuse, as it always was.
    user.types("helm revdiff upgrade web next -f prod.yaml").exits(1);
}

fn reused_values_leave_new_defaults_out(user: &User) {
    has_two_versions(user);
    user.does("helm install web app --set limits.cpu=1");
    let line = "helm safe-upgrade check web next --reuse-values -o json";
    let findings = found(user, line);
    has(&findings, "reuse-values", "warning", "templates that read it meet nothing");
    has(&findings, "reuse-values", "warning", "the old one");
    let (readers, _) = evidence(user, line, "reuse-values", "cache");
    assert!(readers[0].starts_with("read by templates/config.yaml:"), "{readers:?}");
    passes(&found(user, "helm safe-upgrade check web next --reset-then-reuse-values -o json"), "reuse-values");
}

fn a_value_that_is_kept_is_told_with_its_revision(user: &User) {
    has_two_versions(user);
    user.does("helm install web app --set cacheSize=7");
    // Whoever sets them, they are kept where nothing is given.
    let line = "helm safe-upgrade check web next -o json";
    assert_eq!(evidence(user, line, "dead-override", "cacheSize").0, ["revision 1"]);
}

//! What is compared beyond single values: JSON and YAML within texts, lists with keys, the order of items.

use super::Folder;

fn config_map(key: &str, content: &str) -> String {
    let text = serde_json::to_string(content).unwrap();
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  {key}: {text}\n")
}

/// Compares a ConfigMap's key before and after.
fn compared(old: &str, new: &str) -> Folder {
    let (old, new) = (config_map("file", old), config_map("file", new));
    Folder::with(&[("old.yaml", old.as_bytes()), ("new.yaml", new.as_bytes())])
}

fn paths(folder: &Folder) -> String {
    folder.shows(&["manifest", "old.yaml", "new.yaml", "-o", "paths"])
}

const PROMETHEUS: &str =
    "global:\n  scrape_interval: 15s\nscrape_configs:\n- job_name: node\n  interval: 10s\n- job_name: web\n";

#[test]
fn yaml_in_a_text_is_compared_as_structure() {
    let folder = compared(PROMETHEUS, &PROMETHEUS.replace("10s", "30s"));
    assert_eq!(paths(&folder), "~ ConfigMap/a  data.file → scrape_configs[job_name=node].interval  10s → 30s\n");
    let shown = folder.shows(&["manifest", "old.yaml", "new.yaml", "-C", "1"]);
    assert!(shown.contains("@@ data.file → scrape_configs[job_name=node]\n"), "{shown}");
    assert!(shown.contains("     - job_name: node\n-      interval: 10s\n+      interval: 30s\n"), "{shown}");
}

#[test]
fn json_in_a_text_is_compared_as_structure() {
    let folder = compared(
        "{\"panels\": [{\"id\": 1, \"title\": \"cpu\"}, {\"id\": 2, \"title\": \"mem\"}]}",
        "{\"panels\":[{\"title\":\"memory\",\"id\":2},{\"id\":1,\"title\":\"cpu\"}]}",
    );
    let shown = paths(&folder);
    assert!(shown.contains("data.file → panels[id=2].title  mem → memory\n"), "{shown}");
    assert!(shown.contains("moved\n") && shown.lines().count() == 2, "{shown}");
    assert!(folder.shows(&["manifest", "old.yaml", "new.yaml"]).contains("   file: # text with JSON\n"));
}

#[test]
fn json_in_an_annotation_is_compared_as_structure() {
    let with = |value: u32| {
        format!("apiVersion: v1\nkind: A\nmetadata:\n  name: a\n  annotations:\n    x/y: '{{\"a\": [1, {value}]}}'\n")
    };
    let folder = Folder::with(&[("old.yaml", with(2).as_bytes()), ("new.yaml", with(3).as_bytes())]);
    assert_eq!(paths(&folder), "~ A/a  metadata.annotations.x/y → a[1]  2 → 3\n");
}

#[test]
fn what_only_was_formatted_anew_is_one_line() {
    let folder = compared("{\"a\":1,\"b\":2}", "{\n  \"b\": 2,\n  \"a\": 1\n}\n");
    assert_eq!(paths(&folder), "~ ConfigMap/a  data.file  only the formatting changed (JSON)\n");
    let shown = folder.shows(&["manifest", "old.yaml", "new.yaml"]);
    assert!(
        shown.ends_with("-  file: # JSON, 1 line\n+  file: # JSON, 4 lines: only the formatting changed\n"),
        "{shown}"
    );
    let output = folder.runs(&["manifest", "old.yaml", "new.yaml", "--detailed-exitcode"], "");
    assert_eq!(output.status.code(), Some(2), "the bytes that a container reads are others");
    let folder = compared(PROMETHEUS, &PROMETHEUS.replace("global:\n", "# comment\nglobal:\n\n"));
    assert_eq!(paths(&folder), "~ ConfigMap/a  data.file  only the formatting changed (YAML)\n");
}

#[test]
fn spellings_that_another_reader_takes_for_other_values_are_changes() {
    let folder = compared("a: yes\nb: 0644\n", "a: true\nb: 420\n");
    assert_eq!(paths(&folder), "~ ConfigMap/a  data.file → a  yes → true\n~ ConfigMap/a  data.file → b  0644 → 420\n");
}

#[test]
fn plain_texts_scripts_and_templates_stay_texts() {
    for (old, new) in [
        ("#!/bin/sh\necho a: b\n", "#!/bin/sh\necho a: c\n"),
        ("server {\n  listen 80;\n}\n", "server {\n  listen 81;\n}\n"),
        ("{{ define \"x\" }}\na: 1\n{{ end }}\n", "{{ define \"x\" }}\na: 2\n{{ end }}\n"),
        ("- one\n- two\n", "- one\n- 2\n"),
        ("[a]\nb = 1\n", "[a]\nb = 2\n"),
    ] {
        let shown = paths(&compared(old, new));
        assert!(!shown.contains(" → b") && shown.contains("lines) → "), "{shown}");
    }
}

#[test]
fn the_json_patch_replaces_the_text_and_explains_it() {
    let folder = compared(PROMETHEUS, &PROMETHEUS.replace("10s", "30s"));
    let json = folder.shows(&["manifest", "old.yaml", "new.yaml", "-o", "json"]);
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    let change = &document["resources"][0]["changes"][0];
    assert_eq!((change["op"].as_str(), change["path"].as_str()), (Some("replace"), Some("/data/file")));
    assert_eq!(change["new"].as_str(), Some(PROMETHEUS.replace("10s", "30s").as_str()));
    assert_eq!(change["format"], "yaml");
    assert_eq!(change["within"][0]["path"], "/scrape_configs/0/interval");
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../docs/schema/revdiff.json")).unwrap();
    assert!(jsonschema::is_valid(&schema, &document), "{document:#}");
}

#[test]
fn a_secret_within_a_text_of_a_secret_stays_masked() {
    let secret = |password: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n  file: '{{\"p\": \"{password}\"}}'\n"
        )
    };
    let (old, new) = (secret("hunter2"), secret("hunter3"));
    let folder = Folder::with(&[("old.yaml", old.as_bytes()), ("new.yaml", new.as_bytes())]);
    let shown = paths(&folder);
    assert!(
        shown.contains("stringData.file  \"<masked, 16 bytes") || shown.contains("file  <masked, 16 bytes"),
        "{shown}"
    );
    assert!(!shown.contains("hunter"), "{shown}");
}

const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  names: {kind: Widget}
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        properties:
          spec:
            properties:
              parts:
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [slot, side]
                items:
                  properties:
                    slot: {type: integer}
                    side: {type: string, default: left}
---
";

const WIDGET: &str = "apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
spec:
  parts:
  - {slot: 1, side: right, name: x, colour: red}
  - {slot: 2, name: x, colour: blue}
  - {slot: 1, name: y, colour: green}
";

#[test]
fn items_of_a_custom_resource_are_matched_by_the_keys_of_its_definition() {
    let new = WIDGET.replace("  - {slot: 1, side: right, name: x, colour: red}\n", "").replace("green", "grey");
    let old = format!("{DEFINITION}{WIDGET}");
    // The definition may be in one of the two only.
    let folder = Folder::with(&[("old.yaml", old.as_bytes()), ("new.yaml", new.as_bytes())]);
    let shown = folder.shows(&["manifest", "old.yaml", "new.yaml", "-o", "paths", "--only", "Widget"]);
    assert_eq!(
        shown,
        "- Widget/w  spec.parts[0]  {\"slot\":1,\"side\":\"right\",\"name\":\"x\",\"colour\":\"red\"}\n~ Widget/w  spec.parts[slot=1].colour  green → grey\n"
    );
}

#[test]
fn an_item_that_moved_is_told_as_moved() {
    let pod = |args: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: c\n    args: [{args}]\n"
        )
    };
    let (old, new) = (pod("--a, --b, --c"), pod("--c, --a, --b"));
    let folder = Folder::with(&[("old.yaml", old.as_bytes()), ("new.yaml", new.as_bytes())]);
    assert_eq!(paths(&folder), "~ Pod/a  spec.containers[name=c].args[--c]  moved\n");
    let shown = folder.shows(&["manifest", "old.yaml", "new.yaml"]);
    assert!(shown.contains("+    - --c  # moved\n") && shown.contains("-    - --c  # moved\n"), "{shown}");
}

#[test]
fn kubernetes_keys_identify_items_that_have_a_name_of_another_kind() {
    let pod = |path: &str| {
        let mounts = format!("[{{name: v, mountPath: /a}}, {{name: {path}, mountPath: /b}}]");
        let env = "[{name: A, value: \"1\"}, {name: A, value: \"2\"}]";
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: c\n    volumeMounts: {mounts}\n    env: {env}\n"
        )
    };
    let (old, new) = (pod("w"), pod("x").replace("\"2\"", "\"3\""));
    let folder = Folder::with(&[("old.yaml", old.as_bytes()), ("new.yaml", new.as_bytes())]);
    let shown = paths(&folder);
    assert!(shown.contains("volumeMounts[mountPath=/b].name  w → x\n"), "{shown}");
    assert!(shown.contains("env[name=A#2].value  \"2\" → \"3\"\n"), "{shown}");
}

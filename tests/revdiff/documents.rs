//! Documents as charts really have them: every one is compared, whatever it looks like.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::agreement::agrees_with_helm_get;
use crate::record::Record;
use crate::user::User;

stories!(
    lists,
    generated_names,
    comments_and_empty_documents,
    other_spellings_of_the_same,
    windows_line_ends,
    unicode,
    objects_in_other_namespaces,
    a_new_version_of_an_api,
    documents_with_one_identity,
    a_document_that_is_no_yaml,
    a_large_config_map,
    ten_megabytes_in_one_document,
    terminal_escapes,
);

fn lists(user: &User) {
    let list = |colour: &str, last: &str| {
        format!(
            "
objects:
- apiVersion: v1
  kind: List
  items:
  - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: one}}, data: {{colour: {colour}}}}}
  - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: two}}, data: {{colour: red}}}}
  - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: {last}}}}}
"
        )
    };
    user.upgrades("parts", &list("red", "three"));
    user.upgrades("parts", &list("blue", "four"));
    let shown = user.types("helm revdiff web");
    shown.mentions("1 changed, 1 added, 1 removed, 1 unchanged");
    shown.mentions("~ ConfigMap/one").mentions("+ ConfigMap/four").mentions("- ConfigMap/three");
    agrees_with_helm_get(user, "web", 1, 2);
}

fn generated_names(user: &User) {
    for image in ["busybox:1.36", "busybox:1.37"] {
        user.writes(
            "parts/templates/generated.yaml",
            &format!(
                "apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: migrate-\n  annotations: {{helm.sh/hook: post-upgrade}}\n\
                 spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: main, image: '{image}'}}]}}}}}}\n"
            ),
        );
        // Helm stores such hooks, but cannot run them.
        user.does("helm upgrade --install web parts --no-hooks");
    }
    let shown = user.types("helm revdiff web");
    shown
        .mentions("~ Job/migrate-*  batch/v1  post-upgrade hook  parts/templates/generated.yaml")
        .mentions("-        image: busybox:1.36\n+        image: busybox:1.37\n");
    agrees_with_helm_get(user, "web", 1, 2);
}

fn comments_and_empty_documents(user: &User) {
    user.upgrades(
        "parts",
        "configMaps: {settings: {colour: red}}\ntext: \"# nothing here\\n---\\n---\\n# nor here\\n\"",
    );
    user.upgrades("parts", "configMaps: {settings: {colour: red}}\ntext: \"# something else\\n\"");
    user.types("helm revdiff web").mentions("0 changed, 0 added, 0 removed, 1 unchanged");
    agrees_with_helm_get(user, "web", 1, 2);
}

fn other_spellings_of_the_same(user: &User) {
    user.writes(
        "parts/templates/more.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\ndata: {a: \"x\", b: 'y'}\n",
    );
    user.upgrades("parts", "");
    user.writes(
        "parts/templates/more.yaml",
        "# A comment.\nkind: ConfigMap\nmetadata:\n    name: more # another\ndata:\n    b: \"y\"\n    a: x\napiVersion: v1\n",
    );
    user.upgrades("parts", "");
    user.types("helm revdiff web").mentions("no changes: objects, values, chart and notes are the same (1 object)");
    agrees_with_helm_get(user, "web", 1, 2);
}

fn windows_line_ends(user: &User) {
    user.writes("parts/templates/more.yaml", "apiVersion: v1\r\nkind: ConfigMap\r\nmetadata:\r\n  name: more\r\ndata:\r\n  a: {{ .Values.a }}\r\n  b: |\r\n    one\r\n    two\r\n");
    user.upgrades("parts", "a: one\r\ntext: \"\"\r\n");
    user.upgrades("parts", "a: two\r\ntext: \"\"\r\n");
    let shown = user.types("helm revdiff web");
    shown
        .mentions("1 changed, 0 added, 0 removed, 0 unchanged")
        .mentions(" data:\n-  a: one\n+  a: two\n   b: |\n     one\n     two\n");
    agrees_with_helm_get(user, "web", 1, 2);

    // Other line ends alone are no change.
    let template = std::fs::read_to_string(user.folder.join("parts/templates/more.yaml")).unwrap();
    user.writes("parts/templates/more.yaml", &template.replace('\r', ""));
    user.upgrades("parts", "a: two\ntext: \"\"\n");
    user.types("helm revdiff web").mentions("no changes");
}

fn unicode(user: &User) {
    user.upgrades("parts", "configMaps: {settings: {size: klein 🐁, colour: 赤}}\nnotes: Grüße — здравствуйте");
    user.upgrades("parts", "configMaps: {settings: {size: groß 🐘, colour: 赤}}\nnotes: Grüße — до свидания");
    let shown = user.types("helm revdiff web");
    shown.mentions("-  size: klein 🐁\n+  size: groß 🐘\n").mentions("-Grüße — здравствуйте\n+Grüße — до свидания\n");
    agrees_with_helm_get(user, "web", 1, 2);
}

fn objects_in_other_namespaces(user: &User) {
    let object = |namespace: &str, colour: &str| {
        format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: one{namespace}}}, data: {{colour: {colour}}}}}")
    };
    let here = format!(", namespace: {}", user.namespace);
    let values = |objects: [String; 2]| format!("objects:\n- {}\n- {}\n", objects[0], objects[1]);
    let elsewhere = format!(", namespace: {}", user.makes_another_namespace());
    user.upgrades("parts", &values([object("", "red"), object(&elsewhere, "red")]));
    user.upgrades("parts", &values([object(&here, "red"), object(&elsewhere, "blue")]));
    let shown = user.types("helm revdiff web");
    // It is the same object, whether its manifest says the release's namespace or not.
    shown.mentions("2 changed, 0 added, 0 removed, 0 unchanged");
    shown.mentions("~ ConfigMap/NAMESPACE/one").mentions("~ ConfigMap/NAMESPACE-2/one");
    shown.mentions("   name: one\n+  namespace: NAMESPACE\n").mentions("-  colour: red\n+  colour: blue\n");
}

fn a_new_version_of_an_api(user: &User) {
    let scaler = |version: &str| {
        format!(
            "objects: [{{apiVersion: {version}, kind: HorizontalPodAutoscaler, metadata: {{name: api}}, spec: {{maxReplicas: 3, \
             scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: api}}}}}}]"
        )
    };
    user.upgrades("parts", &scaler("autoscaling/v1"));
    user.upgrades("parts", &scaler("autoscaling/v2"));
    let shown = user.types("helm revdiff web");
    shown.mentions("1 changed, 0 added").mentions("~ HorizontalPodAutoscaler/api  autoscaling/v1 → autoscaling/v2");
    agrees_with_helm_get(user, "web", 1, 2);
}

/// Replaces the manifest of both revisions, as no chart that Helm applies would have it.
fn with_manifests(user: &User, old: &str, new: &str) {
    for number in [1, 2] {
        user.upgrades("parts", &format!("number: {number}"));
    }
    for (revision, manifest) in [(1, old), (2, new)] {
        Record::of(user, "web", revision).edit(|release| release["manifest"] = manifest.into());
    }
}

fn config_map(name: &str, value: &str) -> String {
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: {value}\n")
}

fn documents_with_one_identity(user: &User) {
    let twice = |first: &str, second: &str| config_map("twin", first) + &config_map("twin", second);
    with_manifests(user, &twice("a", "b"), &(twice("a", "c") + &config_map("twin", "d")));
    let shown = user.types("helm revdiff web");
    shown.mentions("1 changed, 1 added, 0 removed, 1 unchanged");
    shown.mentions("-  key: b\n+  key: c\n").mentions("+  key: d\n");
}

fn a_document_that_is_no_yaml(user: &User) {
    let broken = |line: &str| format!("---\n# Source: parts/templates/broken.yaml\nkind: ConfigMap\ndata: [\n{line}\n");
    with_manifests(user, &(broken("one") + &config_map("a", "1")), &(broken("two") + &config_map("a", "2")));
    let shown = user.types("helm revdiff web");
    shown.mentions("2 changed, 0 added, 0 removed, 0 unchanged").mentions("-  key: 1\n+  key: 2\n");
    shown.mentions("this document can't be read as YAML and is compared as text: ");
    shown.mentions("-one\n+two\n");
}

/// Text of this many bytes, in lines that differ from each other.
fn lines(bytes: usize) -> String {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < bytes {
        number += 1;
        _ = writeln!(text, "line {number} of a long text that says nothing at all, and says it again");
    }
    text
}

fn a_large_config_map(user: &User) {
    user.writes("parts/files/large.txt", &lines(900 << 10));
    user.writes(
        "parts/templates/large.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: large}\ndata:\n  text: |\n{{ .Files.Get \"files/large.txt\" | indent 4 }}\n",
    );
    user.upgrades("parts", "");
    user.does("sed -i 's/^line 5000 of/line 5000 or/' parts/files/large.txt");
    user.upgrades("parts", "");
    let shown = user.types("helm revdiff web -C 0");
    shown
        .mentions("1 changed, 0 added")
        .mentions("-    line 5000 of a long text")
        .mentions("+    line 5000 or a long text");
    assert!(shown.stdout.lines().count() < 15, "{}", shown.stdout);
    agrees_with_helm_get(user, "web", 1, 2);
}

fn ten_megabytes_in_one_document(user: &User) {
    let text = lines(10 << 20);
    let document = |text: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "huge"}, "data": {"text": text}})
            .to_string()
    };
    let other = text.replacen("line 70000 of", "line 70000 or", 1);
    with_manifests(user, &document(&text), &document(&other));
    let shown = user.types("helm revdiff web -C 0");
    shown.mentions("1 changed, 0 added").mentions("+    line 70000 or a long text");
    let json: Value = user.types("helm revdiff web -o json").json();
    assert_eq!(json["resources"][0]["changes"][0]["new"], json!(other));
}

fn terminal_escapes(user: &User) {
    let steering = "\u{1b}]0;owned\u{7}\u{1b}[2Jgone \u{9b}31m \u{202e}drow";
    let yaml = r"\e]0;owned\a\e[2Jgone \x9b31m \u202edrow";
    user.upgrades("parts", "configMaps: {settings: {colour: red}}");
    // Helm 4 applies no object with a control character above U+007F.
    let colour = yaml.replace(r"\x9b", r"\e[");
    let settings =
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{colour: \"{colour}\"}}\n");
    user.writes("parts/templates/configmaps.yaml", &settings);
    user.writes("values.yaml", &format!("notes: \"{yaml}\"\n\"{yaml}\": 1\n"));
    user.does(&format!("helm upgrade web parts -f values.yaml --description $'{steering}'"));
    for line in [
        "helm revdiff web",
        "helm revdiff web -C -1 --computed-values",
        "helm revdiff web --color=always",
        "helm revdiff web -o json",
        "helm revdiff web -o yaml",
        "helm revdiff web -o paths",
        "helm revdiff $'web\\e[2J\\a' || true",
        "helm revdiff web --kube-context $'\\e[2J\\a' || true",
    ] {
        let shown = user.types(line);
        shown.exits(0).keeps_quiet_about("\u{1b}]").keeps_quiet_about("\u{1b}[2J");
        shown.keeps_quiet_about("\u{7}").keeps_quiet_about("\u{9b}").keeps_quiet_about("\u{202e}");
    }
    user.types("helm revdiff web").shows(
        r#"
        web in namespace NAMESPACE: revision 1 → 2
          1  superseded  parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Install complete
          2  deployed    parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  \u{1b}]0;owned\u{7}\u{1b}[2Jgone \u{9b}31m \u{202e}drow

        1 changed, 0 added, 0 removed, 0 unchanged

        ~ ConfigMap/settings  v1  parts/templates/configmaps.yaml
        @@ -3,4 +3,4 @@ data
         metadata:
           name: settings
         data:
        -  colour: red
        +  colour: "\u001b]0;owned\u0007\u001b[2Jgone \u001b[31m \u202edrow"

        values (user-supplied)
        @@ -1,3 +1,2 @@
        -configMaps:
        -  settings:
        -    colour: red
        +"\u001b]0;owned\u0007\u001b[2Jgone \u009b31m \u202edrow": 1
        +notes: "\u001b]0;owned\u0007\u001b[2Jgone \u009b31m \u202edrow"

        notes
        @@ -0,0 +1 @@
        +\u{1b}]0;owned\u{7}\u{1b}[2Jgone \u{9b}31m \u{202e}drow
        "#,
    );
    agrees_with_helm_get(user, "web", 1, 2);
}

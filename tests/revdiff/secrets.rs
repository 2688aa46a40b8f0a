//! Secrets: that they changed is seen, what is in them never.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::agreement::agrees_with_helm_get;
use crate::record::Record;
use crate::shown::Shown;
use crate::user::User;

stories!(
    changed_secret,
    secret_as_string_data,
    secret_in_a_list,
    secret_in_a_hook,
    added_and_removed_secrets,
    secret_that_holds_a_value_among_other_text,
    secret_that_no_yaml_parser_reads,
    secret_in_a_damaged_record,
);

/// What is in the Secrets of the old and of the new revision. Nothing else that is printed has six letters of these.
const OLD: &str = "kT4zPq81LmVw";
const NEW: &str = "Xj7cRn05BdHy";

/// Every way to run the command that could print something of a Secret.
const LINES: [&str; 15] = [
    "helm revdiff web 1 2",
    "helm revdiff web 1 2 -C -1",
    "helm revdiff web 1 2 -C 0 --color=always",
    "helm revdiff web 1 2 -o json",
    "helm revdiff web 1 2 --computed-values -C -1",
    "helm revdiff web 1 2 --computed-values -o json",
    "helm revdiff web 2 1 --debug=true",
    "helm revdiff web --detailed-exitcode --no-hooks || test $? = 2",
    "helm revdiff web 1 2 --computed-values -C -1 -o side-by-side",
    "helm revdiff web 1 2 --computed-values -o paths",
    "helm revdiff web 1 2 --computed-values --stat",
    "helm revdiff web 1 2 --computed-values -o yaml",
    "helm revdiff web 1 2 --computed-values -C -1 -o markdown",
    "helm revdiff web 1 2 --computed-values -C -1 -o github",
    "helm revdiff web 1 2 --computed-values -C -1 -o html",
];

/// Asserts that no part of the content, plain or in base64, is in the output.
fn hides(shown: &Shown, content: &str) {
    for window in content.as_bytes().windows(6) {
        shown.keeps_quiet_about(std::str::from_utf8(window).unwrap());
    }
    // Base64 of a content within another text depends on where it starts.
    for before in 0..3 {
        let encoded = STANDARD.encode("x".repeat(before) + content);
        let whole = &encoded[before.div_ceil(3) * 4..encoded.len() / 4 * 4 - 4];
        for window in whole.as_bytes().windows(6) {
            shown.keeps_quiet_about(std::str::from_utf8(window).unwrap());
        }
    }
}

/// Asserts that none of the lines gives anything of the Secrets away, and that `--show-secrets` does.
fn hides_all_and_shows_it_when_told(user: &User) {
    for line in LINES {
        let shown = user.types(line);
        shown.exits(0);
        hides(&shown, OLD);
        hides(&shown, NEW);
    }
    let shown = user.types("helm revdiff web 1 2 --show-secrets").exits(0).stdout.clone();
    for content in [OLD, NEW] {
        assert!(shown.contains(content) || shown.contains(&STANDARD.encode(content)), "{content} is not in\n{shown}");
    }
}

fn changed_secret(user: &User) {
    // The same text is in a Secret, in the values and in the notes.
    let values =
        |word: &str| format!("secrets: {{database: {{user: app, word: {word}}}}}\nnotes: Connect with {word}.");
    user.upgrades("parts", &values(OLD));
    user.upgrades("parts", &values(NEW));
    user.types("helm revdiff web 1 2").shows(
        r"
        web in namespace NAMESPACE: revision 1 → 2
          1  superseded  parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Install complete
          2  deployed    parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Upgrade complete

        1 changed, 0 added, 0 removed, 0 unchanged

        ~ Secret/database  v1  parts/templates/secrets.yaml
        @@ -4,4 +4,4 @@ data
           name: database
         data:
           user: <masked, 3 bytes, #1>
        -  word: <masked, 12 bytes, #2>
        +  word: <masked, 12 bytes, #3>

        values (user-supplied)
        @@ -1,5 +1,5 @@
        -notes: Connect with <masked, 12 bytes, #2>.
        +notes: Connect with <masked, 12 bytes, #3>.
         secrets:
           database:
             user: <masked, 3 bytes, #1>
        -    word: <masked, 12 bytes, #2>
        +    word: <masked, 12 bytes, #3>

        notes
        @@ -1 +1 @@
        -Connect with <masked, 12 bytes, #2>.
        +Connect with <masked, 12 bytes, #3>.
        ",
    );
    hides_all_and_shows_it_when_told(user);
    agrees_with_helm_get(user, "web", 1, 2);
}

fn secret_as_string_data(user: &User) {
    let values = |word: &str| format!("stringSecrets: {{database: {{word: {word}}}}}");
    user.upgrades("parts", &values(OLD));
    user.upgrades("parts", &values(NEW));
    user.types("helm revdiff web 1 2").mentions(
        r"

         stringData:
        -  word: <masked, 12 bytes, #1>
        +  word: <masked, 12 bytes, #2>
        ",
    );
    hides_all_and_shows_it_when_told(user);
    agrees_with_helm_get(user, "web", 1, 2);
}

fn secret_in_a_list(user: &User) {
    let values = |word: &str| {
        format!(
            "
objects:
- apiVersion: v1
  kind: List
  items:
  - {{apiVersion: v1, kind: Secret, metadata: {{name: one}}, stringData: {{word: {word}}}}}
  - {{apiVersion: v1, kind: Secret, metadata: {{name: two}}, data: {{word: {}}}}}
  - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: three}}}}
",
            STANDARD.encode(word)
        )
    };
    user.upgrades("parts", &values(OLD));
    user.upgrades("parts", &values(NEW));
    let shown = user.types("helm revdiff web 1 2");
    shown.mentions("2 changed, 0 added, 0 removed, 1 unchanged").mentions("~ Secret/one").mentions("~ Secret/two");
    hides_all_and_shows_it_when_told(user);
    agrees_with_helm_get(user, "web", 1, 2);
}

fn secret_in_a_hook(user: &User) {
    let values = |word: &str| format!("hooks: {{credentials: {{kind: Secret, data: {{word: {word}}}}}}}");
    user.upgrades("parts", &values(OLD));
    user.upgrades("parts", &values(NEW));
    user.types("helm revdiff web 1 2").mentions(
        r"
         data:
        -  word: <masked, 12 bytes, #1>
        +  word: <masked, 12 bytes, #2>
        ",
    );
    hides_all_and_shows_it_when_told(user);
    agrees_with_helm_get(user, "web", 1, 2);
}

fn added_and_removed_secrets(user: &User) {
    user.upgrades("parts", &format!("secrets: {{old: {{word: {OLD}}}}}"));
    user.upgrades("parts", &format!("secrets: {{new: {{word: {NEW}}}}}"));
    let shown = user.types("helm revdiff web 1 2");
    shown.mentions("0 changed, 1 added, 1 removed, 0 unchanged");
    shown.mentions("+data:\n+  word: <masked, 12 bytes, #1>\n").mentions("-data:\n-  word: <masked, 12 bytes, #2>\n");
    hides_all_and_shows_it_when_told(user);
    agrees_with_helm_get(user, "web", 1, 2);
}

/// A connection string in a Secret is made of a value, and of what the chart makes up; the notes repeat both.
fn secret_that_holds_a_value_among_other_text(user: &User) {
    user.writes(
        "parts/templates/connection.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: connection}\n\
         stringData:\n  url: postgres://app:{{ .Values.word }}@database:5432/orders?key={{ include \"key\" . }}\n",
    );
    user.writes(
        "parts/templates/_key.tpl",
        r#"{{ define "key" }}{{ .Release.Revision | toString | sha256sum | trunc 14 }}{{ end }}"#,
    );
    user.writes(
        "parts/templates/NOTES.txt",
        r#"Word {{ .Values.word }}, in base64 {{ .Values.word | b64enc }}, key "{{ include "key" . }}"."#,
    );
    user.upgrades("parts", &format!("word: {OLD}"));
    user.upgrades("parts", &format!("word: {NEW}"));
    user.types("helm revdiff web 1 2").mentions("~ Secret/connection").mentions(
        r#"

        notes
        @@ -1 +1 @@
        -Word <masked, 12 bytes, #3>, in base64 <masked, 16 bytes, #5>, key "<masked, 14 bytes, #6>".
        +Word <masked, 12 bytes, #4>, in base64 <masked, 16 bytes, #7>, key "<masked, 14 bytes, #8>".
        "#,
    );
    let keys = ["6b86b273ff34fc", "d4735e3a265e16"];
    user.types("helm revdiff web 1 2 -o json").keeps_quiet_about(keys[0]).keeps_quiet_about(keys[1]);
    user.types("helm revdiff web 1 2 --show-secrets").mentions(keys[0]).mentions(keys[1]);
    hides_all_and_shows_it_when_told(user);
    agrees_with_helm_get(user, "web", 1, 2);
}

/// Helm would not apply it, but a record may hold it. The rest of the manifest is still compared.
fn secret_that_no_yaml_parser_reads(user: &User) {
    let broken = |word: &str| {
        format!("---\n# Source: parts/templates/broken.yaml\nkind: Secret\nstringData: {{word: {word}\nmetadata: [\n")
    };
    for revision in [1, 2] {
        user.upgrades("parts", &format!("configMaps: {{settings: {{number: '{revision}'}}}}"));
    }
    for (revision, word) in [(1, OLD), (2, NEW)] {
        Record::of(user, "web", revision).edit(|release| {
            let manifest = release["manifest"].as_str().unwrap().to_owned() + &broken(word);
            release["manifest"] = manifest.into();
        });
    }
    user.types("helm revdiff web 1 2").mentions("2 changed, 0 added, 0 removed, 0 unchanged").mentions(
        r"
        ~ document/parts/templates/broken.yaml  parts/templates/broken.yaml
        ",
    );
    for line in LINES {
        let shown = user.types(line);
        hides(&shown, OLD);
        hides(&shown, NEW);
    }
}

fn secret_in_a_damaged_record(user: &User) {
    for word in [OLD, NEW] {
        user.upgrades("parts", &format!("secrets: {{database: {{word: {word}}}}}"));
    }
    let release = Record::of(user, "web", 2).read();
    let damages: [&dyn Fn(&str) -> String; 3] = [
        &|json| json.replace("\"manifest\":", "\"manifest\":7,"),
        &|json| json.replace("\"name\":\"web\"", &format!("\"name\":[\"{NEW}\"]")),
        &|json| json[..json.find(NEW).unwrap() + 5].to_owned(),
    ];
    for damage in damages {
        let json = damage(&release.to_string());
        Record::of(user, "web", 2).put(&crate::record::encoded(json.as_bytes()));
        for line in LINES {
            let shown = user.types(line);
            shown.exits(1);
            hides(&shown, OLD);
            hides(&shown, NEW);
        }
    }
}

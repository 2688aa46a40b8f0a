//! `helm revdiff manifest`: two files, no cluster.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod bad_input;
mod content;
mod overview;

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const OLD: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  key: \"1\"\n---\nkind: Same\napiVersion: v1\n";

struct Folder(TempDir);

impl Folder {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        Self(folder)
    }

    fn runs(&self, arguments: &[&str], stdin: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_helm-safe-upgrade"))
            .arg("revdiff")
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("KUBECONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    fn shows(&self, arguments: &[&str]) -> String {
        let output = self.runs(arguments, "");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.runs(arguments, "");
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty(), "nothing is printed as if it were complete");
        text(&output.stderr)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn two_files_are_compared_without_a_cluster() {
    let new = OLD.replace("\"1\"", "\"2\"");
    let folder = Folder::with(&[("old.yaml", OLD.as_bytes()), ("new.yaml", new.as_bytes())]);
    let expected = "old.yaml → new.yaml\n\n1 changed, 0 added, 0 removed, 1 unchanged\n\n~ ConfigMap/a  v1\n@@ -3,4 +3,4 @@ data\n metadata:\n   name: a\n data:\n-  key: \"1\"\n+  key: \"2\"\n";
    assert_eq!(folder.shows(&["manifest", "old.yaml", "new.yaml"]), expected);
    assert_eq!(
        folder.shows(&["manifest", "old.yaml", "new.yaml", "-o", "paths"]),
        "~ ConfigMap/a  data.key  \"1\" → \"2\"\n"
    );
    assert!(
        folder
            .shows(&["manifest", "old.yaml", "old.yaml"])
            .contains("no changes: all objects are the same (2 objects)")
    );
}

#[test]
fn standard_input_is_one_of_the_two() {
    let folder = Folder::with(&[("old.yaml", OLD.as_bytes())]);
    let output = folder.runs(&["manifest", "old.yaml", "-", "--detailed-exitcode"], &OLD.replace("\"1\"", "\"2\""));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).starts_with("old.yaml → standard input\n"));
    assert!(folder.fails(&["manifest", "-", "-"]).contains("one of the two"));
}

#[test]
fn json_names_the_files() {
    let folder = Folder::with(&[("old.yaml", OLD.as_bytes()), ("new.yaml", b"")]);
    let document: serde_json::Value =
        serde_json::from_str(&folder.shows(&["manifest", "old.yaml", "new.yaml", "-o", "json"])).unwrap();
    assert_eq!(document["from"]["file"], "old.yaml");
    assert_eq!(document["summary"]["removed"], 2);
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../docs/schema/revdiff.json")).unwrap();
    assert!(jsonschema::is_valid(&schema, &document), "{document:#}");
}

#[test]
fn renames_are_found_where_asked_for() {
    let new = OLD.replace("name: a", "name: b");
    let folder = Folder::with(&[("old.yaml", OLD.as_bytes()), ("new.yaml", new.as_bytes())]);
    assert!(folder.shows(&["manifest", "old.yaml", "new.yaml"]).contains("0 changed, 1 added, 1 removed"));
    let renamed = folder.shows(&["manifest", "old.yaml", "new.yaml", "-D", "0.5"]);
    assert!(
        renamed.contains("~ ConfigMap/b  v1  renamed from a") && renamed.contains("1 changed, 0 added, 0 removed"),
        "{renamed}"
    );
    assert!(folder.fails(&["manifest", "old.yaml", "new.yaml", "-D", "2"]).contains("not between 0 and 1"));
}

#[test]
fn an_api_that_moved_to_another_group_is_the_same_object() {
    let ingress = |group: &str| format!("apiVersion: {group}\nkind: Ingress\nmetadata: {{name: a}}\n");
    let folder = Folder::with(&[
        ("old.yaml", ingress("extensions/v1beta1").as_bytes()),
        ("new.yaml", ingress("networking.k8s.io/v1").as_bytes()),
    ]);
    let shown = folder.shows(&["manifest", "old.yaml", "new.yaml"]);
    assert!(shown.contains("~ Ingress/a  extensions/v1beta1 → networking.k8s.io/v1"), "{shown}");
}

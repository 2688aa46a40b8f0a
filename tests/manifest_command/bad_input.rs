//! Files that are broken, odd or no manifest: a clear error with the place, or the right reading; never half a result.

use super::{Folder, OLD, text};

/// Compares a good file with this one, which must fail, and returns the error.
fn refusal(content: &[u8]) -> String {
    let folder = Folder::with(&[("old.yaml", OLD.as_bytes()), ("new.yaml", content)]);
    folder.fails(&["manifest", "old.yaml", "new.yaml"])
}

/// Compares a good file with this one, and returns what is printed and what is warned of.
fn reading(content: &[u8]) -> (String, String) {
    let folder = Folder::with(&[("old.yaml", OLD.as_bytes()), ("new.yaml", content)]);
    let output = folder.runs(&["manifest", "old.yaml", "new.yaml"], "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

fn is_the_same(content: &[u8]) {
    let (shown, warned) = reading(content);
    assert!(shown.contains("no changes: all objects are the same (2 objects)"), "{shown}");
    assert_eq!(warned, "");
}

#[test]
fn broken_yaml_is_told_with_line_column_and_the_line_itself() {
    let expected = "Error: cannot read new.yaml: line 5, column 2 of the manifest: expected `,` or `}` of the map in braces\n  5 | x: [\n    |  ^\nHint: each document must be YAML as helm template prints it\n";
    assert_eq!(refusal(b"kind: A\n---\nkind: B\nmetadata: {name: b\nx: [\n"), expected);
}

#[test]
fn what_is_not_shown_cannot_hide_that_a_document_is_broken() {
    let folder = Folder::with(&[("old.yaml", OLD.as_bytes()), ("new.yaml", b"kind: A\na: [\n")]);
    for arguments in [["--only", "ConfigMap"], ["--suppress", "*"]] {
        let mut all = vec!["manifest", "old.yaml", "new.yaml"];
        all.extend(arguments);
        assert!(folder.fails(&all).contains("cannot read new.yaml: line 2, column "), "{arguments:?}");
    }
}

#[test]
fn a_broken_secret_is_not_quoted() {
    let broken = b"kind: Secret\napiVersion: v1\nstringData:\n  password: hunter2: x\n";
    let error = refusal(broken);
    assert!(
        error.contains("line 4, column 20 of the manifest") && error.contains("--show-secrets shows it"),
        "{error}"
    );
    assert!(!error.contains("hunter2"), "{error}");
    let folder = Folder::with(&[("old.yaml", OLD.as_bytes()), ("new.yaml", broken)]);
    let error = folder.fails(&["manifest", "old.yaml", "new.yaml", "--show-secrets"]);
    assert!(error.contains("4 |   password: hunter2: x"), "{error}");
}

#[test]
fn tabs_are_explained_where_they_are() {
    for (content, line) in [("kind: A\nspec:\n\ta: 1\n", 3), ("kind: A\nspec:\n  a: 1\n \tb: 1\n", 4)] {
        let error = refusal(content.as_bytes());
        assert!(error.contains(&format!("line {line}, column ")), "{error}");
        assert!(
            error.contains("a tab cannot indent; use blanks") && error.contains(&format!("  {line} | ")),
            "{error}"
        );
        assert!(error.contains('→') && !error.contains('\t'), "the tab is seen: {error}");
    }
}

#[test]
fn escapes_in_a_quoted_line_do_not_reach_the_terminal() {
    let error = refusal(b"kind: A\nx: \x1b[31m[\n");
    assert!(error.contains("control characters are not allowed") && !error.contains('\u{1b}'), "{error:?}");
}

#[test]
fn a_huge_line_is_cut_around_the_place() {
    let error = refusal(format!("kind: A\nx: \"{}\" b\n", "a".repeat(3_000_000)).as_bytes());
    assert!(error.len() < 1000 && error.contains("line 2, column 3000007") && error.contains("aaa\" b\n"), "{error}");
}

#[test]
fn a_key_that_stands_twice_is_read_as_helm_reads_it_and_told() {
    let folder = Folder::with(&[
        ("old.yaml", b"kind: A\nspec:\n  image: a:1\n  image: a:2\n"),
        ("new.yaml", b"---\nkind: A\nspec:\n  image: a:1\n  image: a:3\n"),
    ]);
    let shown = folder.shows(&["manifest", "old.yaml", "new.yaml"]);
    assert!(
        shown.contains("\"image\" stands twice in one map, at lines 4 and 5 of the manifest; the last one counts"),
        "{shown}"
    );
    assert!(shown.contains("-  image: a:2\n+  image: a:3\n"), "{shown}");
    let json = folder.shows(&["manifest", "old.yaml", "new.yaml", "-o", "json"]);
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["resources"][0]["notices"].as_array().map(Vec::len), Some(1), "{json}");
}

#[test]
fn overriding_a_merged_key_is_no_repetition() {
    let folder = Folder::with(&[
        ("old.yaml", b"kind: A\n"),
        ("new.yaml", b"kind: A\nbase: &base {a: 1}\nspec:\n  <<: *base\n  a: 2\n"),
    ]);
    assert!(!folder.shows(&["manifest", "old.yaml", "new.yaml"]).contains("twice"));
}

#[test]
fn alias_bombs_and_bottomless_nesting_are_refused() {
    assert!(refusal(bomb().as_bytes()).contains("aliases make the document too large"));
    let deep = format!("kind: A\na: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    assert!(refusal(deep.as_bytes()).contains("more than 1024 levels deep"));
}

/// Aliases that stand for 10^9 nodes.
fn bomb() -> String {
    let mut text = "kind: A\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let below = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", [below.as_str(); 10].join(", "));
    }
    text
}

#[test]
fn a_hundred_levels_are_read_and_drawn() {
    let nested = |depth: usize, inner: &str| {
        let lines = (0..depth).map(|level| format!("{}a:\n", "  ".repeat(level)));
        format!("kind: A\n{}{}{inner}\n", lines.collect::<String>(), "  ".repeat(depth))
    };
    let folder =
        Folder::with(&[("old.yaml", nested(100, "b: 1").as_bytes()), ("new.yaml", nested(100, "b: 2").as_bytes())]);
    let shown = folder.shows(&["manifest", "old.yaml", "new.yaml", "-o", "paths"]);
    assert_eq!(shown, format!("~ A/(no name)  {}b  1 → 2\n", "a.".repeat(100)));
}

#[test]
fn other_encodings_are_read_or_named() {
    is_the_same(format!("\u{feff}{OLD}").as_bytes());
    is_the_same(OLD.replace('\n', "\r\n").as_bytes());
    let utf16 =
        |order: fn(u16) -> [u8; 2]| -> Vec<u8> { format!("\u{feff}{OLD}").encode_utf16().flat_map(order).collect() };
    is_the_same(&utf16(u16::to_le_bytes));
    is_the_same(&utf16(u16::to_be_bytes));
    let without_mark: Vec<u8> = OLD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert!(refusal(&without_mark).contains("UTF-16 without a byte order mark"));
    assert!(refusal(&[0xFF, 0xFE, 0x00, 0xD8]).contains("it starts like UTF-16 and is not"));
    assert!(refusal(b"kind: A\nb: \xff\n").contains("line 2 is not UTF-8: byte 12 of the file is 0xff"));
    assert!(refusal(b"kind: A\n\0\n").contains("line 2 has a NUL at byte 9"));
}

#[test]
fn an_empty_file_holds_no_objects_and_is_told() {
    let (shown, warned) = reading(b"");
    assert!(shown.contains("0 changed, 0 added, 2 removed"), "{shown}");
    assert_eq!(warned, "Warning: new.yaml is empty\n");
}

#[test]
fn what_is_no_manifest_is_refused() {
    for content in ["hello world\n", "replicaCount: 1\nimage: x\n", "# kin\n[1, 2]\n"] {
        let error = refusal(content.as_bytes());
        assert!(error.contains("it is no manifest: no document in it has a kind"), "{error}");
    }
    let error = refusal(b"kind: A\n---\n- kind: B\n");
    assert!(error.contains("the document at line 3 is a list, and no object of Kubernetes"), "{error}");
    let error = refusal(b"kind: A\n---\njust text\n");
    assert!(error.contains("the document at line 3 is a single value"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = Folder::with(&[("old.yaml", OLD.as_bytes())]);
    assert!(
        folder.fails(&["manifest", "old.yaml", "none.yaml"]).contains("cannot read none.yaml: there is no such file")
    );
    assert!(folder.fails(&["manifest", "old.yaml", "."]).contains("cannot read .: it is a folder"));
}

/// helm-diff #1040: `helm template oci://…` with standard error in the same file.
#[test]
fn pull_output_before_the_manifest_is_left_out_and_told() {
    let pulled = format!("Pulled: registry.example/web:1.0.0\nDigest: sha256:0a1b\n---\n{OLD}");
    let (shown, warned) = reading(pulled.as_bytes());
    assert!(shown.contains("no changes: all objects are the same (2 objects)"), "{shown}");
    assert_eq!(
        warned,
        "Warning: new.yaml: 2 lines are no part of the manifest and left out; line 1: Pulled: registry.example/web:1.0.0\n"
    );
    let broken = format!("WARNING: a: b: c\n---\n{OLD}---\nkind: [\n");
    assert!(refusal(broken.as_bytes()).contains("line 13, column "), "lines keep their numbers");
}

#[test]
fn the_report_of_a_dry_run_is_read_as_its_manifest() {
    let report =
        format!("NAME: web\nLAST DEPLOYED: now\nHOOKS:\nMANIFEST:\n---\n{OLD}\nNOTES:\n1. Get the URL: http://x\n");
    let (shown, warned) = reading(report.as_bytes());
    assert!(shown.contains("no changes: all objects are the same (2 objects)"), "{shown}");
    assert!(warned.contains("6 lines are no part of the manifest"), "{warned}");
}

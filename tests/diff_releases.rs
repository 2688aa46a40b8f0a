//! Diffs of whole releases: what a reader sees, and that nothing is lost on the way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use helm_safe_upgrade::diff::noise::Noise;
use helm_safe_upgrade::diff::release::{Both, Parts, ReleaseDiff, compare};
use helm_safe_upgrade::diff::resources::Change;
use helm_safe_upgrade::manifest::mask::Masker;
use helm_safe_upgrade::release::{Release, decode};
use helm_safe_upgrade::report::style::Painter;
use helm_safe_upgrade::report::view::{Detail, View};
use helm_safe_upgrade::report::{json, text};
use serde_json::{Value, json};

fn release(fields: Value) -> Release {
    let mut record = json!({"name": "web", "namespace": "shop", "version": 1, "info": {"status": "deployed"},
        "chart": {"metadata": {"name": "web", "version": "1.0.0"}}});
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    decode::from_json(record.to_string().as_bytes()).unwrap()
}

fn manifest(text: &str) -> Release {
    release(json!({"manifest": text}))
}

const PARTS: Parts = Parts { hooks: true, computed_values: true };

fn diff(old: &Release, new: &Release) -> ReleaseDiff {
    compare(old, new, &Masker::new(b"a key"), PARTS)
}

fn counts(old: &str, new: &str) -> [usize; 4] {
    let diff = diff(&manifest(old), &manifest(new)).manifest;
    [diff.count(Change::Modified), diff.count(Change::Added), diff.count(Change::Removed), diff.unchanged]
}

/// All that could be printed: text with every line, and JSON.
fn printed(old: &Release, new: &Release) -> String {
    let diff = diff(old, new);
    let releases = Both { old: old.clone(), new: new.clone() };
    let view = View::new(&diff, &releases, Detail { hunks: true, changes: true, context: None, ..Detail::default() });
    let mut out = Vec::new();
    text::write(&view, Painter::new(false), &mut out).unwrap();
    json::write(&view, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn config_map(name: &str, value: &str) -> String {
    format!(
        "---\n# Source: web/templates/{name}.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: {value}\n"
    )
}

#[test]
fn objects_are_counted_by_their_fate() {
    let old = config_map("a", "1") + &config_map("b", "1") + &config_map("c", "1");
    let new = config_map("d", "1") + &config_map("b", "2") + &config_map("a", "1");
    assert_eq!(counts(&old, &new), [1, 1, 1, 1]);
}

#[test]
fn what_reads_the_same_is_unchanged() {
    let old = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: \"1\", y: '2'}\n";
    let new = "# a comment\r\nkind: ConfigMap\r\napiVersion: v1\r\ndata:\r\n  y: \"2\"\r\n  x: '1'\r\nmetadata:\r\n  name: a\r\n";
    assert_eq!(counts(old, new), [0, 0, 0, 1]);
}

#[test]
fn text_and_number_are_told_apart_as_the_api_server_tells_them() {
    let pod = |value: &str| format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{x: {value}}}\n");
    assert_eq!(counts(&pod("0644"), &pod("420")), [0, 0, 0, 1]);
    assert_eq!(counts(&pod("0644"), &pod("\"0644\"")), [1, 0, 0, 0]);
    assert_eq!(counts(&pod("yes"), &pod("true")), [0, 0, 0, 1]);
}

#[test]
fn documents_of_one_identity_are_all_kept() {
    let old = config_map("a", "1") + &config_map("a", "2");
    assert_eq!(counts(&old, &old), [0, 0, 0, 2]);
    assert_eq!(counts(&old, &config_map("a", "1")), [0, 0, 1, 1]);
    assert_eq!(counts(&old, &config_map("a", "2")), [0, 0, 1, 1]);
    assert_eq!(counts(&old, &config_map("a", "3")), [1, 0, 1, 0]);
    assert_eq!(counts(&config_map("a", "3"), &(old.clone() + &old)), [1, 3, 0, 0]);
}

#[test]
fn the_items_of_a_list_are_objects_of_their_own() {
    let list = |value: &str| {
        format!(
            "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {{name: a}}\n  data: {{k: {value}}}\n\
             - apiVersion: v1\n  kind: ConfigMap\n  metadata: {{name: b}}\n"
        )
    };
    assert_eq!(counts(&list("x"), &list("y")), [1, 0, 0, 1]);
    assert_eq!(counts(&list("x"), &list("x")), [0, 0, 0, 2]);
    let typed = "apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: a}\n  data: {k: x}\n";
    assert_eq!(counts(typed, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: x}\n"), [0, 0, 0, 1]);
}

#[test]
fn empty_documents_and_comments_are_no_objects() {
    let old = "---\n---\n# only a comment\n---\n".to_owned() + &config_map("a", "1") + "---\n\n";
    assert_eq!(counts(&old, ""), [0, 0, 1, 0]);
    assert_eq!(counts("", ""), [0, 0, 0, 0]);
}

#[test]
fn objects_without_name_or_kind_are_shown() {
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: migrate-}\n";
    assert!(printed(&manifest(""), &manifest(job)).contains("+ Job/migrate-*"));
    assert!(printed(&manifest(""), &manifest("just text")).contains("+ document/(no name)"));
    assert_eq!(counts("a: 1\n", "- 1\n"), [1, 0, 0, 0]);
}

#[test]
fn the_release_namespace_is_where_objects_without_one_are() {
    let with = |namespace: &str| format!("apiVersion: v1\nkind: Service\nmetadata: {{name: a{namespace}}}\n");
    assert_eq!(counts(&with(""), &with(", namespace: shop")), [1, 0, 0, 0]);
    assert_eq!(counts(&with(""), &with(", namespace: other")), [0, 1, 1, 0]);
}

#[test]
fn a_new_version_of_an_api_is_a_change_of_the_same_object() {
    let ingress =
        |version: &str| format!("apiVersion: networking.k8s.io/{version}\nkind: Ingress\nmetadata: {{name: a}}\n");
    let shown = printed(&manifest(&ingress("v1beta1")), &manifest(&ingress("v1")));
    assert!(shown.contains("~ Ingress/a  networking.k8s.io/v1beta1 → networking.k8s.io/v1"), "{shown}");
}

#[test]
fn a_document_that_cannot_be_read_is_compared_as_text() {
    let old = config_map("a", "1") + "---\n# Source: web/templates/broken.yaml\na: [1\nline two\n";
    let shown = printed(&manifest(&old), &manifest(&old.replace("two", "three")));
    assert!(shown.contains("broken.yaml") && shown.contains("-line two") && shown.contains("+line three"), "{shown}");
    assert!(shown.contains("can't be read as YAML"), "{shown}");
}

#[test]
fn a_document_that_cannot_be_read_hides_a_secret_all_the_same() {
    let broken = "apiVersion: v1\nkind: Secret\nmetadata: {name: a\nstringData: {p: hunter2}\n";
    let shown = printed(&manifest(broken), &manifest(&broken.replace("hunter2", "hunter3")));
    assert!(!shown.contains("hunter"), "{shown}");
    assert!(shown.contains("masked"), "{shown}");
    let escaped = "kind: \"Se\\u0063ret\"\nstringData: {p: hunter2}\na: [\n";
    assert!(!printed(&manifest(escaped), &manifest("")).contains("hunter"));
}

#[test]
fn hooks_are_objects_of_their_own() {
    let hook = |image: &str| {
        release(
            json!({"hooks": [{"name": "migrate", "manifest": format!("apiVersion: batch/v1\nkind: Job\nmetadata: {{name: migrate}}\nspec: {{image: {image}}}\n")}]}),
        )
    };
    let shown = printed(&hook("a"), &hook("b"));
    assert!(shown.contains("~ Job/migrate  batch/v1  hook"), "{shown}");
    assert!(shown.contains("\"hook\": true"), "{shown}");
    let without = compare(&hook("a"), &hook("b"), &Masker::new(b"k"), Parts { hooks: false, computed_values: false });
    assert!(!without.changed());
}

fn secret(password: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: auth\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{{\"stringData\":{{\"password\":\"{password}\"}}}}'\nstringData:\n  password: {password}\n  url: postgres://app:{password}@db/orders\nextra: {password}\n"
    )
}

#[test]
fn a_secret_shows_that_it_changed_and_nothing_else() {
    let (old, new) = ("orange-battery-31", "purple-stapler-42");
    let release = |password: &str| {
        release(json!({
            "manifest": secret(password),
            "hooks": [{"manifest": format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: hook}}\ndata:\n  p: {}\n", base64(password))}],
            "config": {"auth": {"password": password, "user": "app"}, "dsn": format!("postgres://app:{password}@db/orders"), "listed": [password]},
            "chart": {"metadata": {"name": "web", "version": "1.0.0"}, "values": {"replicas": 1, "fallback": password}},
            "info": {"status": "deployed", "notes": format!("Log in with {password} now")},
        }))
    };
    let shown = printed(&release(old), &release(new));
    for content in [old, new, &base64(old), &base64(new), "orders"] {
        assert!(!shown.contains(content), "{content} is shown in {shown}");
    }
    assert!(shown.contains("-  password: <masked, 17 bytes, "), "{shown}");
    assert!(shown.contains("Log in with <masked, 17 bytes, "), "{shown}");
    assert!(shown.contains("user: app"), "what is short stays readable: {shown}");
}

#[test]
fn equal_secrets_have_equal_digests_and_other_keys_give_others() {
    let shown = |key: &[u8]| Masker::new(key).masked_text(b"hunter2");
    assert_eq!(shown(b"k"), shown(b"k"));
    assert_ne!(shown(b"k"), shown(b"l"));
}

#[test]
fn a_secret_inside_another_object_is_masked_too() {
    let carrier = |password: &str| {
        format!(
            "apiVersion: work.example.io/v1\nkind: ManifestWork\nmetadata: {{name: w}}\nspec:\n  manifests:\n  - apiVersion: v1\n    kind: Secret\n    metadata: {{name: a}}\n    stringData: {{p: {password}}}\n"
        )
    };
    let shown = printed(&manifest(&carrier("hunter2")), &manifest(&carrier("hunter3")));
    assert!(!shown.contains("hunter") && shown.contains("/spec/manifests/0/stringData/p"), "{shown}");
}

#[test]
fn secrets_are_shown_where_asked_for() {
    let diff = compare(&manifest(&secret("hunter2")), &manifest(&secret("hunter3")), &Masker::showing_secrets(), PARTS);
    let node = &diff.manifest.resources[0].new.as_ref().unwrap().node;
    assert_eq!(node.get("stringData").unwrap().get("password").unwrap().as_str(), Some("hunter3"));
}

#[test]
fn escapes_for_the_terminal_are_made_visible() {
    let shown = printed(&manifest(&config_map("a", "\"x\"")), &manifest(&config_map("a", "\"\\e[2Jgone\"")));
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    assert!(shown.contains(r#"key: "\u001b[2Jgone""#), "as YAML and JSON have it: {shown}");
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// The text as a reader sees it by default.
fn folded(old: &Release, new: &Release, noise: Noise) -> String {
    let diff = diff(old, new);
    let releases = Both { old: old.clone(), new: new.clone() };
    let view = View::new(&diff, &releases, Detail { fold: true, noise, changes: false, ..Detail::default() });
    let mut out = Vec::new();
    text::write(&view, Painter::new(false), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn labelled(name: &str, chart: &str, team: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n  labels:\n    helm.sh/chart: {chart}\n    team: {team}\nspec:\n  name: {name}\n"
    )
}

#[test]
fn labels_that_repeat_the_charts_version_are_one_line() {
    let services = |chart: &str| manifest(&(labelled("a", chart, "x") + &labelled("b", chart, "x")));
    let (old, new) = (services("web-1.0.0"), services("web-2.0.0"));
    let shown = folded(&old, &new, Noise::Fold);
    assert!(
        shown.contains("2 changed") && shown.contains("  helm.sh/chart web-1.0.0 → web-2.0.0 in 2 objects\n"),
        "{shown}"
    );
    assert!(!shown.contains("Service/a"), "{shown}");
    assert!(folded(&old, &new, Noise::Show).contains("-    helm.sh/chart: web-1.0.0"));
    let hidden = folded(&old, &new, Noise::Hide);
    assert!(hidden.contains("no changes") && hidden.contains("2 hidden (noise only)"), "{hidden}");
}

#[test]
fn the_same_change_in_several_objects_is_shown_once() {
    let services = |team: &str| manifest(&["a", "b", "c"].map(|name| labelled(name, "web-1.0.0", team)).concat());
    let shown = folded(&services("red"), &services("blue"), Noise::Fold);
    assert_eq!(shown.matches("+    team: blue").count(), 1, "{shown}");
    assert!(
        shown.contains("~ Service/a") && shown.contains("the same in 2 more objects: Service/b, Service/c"),
        "{shown}"
    );
    let mixed = manifest(&(labelled("a", "web-1.0.0", "red") + &labelled("b", "web-1.0.0", "green")));
    let shown = folded(&services("blue"), &mixed, Noise::Fold);
    assert!(shown.contains("+    team: red") && shown.contains("+    team: green"), "{shown}");
}

/// A release whose Secret is made of its values in the ways that charts do it, and whose notes repeat them.
fn transformed(n: u32) -> Release {
    let registry = format!("regcredAAA1{n}");
    let config = json!({"auths": {"r.example": {"auth": base64(&format!("bob:{registry}"))}}}).to_string();
    let secret = json!({"apiVersion": "v1", "kind": "Secret",
    "metadata": {"name": "s", "annotations": {"note": format!("it is hunter211-p@ss w0rd/+{n}")}},
    "data": {".dockerconfigjson": base64(&config), "num": base64(&format!("9.988776{n}e+07"))},
    "stringData": {
        "htpasswd": base64(&format!("admin:htpass-{n}")), "dsn": format!("pg://u:cr%23d%2Ftwo+{n}@h"),
        "json": json!({"esc": format!("in\"ner\\esc<{n}>")}).to_string(), "upper": format!("LOWERCASED{n}"),
        "pw": format!("hunter211-p@ss w0rd/+{n}"), "replicas": "3",
    }});
    release(json!({
        "manifest": secret.to_string(),
        "config": {"regcred": registry, "ht": format!("htpass-{n}"), "cred": format!("cr#d/two {n}"), "low": format!("lowercased{n}"),
            "obj": {"esc": format!("in\"ner\\esc<{n}>")}, "num": 99_887_760 + n, "replicas": n,
            "env": [{"name": "ADMIN_PASSWORD", "value": format!("adminpw1{n}")}],
            "repo": format!("https://user:repopass{n}@host/x")},
        "chart": {"metadata": {"name": "web", "dependencies": [{"name": "d", "repository": format!("https://user:repopass{n}@h/x")}]}},
        "info": {"status": "deployed", "notes": format!(
            "reg {registry} {} production http://u:hunter211-p%40ss+w0rd%2F%2B{n}@host Lowercased{n}\n-----BEGIN RSA PRIVATE KEY-----\nMIIabc{n}\n-----END RSA PRIVATE KEY-----\nend", base64(&registry))},
    }))
}

#[test]
fn a_value_is_masked_in_whatever_form_it_flows_into_a_secret() {
    let shown = printed(&transformed(1), &transformed(2));
    for content in [
        "regcred1",
        "regcredAAA",
        "htpass-",
        "cr#d",
        "cr%23",
        "owercased",
        "OWERCASED",
        "ner\\\\esc",
        "9988776",
        "adminpw",
        "repopass",
        "w0rd",
        "MIIabc",
    ] {
        assert!(!shown.contains(content), "{content} is shown in {shown}");
    }
    assert!(shown.contains("-replicas: 1") && shown.contains("+replicas: 2"), "what is common stays readable: {shown}");
    assert!(shown.contains(" production "), "no word is masked in part: {shown}");
}

#[test]
fn what_is_secret_on_one_side_is_masked_on_both() {
    let with = |value: &str, secret: &str| {
        release(
            json!({"config": {"mode": value}, "manifest": format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{m: {secret}}}\n")}),
        )
    };
    let shown = printed(&with("first-mode", "first-mode"), &with("second-mode", "other"));
    assert!(!shown.contains("first-mode") && !shown.contains("second-mode"), "{shown}");
}

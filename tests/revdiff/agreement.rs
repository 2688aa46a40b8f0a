//! Holds what `helm revdiff` says against what `helm get` says of the same two revisions. Helm reads its YAML, and other
//! code compares it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::environment::ROOT;
use crate::page::Page;
use crate::user::User;

/// What `helm get` says of one revision.
#[derive(Debug)]
pub(crate) struct Revision {
    /// The objects of the manifest and of the hooks by identity, several of one identity in their order.
    pub(crate) objects: BTreeMap<Identity, Vec<Value>>,
    pub(crate) values: Value,
    pub(crate) computed_values: Value,
    pub(crate) notes: String,
    pub(crate) metadata: Value,
}

/// Whether it is a hook, the group, the kind, the namespace that its manifest says and the name.
pub(crate) type Identity = (bool, String, String, String, String);

/// Reads YAML of one document.
pub(crate) fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

impl Revision {
    pub(crate) fn of(user: &User, release: &str, revision: u64) -> Self {
        let get = |what: &str| user.does(&format!("helm get {what} {release} --revision {revision}"));
        let json = |what: &str| -> Value { serde_json::from_str(&get(&format!("{what} -o json"))).unwrap() };
        let mut objects: BTreeMap<Identity, Vec<Value>> = BTreeMap::new();
        for (hook, text) in [(false, get("manifest")), (true, get("hooks"))] {
            // Helm ends a manifest, and each hook, with a line break that is not theirs.
            let text = format!("\n{}", text.strip_suffix('\n').unwrap_or(&text));
            let mut parts: Vec<String> = text.split("\n---\n").map(str::to_owned).collect();
            if !hook {
                let last = parts.len() - 1;
                parts[..last].iter_mut().for_each(|part| part.push('\n'));
            }
            for object in documents(user, parts).into_iter().flat_map(items) {
                objects.entry(identity(hook, &object)).or_default().push(object);
            }
        }
        Self {
            objects,
            values: json("values"),
            computed_values: json("values --all"),
            notes: get("notes").strip_prefix("NOTES:\n").unwrap_or_default().to_owned(),
            metadata: json("metadata"),
        }
    }
}

/// The documents of a manifest that hold anything, as Helm itself reads YAML.
fn documents(user: &User, parts: Vec<String>) -> Vec<Value> {
    let chart = user.folder.join("reader");
    _ = fs::remove_dir_all(&chart);
    user.writes("reader/Chart.yaml", "apiVersion: v2\nname: reader\nversion: 1.0.0\n");
    user.writes("reader/templates/read.yaml", READER);
    for (number, part) in parts.into_iter().enumerate() {
        user.writes(&format!("reader/documents/{number:04}"), &part);
    }
    let read = user.does("helm template reader");
    let json = read.lines().find(|line| line.starts_with('{')).expect("one line of JSON");
    let Value::Array(documents) = serde_json::from_str::<Value>(json).unwrap()["documents"].take() else {
        panic!("{json}")
    };
    documents.into_iter().filter(|document| *document != json!({})).collect()
}

/// The template that reads documents. Helm wants one object of a manifest.
const READER: &str = r#"{"kind": "Reader", "documents": [
{{- $comma := "" }}{{ range $name, $_ := .Files.Glob "documents/*" }}
{{- $document := $.Files.Get $name | fromYaml }}{{ if hasKey $document "Error" }}{{ fail $document.Error }}{{ end }}
{{- $comma }}{{ $document | toJson }}{{ $comma = "," }}
{{- end }}]}"#;

/// The objects of a `List`; of any other object, itself.
fn items(object: Value) -> Vec<Value> {
    match object {
        Value::Object(mut list) if list.get("kind") == Some(&json!("List")) => match list.remove("items") {
            Some(Value::Array(items)) => items,
            other => panic!("a List with {other:?} as items"),
        },
        object => vec![object],
    }
}

fn identity(hook: bool, object: &Value) -> Identity {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let group = text("/apiVersion").rsplit_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default();
    let name = match text("/metadata/name") {
        name if name.is_empty() => format!("{}*", text("/metadata/generateName")),
        name => name,
    };
    (hook, group, text("/kind"), text("/metadata/namespace"), name)
}

/// Asserts that `helm revdiff RELEASE FROM TO`, as JSON and as text, agrees with `helm get`.
pub(crate) fn agrees_with_helm_get(user: &User, release: &str, from: u64, to: u64) {
    let [old, new] = [from, to].map(|revision| Revision::of(user, release, revision));
    let line = format!("helm revdiff {release} {from} {to} --show-secrets --computed-values");
    let diff = user.types(&format!("{line} -o json")).json();
    check_json(&diff, &old, &new);
    let text = user.types(&format!("{line} -C -1 --no-fold --noise=show")).exits(0).stdout.clone();
    check_text(&Page::read(&text), &diff, &old, &new);
}

fn check_json(diff: &Value, old: &Revision, new: &Revision) {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
        let schema = fs::read_to_string(Path::new(ROOT).join("docs/schema/revdiff.json")).unwrap();
        jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap()
    });
    if let Err(error) = SCHEMA.validate(diff) {
        panic!("against the schema: {error} at {}", error.instance_path());
    }
    check_objects(diff, old, new);
    assert_eq!(patched(&old.values, &diff["values"]), new.values, "values");
    assert_eq!(patched(&old.computed_values, &diff["computedValues"]), new.computed_values, "computed values");
    // Helm adds a line break of its own, and how many there are says nothing.
    let notes = [old, new].map(|side| side.notes.trim_end());
    assert_eq!(diff["notes"]["changed"], json!(notes[0] != notes[1]), "notes");
    if notes[0] != notes[1] {
        assert_eq!([&diff["notes"]["old"], &diff["notes"]["new"]], notes, "notes");
    }
    for (side, revision) in [(&diff["from"], old), (&diff["to"], new)] {
        let metadata = &revision.metadata;
        let said = ["revision", "status", "chart", "chartVersion", "appVersion"].map(|key| &side[key]);
        assert_eq!(said, ["revision", "status", "chart", "version", "appVersion"].map(|key| &metadata[key]));
        assert_eq!(side["updated"].as_str().unwrap()[..19], metadata["deployedAt"].as_str().unwrap()[..19]);
    }
    assert_eq!(diff["namespace"], old.metadata["namespace"]);
    assert_eq!(diff["release"], old.metadata["name"]);
}

/// Every object is counted, and each one that changed becomes the new one by the operations listed for it.
fn check_objects(diff: &Value, old: &Revision, new: &Revision) {
    let mut rows: BTreeMap<Identity, Vec<&Value>> = BTreeMap::new();
    for row in diff["resources"].as_array().unwrap() {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let group = text("apiVersion").rsplit_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default();
        let identity = (row["hook"] == json!(true), group, text("kind"), text("namespace"), text("name"));
        rows.entry(identity).or_default().push(row);
    }
    let (mut added, mut removed, mut modified, mut unchanged) = (0, 0, 0, 0);
    let none = Vec::new();
    let mut identities: Vec<&Identity> = old.objects.keys().chain(new.objects.keys()).collect();
    identities.sort();
    identities.dedup();
    for identity in identities {
        let [before, after] = [old, new].map(|side| side.objects.get(identity).unwrap_or(&none).as_slice());
        let said = rows.remove(identity).unwrap_or_default();
        let expected = match (before, after) {
            ([before], [after]) if before == after => {
                unchanged += 1;
                assert!(said.is_empty(), "{identity:?} is the same in both: {said:?}");
                continue;
            }
            ([_], [_]) => (&mut modified, "modified"),
            ([], [_]) => (&mut added, "added"),
            ([_], []) => (&mut removed, "removed"),
            _ => panic!("{identity:?} is there several times; compare it another way"),
        };
        *expected.0 += 1;
        let [row] = said.as_slice() else { panic!("{identity:?} is not listed once: {said:?}") };
        assert_eq!(row["change"], json!(expected.1), "{identity:?}");
        let (before, after) = (before.first().unwrap_or(&Value::Null), after.first().unwrap_or(&Value::Null));
        assert_eq!(patched(before, &row["changes"]), *after, "{identity:?} after its changes");
    }
    assert!(rows.is_empty(), "objects that no manifest holds: {rows:?}");
    let counts = ["added", "removed", "modified", "unchanged"].map(|key| diff["summary"][key].as_u64().unwrap());
    assert_eq!(counts, [added, removed, modified, unchanged]);
}

/// The text of every object, and of the values, is that of Helm; and it says what the JSON says.
fn check_text(page: &Page, diff: &Value, old: &Revision, new: &Revision) {
    let count = |key: &str| diff["summary"][key].as_u64().unwrap();
    let counts = ["modified", "added", "removed", "unchanged"].map(count);
    if page.summary.starts_with("no changes") {
        assert_eq!(counts[..3], [0, 0, 0]);
    } else {
        let [modified, added, removed, unchanged] = counts;
        let summary = format!("{modified} changed, {added} added, {removed} removed, {unchanged} unchanged");
        assert_eq!(page.summary, summary);
    }
    let rows = diff["resources"].as_array().unwrap();
    assert_eq!(page.objects.len(), rows.len(), "{:?}", page.titles());
    for (part, row) in page.objects.iter().zip(rows) {
        let sign = match row["change"].as_str().unwrap() {
            "added" => "+",
            "removed" => "-",
            _ => "~",
        };
        let name = row["name"].as_str().unwrap();
        let namespace = row["namespace"].as_str().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        assert_eq!(part.title, format!("{sign} {}/{namespace}{name}", row["kind"].as_str().unwrap()));
        let (hook, group) = (row["hook"] == json!(true), row["apiVersion"].as_str().unwrap().rsplit_once('/'));
        let group = group.map(|(group, _)| group.to_owned()).unwrap_or_default();
        let namespace = row["namespace"].as_str().unwrap_or_default().to_owned();
        let identity = (hook, group, row["kind"].as_str().unwrap().to_owned(), namespace, name.to_owned());
        let [before, after] =
            [old, new].map(|side| side.objects.get(&identity).map_or(Value::Null, |all| all[0].clone()));
        assert_eq!([part.old_value(), part.new_value()], [before, after], "the text of {}", part.title);
    }
    let values = [("values (user-supplied)", &old.values, &new.values)];
    let computed = [("values (computed)", &old.computed_values, &new.computed_values)];
    for (title, old, new) in values.into_iter().chain(computed) {
        match page.sections.get(title) {
            Some(part) => assert_eq!([part.old_value(), part.new_value()], [old.clone(), new.clone()], "{title}"),
            None => assert_eq!(old, new, "{title}"),
        }
    }
    match page.sections.get("notes") {
        Some(part) => {
            let shown = [old, new].map(|side| visible(side.notes.trim_end()));
            assert_eq!([part.old.trim_end(), part.new.trim_end()], shown.each_ref().map(String::as_str));
        }
        None => assert_eq!(old.notes.trim_end(), new.notes.trim_end()),
    }
}

/// The text as a terminal gets to see it.
fn visible(text: &str) -> String {
    let steers = |letter: char| letter.is_control() && !"\t\n".contains(letter) || letter == '\u{202e}';
    let shown =
        |letter: char| if steers(letter) { format!("\\u{{{:x}}}", u32::from(letter)) } else { letter.to_string() };
    text.chars().map(shown).collect()
}

/// Applies operations of JSON Patch, in order; those that say what was there before must be right.
pub(crate) fn patched(document: &Value, operations: &Value) -> Value {
    let mut result = document.clone();
    for operation in operations.as_array().expect("a list of operations") {
        let path = operation["path"].as_str().unwrap();
        let new = operation["new"].clone();
        match operation["op"].as_str().unwrap() {
            "add" => insert(&mut result, path, new),
            "remove" => assert_eq!(take(&mut result, path), operation["old"], "removed at {path}"),
            "replace" => {
                let place = result.pointer_mut(path).unwrap_or_else(|| panic!("nothing to replace at {path}"));
                assert_eq!(*place, operation["old"], "replaced at {path}");
                *place = new;
            }
            "move" => {
                let moved = take(&mut result, operation["from"].as_str().unwrap());
                insert(&mut result, path, moved);
            }
            other => panic!("unknown operation {other}"),
        }
    }
    result
}

fn split(path: &str) -> (&str, String) {
    let (parent, key) = path.rsplit_once('/').expect("a path below the top");
    (parent, key.replace("~1", "/").replace("~0", "~"))
}

fn insert(document: &mut Value, path: &str, new: Value) {
    if path.is_empty() {
        *document = new;
        return;
    }
    let (parent, key) = split(path);
    match document.pointer_mut(parent) {
        Some(Value::Object(map)) => assert!(map.insert(key, new).is_none(), "{path} is added, but was there"),
        Some(Value::Array(list)) => list.insert(key.parse().unwrap(), new),
        other => panic!("cannot add {path} to {other:?}"),
    }
}

fn take(document: &mut Value, path: &str) -> Value {
    if path.is_empty() {
        return std::mem::take(document);
    }
    let (parent, key) = split(path);
    match document.pointer_mut(parent) {
        Some(Value::Object(map)) => Map::remove(map, &key).unwrap_or_else(|| panic!("nothing to take away at {path}")),
        Some(Value::Array(list)) => list.remove(key.parse().unwrap()),
        other => panic!("cannot take {path} out of {other:?}"),
    }
}

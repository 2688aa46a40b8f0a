//! Holds what `helm revdiff` says against what `helm get` says of the same two revisions.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::environment::ROOT;
use crate::get::{self, Identity, Revision};
use crate::page::Page;
use crate::user::User;

/// Reads YAML of one document.
pub(crate) fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Asserts that `helm revdiff RELEASE FROM TO`, as JSON and as text, agrees with `helm get`.
pub(crate) fn agrees_with_helm_get(user: &User, release: &str, from: u64, to: u64) {
    let [old, new] = get::revisions(user, release, [from, to]);
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
    let notes = [old, new].map(|side| side.notes.as_str());
    assert_eq!(diff["notes"]["changed"], json!(notes[0] != notes[1]), "notes");
    if notes[0] != notes[1] {
        assert_eq!([&diff["notes"]["old"], &diff["notes"]["new"]], notes, "notes");
    }
    for (side, revision) in [(&diff["from"], old), (&diff["to"], new)] {
        for (key, said) in revision.side.as_object().unwrap() {
            let whole = side.get(key).or(diff.get(key)).unwrap_or_else(|| panic!("there is no {key}"));
            // Of the time, all but fractions of a second.
            let cut = |value: &Value| value.as_str().filter(|_| key == "updated").map(|time| time[..19].into());
            assert_eq!(cut(whole).as_ref().unwrap_or(whole), said, "{key}");
        }
    }
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
            let shown = [old, new].map(|side| visible(side.notes.as_str()));
            assert_eq!([part.old.trim_end(), part.new.trim_end()], shown.each_ref().map(String::as_str));
        }
        None => assert_eq!(old.notes, new.notes),
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

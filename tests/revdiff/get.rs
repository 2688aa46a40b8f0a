//! What `helm get` says of a revision. Helm reads its YAML, so that nothing here shares code with the product.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::user::User;

/// What `helm get` says of one revision.
#[derive(Debug, Default)]
pub(crate) struct Revision {
    /// The objects of the manifest and of the hooks by identity, several of one identity in their order.
    pub(crate) objects: BTreeMap<Identity, Vec<Value>>,
    pub(crate) values: Value,
    pub(crate) computed_values: Value,
    pub(crate) notes: String,
    /// As `from` and `to` of the JSON have it.
    pub(crate) side: Value,
}

/// Whether it is a hook, the group, the kind, the namespace that its manifest says and the name.
pub(crate) type Identity = (bool, String, String, String, String);

/// Between the parts that `helm get all` is asked for. No chart has it.
const SEPARATOR: &str = "\u{1f}";

/// What `helm get all` is asked for, as it is stored: `helm get manifest`, `hooks` and `notes` add line breaks.
const PARTS: [&str; 11] = [
    "{{.Release.Name}}",
    "{{.Release.Namespace}}",
    "{{.Release.Version}}",
    "{{.Release.Info.Status}}",
    "{{.Release.Chart.Metadata.Name}}",
    "{{.Release.Chart.Metadata.Version}}",
    "{{.Release.Chart.Metadata.AppVersion}}",
    "{{.Release.Info.LastDeployed}}",
    "{{.Release.Info.Notes}}",
    "{{.Release.Manifest}}",
    "{{range .Release.Hooks}}{{.Manifest}}{{\"\\u001f\"}}{{end}}",
];

/// Asks Helm about two revisions.
pub(crate) fn revisions(user: &User, release: &str, revisions: [u64; 2]) -> [Revision; 2] {
    let mut documents: Vec<(usize, bool, String)> = Vec::new();
    let mut found = [0, 1].map(|side| {
        let revision = revisions[side];
        let json = |what: &str| {
            let text = user.does(&format!("helm get {what} {release} --revision {revision} -o json"));
            serde_json::from_str(&text).unwrap()
        };
        let template = PARTS.join(SEPARATOR);
        let all = user.does(&format!("helm get all {release} --revision {revision} --template '{template}'"));
        let parts: Vec<&str> = all.split(SEPARATOR).collect();
        let [name, namespace, number, status, chart, version, app, time, notes, manifest, hooks @ ..] =
            parts.as_slice()
        else {
            panic!("helm get all printed {} parts", parts.len())
        };
        documents.extend(split(manifest).into_iter().map(|text| (side, false, text)));
        documents.extend(hooks.iter().map(|text| (side, true, (*text).to_owned())));
        let number: u64 = number.parse().unwrap();
        Revision {
            values: json("values"),
            computed_values: json("values --all"),
            notes: notes.trim_end().to_owned(),
            side: json!({
                "release": name, "namespace": namespace, "revision": number, "status": status, "chart": chart,
                "chartVersion": version, "appVersion": app, "updated": time[..19].replace(' ', "T"),
            }),
            ..Revision::default()
        }
    });
    let read = read_yaml(user, documents.iter().map(|(_, _, text)| text.as_str()));
    for ((side, hook, _), document) in documents.iter().zip(read).filter(|(_, document)| *document != json!({})) {
        for object in items(document) {
            found[*side].objects.entry(identity(*hook, &object)).or_default().push(object);
        }
    }
    found
}

/// The documents of a manifest, each with the line break at its end.
fn split(manifest: &str) -> Vec<String> {
    let manifest = format!("\n{manifest}");
    let mut parts: Vec<String> = manifest.split("\n---\n").map(|part| format!("{part}\n")).collect();
    // The end of the last one is as it is stored.
    parts.last_mut().unwrap().pop();
    parts
}

/// The template that reads documents. Helm wants one object of a manifest.
const READER: &str = r#"{"kind": "Reader", "documents": [
{{- $comma := "" }}{{ range $name, $_ := .Files.Glob "documents/*" }}
{{- $document := $.Files.Get $name | fromYaml }}{{ if hasKey $document "Error" }}{{ fail $document.Error }}{{ end }}
{{- $comma }}{{ $document | toJson }}{{ $comma = "," }}
{{- end }}]}"#;

/// Documents as Helm reads YAML; an empty map for one that holds nothing.
fn read_yaml<'a>(user: &User, documents: impl Iterator<Item = &'a str>) -> Vec<Value> {
    _ = fs::remove_dir_all(user.folder.join("reader"));
    user.writes("reader/Chart.yaml", "apiVersion: v2\nname: reader\nversion: 1.0.0\n");
    user.writes("reader/templates/read.yaml", READER);
    for (number, text) in documents.enumerate() {
        user.writes(&format!("reader/documents/{number:04}"), text);
    }
    let printed = user.does("helm template reader");
    let json = printed.lines().find(|line| line.starts_with('{')).expect("one line of JSON");
    match serde_json::from_str::<Value>(json).unwrap()["documents"].take() {
        Value::Array(documents) => documents,
        other => panic!("no list of documents: {other}"),
    }
}

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

//! A chart's custom resource definitions beside those of a cluster.

use helm_safe_upgrade::command::crds::compare_crds;
use helm_safe_upgrade::diff::changes::changes;
use helm_safe_upgrade::diff::live::crd::CrdDiff;
use helm_safe_upgrade::diff::resources::Change;
use helm_safe_upgrade::diff::structure::compare;
use helm_safe_upgrade::error::{Error, Kind};
use helm_safe_upgrade::manifest::mask::Masker;
use serde_json::json;

use crate::server::{Answer, Server};

fn definition(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: {name}.example.com\n\
        spec:\n  group: example.com\n  names: {{kind: {name}, plural: {name}}}\n{spec}"
    )
}

const VERSIONS: &str = "  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: \
    {type: object, properties: {spec: {type: object, nullable: false, properties: {size: {type: integer}}}}}}\n";

/// The same as the API server gives it back, with one property more or not.
fn stored(name: &str, more: bool) -> String {
    let mut properties = json!({"size": {"type": "integer"}});
    if more {
        properties["colour"] = json!({"type": "string"});
    }
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{name}.example.com"), "uid": "1", "generation": 3, "managedFields": []},
        "spec": {
            "group": "example.com",
            "conversion": {"strategy": "None"},
            "scope": "Namespaced",
            "names": {"kind": name, "plural": name, "singular": name, "listKind": format!("{name}List")},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
        "status": {"storedVersions": ["v1"]},
    })
    .to_string()
}

fn serve(head: &str) -> Answer {
    let path = head.split(' ').nth(1).unwrap();
    let (_, name) = path.rsplit_once('/').unwrap();
    assert!(path.starts_with("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"), "{path}");
    match name {
        "same.example.com" => Answer::json(&stored("same", false)),
        "changed.example.com" => Answer::json(&stored("changed", true)),
        "secret.example.com" => Answer::status(403, "not yours"),
        "gone.example.com" => Answer::Drop,
        _ => {
            let body = json!({"kind": "Status", "reason": "NotFound", "details": {"name": name}}).to_string();
            Answer::Full(404, "Content-Type: application/json\r\n", body.into_bytes())
        }
    }
}

async fn compared(files: &[(&str, String)]) -> Result<CrdDiff, Error> {
    let server = Server::start(|_, head| serve(head));
    let files: Vec<(String, String)> = files.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
    compare_crds(&server.cluster().await, &files, &Masker::new(b"key")).await
}

#[tokio::test]
async fn new_and_changed_definitions_are_found_and_what_the_server_fills_in_is_no_change() {
    let files = [
        ("crds/same.yaml", definition("same", VERSIONS)),
        ("crds/changed.yaml", format!("{}\n---\n{}", definition("changed", VERSIONS), definition("new", VERSIONS))),
        ("crds/odd.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\n".to_owned()),
    ];
    let found = compared(&files).await.unwrap();
    assert_eq!(found.problems, []);
    assert_eq!(found.definitions.unchanged, 1);
    let changed: Vec<_> = found.definitions.resources.iter().map(|one| (one.change, one.object().unwrap())).collect();
    assert_eq!(changed.len(), 2);
    assert_eq!((changed[0].0, changed[0].1.id.name.as_str()), (Change::Modified, "changed.example.com"));
    assert_eq!((changed[1].0, changed[1].1.id.name.as_str()), (Change::Added, "new.example.com"));
    assert_eq!(changed[1].1.source.as_deref(), Some("crds/changed.yaml"));
    let one = &found.definitions.resources[0];
    let (old, new) = (&one.old.as_ref().unwrap().node, &one.new.as_ref().unwrap().node);
    let delta = compare(old, new);
    let places: Vec<String> = changes(&delta).into_iter().map(|change| change.location).collect();
    let schema = "spec.versions[name=v1].schema.openAPIV3Schema.properties.spec.properties";
    assert_eq!(places, [format!("{schema}.colour")], "the chart's definition takes the property away");
}

#[tokio::test]
async fn what_can_not_be_compared_is_named_and_the_rest_is_compared() {
    let files = [
        ("crds/broken.yaml", "apiVersion: [\n".to_owned()),
        ("crds/old.yaml", definition("old", VERSIONS).replace("k8s.io/v1", "k8s.io/v1beta1")),
        ("crds/secret.yaml", definition("secret", VERSIONS)),
        ("crds/same.yaml", definition("same", VERSIONS)),
    ];
    let found = compared(&files).await.unwrap();
    assert_eq!(found.definitions.unchanged, 1);
    assert!(found.definitions.resources.is_empty());
    let problems: Vec<(&str, &str)> =
        found.problems.iter().map(|problem| (problem.file.as_str(), problem.reason.as_str())).collect();
    assert_eq!(problems.len(), 3);
    assert_eq!(problems[0].0, "crds/broken.yaml");
    assert!(problems[0].1.contains("of the file: "), "{problems:?}");
    assert!(problems[1].1.starts_with("apiextensions.k8s.io/v1beta1 is no longer served"), "{problems:?}");
    let right = "cannot get customresourcedefinitions.apiextensions.k8s.io \"secret.example.com\": not yours";
    assert_eq!(problems[2], ("crds/secret.yaml", right));
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_error() {
    let error = compared(&[("crds/gone.yaml", definition("gone", VERSIONS))]).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unreachable, "{error}");
}

//! Definitions of custom resources that change, and what becomes of the objects of their kinds.

use serde_json::json;

use crate::cluster;
use crate::findings::{allow, found, has, passes};
use crate::user::User;

stories![
    a_definition_that_takes_less_is_held_against_the_objects_there,
    each_change_of_a_definition_that_breaks_is_told,
];

const CHECK: &str = "helm safe-upgrade check web refused -o json";

/// The values of a definition whose objects have a size, of at least so much.
fn sized(least: u32) -> String {
    let schema = format!("properties: {{size: {{type: integer, minimum: {least}}}, note: {{type: string}}}}");
    format!("definition: true\nschema:\n  {schema}\n")
}

fn a_definition_that_takes_less_is_held_against_the_objects_there(user: &User) {
    user.upgrades("refused", &sized(1));
    let group = format!("{}.example.com", user.namespace);
    let widget =
        format!("apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: small}}\nspec: {{size: 1, note: hello}}\n");
    user.writes("widgets/Chart.yaml", "apiVersion: v2\nname: widgets\nversion: 1.0.0\n");
    user.writes("widgets/templates/widget.yaml", &widget);
    cluster::await_group(&group, true);
    user.does("helm install small widgets");

    user.writes("same.yaml", &format!("{}note: \"2\"\n", sized(1)));
    let findings = found(user, &format!("{CHECK} -f same.yaml"));
    passes(&findings, "crd-change");
    passes(&findings, "crd-objects");

    user.writes("more.yaml", &sized(3));
    let findings = found(user, &format!("{CHECK} -f more.yaml"));
    has(&findings, "crd-change", "warning", "it takes less than before");
    has(&findings, "crd-objects", "warning", "one Widget of the cluster would not be valid");
    passes(&findings, "invalid");

    user.writes("gone.yaml", "definition: true\nschema: {properties: {size: {type: integer}}}\n");
    has(&found(user, &format!("{CHECK} -f gone.yaml")), "crd-objects", "warning", "would lose a field");

    // The folder `crds/` is applied by no upgrade.
    let definition = user.does("helm template web refused -f more.yaml");
    let definition = definition.split("---\n").find(|part| part.contains("CustomResourceDefinition")).unwrap();
    user.copies("refused", "with-crds");
    user.writes("with-crds/crds/widgets.yaml", definition);
    let line = format!("{} -f same.yaml", CHECK.replace("refused", "with-crds"));
    let findings = found(user, &line);
    has(&findings, "crd-change", "warning", "folder crds/: an upgrade does not apply it");
    has(&findings, "crd-objects", "warning", "once it is applied");

    allow(user, "viewer", &[("", "secrets", &["get", "list"])]);
    let findings = found(user, &format!("{CHECK} -f more.yaml --kube-as-user viewer"));
    has(&findings, "crd-change", "unknown", "is not known");
    has(&findings, "crd-objects", "unknown", "is not known");
    // Cluster-wide, so it does not go with the namespace.
    user.does("helm uninstall small");
    user.does("helm uninstall web");
}

/// A definition of gadgets, with these fields of its specification in place of those that it has: for `parts`.
fn gadgets(user: &User, change: &serde_json::Value) -> String {
    let group = format!("{}.example.com", user.namespace);
    let spec = json!({"type": "object", "properties": {
        "size": {"type": "integer"}, "mode": {"type": "string", "enum": ["fast", "slow"]}, "owner": {"type": "string"}}});
    let mut definition = json!({
        "group": group,
        "scope": "Namespaced",
        "names": {"kind": "Gadget", "plural": "gadgets"},
        "versions": [version("v1", true, &spec), version("v1beta1", false, &spec)],
    });
    for (key, value) in change.as_object().unwrap() {
        definition[key] = value.clone();
    }
    let metadata = json!({"name": format!("gadgets.{group}")});
    let object = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata,
        "spec": definition});
    json!({"objects": [object]}).to_string()
}

fn version(name: &str, stored: bool, spec: &serde_json::Value) -> serde_json::Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}});
    json!({"name": name, "served": true, "storage": stored, "schema": schema})
}

fn each_change_of_a_definition_that_breaks_is_told(user: &User) {
    user.upgrades("parts", &gadgets(user, &json!({})));
    let group = format!("{}.example.com", user.namespace);
    let gadget = json!({"apiVersion": format!("{group}/v1"), "kind": "Gadget", "metadata": {"name": "one"},
        "spec": {"size": 1, "mode": "slow"}});
    cluster::post(&format!("/apis/{group}/v1/namespaces/{}/gadgets", user.namespace), &gadget);
    let check = |change: serde_json::Value| {
        user.writes("changed.yaml", &gadgets(user, &change));
        found(user, "helm safe-upgrade check web parts -f changed.yaml -o json")
    };
    let spec = json!({"type": "object", "required": ["owner"], "properties": {
        "size": {"type": "string"}, "mode": {"type": "string", "enum": ["fast"]}, "owner": {"type": "string"}}});
    let client = json!({"url": "https://127.0.0.1:9/convert"});
    let conversion =
        json!({"strategy": "Webhook", "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1"]}});
    let versions = json!([version("v1", true, &spec), version("v1beta1", false, &spec)]);
    let findings = check(json!({"versions": versions, "conversion": conversion}));
    has(&findings, "crd-change", "warning", "it takes less than before");
    has(&findings, "crd-objects", "warning", "one Gadget of the cluster would not be valid any more");
    let shown = user.types("helm safe-upgrade check web parts -f changed.yaml");
    shown.mentions("v1 spec.size: its type is string now, and was integer");
    shown.mentions("v1 spec.mode: no longer allowed: slow");
    shown.mentions("v1 spec.owner: it is required now");
    shown.mentions("versions are converted by Webhook now, and were by None");

    let spec = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let findings = check(json!({"versions": [version("v1beta1", true, &spec)]}));
    has(&findings, "crd-change", "blocker", "objects are stored in v1, which it has no more");
    has(&check(json!({"scope": "Cluster"})), "crd-change", "blocker", "its scope is Cluster now, and was Namespaced");
    user.types("helm safe-upgrade check web parts -f changed.yaml").exits(3);
    assert_ne!(user.types("helm upgrade web parts -f changed.yaml").code, Some(0));
    cluster::remove(&format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.{group}"));
}

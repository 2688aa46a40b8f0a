//! Definitions of custom resources that change, and what becomes of the objects of their kinds.

use crate::findings::{allow, found, has, passes};
use crate::user::User;

stories![a_definition_that_takes_less_is_held_against_the_objects_there];

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

//! `helm revdiff upgrade` rendered by `helm template`: for another Kubernetes, and with custom resource definitions. And
//! those definitions beside the cluster's, however the upgrade is rendered.

use serde_json::{Value, json};

use crate::cluster;
use crate::environment::Helm;
use crate::proposed::{agree, shown_and_made};
use crate::user::User;

stories!(
    what_is_told_of_kubernetes_and_what_is_the_servers,
    values_are_merged_as_helm_then_merges_them,
    numbers_stay_as_helm_has_them,
    dependencies_are_settled_as_helm_settles_them,
    a_chart_for_another_kubernetes,
    a_new_release_for_another_kubernetes,
    what_is_made_anew_is_told_apart,
    a_chart_that_does_not_render,
    definitions_are_compared_with_the_clusters,
    definitions_that_may_not_be_read,
    objects_of_a_kind_that_is_defined_in_the_chart,
);

/// A template that shows what it sees of the cluster.
const SEEN: &str = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: seen
data:
  revision: "{{ .Release.Revision }}"
  upgrade: "{{ .Release.IsUpgrade }}"
  namespace: "{{ .Release.Namespace }}"
  kubernetes: "{{ .Capabilities.KubeVersion }}"
  leases: "{{ .Capabilities.APIVersions.Has "coordination.k8s.io/v1/Lease" }}"
  registrations: "{{ .Capabilities.APIVersions.Has "apiregistration.k8s.io/v1/APIService" }}"
  widgets: "{{ .Capabilities.APIVersions.Has "told.example.com/v1/Widget" }}"
"#;

fn what_is_told_of_kubernetes_and_what_is_the_servers(user: &User) {
    user.writes("parts/templates/seen.yaml", SEEN);
    user.writes("parts/templates/NOTES.txt", "revision {{ .Release.Revision }}\n");
    user.does("helm install web parts");
    let data = |flags: &str| {
        let document = user.types(&format!("helm revdiff upgrade web parts {flags} -o json")).json();
        assert_eq!(document["notes"], json!({"changed": false}));
        assert_eq!(document["to"]["revision"], 2);
        let changes = document["resources"][0]["changes"].as_array().cloned().unwrap_or_default();
        let told: Vec<(String, Value)> = changes
            .iter()
            .map(|change| (change["path"].as_str().unwrap().replace("/data/", ""), change["new"].clone()))
            .collect();
        (told, document["notices"].as_array().unwrap().clone())
    };
    let text = |key: &str, value: &str| (key.to_owned(), json!(value));
    // The server's version and the kinds that only an extension of it serves stay; what is told comes on top.
    let (told, notices) = data("--api-versions told.example.com/v1/Widget");
    assert_eq!(told, [text("upgrade", "true"), text("widgets", "true")]);
    let said = "--api-versions is no flag of helm upgrade: rendered by helm template, where .Release.Revision is 1 and no notes are rendered";
    assert_eq!(notices, [json!(said)]);
    let (told, notices) = data("--kube-version 1.27.3");
    assert_eq!(told, [text("upgrade", "true"), text("kubernetes", "v1.27.3")]);
    assert!(notices[0].as_str().unwrap().starts_with("--kube-version is no flag of helm upgrade: "));
    let (told, notices) = data("--kube-version v1.27.3 -a a/v1,told.example.com/v1/Widget");
    assert_eq!(told, [text("upgrade", "true"), text("kubernetes", "v1.27.3"), text("widgets", "true")]);
    assert!(
        notices[0].as_str().unwrap().starts_with("--kube-version and --api-versions are no flags of helm upgrade: ")
    );
    assert_eq!(data("--include-crds").0, [text("upgrade", "true")]);
    user.types("helm revdiff upgrade web parts --kube-version x").explains("invalid kube version 'x'");

    // Looking objects up works where Helm can.
    user.does("sed -i 's/^  revision:.*/  found: {{ (lookup \"v1\" \"Namespace\" \"\" .Release.Namespace).kind | quote }}/' parts/templates/seen.yaml");
    user.types("helm revdiff upgrade web parts --include-crds").mentions("+  found: Namespace\n");
    let shown = user.types("helm revdiff upgrade web parts --kube-version 1.27.3");
    if user.helm == Helm::V3 {
        shown.mentions("+  found: Namespace\n").keeps_quiet_about("look up");
    } else {
        shown.mentions("! templates look up objects in the cluster: with --kube-version, Helm 4 finds none\n");
        shown.mentions("+  found: null\n");
    }
}

/// What is shown with these flags, rendered by `helm template`, is what `helm upgrade` with them makes.
fn is_made(user: &User, arguments: &str) -> Value {
    let (shown, made) = shown_and_made(user, arguments, "-a told.example.com/v1");
    // Where a value is set to null, Helm's --reuse-values writes that null into the stored old revision, too.
    let parts = ["resources", "summary", "chart", "values", "defaults"];
    agree(&shown, &made, &parts[..if arguments.contains("null") { 3 } else { 5 }], arguments);
    shown
}

fn values_are_merged_as_helm_then_merges_them(user: &User) {
    user.writes("base.yaml", "configMaps: {settings: {a: base, b: base, c: base}}\nsecrets: {key: {k: old}}\n");
    user.writes(
        "more.yaml",
        "configMaps: {settings: {b: more, d: more}}\nhooks: {before: {kind: ConfigMap, data: {x: y}}}\n",
    );
    user.writes("nulls.yaml", "configMaps: {settings: {a: null, d: set}}\n");
    user.writes("nothing.yaml", "{}\n");
    user.does("helm install web parts -f base.yaml");
    for (number, arguments) in [
        "parts",
        "parts --reuse-values --set configMaps.settings.a=set --set-string configMaps.settings.e=1",
        "parts --reuse-values",
        "parts --reset-then-reuse-values -f more.yaml --set-json 'configMaps.more={\"x\":\"y\"}' --set-literal secrets.key.k=a,b",
        "parts -f nothing.yaml",
        "parts --reuse-values -f nulls.yaml",
        "parts --reuse-values --set configMaps.settings.b=null",
        "parts --reset-then-reuse-values -f nulls.yaml --set configMaps.settings.c=null",
        "parts -f base.yaml -f more.yaml --set configMaps.settings.a=null",
        "parts --reset-values",
        "parts --reuse-values -f base.yaml,more.yaml",
        "parts --reset-values -f more.yaml",
    ]
    .into_iter()
    .enumerate()
    {
        // The new chart's defaults count with some of the flags, and those of the chart as it was with others.
        user.does(&format!("sed -i '/^fresh/d' parts/values.yaml && echo 'fresh: {{a: {number}, b{number}: x}}' >> parts/values.yaml"));
        user.writes("parts/templates/fresh.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fresh}\ndata: {all: {{ toJson .Values | quote }}}\n");
        is_made(user, arguments);
    }
    // Standard input may be taken, too.
    let piped =
        "echo 'configMaps: {settings: {a: piped}}' | helm revdiff upgrade web parts --reuse-values -f - -a a/v1";
    user.types(piped).mentions("+    a: piped\n");
    let values = user.types("helm revdiff upgrade web parts --reset-then-reuse-values -f nulls.yaml -a a/v1");
    values.mentions("values (user-supplied)").keeps_quiet_about("/tmp");
}

fn numbers_stay_as_helm_has_them(user: &User) {
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: numbers\ndata:\n  kept: \"{{ .Values.kept }}\"\n  set: \"{{ .Values.set }}\"\n";
    user.writes("parts/templates/numbers.yaml", template);
    user.does("helm install web parts --set kept=12345678 --set set=1");
    for arguments in [
        "parts",
        "parts --reuse-values --set set=12345678",
        "parts --set set=12345678,kept=1",
        "parts --reset-then-reuse-values",
    ] {
        is_made(user, arguments);
    }
}

fn dependencies_are_settled_as_helm_settles_them(user: &User) {
    user.does("helm install web parts");
    is_made(user, "parts --set addon.enabled=true");
    is_made(user, "parts --reuse-values --set addon.color=blue");
    is_made(user, "parts --set addon.enabled=false");
    user.does("helm package parts --version 3.0.0");
    is_made(user, "parts-3.0.0.tgz --reset-then-reuse-values --set addon.enabled=true");
    is_made(user, "parts-3.0.0.tgz --reuse-values --set addon.color=green");
}

fn a_chart_for_another_kubernetes(user: &User) {
    user.does("sed -i '$ a kubeVersion: \">=1.99.0\"' parts/Chart.yaml");
    user.does(
        "helm template web parts --kube-version 1.99.0 > /dev/null && sed 's/^kubeVersion.*//' -i.new parts/Chart.yaml",
    );
    user.does("helm install web parts && mv parts/Chart.yaml.new parts/Chart.yaml");
    user.types("helm revdiff upgrade web parts").explains("incompatible with Kubernetes");
    let shown = user.types("helm revdiff upgrade web parts --kube-version 1.99.0");
    shown.mentions("+ kubeVersion  \">=1.99.0\"\n").keeps_quiet_about("- ");
    user.types("helm revdiff upgrade web parts --kube-version 1.20.0").explains("incompatible with Kubernetes v1.20.0");
}

fn a_new_release_for_another_kubernetes(user: &User) {
    user.writes("parts/templates/seen.yaml", SEEN);
    user.types("helm revdiff upgrade web parts --kube-version 1.27.3").explains("release \"web\" not found");
    let shown = user
        .types("helm revdiff upgrade web parts --install --reuse-values --kube-version 1.27.3 --set configMaps.a.b=c");
    shown.mentions("new installation").mentions("+  upgrade: \"false\"\n").mentions("+  kubernetes: v1.27.3\n");
    shown.mentions("+ ConfigMap/a").mentions("+  namespace: NAMESPACE\n");
}

fn what_is_made_anew_is_told_apart(user: &User) {
    let template =
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: random\ndata:\n  token: {{ randAlphaNum 20 }}\n";
    user.writes("parts/templates/random.yaml", template);
    user.does("helm install web parts");
    let same = user.types("helm revdiff upgrade web parts -a a/v1 --detailed-exitcode");
    same.exits(0).mentions("made anew at each render: 1 value in 1 object  ConfigMap/random /data/token");
}

fn a_chart_that_does_not_render(user: &User) {
    user.does("helm install web parts");
    user.writes("parts/templates/broken.yaml", "a: {{ required \"a colour is needed\" .Values.colour }}\n");
    for flags in ["", "--reuse-values"] {
        user.types(&format!("helm revdiff upgrade web parts -a a/v1 {flags}"))
            .explains("Error: cannot render the chart \"parts\": ")
            .explains("(parts/templates/broken.yaml:1:")
            .explains("a colour is needed");
    }
    user.types("helm revdiff upgrade web parts -a a/v1 -f nothing.yaml").explains("nothing.yaml");
    user.does("rm parts/templates/broken.yaml");
    user.writes("parts/values.schema.json", r#"{"type":"object","properties":{"size":{"type":"integer"}}}"#);
    user.types("helm revdiff upgrade web parts -a a/v1 --set size=big").explains("--skip-schema-validation");
    user.types("helm revdiff upgrade web parts -a a/v1 --set size=big --skip-schema-validation").exits(0);
    user.does("sed -i '$ a \\  - {name: gone, version: 1.0.0, repository: \"https://gone.invalid\"}' parts/Chart.yaml");
    user.types("helm revdiff upgrade web parts -a a/v1").explains("missing in charts/ directory: gone");
}

/// A custom resource definition in an API group of the user's own, with a description.
fn definition(user: &User, plural: &str, description: &str) -> String {
    let group = format!("{}.example.com", user.namespace);
    let kind = format!("{}{}", plural[..1].to_uppercase(), &plural[1..plural.len() - 1]);
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: {plural}.{group}\nspec:\n  group: {group}\n  scope: Namespaced\n  names: {{plural: {plural}, kind: {kind}}}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema: {{type: object, description: {description}, x-kubernetes-preserve-unknown-fields: true}}\n"
    )
}

fn removes_definition(user: &User, plural: &str) {
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    cluster::remove(&format!("{path}/{plural}.{}.example.com", user.namespace));
}

fn definitions_are_compared_with_the_clusters(user: &User) {
    user.writes("parts/crds/widgets.yaml", &definition(user, "widgets", "first"));
    let new = user.types("helm revdiff upgrade web parts --install");
    new.mentions("+ CustomResourceDefinition/widgets.").mentions("Helm creates 1 of these with the installation\n");
    user.does("helm install web parts");
    user.types("helm revdiff upgrade web parts --detailed-exitcode")
        .exits(0)
        .keeps_quiet_about("custom resource definitions");
    user.writes("parts/crds/widgets.yaml", &definition(user, "widgets", "second"));
    user.writes("parts/charts/addon/crds/gadgets.yaml", &definition(user, "gadgets", "new"));
    for flags in ["", "--include-crds", "--kube-version 1.27.3 --include-crds", "-a a/v1"] {
        let shown = user.types(&format!("helm revdiff upgrade web parts {flags} --detailed-exitcode"));
        shown.shows_change("custom resource definitions  not applied by Helm  1 changed, 1 new, 0 as in the cluster\n");
        shown.shows_change("~ CustomResourceDefinition/widgets.").shows_change("+ CustomResourceDefinition/gadgets.");
        shown.shows_change("-        description: first\n").shows_change("+        description: second\n");
        // They are no objects of the release.
        shown.shows_change("0 changed, 0 added, 0 removed, 0 unchanged\n");
        shown.shows_change("crds/widgets.yaml").shows_change("charts/addon/crds/gadgets.yaml");
    }
    let document = user.types("helm revdiff upgrade web parts --include-crds -o json").json();
    assert_eq!(document["resources"], json!([]));
    assert_eq!(document["crds"]["resources"].as_array().unwrap().len(), 2);
    let notice = document["notices"][0].as_str().unwrap();
    assert!(notice.starts_with("--include-crds is no flag of helm upgrade: "), "{notice}");
    removes_definition(user, "widgets");
}

fn definitions_that_may_not_be_read(user: &User) {
    user.writes("parts/crds/widgets.yaml", &definition(user, "widgets", "first"));
    user.does("helm install web parts --skip-crds");
    let rules = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}]);
    cluster::allow(&user.namespace, "viewer", "viewer", &rules);
    let shown = user.types("helm revdiff upgrade web parts --kube-context viewer --detailed-exitcode");
    // What is not known is said, and is no change.
    shown.exits(0).mentions("! crds/widgets.yaml CustomResourceDefinition/widgets.");
    shown.mentions("cannot get customresourcedefinitions.apiextensions.k8s.io");
}

fn objects_of_a_kind_that_is_defined_in_the_chart(user: &User) {
    user.does("helm install web parts");
    user.writes("parts/crds/sprockets.yaml", &definition(user, "sprockets", "first"));
    let group = format!("{}.example.com", user.namespace);
    user.writes(
        "values.yaml",
        &format!("objects: [{{apiVersion: {group}/v1, kind: Sprocket, metadata: {{name: one}}}}]\n"),
    );
    let shown = user.types("helm revdiff upgrade web parts -f values.yaml --include-crds");
    shown.mentions("+ Sprocket/one").mentions("+ CustomResourceDefinition/sprockets.");
}

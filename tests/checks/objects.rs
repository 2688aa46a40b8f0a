//! What the API server says of the objects before they are applied.

use k8s_openapi::api::core::v1::{ConfigMap, ResourceQuota};
use serde_json::json;

use crate::cluster;
use crate::environment::Helm;
use crate::findings::{allow, found, has, passes};
use crate::user::User;

stories![
    what_the_server_refuses_is_found_before,
    an_immutable_secret_is_told_without_its_content,
    fields_of_others_are_told,
    what_may_not_be_tried_is_not_known,
    a_first_installation_is_tried_too,
    a_policy_and_a_namespace_that_goes_stop_the_upgrade,
];

const CHECK: &str = "helm safe-upgrade check web refused -o json";

/// The checks that rest on dry runs.
const ALL: [&str; 7] = ["admission", "invalid", "immutable", "field-conflict", "ownership", "namespace", "definition"];

fn what_the_server_refuses_is_found_before(user: &User) {
    user.does("helm install web refused");
    let findings = found(user, &format!("{CHECK} --set note=2"));
    ALL.iter().for_each(|check| passes(&findings, check));

    let findings = found(user, &format!("{CHECK} --set selector=other,replicas=-1"));
    has(&findings, "immutable", "blocker", "spec.selector may not change");
    has(&findings, "invalid", "blocker", "spec.replicas: Invalid value: -1");
    // What Helm does with a field that the server does not know differs.
    let typo = if user.helm == Helm::V4 { "blocker" } else { "warning" };
    has(&found(user, &format!("{CHECK} --set typo=true")), "invalid", typo, "");

    has(&found(user, &format!("{CHECK} --set widget=true")), "definition", "blocker", "does not know Widget of");
    let findings = found(user, &format!("{CHECK} --set widget=true,definition=true"));
    has(&findings, "definition", "blocker", "comes with the same templates");
    has(&found(user, &format!("{CHECK} --set configMap=more,namespace=nowhere")), "namespace", "blocker", "not there");

    cluster::create::<ConfigMap>(&user.namespace, json!({"metadata": {"name": "shared"}}));
    let shared = format!("{CHECK} --set configMap=shared");
    has(&found(user, &shared), "ownership", "blocker", "belongs to no release");
    has(&found(user, &format!("{shared} --take-ownership")), "ownership", "warning", "takes it over");

    let quota = json!({"metadata": {"name": "few"}, "spec": {"hard": {"count/configmaps": "1"}}});
    cluster::create::<ResourceQuota>(&user.namespace, quota);
    let line = format!("{CHECK} --set configMap=more");
    user.waits_for(|| {
        found(user, &line).iter().any(|one| one.0 == "admission" && one.2.contains("told by the check quota"))
    });
    has(&found(user, &line), "quota", "blocker", "ResourceQuota/few allows 1 count/configmaps");
    user.types(&line).exits(3);
    user.types(&format!("{line} --accept quota --accept way-back")).exits(0);
}

fn an_immutable_secret_is_told_without_its_content(user: &User) {
    user.does("helm install web refused");
    let line = format!("{CHECK} --set secret=xyzzy-plugh-42");
    let shown = user.types(&line);
    has(&found(user, &line), "immutable", "blocker", "data may not change");
    for content in ["xyzzy", "eHl6enk", "first content", "Zmlyc3Q"] {
        assert!(!shown.stdout.contains(content) && !shown.stderr.contains(content), "{}", shown.stdout);
    }
}

fn fields_of_others_are_told(user: &User) {
    user.does("helm install web refused");
    cluster::merge::<ConfigMap>(&user.namespace, "web", json!({"data": {"note": "by hand"}}));
    let findings = found(user, CHECK);
    if user.helm == Helm::V3 {
        return passes(&findings, "field-conflict");
    }
    has(&findings, "field-conflict", "blocker", "owns a field that the chart sets");
    passes(&found(user, &format!("{CHECK} --force-conflicts")), "field-conflict");
}

fn what_may_not_be_tried_is_not_known(user: &User) {
    user.does("helm install web refused");
    allow(user, "viewer", &[("", "secrets", &["get", "list"])]);
    let line = format!("{CHECK} --set note=2 --kube-as-user viewer");
    user.types(&line).exits(3);
    let findings = found(user, &line);
    for check in ["admission", "invalid", "immutable"] {
        has(&findings, check, "unknown", "can't be told");
    }
    has(&findings, "namespace", "unknown", "you may not create secrets");
}

fn a_first_installation_is_tried_too(user: &User) {
    let line = format!("{CHECK} --install");
    let findings = found(user, &line);
    ALL.iter().for_each(|check| passes(&findings, check));
    has(&found(user, &format!("{line} --set replicas=-1")), "invalid", "blocker", "spec.replicas");
    user.copies("refused", "with-crds");
    let definition = user.does("helm template web refused --set definition=true --show-only templates/objects.yaml");
    let definition = definition.split("---\n").find(|part| part.contains("CustomResourceDefinition")).unwrap();
    user.writes("with-crds/crds/widgets.yaml", definition);
    let line = line.replace("refused", "with-crds");
    passes(&found(user, &format!("{line} --set widget=true")), "definition");
    let findings = found(user, &format!("{line} --set widget=true --skip-crds"));
    has(&findings, "definition", "blocker", "is in the chart's crds/widgets.yaml");
    let nowhere = line.replace("check", "check -n nowhere");
    has(&found(user, &nowhere), "namespace", "blocker", "not there");
    has(&found(user, &format!("{nowhere} --create-namespace")), "admission", "unknown", "can't be told");
}

fn a_policy_and_a_namespace_that_goes_stop_the_upgrade(user: &User) {
    user.does("helm install web refused");
    // What a finalizer holds keeps a namespace on its way out.
    let other = user.makes_another_namespace();
    let held = json!({"metadata": {"name": "held", "finalizers": ["example.com/held"]}});
    cluster::create::<ConfigMap>(&other, held);
    cluster::remove_namespace(&other);
    let line = format!("{CHECK} --set configMap=more,namespace={other}");
    has(&found(user, &line), "namespace", "blocker", "it is on its way out, and takes nothing new");
    user.types(&line).exits(3);
    cluster::merge::<ConfigMap>(&other, "held", json!({"metadata": {"finalizers": null}}));

    let name = format!("no-notes-{}", user.namespace);
    let policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
    let rules = json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}]);
    let validations =
        json!([{"expression": "object.data.note != 'denied'", "message": "notes of this kind are not taken"}]);
    let spec =
        json!({"failurePolicy": "Fail", "matchConstraints": {"resourceRules": rules}, "validations": validations});
    cluster::post(policies, &json!({"metadata": {"name": name}, "spec": spec}));
    let here = json!({"matchLabels": {"kubernetes.io/metadata.name": user.namespace}});
    let spec =
        json!({"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": here}});
    let bindings = format!("{policies}bindings").replace("policiesbindings", "policybindings");
    cluster::post(&bindings, &json!({"metadata": {"name": name}, "spec": spec}));
    let line = format!("{CHECK} --set note=denied");
    user.waits_for(|| {
        found(user, &line).iter().any(|one| one.0 == "admission" && one.2.contains("notes of this kind are not taken"))
    });
    user.types(&line).exits(3);
    passes(&found(user, &format!("{CHECK} --set note=allowed")), "admission");
    cluster::remove(&format!("{bindings}/{name}"));
    cluster::remove(&format!("{policies}/{name}"));
}

//! What the user may do of what the upgrade and going back need, and which rights they may give away.

use serde_json::{Value, json};

use crate::cluster;
use crate::environment::Helm;
use crate::findings::{allow, found, has, passes};
use crate::user::User;

stories![
    nobody_gives_away_what_they_do_not_have,
    a_binding_gives_what_its_role_gives,
    going_back_to_an_older_revision_needs_rights_of_its_own,
    rights_on_the_releases_own_objects_are_enough,
];

const CHECK: &str = "helm safe-upgrade check web app --set tag=2 -o json";
const ALL: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];
const ROLE: &str = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: web}\nrules: [{apiGroups: [\"\"], resources: [secrets], verbs: [{{ .Values.verb | default \"get\" }}]}]\n";
const BINDING: &str = "{{ if .Values.extra.on }}\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: web}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{ .Values.extra.role }}}\nsubjects: [{kind: ServiceAccount, name: default}]\n{{ end }}\n";

/// Somebody who may upgrade, and bind and write roles, but who has no more rights than these to give.
fn deployer(user: &User, who: &str, more: &[(&str, &str, &[&str])]) {
    let roles = "rbac.authorization.k8s.io";
    let rules = [
        ("", "secrets", &["create", "delete", "get", "list", "update"][..]),
        ("", "pods", ALL),
        ("", "pods/log", ALL),
        ("", "events", ALL),
        ("apps", "deployments", ALL),
        ("apps", "replicasets", ALL),
        (roles, "roles", ALL),
        (roles, "rolebindings", ALL),
        ("coordination.k8s.io", "leases", ALL),
    ];
    let rules: Vec<_> = rules.into_iter().chain(more.iter().copied()).collect();
    allow(user, who, &rules);
}

fn nobody_gives_away_what_they_do_not_have(user: &User) {
    user.has_web(&[("role", ROLE)]);
    passes(&found(user, &format!("{CHECK} --set verb=watch")), "escalation");
    deployer(user, "deployer", &[]);
    let as_deployer = format!("{CHECK} --kube-as-user deployer");
    // A role that does not change gives nothing; what they have themselves they may give.
    passes(&found(user, &as_deployer), "escalation");
    passes(&found(user, &format!("{as_deployer} --set verb=list")), "escalation");
    let findings = found(user, &format!("{as_deployer} --set verb=watch"));
    has(&findings, "escalation", "blocker", "it gives a right that you do not have: the server refuses it");
    let shown = user.types("helm upgrade web app --set tag=2 --set verb=watch --kube-as-user deployer");
    assert!(shown.stderr.contains("attempting to grant RBAC permissions not currently held"), "{}", shown.stderr);
    deployer(user, "owner", &[("rbac.authorization.k8s.io", "roles", &["escalate"])]);
    passes(&found(user, &format!("{CHECK} --set verb=watch --kube-as-user owner")), "escalation");
}

fn a_binding_gives_what_its_role_gives(user: &User) {
    user.has_web(&[("binding", BINDING)]);
    deployer(user, "deployer", &[]);
    let to = |role: &str| format!("{CHECK} --set extra.on=true --set extra.role={role} --kube-as-user deployer");
    has(&found(user, &to("view")), "escalation", "unknown", "whether you have all the rights");
    passes(&found(user, &to("view").replace(" --kube-as-user deployer", "")), "escalation");
    deployer(user, "binder", &[("rbac.authorization.k8s.io", "clusterroles", &["bind"])]);
    passes(&found(user, &to("view").replace("as-user deployer", "as-user binder")), "escalation");
}

fn going_back_to_an_older_revision_needs_rights_of_its_own(user: &User) {
    let config = "{{ if .Values.extra.on }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {a: b}\n{{ end }}\n";
    user.has_an_app(&[("config", config)]);
    user.types("helm safe-upgrade web app --install --yes --set extra.on=true").exits(0);
    // Revision 2 is not proven, so a failure leads back to revision 1, which has an object more.
    user.does("helm upgrade web app --set tag=unready");
    deployer(user, "deployer", &[("", "configmaps", &["get"])]);
    let findings = found(user, &format!("{CHECK} --kube-as-user deployer"));
    // What is applied at the server is patched even where it is made.
    let verbs = if user.helm == Helm::V3 { "create" } else { "create, patch" };
    has(&findings, "rights", "blocker", &format!("you may not {verbs} configmaps"));
    passes(&found(user, CHECK), "rights");
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {tag: \"{{ .Values.tag }}\"}\n";
const HOOK: &str = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {helm.sh/hook: pre-upgrade}}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: \"example.com/app:1\"}]}}}\n";

/// Somebody who may change objects of these names only, and may besides do this with all of a kind.
fn owner(user: &User, who: &str, of_all: &[(&str, &str, &[&str])]) {
    let named = [("", "configmaps", "web"), ("apps", "deployments", "web"), ("batch", "jobs", "migrate")];
    let verbs = ["delete", "get", "list", "patch", "update", "watch"];
    let mut rules: Vec<Value> = named
        .iter()
        .map(|(group, resource, name)| json!({"apiGroups": [group], "resources": [resource], "resourceNames": [name], "verbs": verbs}))
        .collect();
    let around = [
        ("", "secrets", ALL),
        ("", "pods", ALL),
        ("", "pods/log", ALL),
        ("", "events", ALL),
        ("", "persistentvolumeclaims", ALL),
        ("apps", "replicasets", ALL),
        ("apps", "deployments", &["list", "watch"]),
        ("batch", "jobs", &["create"]),
        ("coordination.k8s.io", "leases", ALL),
    ];
    let of_all = around.iter().chain(of_all);
    rules.extend(
        of_all.map(|(group, resource, verbs)| json!({"apiGroups": [group], "resources": [resource], "verbs": verbs})),
    );
    cluster::allow(&user.namespace, who, who, &json!(rules));
}

fn rights_on_the_releases_own_objects_are_enough(user: &User) {
    user.has_web(&[("config", CONFIG), ("hook", HOOK)]);
    owner(user, "owner", &[("", "configmaps", &["list", "watch"]), ("batch", "jobs", &["list", "watch"])]);
    passes(&found(user, &format!("{CHECK} --kube-as-user owner")), "rights");
    // Helm 3 waits for the Job alone, Helm 4 watches every kind there is.
    owner(user, "narrow", &[]);
    let findings = found(user, &format!("{CHECK} --kube-as-user narrow"));
    let helm = user.types("helm upgrade web app --set tag=2 --wait --timeout 20s --kube-as-user narrow");
    if user.helm == Helm::V3 {
        assert!(!findings.iter().any(|one| one.0 == "rights" && one.1 == "blocker"), "{findings:#?}");
        helm.exits(0);
    } else {
        has(&findings, "rights", "blocker", "you may not list, watch jobs.batch");
        has(&findings, "rights", "blocker", "you may not list, watch configmaps");
        helm.exits(1);
    }
}

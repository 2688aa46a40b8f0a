//! Users who may not read everything.

use serde_json::json;

use crate::cluster;
use crate::releases::{names, rows, valid};
use crate::user::User;

stories![
    namespaces_that_may_not_be_read_are_told_and_the_others_are_read,
    who_may_list_no_namespaces_sees_their_own,
    who_may_read_nothing_is_told_so,
];

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// Lets somebody read Secrets in the user's namespace.
pub(crate) fn may_read_here(user: &User, who: &str) {
    let rules = json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]);
    cluster::allow(&user.namespace, who, who, &rules);
}

/// Lets somebody list the namespaces.
pub(crate) fn may_list_namespaces(who: &str) {
    let rules = json!([{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]}]);
    cluster::post(&format!("{RBAC}/clusterroles"), &json!({"metadata": {"name": who}, "rules": rules}));
    let binding = json!({
        "metadata": {"name": who},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": who},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": who}],
    });
    cluster::post(&format!("{RBAC}/clusterrolebindings"), &binding);
    cluster::await_right(who, &json!({"verb": "list", "group": "", "resource": "namespaces"}));
}

fn namespaces_that_may_not_be_read_are_told_and_the_others_are_read(user: &User) {
    let other = user.makes_another_namespace();
    user.has("web", "app", "1.0.0");
    user.does(&format!("helm install hidden app-1.0.0 -n {other}"));
    let who = user.namespace.clone();
    may_read_here(user, &who);
    may_list_namespaces(&who);
    let shown = user.types(&format!("helm safe-upgrade list -A -o json --kube-as-user {who} --qps 100"));
    assert_eq!(names(&shown), ["web"]);
    let document = valid(&shown, "list");
    let unreadable = document["unreadable"].as_array().unwrap();
    let hidden = unreadable.iter().find(|one| one["namespace"] == *other).expect("it is told");
    assert!(hidden["reason"].as_str().unwrap().contains("cannot list resource \"secrets\""), "{hidden}");
    assert!(!unreadable.iter().any(|one| one["namespace"] == *user.namespace), "{document:#}");
    let shown =
        user.types(&format!("helm safe-upgrade list --namespaces {},{other} --kube-as-user {who}", user.namespace));
    shown.mentions("1 release in 1 namespace: 1 deployed; 0 proven\n! namespace NAMESPACE-2 could not be read\n");
}

fn who_may_list_no_namespaces_sees_their_own(user: &User) {
    user.has("web", "app", "1.0.0");
    let who = user.namespace.clone();
    may_read_here(user, &who);
    let shown = user.types(&format!("helm safe-upgrade list -A -o json --kube-as-user {who}"));
    assert_eq!(rows(&shown).len(), 1);
    assert_eq!(valid(&shown, "list")["unreadable"][0]["namespace"], json!(null));
    let shown = user.types(&format!("helm safe-upgrade list -A --kube-as-user {who}"));
    shown.mentions("! other namespaces could not be looked at\n");
}

fn who_may_read_nothing_is_told_so(user: &User) {
    user.has("web", "app", "1.0.0");
    for line in ["list", "list -A"] {
        let shown = user.types(&format!("helm safe-upgrade {line} --kube-as-user somebody"));
        shown.explains("Error: cannot list the revisions of releases: ").explains("cannot list resource \"secrets\"");
    }
}

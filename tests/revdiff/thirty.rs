//! A release with many revisions, of which only those that are needed are read.

use serde_json::json;

use crate::agreement::agrees_with_helm_get;
use crate::cluster;
use crate::user::User;

stories!(thirty_revisions);

fn thirty_revisions(user: &User) {
    user.writes("upgrade.sh", "for number in $(seq 30); do\n  helm upgrade --install web parts --history-max 0 --set-string configMaps.settings.number=$number || exit\ndone\n");
    user.does(". ./upgrade.sh");

    user.types("helm revdiff web").mentions("revision 29 → 30").mentions("-  number: \"29\"\n+  number: \"30\"\n");
    user.types("helm revdiff web 3").mentions("revision 3 → 30");
    user.types("helm revdiff web 9 10").mentions("revision 9 → 10");
    user.types("helm revdiff web 31").fails(
        r#"
        Error: release "web" in namespace "NAMESPACE" has no revision 31
        Hint: there are the revisions 1–30
        "#,
    );
    agrees_with_helm_get(user, "web", 3, 7);

    // Who names both revisions needs no right to anything else.
    let name = "two-revisions";
    let secrets = [3, 7, 40].map(|revision| format!("sh.helm.release.v1.web.v{revision}"));
    let rule = json!({"apiGroups": [""], "resources": ["secrets"], "resourceNames": secrets, "verbs": ["get"]});
    cluster::allow(&user.namespace, name, "viewer", &json!([rule]));
    user.types("helm revdiff web 3 7 --kube-context viewer").mentions("-  number: \"3\"\n+  number: \"7\"\n");
    user.types("helm revdiff web 3 8 --kube-context viewer").fails(
        r#"
        Error: cannot read revision 8 of release "web": user "viewer" cannot get resource "secrets" "sh.helm.release.v1.web.v8" in namespace "NAMESPACE"
        Hint: ask for a Role in namespace "NAMESPACE" with verbs [get list] on secrets, bound to "viewer"
        "#,
    );
    user.types("helm revdiff web 3 40 --kube-context viewer").fails(
        r#"
        Error: cannot read revision 40 of release "web": secret "sh.helm.release.v1.web.v40" not found in namespace "NAMESPACE"
        "#,
    );
    user.types("helm revdiff web --kube-context viewer").fails(
        r#"
        Error: cannot list the revisions of release "web": user "viewer" cannot list resource "secrets" in namespace "NAMESPACE"
        Hint: ask for a Role in namespace "NAMESPACE" with verbs [get list] on secrets, bound to "viewer"
        "#,
    );
}

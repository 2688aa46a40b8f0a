//! What may not be read: no check passes by it.

use serde_json::json;

use crate::cluster;
use crate::environment::Helm;
use crate::findings::{found, has, passes};
use crate::user::User;

stories![what_may_not_be_read_passes_nowhere];

const EXTRA: &str =
    "{{ if .Values.extra.on }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {a: b}\n{{ end }}\n";

/// Lets somebody list the Secrets, and read that of one revision alone.
fn may_read_one_revision(user: &User, who: &str, revision: u32) {
    let names = [format!("sh.helm.release.v1.web.v{revision}")];
    let rules = json!([
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": names},
    ]);
    cluster::allow(&user.namespace, "one", who, &rules);
}

fn what_may_not_be_read_passes_nowhere(user: &User) {
    user.has_web(&[("extra", EXTRA)]);
    user.types("helm safe-upgrade web app --set tag=missing --yes").exits(4);
    user.does("helm upgrade web app --set tag=unready");
    assert_eq!(user.revisions().last().map(String::as_str), Some("4 deployed"));
    may_read_one_revision(user, "newcomer", 4);
    let line = "helm safe-upgrade check web app --set tag=2,extra.on=true -o json --kube-as-user newcomer";
    user.types(line).exits(3);
    let findings = found(user, line);
    for check in [
        "ownership",
        "admission",
        "invalid",
        "immutable",
        "known-bad",
        "rollback-api",
        "deprecated-api",
        "rehearsal",
        "irreversible",
        "rollback-hooks",
        "pod-security",
    ] {
        has(&findings, check, "unknown", "");
    }
    // Helm 3 applies nothing at the server, where fields have owners.
    match user.helm {
        Helm::V3 => passes(&findings, "field-conflict"),
        Helm::V4 => has(&findings, "field-conflict", "unknown", ""),
    }
}

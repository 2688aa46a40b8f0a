//! `helm safe-upgrade apis`.

use serde_json::{Value, json};

use crate::record::Record;
use crate::releases::valid;
use crate::user::User;

stories![api_versions_that_do_not_stay_are_found_in_what_runs];

/// Has a revision as it was stored before the cluster was upgraded.
fn is_from_an_older_cluster(user: &User, release: &str, revision: u32) {
    Record::of(user, release, revision).edit(|record| {
        let old = "---\napiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\n";
        record["manifest"] = format!("{}\n{old}{old}", record["manifest"].as_str().unwrap()).into();
    });
}

fn api_versions_that_do_not_stay_are_found_in_what_runs(user: &User) {
    user.has("web", "app", "1.0.0");
    user.has("fixed", "app", "1.0.0");
    user.does("helm uninstall fixed --keep-history");
    is_from_an_older_cluster(user, "web", 1);
    is_from_an_older_cluster(user, "fixed", 1);
    user.has("good", "app", "1.0.0");
    let of = |line: &str| valid(&user.types(&format!("helm safe-upgrade apis {line} -o json")), "apis");
    let found = |document: &Value| -> Vec<Value> {
        let rows = document["findings"].as_array().unwrap().iter();
        rows.map(|row| json!([row["name"], row["apiVersion"], row["objects"], row["removedIn"], row["removed"]]))
            .collect()
    };
    let document = of("");
    assert_eq!(found(&document), [json!(["web", "policy/v1beta1", 2, "1.25", true])]);
    assert_eq!((&document["lookedAt"], &document["findings"][0]["replacement"]), (&json!(2), &json!("policy/v1")));
    let before = of("--kube-version 1.24");
    assert_eq!(found(&before), [json!(["web", "policy/v1beta1", 2, "1.25", false])]);
    assert!(of("-A")["lookedAt"].as_u64().unwrap() >= 2);
    user.types("helm safe-upgrade apis --detailed-exitcode").exits(2);
    user.types("helm safe-upgrade apis --detailed-exitcode --kube-version v1.24.3").exits(0);
    user.types("helm safe-upgrade apis").mentions("1 of 2 releases has API versions that the server does not serve\n");
    user.types("helm safe-upgrade apis --kube-version 1.99").explains("this program knows versions up to 1.");
    Record::of(user, "good", 1).put(b"?");
    user.types("helm safe-upgrade apis").mentions("is no usable record: its payload is not base64");
}

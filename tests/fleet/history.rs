//! `helm safe-upgrade history` and `prune` over many releases.

use k8s_openapi::api::core::v1::Secret;
use serde_json::Value;

use crate::access::{may_list_namespaces, may_read_here};
use crate::cluster;
use crate::record::Record;
use crate::releases::valid;
use crate::user::User;

stories![
    what_happened_to_many_releases_is_listed_as_it_happened,
    old_revisions_are_pruned_where_the_user_may_and_the_rest_is_told,
];

/// Release and revision of each row.
fn revisions(document: &Value) -> Vec<(String, u64)> {
    let rows = document["revisions"].as_array().unwrap().iter();
    rows.map(|row| (row["release"].as_str().unwrap().to_owned(), row["revision"].as_u64().unwrap())).collect()
}

fn what_happened_to_many_releases_is_listed_as_it_happened(user: &User) {
    let other = user.makes_another_namespace();
    user.has("web", "app", "1.0.0");
    user.has("api", "app", "1.0.0");
    user.fails_at("web", "app", "1.1.0");
    user.does(&format!("helm install web app-1.0.0 -n {other}"));
    let of = |line: &str| valid(&user.types(&format!("helm safe-upgrade history {line} -o json")), "fleet-history");
    let row = |release: &str, revision| (release.to_owned(), revision);
    assert_eq!(revisions(&of("")), [row("web", 1), row("api", 1), row("web", 2)]);
    let both = format!("--namespaces {},{other}", user.namespace);
    assert_eq!(revisions(&of(&format!("web {both}"))), [row("web", 1), row("web", 2), row("web", 1)]);
    let newest = of("--max 2");
    assert_eq!((revisions(&newest), newest["older"].as_u64()), (vec![row("api", 1), row("web", 2)], Some(1)));
    assert_eq!(
        (&newest["revisions"][1]["status"], &newest["revisions"][1]["chart"]),
        (&"failed".into(), &"app".into())
    );
    assert_eq!(revisions(&of("--since 1h")).len(), 3);
    assert!(revisions(&of("-A --since 1h --max 0")).len() >= 4);
    user.types("helm safe-upgrade history --max 2").mentions("\n1 older revision: --max 0 shows all\n");
    Record::of(user, "api", 1).put(b"?");
    user.types("helm safe-upgrade history").mentions("is no usable record: its payload is not base64");
    user.types("helm safe-upgrade history -o markdown").mentions("<table>\n<tr><th>UPDATED</th>");
    // One release is told as ever.
    assert_eq!(valid(&user.types("helm safe-upgrade history web -o json"), "history")["release"], "web");
}

fn old_revisions_are_pruned_where_the_user_may_and_the_rest_is_told(user: &User) {
    let other = user.makes_another_namespace();
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        user.has("web", "app", version);
    }
    user.does(&format!("helm install web app-1.0.0 -n {other}"));
    let who = user.namespace.clone();
    may_read_here(user, &who);
    may_list_namespaces(&who);
    let line = format!("helm safe-upgrade prune -A --keep 1 --dry-run --kube-as-user {who} --qps 100");
    let document = valid(&user.types(&format!("{line} -o json")), "prune");
    assert_eq!(document["releases"].as_array().unwrap().len(), 1);
    assert_eq!(document["releases"][0]["revisions"][0]["stays"], Value::Null);
    let unreadable = document["unreadable"].as_array().unwrap();
    assert!(unreadable.iter().any(|one| one["namespace"] == *other), "{document:#}");
    user.types(&line).mentions("namespaces could not be read: ");
    user.does("helm safe-upgrade prune --keep 1 --yes");
    assert!(cluster::find::<Secret>(&user.namespace, "sh.helm.release.v1.web.v1").is_none());
    assert!(cluster::find::<Secret>(&user.namespace, "sh.helm.release.v1.web.v3").is_some());
}

//! Old revisions of many releases, and those that something under way still needs.

use serde_json::json;

use crate::cluster;
use crate::user::User;

stories![the_way_back_of_a_canary_is_not_pruned];

fn the_way_back_of_a_canary_is_not_pruned(user: &User) {
    user.does("helm install web parts");
    for number in 1..4 {
        user.does(&format!("helm upgrade web parts --set extra={number}"));
    }
    let (secrets, name) = (format!("/api/v1/namespaces/{}/secrets", user.namespace), "helm-safe-upgrade.canary.web");
    let canary =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"canary.json": "{}"}});
    cluster::post(&secrets, &canary);
    let count = || user.does("helm history web -o json").matches("\"revision\"").count();
    let all = user.does("helm safe-upgrade prune -A --keep 1 --dry-run");
    let row = all.lines().find(|line| line.starts_with(&format!("{} ", user.namespace))).unwrap();
    assert!(row.ends_with("a canary is under way"), "{row}");
    user.types("helm safe-upgrade prune --keep 1 --yes").mentions("left alone: a canary is under way");
    assert_eq!(count(), 4);
    cluster::remove(&format!("{secrets}/{name}"));
    user.types("helm safe-upgrade prune --keep 1 --yes").mentions("deleted 2 revisions of 1 release");
    assert_eq!(count(), 2);
}

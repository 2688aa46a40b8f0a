//! `helm safe-upgrade needs-upgrade`.

use serde_json::{Value, json};

use crate::releases::valid;
use crate::servers::Server;
use crate::user::User;

stories![
    releases_older_than_the_newest_in_a_repository_are_listed,
    the_target_may_be_a_version_or_a_chart,
    pre_releases_count_where_they_are_wanted,
];

/// Writes the index of a repository, as `helm repo update` leaves it.
fn has_an_index(user: &User, repository: &str, versions: &[&str]) {
    user.exports("HELM_REPOSITORY_CACHE", user.folder.join("cache").to_str().unwrap());
    let listed: String = versions.iter().map(|version| format!("  - name: nginx\n    version: {version}\n")).collect();
    user.writes(&format!("cache/{repository}-index.yaml"), &format!("apiVersion: v1\nentries:\n  nginx:\n{listed}"));
}

/// Name, version, part, by how much, versions in between.
fn behind(document: &Value) -> Vec<Value> {
    let rows = document["releases"].as_array().unwrap().iter();
    rows.map(|row| json!([row["name"], row["version"], row["behind"], row["by"], row["versions"]])).collect()
}

fn releases_older_than_the_newest_in_a_repository_are_listed(user: &User) {
    has_an_index(user, "stable", &["1.9.0", "1.9.1", "1.10.0", "2.0.0", "2.1.0-rc.1"]);
    has_an_index(user, "old", &["1.9.0"]);
    user.has("web", "nginx", "1.10.0");
    user.has("api", "nginx", "1.9.0");
    user.fails_at("api", "nginx", "2.0.0");
    user.has("new", "nginx", "2.0.0");
    user.has("newer", "nginx", "3.0.0");
    user.has("other", "redis", "1.0.0");
    let of =
        |line: &str| valid(&user.types(&format!("helm safe-upgrade needs-upgrade {line} -o json")), "needs-upgrade");
    let document = of("nginx");
    assert_eq!(behind(&document), [json!(["api", "1.9.0", "major", 1, 3]), json!(["web", "1.10.0", "major", 1, 1])]);
    assert_eq!((&document["target"], &document["source"]), (&json!("2.0.0"), &json!("the newest in stable")));
    assert_eq!((&document["upToDate"], &document["newer"]), (&json!(2), &json!(1)));
    assert_eq!(behind(&of("stable/nginx")), behind(&document));
    assert_eq!(behind(&of("old/nginx")), Vec::<Value>::new());
    assert_eq!(of("nginx -A")["target"], "2.0.0");
    let shown = user.types("helm safe-upgrade needs-upgrade nginx");
    shown.mentions("nginx 2.0.0 is the newest in stable, as it was ");
    shown.mentions(" ago\n2 of 4 releases are older: 2 by major\n");
    shown.mentions("1 major, 3 versions  failed");
    user.types("helm safe-upgrade needs-upgrade nginx --detailed-exitcode").exits(2);
    user.types("helm safe-upgrade needs-upgrade old/nginx --detailed-exitcode").exits(0);
    user.types("helm safe-upgrade needs-upgrade redis")
        .explains("Error: cannot tell which versions the chart \"redis\" has: no index");
    user.types("helm safe-upgrade needs-upgrade none/nginx")
        .explains("Hint: helm repo add and helm repo update fetch indexes");
}

fn the_target_may_be_a_version_or_a_chart(user: &User) {
    user.exports("HELM_REPOSITORY_CACHE", user.folder.join("cache").to_str().unwrap());
    user.has("web", "nginx", "1.9.0");
    user.has("api", "nginx", "1.9.5");
    let of = |line: &str| behind(&user.types(&format!("helm safe-upgrade needs-upgrade {line} -o json")).json());
    assert_eq!(of("nginx --target 1.9.5"), [json!(["web", "1.9.0", "patch", 5, null])]);
    let folder = user.has_chart("nginx", "1.11.0");
    let both = [json!(["web", "1.9.0", "minor", 2, null]), json!(["api", "1.9.5", "minor", 2, null])];
    assert_eq!(of(&folder), both);
    user.does(&format!("helm package {folder}"));
    assert_eq!(of("nginx-1.11.0.tgz"), both);
    let server = Server::of_files(&user.folder);
    assert_eq!(of(&format!("http://{}/nginx-1.11.0.tgz", server.address())), both);
    let shown = user.types("helm safe-upgrade needs-upgrade nginx --target '^2'");
    shown.explains("it is no semantic version").explains("Hint: name one version, as in --target 18.2.0");
    user.types("helm safe-upgrade needs-upgrade nginx --target 1.9.0")
        .mentions("nginx 1.9.0\nnothing is older: 2 releases of nginx\n");
}

fn pre_releases_count_where_they_are_wanted(user: &User) {
    has_an_index(user, "stable", &["1.0.0", "1.1.0-rc.1", "1.1.0-rc.2"]);
    user.has("web", "nginx", "1.0.0");
    user.has("api", "nginx", "1.1.0-rc.1");
    let of = |line: &str| behind(&user.types(&format!("helm safe-upgrade needs-upgrade {line} -o json")).json());
    assert_eq!(of("nginx"), Vec::<Value>::new());
    let both = [json!(["web", "1.0.0", "minor", 1, 2]), json!(["api", "1.1.0-rc.1", "pre-release", 1, 1])];
    assert_eq!(of("nginx --devel"), both);
    assert_eq!(of("nginx --target 1.1.0-rc.2"), both);
}

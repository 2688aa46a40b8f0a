//! `helm safe-upgrade versions`.

use serde_json::json;

use crate::record::Record;
use crate::releases::valid;
use crate::user::User;

stories![
    the_versions_of_a_chart_are_counted_where_they_run,
    releases_are_put_together_by_what_is_asked_for,
    what_could_not_be_read_is_told_beside_a_plain_map,
];

/// Releases of two charts, of which one upgrade has failed.
fn has_some(user: &User) {
    user.has("web", "nginx", "1.9.0");
    user.has("api", "nginx", "1.10.0");
    user.has("blog", "nginx", "1.9.0");
    user.fails_at("blog", "nginx", "1.10.0");
    user.has("cache", "redis", "2.0.0-rc.1");
    user.has("gone", "nginx", "1.0.0");
    user.does("helm uninstall gone --keep-history");
}

fn the_versions_of_a_chart_are_counted_where_they_run(user: &User) {
    has_some(user);
    let of = |line: &str| valid(&user.types(&format!("helm safe-upgrade versions {line} -o json")), "versions");
    assert_eq!(of("nginx"), json!({"1.10.0": 1, "1.9.0": 2}));
    assert_eq!(of("bitnami/nginx"), of("nginx"));
    assert_eq!(of("none"), json!({}));
    assert_eq!(of(""), json!({"nginx": {"1.10.0": 1, "1.9.0": 2}, "redis": {"2.0.0-rc.1": 1}}));
    let printed = user.does("helm safe-upgrade versions nginx -o json");
    assert!(printed.find("1.10.0") < printed.find("1.9.0"), "the newest first: {printed}");
    let shown = user.types("helm safe-upgrade versions nginx");
    shown
        .mentions("nginx  3 releases in 1 namespace, 2 versions\n")
        .mentions("  1.10.0  1  ▓")
        .mentions("  1.9.0   2  ▓░");
    shown.mentions("\n▓ 2 not proven   ░ 1 failed or pending\n");
    user.types("helm safe-upgrade versions none").shows("there are no releases of the chart none\n");
}

fn releases_are_put_together_by_what_is_asked_for(user: &User) {
    has_some(user);
    let other = user.makes_another_namespace();
    user.does(&format!("helm install web nginx-1.9.0 -n {other}"));
    let of = |line: &str| valid(&user.types(&format!("helm safe-upgrade versions {line} -o json")), "versions");
    let both = format!("--namespaces {},{other}", user.namespace);
    assert_eq!(
        of(&format!("nginx --by namespace {both}")),
        json!({user.namespace.clone(): {"1.10.0": 1, "1.9.0": 2}, other.clone(): {"1.9.0": 1}})
    );
    assert_eq!(of("nginx --by app-version"), json!({"9.1.10.0": {"1.10.0": 1}, "9.1.9.0": {"1.9.0": 2}}));
    assert_eq!(of("nginx --by status"), json!({"deployed": {"1.10.0": 1, "1.9.0": 1}, "failed": {"1.9.0": 1}}));
    assert_eq!(of("redis --by mark"), json!({"not proven": {"2.0.0-rc.1": 1}}));
    assert_eq!(of("--by context --contexts admin")["admin"]["redis-2.0.0-rc.1"], json!(1));
    let everywhere = of("nginx -A");
    assert!(everywhere["1.9.0"].as_u64().unwrap() >= 3, "{everywhere}");
}

fn what_could_not_be_read_is_told_beside_a_plain_map(user: &User) {
    user.has("web", "nginx", "1.9.0");
    user.has("bad", "nginx", "1.9.0");
    Record::of(user, "bad", 1).put(b"?");
    let shown =
        user.types(&format!("helm safe-upgrade versions nginx -o json --contexts admin,nobody -n {}", user.namespace));
    assert_eq!(shown.json(), json!({"1.9.0": 1}));
    let bad = format!("! 1 record could not be read: {}/bad\n", user.namespace);
    assert!(shown.stderr.contains(&bad) && shown.stderr.contains("! context nobody: not read: "), "{}", shown.stderr);
    user.types("helm safe-upgrade versions nginx").mentions("! 1 record could not be read: NAMESPACE/bad\n");
}

//! `helm safe-upgrade list`.

use serde_json::{Value, json};

use crate::record::Record;
use crate::releases::{ANY, by_name, names, rows};
use crate::user::User;

stories![
    it_says_of_each_release_what_helm_says,
    a_filter_takes_what_it_names,
    labels_select_by_the_last_revision,
    a_damaged_record_is_told_and_stops_nothing,
    what_a_chart_says_of_itself_steers_no_terminal,
    several_contexts_are_looked_at_together,
];

/// The fields that `helm list` has too.
const HELMS: [&str; 7] = ["name", "namespace", "revision", "updated", "status", "chart", "app_version"];

fn it_says_of_each_release_what_helm_says(user: &User) {
    let other = user.makes_another_namespace();
    user.has("web", "nginx", "1.2.0");
    user.has("web", "nginx", "1.10.0-rc.1");
    user.has("api", "api", "0.1.0");
    user.fails_at("api", "api", "0.2.0");
    user.fails_at("never", "api", "0.2.0");
    user.has("gone", "api", "0.1.0");
    user.does("helm uninstall gone --keep-history");
    user.has("stuck", "api", "0.1.0");
    Record::of(user, "stuck", 1).edit(|release| release["info"]["status"] = "pending-upgrade".into());
    Record::of(user, "stuck", 1).label("status", "pending-upgrade");
    user.has("old", "api", "0.1.0");
    Record::of(user, "old", 1)
        .edit(|release| release["info"]["last_deployed"] = "2026-03-01T10:00:00.120+02:00".into());
    user.does(&format!("helm upgrade --install elsewhere api-0.1.0 -n {other}"));
    for zone in ["UTC", "Europe/Helsinki"] {
        user.exports("TZ", zone);
        let mut helms = Vec::new();
        for namespace in [&user.namespace, &other] {
            let listed: Value = serde_json::from_str(&user.does(&format!("helm list -n {namespace} {ANY}"))).unwrap();
            helms.extend(listed.as_array().unwrap().clone());
        }
        let helms = by_name(&helms);
        assert_eq!(helms.len(), 7);
        for line in ["list -A -o json".to_owned(), format!("list --namespaces {},{other} -o json", user.namespace)] {
            let ours = rows(&user.types(&format!("helm safe-upgrade {line}")));
            for (of, helms) in &helms {
                for field in HELMS {
                    assert_eq!(ours[of][field], helms[field], "{field} of {of:?} by {line}");
                }
            }
        }
    }
    let ours = rows(&user.types("helm safe-upgrade list -o json"));
    assert_eq!(ours.len(), 6, "those of one namespace: {:?}", ours.keys());
    let of = |name: &str| &ours[&(user.namespace.clone(), name.to_owned())];
    assert_eq!(of("api")["deployed"]["chart"], "api-0.1.0");
    assert_eq!((&of("api")["revisions"], &of("web")["deployed"]), (&json!(2), &Value::Null));
    let shown = user.types("helm safe-upgrade list");
    shown.mentions("1 is deployed: api-0.1.0").mentions("6 releases in 1 namespace: 2 deployed, 2 failed, ");
}

fn a_filter_takes_what_it_names(user: &User) {
    user.has("web", "nginx", "1.0.0");
    user.has("api", "nginx", "1.0.0");
    user.fails_at("api", "nginx", "1.1.0");
    user.has("stuck", "nginx", "1.0.0");
    Record::of(user, "stuck", 1).edit(|release| release["info"]["status"] = "pending-upgrade".into());
    Record::of(user, "stuck", 1).label("status", "pending-upgrade");
    user.has_chart("good", "1.0.0");
    user.types("helm safe-upgrade good good-1.0.0 --install --yes").exits(0);
    Record::of(user, "web", 1).edit(|release| release["info"]["last_deployed"] = "2025-03-01T10:00:00Z".into());
    let list = |flags: &str| names(&user.types(&format!("helm safe-upgrade list -A -o json {flags}")));
    assert_eq!(list(""), ["api", "good", "stuck", "web"]);
    assert_eq!(list("--failed"), ["api"]);
    assert_eq!(list("--pending"), ["stuck"]);
    assert_eq!(list("--pending --failed"), ["api", "stuck"]);
    assert_eq!(list("--unproven"), ["api", "stuck", "web"]);
    assert_eq!(list("--older-than 30d"), ["web"]);
    assert_eq!(list("--older-than 30d --failed"), [""; 0]);
    user.types("helm safe-upgrade list --older-than 30d --failed").shows("there are no such releases\n");
    user.types("helm safe-upgrade list -q --pending --failed").shows("api\nstuck\n");
    user.types("helm safe-upgrade list --older-than 30").exits(1);
    user.types("helm safe-upgrade list").mentions("1 failed, 1 pending-upgrade; 1 proven");
}

fn labels_select_by_the_last_revision(user: &User) {
    user.has_chart("app", "1.0.0");
    user.does("helm upgrade --install web app-1.0.0 --labels team=shop");
    user.does("helm upgrade --install web app-1.0.0 --labels team=blog");
    user.does("helm upgrade --install api app-1.0.0 --labels team=shop");
    let list = |labels: &str| names(&user.types(&format!("helm safe-upgrade list -o json -l '{labels}'")));
    assert_eq!(list("team=shop"), ["api"]);
    assert_eq!(list("team=blog"), ["web"]);
    assert_eq!(list("team in (shop,blog)"), ["api", "web"]);
    assert_eq!(list("team!=blog"), ["api"]);
    let helms = user.does("helm list -l team=shop -q");
    assert_eq!(helms.trim(), "api");
    let shown = user.types("helm safe-upgrade list -l '=x'");
    shown.explains("Error: \"=x\" is no label selector: ").explains("Hint: as in -l team=shop,tier!=test");
}

fn a_damaged_record_is_told_and_stops_nothing(user: &User) {
    for release in ["web", "api", "bare"] {
        user.has(release, "app", "1.0.0");
    }
    Record::of(user, "api", 1).put(b"?");
    Record::of(user, "bare", 1).empty();
    let ours = rows(&user.types("helm safe-upgrade list -o json"));
    let problem = |name: &str| ours[&(user.namespace.clone(), name.to_owned())]["problem"].clone();
    assert_eq!(problem("web"), Value::Null);
    assert!(problem("api").as_str().unwrap().ends_with("is no usable record: its payload is not base64"));
    assert!(problem("bare").as_str().unwrap().ends_with("is no usable record: it has no key \"release\""));
    user.types("helm safe-upgrade list").mentions("is no usable record: its payload is not base64");
}

fn what_a_chart_says_of_itself_steers_no_terminal(user: &User) {
    user.has("web", "app", "1.0.0");
    Record::of(user, "web", 1).edit(|release| {
        release["chart"]["metadata"]["name"] = "a\u{1b}]0;x\u{7}\u{202e}".into();
        release["info"]["status"] = "deployed\u{1b}[2J".into();
    });
    for line in ["list", "list --color=always", "list -o json"] {
        let shown = user.types(&format!("helm safe-upgrade {line}"));
        shown.exits(0).keeps_quiet_about("\u{1b}]0").keeps_quiet_about("\u{1b}[2J").keeps_quiet_about("\u{202e}");
    }
    user.types("helm safe-upgrade list").mentions("a\\u{1b}]0;x\\u{7}\\u{202e}-1.0.0");
}

fn several_contexts_are_looked_at_together(user: &User) {
    user.has("web", "app", "1.0.0");
    let shown =
        user.types(&format!("helm safe-upgrade list --contexts admin,nobody --namespaces {} -o json", user.namespace));
    let document = crate::releases::valid(&shown, "list");
    assert_eq!(document["releases"][0]["context"], "admin");
    assert_eq!(document["releases"].as_array().unwrap().len(), 1);
    assert_eq!(document["unreadable"][0]["context"], "nobody");
    assert!(document["unreadable"][0]["reason"].as_str().unwrap().contains("cannot list resource"), "{document:#}");
    let shown = user.types(&format!("helm safe-upgrade list --contexts admin,nobody -n {}", user.namespace));
    shown.mentions("admin    NAMESPACE").mentions("! context nobody: not read\n");
    user.types("helm safe-upgrade list --contexts admin,none").explains("context \"none\" does not exist");
    user.types("helm safe-upgrade list --contexts nobody").explains("cannot list the revisions of releases");
}

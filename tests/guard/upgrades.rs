//! Upgrades that succeed, and those that never begin.

use crate::cluster;
use crate::record::Record;
use crate::user::User;

stories![
    an_upgrade_is_proven,
    an_installation_is_proven,
    a_namespace_is_created_where_asked,
    with_nothing_to_do_nothing_is_done,
    without_a_terminal_it_takes_yes,
    a_dry_run_changes_nothing,
    what_helm_refuses_changes_nothing,
    events_are_one_json_document_a_line,
    an_unproven_revision_without_changes_is_proven,
    a_look_never_goes_back,
    old_revisions_are_removed_after_success,
    only_the_last_revision_stays_deployed,
    values_from_standard_input_are_read_once,
    a_release_may_be_named_like_a_command,
];

fn an_upgrade_is_proven(user: &User) {
    user.has_web(&[]);
    let shown = user.types("helm safe-upgrade web app --set tag=2 --yes");
    shown.mentions("web is upgraded: revision 2 is deployed and proven");
    assert!(shown.stderr.contains("where it fails, it goes back to revision 1"), "{}", shown.stderr);
    assert!(shown.stderr.contains(&format!("helm safe-upgrade rollback web 1 -n {}", user.namespace)));
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    assert_eq!(user.proven(), [1, 2]);
    assert!(user.description(2).starts_with("Upgrade complete; proven [by "), "{}", user.description(2));
    user.left_no_lease();
}

fn an_installation_is_proven(user: &User) {
    user.has_an_app(&[]);
    user.types("helm safe-upgrade web app --yes").explains("release \"web\" not found");
    user.types("helm safe-upgrade web app --install --yes").mentions("revision 1 is deployed and proven");
    assert_eq!(user.revisions(), ["1 deployed"]);
    assert_eq!(user.proven(), [1]);
    user.left_no_lease();
}

fn a_namespace_is_created_where_asked(user: &User) {
    user.has_an_app(&[]);
    let namespace = format!("{}-new", user.namespace);
    let line = format!("helm safe-upgrade web app --install --create-namespace --yes -n {namespace}");
    user.types(&line).mentions("revision 1 is deployed and proven");
    cluster::remove_namespace(&namespace);
}

fn with_nothing_to_do_nothing_is_done(user: &User) {
    user.has_web(&[]);
    user.types("helm safe-upgrade web app").mentions("web: nothing to do; revision 1 is deployed, ready");
    user.types("helm safe-upgrade web app --detailed-exitcode").exits(2);
    assert_eq!(user.revisions(), ["1 deployed"]);
}

fn without_a_terminal_it_takes_yes(user: &User) {
    user.has_web(&[]);
    let shown = user.types("helm safe-upgrade web app --set tag=2");
    shown.exits(3);
    assert!(shown.stderr.contains("cannot upgrade release \"web\": nobody is there to confirm it"), "{}", shown.stderr);
    assert!(shown.stdout.contains("example.com/app:2"), "the diff is shown");
    assert_eq!(user.revisions(), ["1 deployed"]);
}

fn a_dry_run_changes_nothing(user: &User) {
    user.has_web(&[]);
    user.types("helm safe-upgrade web app --set tag=2 --dry-run").mentions("example.com/app:2");
    user.types("helm safe-upgrade web app --set tag=2 --dry-run=server --yes").exits(0);
    assert_eq!(user.revisions(), ["1 deployed"]);
}

fn what_helm_refuses_changes_nothing(user: &User) {
    user.has_web(&[]);
    user.writes("app/templates/bad.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_A_Name}\n");
    let shown = user.types("helm safe-upgrade web app --yes");
    assert_ne!(shown.code, Some(0), "{}{}", shown.stdout, shown.stderr);
    assert_eq!(user.revisions().last().unwrap().split(' ').nth(1), Some("deployed"));
    user.left_no_lease();
}

fn events_are_one_json_document_a_line(user: &User) {
    user.has_web(&[]);
    let shown = user.types("helm safe-upgrade web app --set tag=2 --yes -o json");
    shown.exits(0);
    let events: Vec<serde_json::Value> =
        shown.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON document")).collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    for name in ["observed", "diff", "begun", "progress", "verdict", "proven", "done"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    assert_eq!(events.last().unwrap()["ending"], "upgraded");
}

fn an_unproven_revision_without_changes_is_proven(user: &User) {
    user.has_an_app(&[]);
    user.does("helm install web app --wait");
    assert!(user.proven().is_empty());
    user.types("helm safe-upgrade web app").mentions("web: nothing to do; revision 1 is deployed");
    assert!(user.proven().is_empty(), "nobody has agreed to it");
    user.types("helm safe-upgrade web app --yes --dry-run").exits(0);
    assert!(user.proven().is_empty(), "a dry run writes nothing");
    user.types("helm safe-upgrade web app --yes").mentions("nothing to change; revision 1 is proven now");
    assert_eq!(user.revisions(), ["1 deployed"]);
    assert_eq!(user.proven(), [1]);
    user.left_no_lease();
}

fn a_look_never_goes_back(user: &User) {
    user.has_web(&[]);
    user.does("helm upgrade web app --set tag=2 --wait");
    user.types("helm safe-upgrade web app --set tag=2 --yes --gate-cmd 'exit 1'").exits(1);
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"], "what was not upgraded is not rolled back");
    assert!(user.bad().is_empty());
    user.left_no_lease();
}

fn old_revisions_are_removed_after_success(user: &User) {
    user.has_web(&[]);
    for tag in 2..5 {
        user.types(&format!("helm safe-upgrade web app --set tag={tag} --yes --keep 2")).exits(0);
    }
    assert_eq!(user.revisions(), ["3 superseded", "4 deployed"]);
}

/// Helm leaves one behind where the API server fails just when Helm writes that it is superseded.
fn only_the_last_revision_stays_deployed(user: &User) {
    user.has_web(&[]);
    user.does("helm upgrade web app --set tag=2 --wait");
    let left = Record::of(user, "web", 1);
    left.edit(|release| release["info"]["status"] = "deployed".into());
    left.label("status", "deployed");
    assert_eq!(user.revisions(), ["1 deployed", "2 deployed"]);
    user.types("helm safe-upgrade web app --set tag=3 --yes").mentions("revision 3 is deployed and proven");
    assert_eq!(user.revisions(), ["1 superseded", "2 superseded", "3 deployed"]);
    assert_eq!(user.proven(), [1, 3], "the mark of the one that was left stays");
}

fn values_from_standard_input_are_read_once(user: &User) {
    user.has_web(&[]);
    user.types("echo 'tag: from-stdin' | helm safe-upgrade web app --yes -f -").mentions("example.com/app:from-stdin");
    assert!(user.does("helm get manifest web").contains("example.com/app:from-stdin"));
    assert_eq!(user.proven(), [1, 2]);
}

fn a_release_may_be_named_like_a_command(user: &User) {
    user.has_an_app(&[]);
    user.types("helm safe-upgrade upgrade history app --install --yes").mentions("history is installed");
}

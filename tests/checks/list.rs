//! The checklist: what passes, what is found, what can't be known, and what a blocker stops.

use helm_safe_upgrade::checks::ALL;
use serde_json::json;

use crate::findings::{allow, found, has};
use crate::user::User;

stories![
    a_clean_upgrade_passes_every_check,
    a_blocker_stops_the_upgrade_unless_it_is_accepted,
    a_right_that_is_missing_is_named,
    who_may_only_read_gets_no_crash,
    a_manifest_that_failed_before_is_known,
    a_pending_release_is_said_to_be,
    a_first_installation_has_no_way_back,
    findings_are_an_event,
    checks_are_shown_in_markdown_and_json,
    no_other_word_is_a_check,
];

fn a_clean_upgrade_passes_every_check(user: &User) {
    user.has_web(&[]);
    let shown = user.types("helm safe-upgrade check web app --set tag=2");
    shown.exits(0);
    assert_eq!(shown.stdout.lines().count(), 2, "{}", shown.stdout);
    shown.mentions(&format!("checks: {0} passed\n✓ {0} passed (", ALL.len()));
    user.types("helm safe-upgrade check web app --set tag=2 --show-passed")
        .mentions("✓ pass\n")
        .mentions("a failure leads back to revision 1, which is proven");
    assert_eq!(user.revisions(), ["1 deployed"], "nothing was changed");
}

fn a_blocker_stops_the_upgrade_unless_it_is_accepted(user: &User) {
    user.has_an_app(&[]);
    // Its pods never become ready, so it is no revision to go back to.
    user.does("helm install web app --set tag=unready");
    let shown = user.types("helm safe-upgrade web app --set tag=2 --yes");
    shown.exits(3);
    assert!(shown.stderr.contains("cannot upgrade release \"web\": blocked by the check way-back"), "{}", shown.stderr);
    assert!(shown.stderr.contains("--accept way-back"), "{}", shown.stderr);
    assert!(shown.stdout.contains("✗ blocker") && shown.stdout.contains("example.com/app:2"), "{}", shown.stdout);
    assert_eq!(user.revisions(), ["1 deployed"]);
    user.types("helm safe-upgrade check web app --set tag=2").exits(3);
    user.types("helm safe-upgrade check web app --set tag=2 --accept way-back").exits(0);
    user.types("helm safe-upgrade web app --set tag=2 --yes --accept way-back").mentions("! accepted");
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    assert_eq!(user.proven(), [2]);
}

fn a_right_that_is_missing_is_named(user: &User) {
    user.has_web(&[]);
    let all = &["create", "delete", "get", "list", "patch", "update", "watch"][..];
    allow(
        user,
        "deployer",
        &[
            ("", "secrets", all),
            ("", "pods", all),
            ("apps", "deployments", &["get", "list", "watch"]),
            ("apps", "replicasets", all),
        ],
    );
    let line = "helm safe-upgrade check web app --set tag=2 -o json --kube-as-user deployer";
    user.types(line).exits(3);
    let findings = found(user, line);
    has(&findings, "rights", "blocker", "you may not patch deployments.apps in namespace");
    has(&findings, "rights", "warning", "leases.coordination.k8s.io");
    has(&findings, "rights", "warning", "pods/log");
    let blockers = findings.iter().filter(|finding| finding.1 == "blocker").count();
    assert_eq!(blockers, 1, "{findings:#?}");
}

fn who_may_only_read_gets_no_crash(user: &User) {
    user.has_web(&[]);
    allow(user, "viewer", &[("", "secrets", &["get", "list"])]);
    let line = "helm safe-upgrade check web app --set tag=2 -o json --kube-as-user viewer";
    user.types(line).exits(3);
    let findings = found(user, line);
    has(&findings, "rights", "blocker", "deployments.apps");
    has(&findings, "pending", "unknown", "leases");
    has(&findings, "pinned", "pass", "");
}

fn a_manifest_that_failed_before_is_known(user: &User) {
    user.has_web(&[]);
    user.types("helm safe-upgrade web app --set tag=missing --yes").exits(4);
    let findings = found(user, "helm safe-upgrade check web app --set tag=missing -o json");
    has(&findings, "known-bad", "warning", "the same manifest");
    let findings = found(user, "helm safe-upgrade check web app --set tag=2 -o json");
    has(&findings, "known-bad", "pass", "no bad revision has this manifest");
}

fn a_pending_release_is_said_to_be(user: &User) {
    user.has_web(&[]);
    let mut helm = user.starts("exec helm upgrade web app --set tag=unready --wait --timeout 5m");
    user.waits_for(|| user.revisions().last().is_some_and(|last| last == "2 pending-upgrade"));
    helm.kill().unwrap();
    helm.wait().unwrap();
    let line = "helm safe-upgrade check web app --set tag=2 -o json";
    has(&found(user, line), "pending", "blocker", "its status is pending-upgrade");
    user.types(line).exits(3);
    // Accepted or not: a guarded upgrade leaves it locked until it is unlocked.
    user.types("helm safe-upgrade web app --set tag=2 --yes --accept pending").exits(6);
}

fn a_first_installation_has_no_way_back(user: &User) {
    user.has_an_app(&[]);
    let line = "helm safe-upgrade check web app --install";
    user.types(line).exits(0);
    has(&found(user, &format!("{line} -o json")), "way-back", "info", "first installation");
}

fn findings_are_an_event(user: &User) {
    user.has_web(&[]);
    let shown = user.types("helm safe-upgrade web app --set tag=2 --dry-run -o json");
    let events: Vec<serde_json::Value> =
        shown.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON document")).collect();
    let event = events.iter().find(|event| event["event"] == "findings").expect("an event findings");
    assert_eq!(event["findings"].as_array().unwrap().len(), ALL.len(), "{event:#}");
    assert_eq!(event["blocked"], json!([]));
}

fn checks_are_shown_in_markdown_and_json(user: &User) {
    user.has_web(&[]);
    let passed = format!("### Checks: {} passed\n", ALL.len());
    let shown = user.types("helm safe-upgrade check web app --set tag=2 -o markdown");
    assert!(shown.exits(0).stdout.starts_with(&passed), "{}", shown.stdout);
    let shown = user.types("helm safe-upgrade web app --set tag=2 --dry-run -o markdown");
    assert!(shown.exits(0).stdout.contains(&passed), "{}", shown.stdout);
    let document = user.types("helm safe-upgrade check web app --set tag=2 -o json").json();
    let schema = serde_json::from_str(include_str!("../../docs/schema/checks.json")).unwrap();
    let problems: Vec<String> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:#?}");
    user.types("helm safe-upgrade check web app -o html").exits(1);
}

fn no_other_word_is_a_check(user: &User) {
    let shown = user.types("helm safe-upgrade check web app --accept everything");
    shown.exits(1);
    assert!(shown.stderr.contains("the checks are pending, way-back"), "{}", shown.stderr);
    assert!(shown.stderr.contains("; and of blue-green switch-owner, switch-ports"), "{}", shown.stderr);
}

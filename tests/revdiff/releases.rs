//! Releases: their history, what they hold, where they stand; those that are stuck, and what is old.

use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use serde_json::{Value, json};

use crate::cluster;
use crate::record::Record;
use crate::shown::Shown;
use crate::state;
use crate::user::User;

stories!(
    a_release_with_marks,
    a_record_that_is_damaged,
    what_a_revision_holds,
    a_release_that_does_not_exist,
    a_release_that_is_not_locked,
    an_upgrade_that_was_killed,
    a_first_installation_that_was_killed,
    an_upgrade_that_was_killed_with_config_maps,
    an_owner_that_is_dead,
    an_owner_that_is_alive,
    a_release_that_is_unlocked_without_the_right,
    old_revisions,
    old_revisions_of_releases_that_are_in_use,
    old_revisions_without_the_right_to_delete,
    labels_that_lie,
);

fn number(number: u32) -> String {
    format!("configMaps: {{settings: {{number: '{number}'}}}}")
}

fn makes_revisions(user: &User, count: u32) {
    (1..=count).for_each(|revision| user.upgrades("parts", &number(revision)));
}

/// It ended with this exit code, and this stands in what it printed to standard error.
fn says(shown: &Shown, code: i32, part: &str) {
    shown.exits(code);
    let text = shown.stderr.replace(shown.namespace(), "NAMESPACE");
    assert!(text.contains(part), "{part:?} is not in the errors of: {}\n{text}", shown.line);
}

/// What `helm history` says: revision, status, description.
fn helm_history(user: &User) -> Vec<(u64, String, String)> {
    let rows = user.types("helm history web -o json").json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| (row["revision"].as_u64().unwrap(), text(&row["status"]), text(&row["description"]))).collect()
}

/// Starts an upgrade that waits in vain, and kills it once its revision is stored.
fn kills_an_upgrade(user: &User, line: &str, stored: impl Fn() -> bool) {
    let mut helm = user.starts(&format!("exec {line} --set deployments.api.image=api:missing --wait"));
    let started = Instant::now();
    while !stored() {
        assert!(started.elapsed() < Duration::from_secs(60), "helm stores no revision");
        std::thread::sleep(Duration::from_millis(20));
    }
    helm.kill().unwrap();
    assert_eq!(helm.wait().unwrap().signal(), Some(9));
}

fn a_release_with_marks(user: &User) {
    makes_revisions(user, 3);
    state::proves(user, 1);
    state::condemns(user, 2);
    user.does("helm rollback web 1");
    // Helm has copied the labels of revision 1, and its mark speaks of revision 1 still.
    let copied: Secret = cluster::find(&user.namespace, "sh.helm.release.v1.web.v4").unwrap();
    assert!(copied.metadata.labels.unwrap()["safe-upgrade/proven"].starts_with("1."));
    let shown = user.types("helm safe-upgrade history web");
    shown.mentions("REVISION  UPDATED              STATUS      MARK    CHART");
    let rows = user.types("helm safe-upgrade history web -o json").json();
    let marks: Vec<&Value> = rows["revisions"].as_array().unwrap().iter().map(|row| &row["mark"]).collect();
    assert_eq!(marks, [&json!("proven"), &json!("bad"), &Value::Null, &Value::Null]);
    assert_eq!(rows["revisions"][0]["by"], "ann@ci");
    assert_eq!(rows["revisions"][0]["description"], "All is well");
    user.types("helm safe-upgrade history web --max 1").mentions("3 older revisions: --max 0 shows all");
    user.types("helm safe-upgrade history web -o markdown").mentions("<td>proven</td>");
    let status = user.types("helm safe-upgrade status web -o json").json();
    assert_eq!((&status["proven"], &status["bad"]), (&json!([1]), &json!([2])));
    // Revision 4 is what revision 1 was: going back to that changes nothing.
    assert_eq!(status["rollback"], Value::Null);
    user.upgrades("parts", &number(5));
    let shown = user.types("helm safe-upgrade status web");
    shown.mentions("  rollback   goes back to revision 1, which is proven\n");
    shown.mentions("  helm safe-upgrade rollback web 1 -n NAMESPACE   goes back to revision 1\n");
}

fn a_record_that_is_damaged(user: &User) {
    makes_revisions(user, 2);
    Record::of(user, "web", 1).put(b"?");
    let shown = user.types("helm safe-upgrade history web");
    shown.mentions("is no usable record: its payload is not base64").mentions("Upgrade complete");
}

fn what_a_revision_holds(user: &User) {
    let values = |number: u32| {
        format!(
            "configMaps: {{settings: {{number: '{number}'}}}}\nsecrets: {{login: {{word: kT4zPq81LmVw}}}}\nhooks: {{migrate: {{kind: ConfigMap, data: {{a: b}}}}}}\nnotes: The word is kT4zPq81LmVw."
        )
    };
    user.upgrades("parts", &values(1));
    user.upgrades("parts", &values(2));
    user.types("helm safe-upgrade show web values").shows(
        r#"
        configMaps:
          settings:
            number: "2"
        hooks:
          migrate:
            data:
              a: b
            kind: ConfigMap
        notes: The word is <masked, 12 bytes, #1>.
        secrets:
          login:
            word: <masked, 12 bytes, #1>
        "#,
    );
    let all = user.types("helm safe-upgrade show web --revision 1");
    all.mentions("number: \"1\"").mentions("# manifest\n---\n# Source: parts/templates/").mentions("name: migrate");
    all.mentions("# notes\nThe word is <masked, 12 bytes, #1>.").keeps_quiet_about("kT4zPq81LmVw");
    for part in ["values --all", "manifest", "hooks", "notes", "chart", "all"] {
        for format in ["text", "yaml", "json"] {
            let shown = user.types(&format!("helm safe-upgrade show web {part} -o {format}"));
            shown.exits(0).keeps_quiet_about("kT4zPq81LmVw").keeps_quiet_about("a1Q0elBxODFMbVZ3");
        }
    }
    assert_eq!(user.types("helm safe-upgrade show web values --all -o json").json()["addon"]["color"], "red");
    assert_eq!(user.types("helm safe-upgrade show web manifest -o json").json().as_array().unwrap().len(), 2);
    user.types("helm safe-upgrade show web notes --show-secrets").mentions("The word is kT4zPq81LmVw.");
    user.types("helm safe-upgrade show web --revision 7").explains(r#"has no revision 7"#);
}

fn a_release_that_does_not_exist(user: &User) {
    makes_revisions(user, 1);
    for command in ["history", "show", "status", "unlock", "prune"] {
        let shown = user.types(&format!("helm safe-upgrade {command} wob"));
        shown.explains(
            "Error: release \"wob\" not found in namespace \"NAMESPACE\"\nHint: releases here: web; try -n NAMESPACE",
        );
    }
}

fn a_release_that_is_not_locked(user: &User) {
    makes_revisions(user, 1);
    user.types("helm safe-upgrade unlock web --force --yes").shows(
        r#"
        web in namespace NAMESPACE: not locked: revision 1 is deployed
        "#,
    );
}

fn an_upgrade_that_was_killed(user: &User) {
    makes_revisions(user, 1);
    kills_an_upgrade(user, "helm upgrade web parts --values values.yaml", || Record::of(user, "web", 2).exists());
    user.types("helm upgrade web parts").explains("another operation (install/upgrade/rollback) is in progress");

    let shown = user.types("helm safe-upgrade unlock web");
    says(
        &shown,
        6,
        "Error: will not unlock release \"web\": nothing proves that nobody is at work on it\nHint: if you are sure: helm safe-upgrade unlock web --force -n NAMESPACE",
    );
    assert!(shown.stdout.contains("  lease      none: "), "{}", shown.stdout);
    assert!(shown.stdout.contains("objects are as in revision 1 (deployed)\n"), "{}", shown.stdout);
    let shown = user.types("helm safe-upgrade unlock web --force");
    says(
        &shown,
        3,
        "Error: cannot unlock release \"web\": there is no terminal to ask at\nHint: --yes answers the question",
    );
    assert_eq!(helm_history(user)[1].1, "pending-upgrade", "nothing was changed");

    user.types("helm safe-upgrade unlock web --force --yes").mentions("Unlocked: revision 2 is failed now.");
    let history = helm_history(user);
    assert_eq!(history[1].1, "failed");
    assert!(history[1].2.starts_with("Unlocked: was pending-upgrade, owner not known [by "), "{}", history[1].2);
    assert!(state::lease(user).is_none(), "no lease is left");
    user.upgrades("parts", &number(3));
    assert_eq!(helm_history(user)[2].1, "deployed");
}

fn a_first_installation_that_was_killed(user: &User) {
    let line = "helm upgrade --install web parts --set configMaps.settings.number=1";
    kills_an_upgrade(user, line, || Record::of(user, "web", 1).exists());
    assert_eq!(helm_history(user)[0].1, "pending-install");
    user.types("helm safe-upgrade unlock web --force --yes").mentions("Unlocked: revision 1 is failed now.");
    assert_eq!(helm_history(user)[0].1, "failed");
    user.upgrades("parts", &number(2));
    assert_eq!(helm_history(user)[1].1, "deployed");
}

fn an_upgrade_that_was_killed_with_config_maps(user: &User) {
    user.exports("HELM_DRIVER", "configmap");
    makes_revisions(user, 1);
    let name = "sh.helm.release.v1.web.v2";
    let stored = || cluster::find::<ConfigMap>(&user.namespace, name).is_some();
    kills_an_upgrade(user, "helm upgrade web parts --values values.yaml", stored);
    user.types("helm safe-upgrade unlock web --force --yes").mentions("Unlocked: revision 2 is failed now.");
    let object: ConfigMap = cluster::find(&user.namespace, name).unwrap();
    assert_eq!(object.metadata.labels.unwrap()["status"], "failed");
    assert_eq!(helm_history(user)[1].1, "failed");
    user.upgrades("parts", &number(3));
    user.types("helm safe-upgrade prune web --keep 1 --yes").mentions("deleted 1 revision of 1 release\n");
    assert!(!stored(), "revision 2 is gone; 1 is what a rollback goes back to");
    assert_eq!(helm_history(user).len(), 2);
}

/// Makes the last revision look as if it were being made.
fn stops_in_the_middle(user: &User, revision: u32) {
    let record = Record::of(user, "web", revision);
    record.edit(|release| release["info"]["status"] = json!("pending-upgrade"));
    record.label("status", "pending-upgrade");
}

fn an_owner_that_is_dead(user: &User) {
    makes_revisions(user, 2);
    stops_in_the_middle(user, 2);
    state::leaves_a_lease(user, "bob@ci:1:x", state::Owner::Dead, 1);
    let shown = user.types("helm safe-upgrade unlock web");
    says(&shown, 6, "nothing proves that nobody is at work on it");
    assert!(shown.stdout.contains("the lease is of revision 1, and not of revision 2"), "{}", shown.stdout);
    state::leaves_a_lease(user, "bob@ci:1:x", state::Owner::Dead, 2);
    let status = user.types("helm safe-upgrade status web");
    status.mentions("  at work    nobody any more; it was bob@ci (process 1), since ");
    status.mentions("  helm safe-upgrade unlock web -n NAMESPACE");
    let shown = user.types("helm safe-upgrade unlock web");
    shown.mentions("Nobody is at work: bob@ci (process 1) held the lease for revision 2 and is gone.\n");
    shown.mentions("Unlocked: revision 2 is failed now.\n");
    assert!(helm_history(user)[1].2.starts_with("Unlocked: was pending-upgrade, left by bob@ci (process 1) [by "));
    assert!(state::lease(user).is_none(), "no lease is left");
}

fn an_owner_that_is_alive(user: &User) {
    makes_revisions(user, 2);
    stops_in_the_middle(user, 2);
    state::leaves_a_lease(user, "bob@ci:1:x", state::Owner::Alive, 2);
    let shown = user.types("helm safe-upgrade unlock web --force --yes");
    says(&shown, 6, "Error: cannot unlock release \"web\": bob@ci (process 1) holds the lease and is alive\n");
    assert_eq!(helm_history(user)[1].1, "pending-upgrade");
    // Who does not renew it for 15 seconds is taken for gone.
    state::leaves_a_lease(user, "bob@ci:1:x", state::Owner::Alive, 2);
    let unlocked = serde_json::from_str::<Value>(&user.types("helm safe-upgrade unlock web -o json").stdout).unwrap();
    assert_eq!((&unlocked["ownerGone"], &unlocked["unlocked"]), (&json!(false), &json!(false)));
    assert_eq!(state::lease(user).unwrap()["spec"]["holderIdentity"], "bob@ci:1:x", "the lease is still theirs");
}

/// Lets the user `viewer` do something.
fn allow(user: &User, group: &str, resource: &str, verbs: &[&str]) {
    let name = format!("viewer-{resource}");
    let rule = json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
    cluster::allow(&user.namespace, &name, "viewer", &json!([rule]));
}

fn a_release_that_is_unlocked_without_the_right(user: &User) {
    makes_revisions(user, 2);
    stops_in_the_middle(user, 2);
    user.types("helm safe-upgrade status web --kube-context viewer").explains("verbs [get list] on secrets");
    allow(user, "", "secrets", &["get", "list"]);
    let status = user.types("helm safe-upgrade status web --kube-context viewer");
    status.mentions("  at work    not known: user \"viewer\" cannot get resource \"leases\"");
    let shown = user.types("helm safe-upgrade unlock web --kube-context viewer");
    says(&shown, 6, "nothing proves that nobody is at work on it");
    assert!(shown.stdout.contains("the lease can't be read: user \"viewer\" cannot get"), "{}", shown.stdout);
    let shown = user.types("helm safe-upgrade unlock web --kube-context viewer --force --yes");
    says(
        &shown,
        1,
        "Error: cannot write to revision 2 of release \"web\": user \"viewer\" cannot update resource \"secrets\"",
    );
    assert_eq!(helm_history(user)[1].1, "pending-upgrade");
}

fn old_revisions(user: &User) {
    makes_revisions(user, 6);
    state::proves(user, 1);
    state::proves(user, 2);
    user.types("helm safe-upgrade prune web --keep 2 --keep-proven 1 --dry-run").shows(
        r#"
        web in namespace NAMESPACE: 3 of 6 revisions may go

        REVISION  STATUS      ACTION  BECAUSE
        1         superseded  delete
        2         superseded  keep    proven
        3         superseded  delete
        4         superseded  delete
        5         superseded  keep    recent
        6         deployed    keep    deployed
        3 revisions would be deleted
        "#,
    );
    let shown = user.types("helm safe-upgrade prune web --keep 2");
    says(
        &shown,
        3,
        "Error: cannot delete 2 revisions: there is no terminal to ask at\nHint: --yes answers the question",
    );
    assert_eq!(helm_history(user).len(), 6, "nothing is gone yet");
    let young = user.types("helm safe-upgrade prune --keep 2 --keep-younger-than 1d --yes -o json").json();
    assert_eq!(young["releases"][0]["revisions"][3]["stays"], "young");
    user.types("helm safe-upgrade prune web --keep 2 --yes").mentions("deleted 2 revisions of 1 release\n");
    assert_eq!(helm_history(user).iter().map(|row| row.0).collect::<Vec<_>>(), [1, 2, 5, 6]);
    assert!(state::lease(user).is_none(), "no lease is left");
    user.types("helm safe-upgrade prune web --keep 2 --yes").mentions("0 of 4 revisions may go");
    user.does("helm rollback web 1");
}

fn old_revisions_of_releases_that_are_in_use(user: &User) {
    makes_revisions(user, 3);
    state::leaves_a_lease(user, "bob@ci:1:x", state::Owner::Alive, 3);
    let shown = user.types("helm safe-upgrade prune --keep 1 --yes");
    shown.mentions("! left alone: bob@ci (process 1) is at work on it, or has left it unfinished\n");
    state::removes_the_lease(user);
    let other = user.makes_another_namespace();
    user.does(&format!("helm install api parts -n {other}"));
    stops_in_the_middle(user, 3);
    let all = user.types("helm safe-upgrade prune -A --keep 1 --dry-run");
    all.exits(0);
    let row = all.stdout.lines().find(|line| line.starts_with(&format!("{} ", user.namespace))).unwrap();
    assert!(row.contains("revision 3 is pending-upgrade"), "{row}");
    assert_eq!(helm_history(user).len(), 3);
}

fn old_revisions_without_the_right_to_delete(user: &User) {
    makes_revisions(user, 3);
    allow(user, "", "secrets", &["get", "list"]);
    let shown = user.types("helm safe-upgrade prune web --keep 1 --yes --kube-context viewer");
    says(
        &shown,
        1,
        "Error: cannot delete revision 1 of release \"web\": user \"viewer\" cannot delete resource \"secrets\"",
    );
    assert!(shown.stdout.ends_with("nothing was deleted\n"), "{}", shown.stdout);
}

fn labels_that_lie(user: &User) {
    makes_revisions(user, 4);
    Record::of(user, "web", 4).label("status", "superseded");
    Record::of(user, "web", 3).label("status", "deployed");
    let shown = user.types("helm safe-upgrade prune web --keep 1 --yes");
    shown.mentions("! left alone: the label of revision 3 says deployed, and its record says superseded\n");
    assert_eq!(helm_history(user).len(), 4);
}

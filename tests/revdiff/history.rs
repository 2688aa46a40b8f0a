//! Which revisions are compared, whatever became of them.

use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use crate::agreement::agrees_with_helm_get;
use crate::record::Record;
use crate::user::User;

stories!(
    without_revisions_the_last_two_are_compared,
    with_one_revision_it_is_compared_with_the_deployed_one,
    two_revisions_are_compared_in_the_order_named,
    a_release_with_one_revision,
    a_release_that_never_worked,
    a_failed_revision,
    a_pending_revision,
    a_rollback,
    the_record_says_which_revision_is_deployed_and_not_the_label,
    a_release_that_does_not_exist,
    a_revision_that_does_not_exist,
    a_release_named_like_a_subcommand,
    an_uninstalled_release_that_kept_its_history,
);

/// The values of a revision: one ConfigMap with a number in it.
fn number(number: u32) -> String {
    format!("configMaps: {{settings: {{number: '{number}'}}}}")
}

/// Upgrades to a Deployment that never becomes ready, and waits in vain.
fn upgrades_in_vain(user: &User, values: &str) {
    user.writes("values.yaml", values);
    let line =
        "helm upgrade web parts --values values.yaml --set deployments.api.image=api:missing --wait --timeout 1s";
    user.types(line).exits(1);
}

fn without_revisions_the_last_two_are_compared(user: &User) {
    for revision in 1..=3 {
        user.upgrades("parts", &number(revision));
    }
    user.types("helm revdiff web").shows(
        r#"
        web in namespace NAMESPACE: revision 2 → 3
          2  superseded  parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Upgrade complete
          3  deployed    parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Upgrade complete

        1 changed, 0 added, 0 removed, 0 unchanged

        ~ ConfigMap/settings  v1  parts/templates/configmaps.yaml
        @@ -3,4 +3,4 @@ data
         metadata:
           name: settings
         data:
        -  number: "2"
        +  number: "3"

        values (user-supplied)
        @@ -1,3 +1,3 @@ configMaps.settings
         configMaps:
           settings:
        -    number: "2"
        +    number: "3"
        "#,
    );
    agrees_with_helm_get(user, "web", 2, 3);
}

fn with_one_revision_it_is_compared_with_the_deployed_one(user: &User) {
    for revision in 1..=3 {
        user.upgrades("parts", &number(revision));
    }
    upgrades_in_vain(user, &number(4));
    user.types("helm revdiff web 1").mentions("revision 1 → 3");
    // Chronological, so that the diff tells what happened.
    user.types("helm revdiff web 4").mentions("revision 3 → 4");
    user.types("helm revdiff web 3").mentions("revision 3 → 3").mentions("no changes");
}

fn two_revisions_are_compared_in_the_order_named(user: &User) {
    for revision in 1..=3 {
        user.upgrades("parts", &number(revision));
    }
    user.types("helm revdiff web 1 3").mentions("-  number: \"1\"\n+  number: \"3\"\n");
    user.types("helm revdiff web 3 1").mentions("-  number: \"3\"\n+  number: \"1\"\n");
    agrees_with_helm_get(user, "web", 1, 3);
    agrees_with_helm_get(user, "web", 3, 1);
}

fn a_release_with_one_revision(user: &User) {
    user.upgrades("parts", &number(1));
    user.types("helm revdiff web").fails(
        r#"
        Error: release "web" in namespace "NAMESPACE" has only revision 1: nothing to compare it with
        Hint: compare after the next upgrade; helm get all web shows this revision
        "#,
    );
    user.types("helm revdiff web 1").mentions("revision 1 → 1").mentions("no changes");
}

fn a_release_that_never_worked(user: &User) {
    let install = "helm install web parts --set deployments.api.image=api:missing --wait --timeout 1s";
    user.types(install).exits(1);
    user.types("helm revdiff web 1").fails(
        r#"
        Error: release "web" in namespace "NAMESPACE" has no deployed revision
        Hint: name both revisions to compare; the only revision is 1
        "#,
    );
    user.types("helm revdiff web 1 1").mentions("  1  failed  parts-1.0.0");
}

fn a_failed_revision(user: &User) {
    user.upgrades("parts", &number(1));
    upgrades_in_vain(user, &number(2));
    let shown = user.types("helm revdiff web");
    shown.mentions("  1  deployed  parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Install complete\n");
    shown.mentions("  2  failed    parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Upgrade \"web\" failed: ");
    shown.mentions("1 changed, 1 added, 0 removed, 0 unchanged").mentions("+ Deployment/api");
    agrees_with_helm_get(user, "web", 1, 2);
}

fn a_pending_revision(user: &User) {
    user.upgrades("parts", &number(1));
    user.writes("values.yaml", &number(2));
    let line = "exec helm upgrade web parts --values values.yaml --set deployments.api.image=api:missing --wait";
    let mut helm = user.starts(line);
    let started = Instant::now();
    while !Record::of(user, "web", 2).exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "helm stores no revision 2");
        std::thread::sleep(Duration::from_millis(20));
    }
    helm.kill().unwrap();
    assert_eq!(helm.wait().unwrap().signal(), Some(9));

    let shown = user.types("helm revdiff web");
    shown.mentions("  1  deployed         parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Install complete\n");
    shown.mentions("  2  pending-upgrade  parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Preparing upgrade\n");
    shown.mentions("1 changed, 1 added, 0 removed, 0 unchanged");
    user.types("helm revdiff web 2").mentions("revision 1 → 2");
    agrees_with_helm_get(user, "web", 1, 2);
}

fn a_rollback(user: &User) {
    user.upgrades("parts", &number(1));
    user.upgrades("parts", &number(2));
    user.does("helm rollback web 1");
    let shown = user.types("helm revdiff web");
    shown.mentions("  3  deployed    parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Rollback to 1\n");
    shown.mentions("-  number: \"2\"\n+  number: \"1\"\n");
    user.types("helm revdiff web 1 3").mentions("no changes");
    agrees_with_helm_get(user, "web", 2, 3);
}

fn the_record_says_which_revision_is_deployed_and_not_the_label(user: &User) {
    for revision in 1..=4 {
        user.upgrades("parts", &number(revision));
    }
    Record::of(user, "web", 2).label("status", "deployed");
    Record::of(user, "web", 4).label("status", "superseded");
    user.types("helm revdiff web 1").mentions("revision 1 → 4");
    user.types("helm revdiff web 2").mentions("revision 2 → 4").mentions("  2  superseded  parts-1.0.0");
    // No label at all is no obstacle either.
    Record::of(user, "web", 4).label("status", "");
    user.types("helm revdiff web 3").mentions("revision 3 → 4");
}

fn a_release_that_does_not_exist(user: &User) {
    user.types("helm revdiff web").fails(
        r#"
        Error: release "web" not found in namespace "NAMESPACE"
        Hint: there are no releases here; try -n NAMESPACE
        "#,
    );
    for release in ["web2", "orders"] {
        user.does(&format!("helm install {release} parts"));
    }
    for line in ["helm revdiff web", "helm revdiff web 1", "helm revdiff web 1 2"] {
        user.types(line).fails(
            r#"
            Error: release "web" not found in namespace "NAMESPACE"
            Hint: releases here: web2, orders; try -n NAMESPACE
            "#,
        );
    }
}

fn a_revision_that_does_not_exist(user: &User) {
    for revision in 1..=3 {
        user.upgrades("parts", &number(revision));
    }
    for line in ["helm revdiff web 7", "helm revdiff web 1 7", "helm revdiff web 7 1", "helm revdiff web 7 8"] {
        user.types(line).fails(
            r#"
            Error: release "web" in namespace "NAMESPACE" has no revision 7
            Hint: there are the revisions 1–3
            "#,
        );
    }
}

fn a_release_named_like_a_subcommand(user: &User) {
    for number in ["1", "2"] {
        user.does(&format!("helm upgrade --install revision parts --set-string configMaps.settings.number={number}"));
    }
    user.types("helm revdiff revision revision").mentions("revision in namespace NAMESPACE: revision 1 → 2");
    user.types("helm revdiff revision revision 2 1").mentions("revision in namespace NAMESPACE: revision 2 → 1");
    user.types("helm safe-upgrade revdiff revision revision 1 2").mentions("revision 1 → 2");
}

fn an_uninstalled_release_that_kept_its_history(user: &User) {
    user.upgrades("parts", &number(1));
    user.upgrades("parts", &number(2));
    user.does("helm uninstall web --keep-history");
    let shown = user.types("helm revdiff web");
    shown.mentions("  2  uninstalled  parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Uninstallation complete\n");
    shown.mentions("-  number: \"1\"\n+  number: \"2\"\n");
    agrees_with_helm_get(user, "web", 1, 2);
}

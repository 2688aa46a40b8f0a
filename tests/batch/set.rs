//! Bringing back all that a batch has upgraded.

use crate::plans::text;
use crate::processes::{plugin_of, signal};
use crate::record::Record;
use crate::user::User;

stories![
    what_fails_after_its_soak_comes_back_with_the_set,
    what_was_installed_goes_where_its_plan_says_so,
    what_somebody_else_has_changed_since_is_not_brought_back,
    what_was_killed_while_it_soaked_comes_back_to_where_it_was,
    what_was_killed_after_a_failed_revision_comes_back_to_where_it_was,
];

fn what_fails_after_its_soak_comes_back_with_the_set(user: &User) {
    user.has_charts();
    user.plans("first.yaml", &["a", "b"].map(|name| format!("release: {name}, chart: app")));
    user.batch("first.yaml --concurrency 2", 0);
    // Seconds after it was ready, b crashes.
    let plan = format!(
        "soak: 7s\ndefaults: {{namespace: {}, install: true}}\nreleases:\n- {{release: a, chart: app, set: [tag=2]}}\n\
         - {{release: b, chart: app, set: [tag=2-late]}}\n- {{release: c, chart: note, wave: 1}}\n",
        user.namespace
    );
    user.writes("plan.yaml", &plan);
    let batch = user.batch("plan.yaml --rollback-set --concurrency 2 --fail-fast-after 2s", 4);
    assert_eq!(batch.outcomes(), ["a: undone", "b: rolled-back", "c: skipped"]);
    let reason = text(&batch.entry("b")["reason"]);
    assert!(reason.starts_with("not ready any more after the soak: "), "{reason}");
    for release in ["a", "b"] {
        assert_eq!(user.revisions_of(release), ["1 superseded", "2 superseded", "3 deployed"], "{release}");
        assert!(user.does(&format!("helm get manifest {release}")).contains("example.com/app:1\""));
        let entry = batch.entry(release);
        assert_eq!((&entry["from"], &entry["revision"], &entry["deployed"]), (&1.into(), &2.into(), &3.into()));
    }
}

fn what_was_installed_goes_where_its_plan_says_so(user: &User) {
    user.has_charts();
    user.plans("first.yaml", &["release: b, chart: app".to_owned()]);
    user.batch("first.yaml", 0);
    let releases = [
        "release: base, chart: note, onFailure: uninstall",
        "release: upon, chart: note, onFailure: uninstall, needs: [base]",
        "release: stays, chart: note",
        "release: b, chart: app, set: [tag=2-missing], needs: [upon, stays]",
    ];
    user.plans("plan.yaml", &releases.map(str::to_owned));
    let batch = user.batch("plan.yaml --rollback-set", 5);
    assert_eq!(batch.outcomes(), ["base: undone", "upon: undone", "stays: not-undone", "b: rolled-back"]);
    assert_eq!(batch.entry("base")["reason"], "it was installed by this batch, and is uninstalled");
    let reason = text(&batch.entry("stays")["reason"]).replace(&user.namespace, "NAMESPACE");
    assert!(
        reason.ends_with("its onFailure is not uninstall; helm uninstall stays -n NAMESPACE removes it"),
        "{reason}"
    );
    assert_eq!(user.does("helm list -q"), "b\nstays\n");
    assert!(text(&batch.entry("upon")["ended"]) <= text(&batch.entry("base")["ended"]), "the last one first");
}

fn what_somebody_else_has_changed_since_is_not_brought_back(user: &User) {
    user.has_charts();
    user.plans("first.yaml", &["a", "b"].map(|name| format!("release: {name}, chart: app")));
    user.batch("first.yaml --concurrency 2", 0);
    let releases = ["release: a, chart: app, set: [tag=2]", "release: b, chart: app, set: [tag=2-missing]"];
    user.plans("plan.yaml", &releases.map(str::to_owned));
    let batch = user.batch("plan.yaml --state state.json", 4);
    assert_eq!(batch.outcomes(), ["a: upgraded", "b: rolled-back"]);
    let going_on = "--state state.json --resume";
    let shown = user.types(&format!("helm safe-upgrade batch plan.yaml {going_on}"));
    shown.exits(4);
    assert!(shown.stderr.contains("plan.yaml has ended at "), "{}", shown.stderr);
    let shown = user.types(&format!("helm safe-upgrade batch plan.yaml {going_on} --rollback-set"));
    shown.exits(3);
    assert!(shown.stderr.contains("cannot bring back 1 release: nobody is there to confirm it"), "{}", shown.stderr);
    user.does("helm upgrade a app --set tag=3");
    let batch = user.batch(&format!("plan.yaml {going_on} --rollback-set"), 5);
    assert_eq!(batch.outcomes(), ["a: not-undone", "b: rolled-back"]);
    assert_eq!(batch.entry("a")["reason"], "somebody else has changed it since: revision 3 is theirs");
    assert_eq!(user.revisions_of("a").last().unwrap(), "3 deployed");
}

fn what_was_killed_while_it_soaked_comes_back_to_where_it_was(user: &User) {
    has_two_releases(user);
    assert_eq!(after_a_kill_in_the_soak(user, 2), ["1 superseded", "2 superseded", "3 deployed"]);
}

fn what_was_killed_after_a_failed_revision_comes_back_to_where_it_was(user: &User) {
    has_two_releases(user);
    user.types("helm upgrade a app --set tag=2-unready --wait --timeout 1s").exits(1);
    assert_eq!(user.revisions_of("a"), ["1 deployed", "2 failed"]);
    assert_eq!(after_a_kill_in_the_soak(user, 3), ["1 superseded", "2 failed", "3 superseded", "4 deployed"]);
}

fn has_two_releases(user: &User) {
    user.has_charts();
    user.plans("first.yaml", &["a", "b"].map(|name| format!("release: {name}, chart: app")));
    user.batch("first.yaml --concurrency 2", 0);
}

/// The revisions of `a` after a batch was killed while its revision soaked, and went on until `b` failed.
fn after_a_kill_in_the_soak(user: &User, own: u32) -> Vec<String> {
    let releases = [
        "release: a, chart: app, set: [tag=2], policy: {gates: {soak: 8s}}",
        "release: b, chart: app, set: [tag=2-missing]",
    ];
    user.plans("plan.yaml", &releases.map(str::to_owned));
    let line = "plan.yaml --state state.json --rollback-set";
    let mut helm = user.starts(&format!("exec helm safe-upgrade batch {line} --yes"));
    user.waits_for(|| Record::of(user, "a", own).exists() && !Record::of(user, "a", own).is_pending());
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    let kept = user.kept("state.json").unwrap();
    assert_eq!((&kept["releases"][0]["running"], &kept["releases"][0]["from"]), (&true.into(), &1.into()));
    // The revision is there, and only has to be proven. Then b fails.
    let batch = user.batch(&format!("{line} --resume"), 4);
    assert_eq!(batch.outcomes(), ["a: undone", "b: rolled-back"]);
    assert!(user.does("helm get manifest a").contains("example.com/app:1\""), "and not what it was killed at");
    user.revisions_of("a")
}

//! Going on after a crash and after an interrupt.

use std::process::Child;

use crate::plans::{Batch, is_a_state, text};
use crate::processes::{plugin_of, signal};
use crate::record::Record;
use crate::user::User;

stories![
    a_batch_that_was_killed_goes_on,
    a_batch_in_the_cluster_goes_on_elsewhere,
    what_was_let_go_of_is_taken_up_although_another_failed,
];

/// Starts the batch, and waits until a release is at work.
fn starts_until(user: &User, flags: &str, release: &str) -> Child {
    let helm = user.starts(&format!("exec helm safe-upgrade batch plan.yaml --yes --state state.json {flags}"));
    // Asked of the API server: a whole helm takes too much of the time in which it is pending.
    let is_at_work = || {
        let pending = (2..5).any(|revision| Record::of(user, release, revision).is_pending());
        let running = |kept: serde_json::Value| {
            let mut releases = kept["releases"].as_array().unwrap().clone().into_iter();
            releases.any(|entry| entry["id"]["release"] == release && entry["running"] == true)
        };
        user.kept("state.json").is_some_and(running) && pending
    };
    user.waits_for(is_at_work);
    helm
}

fn a_batch_that_was_killed_goes_on(user: &User) {
    user.has_charts();
    let names = ["a", "b", "c"];
    user.plans("first.yaml", &names.map(|name| format!("release: {name}, chart: app")));
    user.batch("first.yaml --concurrency 3", 0);
    user.plans("plan.yaml", &names.map(|name| format!("release: {name}, chart: app, set: [tag=2-slow]")));
    let mut helm = starts_until(user, "", "b");
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    let kept = user.kept("state.json").unwrap();
    is_a_state(&kept);
    assert_eq!(text(&kept["releases"][0]["outcome"]), "upgraded");
    let shown = user.types("helm safe-upgrade batch plan.yaml --yes --state state.json");
    shown.exits(3);
    assert!(shown.stderr.contains("plan.yaml was not finished: 1 of 3 releases have ended"), "{}", shown.stderr);
    // A signal ends the one that is at work, and begins no other.
    let mut helm = starts_until(user, "--resume", "c");
    signal(plugin_of(&helm), "TERM");
    assert_eq!(helm.wait().unwrap().code(), Some(7));
    assert_eq!(text(&user.kept("state.json").unwrap()["releases"][2]["outcome"]), "interrupted");
    let batch = user.batch("plan.yaml --state state.json --resume", 0);
    assert_eq!(batch.outcomes(), ["a: upgraded", "b: upgraded", "c: upgraded"]);
    assert_eq!(user.revisions_of("a"), ["1 superseded", "2 deployed"], "nothing was done twice");
    assert_eq!(user.revisions_of("b"), ["1 superseded", "2 failed", "3 deployed"], "it was killed in the middle");
    assert!(user.revisions_of("c").last().unwrap().ends_with(" deployed"));
    let again = user.types("helm safe-upgrade batch other.yaml --resume");
    again.explains("cannot read other.yaml: there is no such file");
    user.plans("plan.yaml", &["release: a, chart: app, set: [tag=3]".to_owned()]);
    user.types("helm safe-upgrade batch plan.yaml --yes --state state.json --resume")
        .explains("what is kept in state.json is of another batch");
}

fn a_batch_in_the_cluster_goes_on_elsewhere(user: &User) {
    user.has_charts();
    let names = ["a", "b"];
    user.plans("first.yaml", &names.map(|name| format!("release: {name}, chart: app")));
    user.batch("first.yaml --concurrency 2", 0);
    user.plans("plan.yaml", &names.map(|name| format!("release: {name}, chart: app, set: [tag=2-slow]")));
    let line = format!("plan.yaml --state configmap:{}/batch", user.namespace);
    let mut helm = user.starts(&format!("exec helm safe-upgrade batch {line} --yes"));
    user.waits_for(|| Record::of(user, "b", 2).is_pending());
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    let shown = user.types(&format!("helm safe-upgrade batch {line} --yes"));
    shown.exits(3);
    assert!(shown.stderr.contains("plan.yaml was not finished: 1 of 2 releases have ended"), "{}", shown.stderr);
    // Another machine has nothing but the plan and the charts.
    user.does("mkdir elsewhere && cp -r plan.yaml app elsewhere");
    let shown = user.types(&format!("cd elsewhere && helm safe-upgrade batch {line} --yes --resume -o json"));
    shown.exits(0);
    assert_eq!(Batch::of(&shown).outcomes(), ["a: upgraded", "b: upgraded"]);
    assert_eq!(user.revisions_of("a"), ["1 superseded", "2 deployed"], "nothing was done twice");
    assert!(user.does("helm get manifest b").contains("example.com/app:2-slow"));
}

fn what_was_let_go_of_is_taken_up_although_another_failed(user: &User) {
    user.has_charts();
    user.plans("first.yaml", &["a", "b"].map(|name| format!("release: {name}, chart: app")));
    user.batch("first.yaml --concurrency 2", 0);
    let releases = ["release: a, chart: app, set: [tag=2-missing]", "release: b, chart: app, set: [tag=2-unready]"];
    user.plans("plan.yaml", &releases.map(str::to_owned));
    let mut helm = starts_until(user, "--rollback-set --concurrency 2 --fail-fast-after 60s", "b");
    let has_failed = |kept: serde_json::Value| kept["releases"][0]["outcome"] == "rolled-back";
    user.waits_for(|| user.kept("state.json").is_some_and(has_failed));
    let plugin = plugin_of(&helm);
    signal(plugin, "TERM");
    // Two of the same that come together may be one.
    signal(plugin, "INT");
    assert_eq!(helm.wait().unwrap().code(), Some(7));
    let kept = user.kept("state.json").unwrap();
    is_a_state(&kept);
    let entry = &kept["releases"][1];
    assert_eq!((text(&entry["outcome"]), &entry["revision"]), ("interrupted", &2.into()));
    // Its way back may have ended in the moment that it still had, so how it is told is not the same each time.
    user.types("helm safe-upgrade batch report state.json").exits(7);
    // It failed by itself, or had gone back in time.
    let batch = user.batch("plan.yaml --state state.json --resume --rollback-set --fail-fast-after 2s", 4);
    let outcome = text(&batch.entry("b")["outcome"]).to_owned();
    assert!(["rolled-back", "skipped"].contains(&outcome.as_str()), "{outcome}");
    assert!(user.does("helm get manifest b").contains("example.com/app:1\""));
    assert!(user.revisions_of("b").last().unwrap().ends_with(" deployed"), "{:?}", user.revisions_of("b"));
}

//! Going on after a crash and after an interrupt.

use std::process::Child;

use crate::plans::{is_a_state, text};
use crate::user::User;

stories![a_batch_that_was_killed_goes_on];

/// The process of the plugin, below helm. Any thread of helm may have made it.
fn plugin_of(helm: &Child) -> String {
    let threads = std::fs::read_dir(format!("/proc/{}/task", helm.id())).unwrap().flatten();
    let children = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let children: String = children.collect();
    children.split_whitespace().next().expect("helm has no child").to_owned()
}

fn signal(process: &str, name: &str) {
    assert!(std::process::Command::new("kill").args([&format!("-{name}"), process]).status().unwrap().success());
}

/// Starts the batch, and waits until a release is at work.
fn starts_until(user: &User, flags: &str, release: &str) -> Child {
    let helm = user.starts(&format!("exec helm safe-upgrade batch plan.yaml --yes --state state.json {flags}"));
    let is_at_work = || {
        let pending = |revisions: Vec<String>| revisions.last().is_some_and(|last| last.ends_with("pending-upgrade"));
        let running = |kept: serde_json::Value| {
            let mut releases = kept["releases"].as_array().unwrap().clone().into_iter();
            releases.any(|entry| entry["id"]["release"] == release && entry["running"] == true)
        };
        user.kept("state.json").is_some_and(running) && pending(user.revisions_of(release))
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
    signal(&plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    let kept = user.kept("state.json").unwrap();
    is_a_state(&kept);
    assert_eq!(text(&kept["releases"][0]["outcome"]), "upgraded");
    let shown = user.types("helm safe-upgrade batch plan.yaml --yes --state state.json");
    shown.exits(3);
    assert!(shown.stderr.contains("plan.yaml was not finished: 1 of 3 releases have ended"), "{}", shown.stderr);
    // A signal ends the one that is at work, and begins no other.
    let mut helm = starts_until(user, "--resume", "c");
    signal(&plugin_of(&helm), "TERM");
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

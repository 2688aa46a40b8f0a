//! Going on after a crash, and stopping after an interrupt.

use std::process::Child;

use crate::colours::PAIR;
use crate::processes::{plugin_of, signal};
use crate::user::User;

stories![
    a_roll_out_that_was_killed_goes_on,
    an_interrupt_after_the_switch_leads_the_traffic_back,
    somebody_else_who_leads_the_traffic_is_left_alone,
];

/// Starts a roll-out, and waits until it is kept to be in this phase.
fn starts_until(user: &User, flags: &str, phase: &str) -> Child {
    let helm = user.starts(&format!("exec helm safe-upgrade blue-green {PAIR} app --service web --yes {flags}"));
    user.waits_for(|| user.kept().is_some_and(|kept| kept["phase"] == phase && kept["ended"].is_null()));
    helm
}

fn a_roll_out_that_was_killed_goes_on(user: &User) {
    user.has_blue();
    let flags = "--set tag=2-slow --soak 2s --retire uninstall --retire-after 3s";
    // While green is installed: nothing is switched, and it begins again.
    let mut helm = starts_until(user, flags, "testing");
    user.waits_for(|| !user.revisions_of("web-green").is_empty());
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    assert_eq!(user.live(), "web-blue");
    // With the traffic: only its own command goes on, and nothing is installed again.
    let mut helm = starts_until(user, flags, "soaking");
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    assert_eq!(user.live(), "web-green");
    let revisions = user.revisions_of("web-green");
    let other = user.rolls_out("--set more=3");
    other.exits(3);
    assert!(other.stderr.contains("another one, of app-1.0.0 to web-green, was not finished"), "{}", other.stderr);
    let schema = crate::colours::schema("blue-green-state");
    let kept = user.kept().unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&kept), "{kept:#}");
    let status = user.types(&format!("helm safe-upgrade blue-green status {PAIR}"));
    status.ends(0, "not finished, soaking");
    // While it waits to retire blue.
    let mut helm = starts_until(user, flags, "proven");
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    let shown = user.rolls_out(flags);
    shown.ends(0, "✓ web-green has the traffic and is proven");
    assert!(shown.stderr.contains("the roll-out of app-1.0.0 to web-green goes on"), "{}", shown.stderr);
    assert_eq!((user.revisions_of("web-green"), user.revisions_of("web-blue")), (revisions, vec![]));
}

fn an_interrupt_after_the_switch_leads_the_traffic_back(user: &User) {
    user.has_blue();
    let mut helm = starts_until(user, "--set tag=2 --soak 1s --switch-soak 60s", "soaking");
    signal(plugin_of(&helm), "TERM");
    assert_eq!(helm.wait().unwrap().code(), Some(7));
    assert_eq!(user.live(), "web-blue");
    assert_eq!(user.kept().unwrap()["outcome"], "switched-back");
}

fn somebody_else_who_leads_the_traffic_is_left_alone(user: &User) {
    user.has_blue();
    let switched_away = "--set tag=2 --gate-cmd 'test -e first && helm version >/dev/null; touch first'";
    let mut helm = starts_until(user, &format!("{switched_away} --retire uninstall --retire-after 60s"), "proven");
    crate::cluster::merge::<k8s_openapi::api::core::v1::Service>(
        &user.namespace,
        "web",
        serde_json::json!({"spec": {"selector": {"app": "web", "release": "web-blue"}}}),
    );
    signal(plugin_of(&helm), "TERM");
    assert_eq!(helm.wait().unwrap().code(), Some(6), "{:?}", user.kept());
    assert_eq!((user.live(), user.revisions_of("web-blue")), ("web-blue".to_owned(), vec!["1 deployed".to_owned()]));
    assert_eq!(user.kept().unwrap()["outcome"], "overtaken");
}

//! Going on after a crash, and stopping after an interrupt.

use std::process::Child;

use crate::colours::PAIR;
use crate::processes::{plugin_of, signal};
use crate::user::User;

stories![
    a_roll_out_that_was_killed_goes_on,
    an_interrupt_after_the_switch_leads_the_traffic_back,
    somebody_else_who_leads_the_traffic_is_left_alone,
    what_has_failed_with_the_traffic_goes_back_though_that_was_not_kept,
    what_a_killed_run_has_begun_to_install_is_removed_too,
    what_somebody_else_makes_of_the_live_release_keeps_the_traffic,
];

/// Starts a roll-out, and waits until it is kept to be in this phase.
pub(crate) fn starts_until(user: &User, flags: &str, phase: &str) -> Child {
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
    user.leads_to("web-blue");
    signal(plugin_of(&helm), "TERM");
    assert_eq!(helm.wait().unwrap().code(), Some(6), "{:?}", user.kept());
    assert_eq!((user.live(), user.revisions_of("web-blue")), ("web-blue".to_owned(), vec!["1 deployed".to_owned()]));
    assert_eq!(user.kept().unwrap()["outcome"], "overtaken");
}

fn what_has_failed_with_the_traffic_goes_back_though_that_was_not_kept(user: &User) {
    user.has_blue();
    user.rolls_out("--set tag=2 --gate-cmd 'echo x >>asked; test $(wc -l <asked) = 1'").exits(4);
    // As it is where the run is killed once the failure stands in the record of the revision.
    user.leads_to("web-green");
    user.keeps(&serde_json::json!({"phase": "soaking", "ended": null, "outcome": null, "reason": null}));
    let shown = user.rolls_out("--set tag=2 --gate-cmd true");
    shown.ends(4, "web-green failed with the traffic, which is back at web-blue");
    assert!(shown.stdout.contains("revision 1 of web-green failed with the traffic"), "{}", shown.stdout);
    assert_eq!(user.live(), "web-blue");
}

fn what_a_killed_run_has_begun_to_install_is_removed_too(user: &User) {
    user.has_blue();
    let mut helm = starts_until(user, "--set tag=2-missing", "testing");
    user.waits_for(|| !user.revisions_of("web-green").is_empty());
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    let shown = user.rolls_out("--set tag=3-missing --on-failure uninstall");
    shown.ends(4, "web-green failed before the switch; web-blue has the traffic and was not touched");
    assert_eq!((user.live(), user.revisions_of("web-green")), ("web-blue".to_owned(), vec![]), "{}", shown.stderr);
}

fn what_somebody_else_makes_of_the_live_release_keeps_the_traffic(user: &User) {
    user.has_blue();
    let mut helm = starts_until(user, "--set tag=2 --soak 8s", "testing");
    user.waits_for(|| !user.revisions_of("web-green").is_empty());
    user.does("helm upgrade web-blue app --set tag=1.1");
    assert_eq!(helm.wait().unwrap().code(), Some(6), "{:?}", user.kept());
    assert_eq!(user.live(), "web-blue");
    let kept = user.kept().unwrap();
    assert_eq!(kept["outcome"], "overtaken");
    assert!(kept["reason"].as_str().unwrap().contains("web-blue was changed by somebody else"), "{kept:#}");
}

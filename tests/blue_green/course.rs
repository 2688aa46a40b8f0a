//! How a roll-out goes: success, failures before and after the switch, and which release is live.

use crate::user::User;

stories![
    the_traffic_goes_to_the_release_that_was_tested,
    a_test_that_fails_leaves_the_live_release_alone,
    a_failure_after_the_switch_leads_the_traffic_back,
];

fn the_traffic_goes_to_the_release_that_was_tested(user: &User) {
    user.has_blue();
    let shown = user.rolls_out("--set tag=2 --test --soak 1s --retire uninstall --retire-after 1s");
    shown.exits(0);
    for part in [
        "blue-green of web-blue and web-green in namespace",
        "live  web-blue   app-1.0.0, revision 1; service/web leads to it: app=web,release=web-blue",
        "1  install web-green, under guard: helm test, soak 1s",
        "2  switch service/web: app=web,release=web-blue becomes app=web,release=web-green",
        "4  uninstall web-blue, 1s later",
        "✓ web-green has the traffic and is proven (app-1.0.0, revision 1); web-blue is uninstalled",
    ] {
        assert!(shown.stdout.contains(part), "{part:?} is not in: {}\n{}", shown.stdout, shown.stderr);
    }
    assert!(shown.stderr.contains("✓ web-green has the traffic: 2 ready behind service/web"), "{}", shown.stderr);
    assert_eq!(user.live(), "web-green");
    assert_eq!(
        (user.revisions_of("web-green"), user.revisions_of("web-blue")),
        (vec!["1 deployed".to_owned()], vec![])
    );
    assert_eq!(user.marked("web-green", "proven"), [1]);
}

fn a_test_that_fails_leaves_the_live_release_alone(user: &User) {
    user.has_blue();
    let shown = user.rolls_out("--set tag=2,test=1-crash --test");
    shown.ends(4, "web-green failed before the switch; web-blue has the traffic and was not touched");
    assert_eq!(user.live(), "web-blue");
    assert_eq!(
        (user.revisions_of("web-blue"), user.marked("web-green", "bad")),
        (vec!["1 deployed".to_owned()], vec![1])
    );
}

fn a_failure_after_the_switch_leads_the_traffic_back(user: &User) {
    user.has_blue();
    // It passes when it is asked first, before the switch.
    let shown = user.rolls_out("--set tag=2 --gate-cmd 'echo x >>asked; test $(wc -l <asked) = 1'");
    shown.ends(4, "web-green failed with the traffic, which is back at web-blue");
    assert_eq!(user.live(), "web-blue");
}

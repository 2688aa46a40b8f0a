//! How a roll-out goes: success, failures before and after the switch, and which release is live.

use k8s_openapi::api::core::v1::Service;
use serde_json::json;

use crate::cluster;
use crate::user::User;

stories![
    the_traffic_goes_to_the_release_that_was_tested,
    a_test_that_fails_leaves_the_live_release_alone,
    a_failure_after_the_switch_leads_the_traffic_back,
    roles_are_swapped_where_green_is_live,
    the_old_colour_gets_the_traffic_again_with_what_it_has,
    what_is_not_clear_is_refused,
    nothing_is_done_where_the_live_release_is_what_is_asked_for,
];

fn the_traffic_goes_to_the_release_that_was_tested(user: &User) {
    user.has_blue();
    let look = user.rolls_out("--set tag=2 --dry-run");
    look.ends(0, "2  switch service/web: app=web,release=web-blue becomes app=web,release=web-green");
    assert!(user.revisions_of("web-green").is_empty() && user.kept().is_none(), "a look changes nothing");
    let shown = user.rolls_out("--set tag=2 --test --soak 1s --retire uninstall --retire-after 1s");
    shown.exits(0);
    for part in [
        "blue-green of web-blue and web-green in namespace",
        "live  web-blue   app-1.0.0, revision 1; service/web leads to it: app=web,release=web-blue",
        "1  install web-green, under guard: helm test, soak 1s",
        "4  uninstall web-blue, 1s later",
        "What web-blue, which is live, would change by this:",
        "Deployment/web-blue | 2 +-",
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
    let managers = cluster::find::<Service>(&user.namespace, "web").unwrap().metadata.managed_fields.unwrap();
    assert!(managers.iter().any(|one| one.manager.as_deref() == Some("helm-safe-upgrade")), "{managers:?}");
    let status = user.types(&format!("helm safe-upgrade blue-green status {}", crate::colours::PAIR));
    status.ends(0, "live  web-green  revision 1, deployed, proven");
    status.ends(0, "idle  web-blue   not installed");
    let json = user.types(&format!("helm safe-upgrade blue-green status {} -o json", crate::colours::PAIR));
    let schema = crate::colours::schema("blue-green-status");
    let problems: Vec<String> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&json.json()).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:#?}\n{}", json.stdout);
}

fn a_test_that_fails_leaves_the_live_release_alone(user: &User) {
    user.has_blue();
    let events = user.rolls_out("--set tag=2,test=1-crash --test -o json");
    events.exits(4);
    assert_eq!(user.outcome_of(&events), "failed");
    assert_eq!(user.live(), "web-blue");
    assert_eq!(
        (user.revisions_of("web-blue"), user.marked("web-green", "bad")),
        (vec!["1 deployed".to_owned()], vec![1])
    );
    // The next one begins with what was left, and leaves nothing where that is wanted.
    let shown = user.rolls_out("--set tag=3,test=1-crash --test");
    shown.ends(4, "web-green failed before the switch; web-blue has the traffic and was not touched");
    assert_eq!(user.revisions_of("web-green"), ["1 superseded", "2 failed"]);
    user.does("helm uninstall web-green");
    user.rolls_out("--set tag=2-missing --on-failure uninstall").exits(4);
    assert_eq!((user.live(), user.revisions_of("web-green")), ("web-blue".to_owned(), vec![]));
}

fn a_failure_after_the_switch_leads_the_traffic_back(user: &User) {
    user.has_blue();
    // It passes when it is asked first, before the switch.
    let shown = user.rolls_out("--set tag=2 --gate-cmd 'echo x >>asked; test $(wc -l <asked) = 1'");
    shown.ends(4, "web-green failed with the traffic, which is back at web-blue");
    assert!(shown.stderr.contains("✓ web-blue has the traffic again: 2 ready behind service/web"), "{}", shown.stderr);
    assert_eq!((user.live(), user.marked("web-green", "bad")), ("web-blue".to_owned(), vec![1]));
    assert_eq!(user.revisions_of("web-blue"), ["1 deployed"]);
    // Where nobody can tell, the traffic stays, and so does the way back.
    let shown = user
        .rolls_out("--set tag=3 --retire uninstall --gate-cmd 'echo x >>again; test $(wc -l <again) = 1 || exit 75'");
    shown.ends(1, "web-green has the traffic, and is not proven; web-blue is kept");
    assert_eq!((user.live(), user.revisions_of("web-blue")), ("web-green".to_owned(), vec!["1 deployed".to_owned()]));
    // It is retired in no way that nothing was checked for.
    let shown = user.rolls_out("--set tag=3 --retire scale --gate-cmd true");
    shown.exits(3);
    assert!(shown.stderr.contains("it was begun with --retire uninstall"), "{}", shown.stderr);
    // Asked once more they can: it goes on where it was.
    let shown = user.rolls_out("--set tag=3 --retire uninstall --gate-cmd true");
    shown.ends(0, "✓ web-green has the traffic and is proven (app-1.0.0, revision 2); web-blue is uninstalled");
}

fn roles_are_swapped_where_green_is_live(user: &User) {
    user.has_app();
    user.does("helm install web-green app && helm install web-blue app --set tag=0");
    user.has_service("web-green");
    let shown = user.rolls_out("--set tag=2 --retire scale");
    shown.ends(0, "live  web-green  app-1.0.0, revision 1; service/web leads to it: app=web,release=web-green");
    shown.ends(0, "✓ web-blue has the traffic and is proven (app-1.0.0, revision 2); web-green is scaled to zero");
    assert_eq!((user.live(), user.replicas_of("web-green")), ("web-blue".to_owned(), Some(0)));
    // And back again: what was scaled to zero gets its pods from the upgrade, with both Helms.
    user.rolls_out("--set tag=3").ends(0, "✓ web-green has the traffic and is proven (app-1.0.0, revision 2)");
    assert_eq!((user.live(), user.replicas_of("web-green")), ("web-green".to_owned(), Some(2)));
}

fn the_old_colour_gets_the_traffic_again_with_what_it_has(user: &User) {
    user.has_blue();
    user.rolls_out("--set tag=2").ends(0, "✓ web-green has the traffic and is proven");
    let shown = user.rolls_out("--soak 1s");
    shown.ends(0, "✓ web-blue has the traffic and is proven (app-1.0.0, revision 1)");
    assert_eq!((user.live(), user.revisions_of("web-blue")), ("web-blue".to_owned(), vec!["1 deployed".to_owned()]));
    // One that was scaled to zero gets its pods first.
    user.rolls_out("--set tag=2 --retire scale").ends(0, "web-blue is scaled to zero");
    user.rolls_out("").ends(0, "✓ web-blue has the traffic and is proven");
    assert_eq!((user.live(), user.replicas_of("web-blue")), ("web-blue".to_owned(), Some(2)));
}

fn what_is_not_clear_is_refused(user: &User) {
    user.has_app();
    user.has_service("web-blue");
    let refused = |why: &str| {
        let shown = user.rolls_out("");
        shown.exits(3);
        assert!(shown.stderr.contains(why), "{why:?} is not in: {}", shown.stderr);
    };
    refused("cannot tell which is live: neither web-blue nor web-green is installed");
    user.does("helm install web-green app");
    refused("cannot tell which of web-blue and web-green is live by service/web: it chooses pods neither of web-green");
    user.does("helm install web-blue app");
    let selector = json!({"spec": {"selector": {"app": "web", "release": null}}});
    cluster::merge::<Service>(&user.namespace, "web", selector);
    refused("it chooses pods of both (app=web)");
    assert_eq!((user.revisions_of("web-blue").len(), user.revisions_of("web-green").len()), (1, 1));
}

fn nothing_is_done_where_the_live_release_is_what_is_asked_for(user: &User) {
    user.has_blue();
    user.rolls_out("").ends(0, "nothing to do: web-blue is live, and is what was asked for (app-1.0.0)");
    assert!(user.revisions_of("web-green").is_empty() && user.kept().is_none());
}

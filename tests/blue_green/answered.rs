//! The traffic is led to nobody who would not answer, and nothing is retired for them.

use k8s_openapi::api::core::v1::Service;
use serde_json::json;

use crate::cluster;
use crate::colours::PAIR;
use crate::processes::{plugin_of, signal};
use crate::resumed::starts_until;
use crate::user::User;
use crate::ways::has_router;

stories![
    the_way_back_does_not_lead_to_nobody,
    nothing_is_retired_for_what_does_not_answer,
    what_is_led_back_while_it_is_waited_is_not_retired,
    what_fails_with_traffic_that_somebody_led_there_is_not_removed,
    a_worker_that_is_ready_does_not_answer_for_the_servers,
    ports_that_the_new_pods_do_not_have_are_found,
    a_port_that_the_old_pods_do_not_have_either_is_not_missed,
    the_way_back_asks_for_no_port_that_only_the_new_pods_have,
    what_is_kept_holds_no_secret,
];

fn the_way_back_does_not_lead_to_nobody(user: &User) {
    user.has_blue();
    let mut helm = starts_until(user, "--set tag=2 --switch-soak 60s", "soaking");
    user.scales("web-blue", 0);
    // Nothing is wrong with green, so it keeps the traffic.
    signal(plugin_of(&helm), "TERM");
    assert_eq!(helm.wait().unwrap().code(), Some(1), "{:?}", user.kept());
    let kept = user.kept().unwrap();
    assert_eq!(
        (user.live().as_str(), &kept["outcome"], &kept["ended"]),
        ("web-green", &json!("unproven"), &json!(null))
    );
    assert!(kept["reason"].as_str().unwrap().contains("no ready pod of web-blue"), "{kept:#}");
    // It fails, and some of its pods may still be better than none.
    let shown = user.rolls_out("--set tag=2 --switch-timeout 1s --gate-cmd false");
    shown.ends(5, "web-green failed with the traffic, which was NOT seen to be back at web-blue");
    assert!(shown.stdout.contains("no ready pod of web-blue: none of app=web,release=web-blue"), "{}", shown.stdout);
    assert_eq!(user.live(), "web-green");
    // Once somebody is there, the same command leads it back.
    user.scales("web-blue", 2);
    let shown = user.rolls_out("--set tag=2 --switch-timeout 1s --gate-cmd false");
    shown.ends(4, "web-green failed with the traffic, which is back at web-blue");
    assert_eq!(user.live(), "web-blue");
}

fn nothing_is_retired_for_what_does_not_answer(user: &User) {
    user.has_blue();
    let flags = "--set tag=2 --switch-timeout 1s --retire uninstall --retire-after 5s";
    let mut helm = starts_until(user, flags, "proven");
    user.scales("web-green", 0);
    assert_eq!(helm.wait().unwrap().code(), Some(1), "{:?}", user.kept());
    assert_eq!((user.live(), user.revisions_of("web-blue")), ("web-green".to_owned(), vec!["1 deployed".to_owned()]));
    let shown = user.rolls_out(flags);
    shown.ends(1, "web-green has the traffic, and no pod that is ready; web-blue is kept");
    assert!(shown.stdout.contains("no ready pod of web-green: none of"), "{}", shown.stdout);
    user.scales("web-green", 2);
    user.rolls_out(flags).ends(0, "web-blue is uninstalled");
    assert!(user.revisions_of("web-blue").is_empty());
}

/// Runs this until green is proven, and kills it; then blue is due, and green has no pod.
fn is_due_without_pods(user: &User, line: &str) {
    let mut helm = user.starts(&format!("exec {line}"));
    user.waits_for(|| user.kept().is_some_and(|kept| kept["phase"] == "proven"));
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    user.scales("web-green", 0);
    user.keeps(&json!({"due": "2026-01-01T00:00:00Z"}));
}

fn what_is_led_back_while_it_is_waited_is_not_retired(user: &User) {
    user.has_blue();
    let flags = "--service web --yes --set tag=2 --retire uninstall --retire-after 60s -o json";
    let line = format!("helm safe-upgrade blue-green {PAIR} app {flags}");
    is_due_without_pods(user, &line);
    let mut helm = user.starts(&format!("exec {line} >events"));
    let events = user.folder.join("events");
    user.waits_for(|| std::fs::read_to_string(&events).is_ok_and(|text| text.contains(r#""step":"retire""#)));
    // Somebody does not wait for green, and leads the traffic back by hand. Then green is there again.
    user.leads_to("web-blue");
    user.scales("web-green", 2);
    assert_eq!(helm.wait().unwrap().code(), Some(6), "{:?}", user.kept());
    assert_eq!((user.live(), user.revisions_of("web-blue")), ("web-blue".to_owned(), vec!["1 deployed".to_owned()]));
}

fn what_fails_with_traffic_that_somebody_led_there_is_not_removed(user: &User) {
    user.has_blue();
    let gate = "touch asked; until test -e led; do sleep 0.1; done; exit 1";
    let flags = format!("--set tag=2 --on-failure uninstall --gate-cmd '{gate}' --yes");
    let mut helm = user.starts(&format!("exec helm safe-upgrade blue-green {PAIR} app --service web {flags}"));
    user.waits_for(|| user.folder.join("asked").exists());
    user.leads_to("web-green");
    user.writes("led", "");
    assert_eq!(helm.wait().unwrap().code(), Some(4), "{:?}", user.kept());
    assert_eq!((user.live(), user.revisions_of("web-green")), ("web-green".to_owned(), vec!["1 failed".to_owned()]));
    assert_eq!(user.replicas_of("web-green"), Some(2));
}

fn a_worker_that_is_ready_does_not_answer_for_the_servers(user: &User) {
    user.has_app();
    user.writes(
        "app/templates/worker.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: \"{{ .Release.Name }}-worker\"}\n\
         spec: {selector: {matchLabels: {worker: \"{{ .Release.Name }}\"}}, template: {metadata: {labels: {worker: \"{{ .Release.Name }}\"}}, \
         spec: {containers: [{name: main, image: example.com/worker:1}]}}}\n",
    );
    has_router(user);
    user.does("helm install web-blue app && helm install router router");
    let by = "--switch-release router --switch-chart router --switch-set live={release}";
    let flags = "--yes --set tag=2 --retire uninstall --retire-after 60s --switch-timeout 1s";
    let line = format!("helm safe-upgrade blue-green {PAIR} app {by} {flags}");
    is_due_without_pods(user, &line);
    let shown = user.types(&line);
    shown.ends(1, "no ready pod of web-green: none of release=web-green; so web-blue stays");
    assert_eq!(user.revisions_of("web-blue"), ["1 deployed"]);
    user.scales("web-green", 2);
    user.types(&line).ends(0, "web-blue is uninstalled");
}

fn ports_that_the_new_pods_do_not_have_are_found(user: &User) {
    user.has_blue();
    let port = |name: &str, number: u16| json!({"name": name, "port": number, "targetPort": name});
    let ports = [port("http", 80), port("metrics", 81)];
    cluster::merge::<Service>(&user.namespace, "web", json!({"spec": {"ports": ports}}));
    let shown = user.rolls_out("--set tag=2,port=web");
    shown.ends(3, "it leads to the port http of the pods, which those of \"web-blue\" have");
    assert!(shown.stderr.contains("blocked by the check switch-ports"), "{}", shown.stderr);
    assert!(user.revisions_of("web-green").is_empty());
    // Whoever accepts it is kept from it all the same: nothing is led to where nobody answers.
    let shown = user.rolls_out("--set tag=2,port=web --accept switch-ports --switch-timeout 1s");
    shown.ends(4, "web-green failed before the switch; web-blue has the traffic and was not touched");
    assert!(shown.stdout.contains("none of app=web,release=web-green has a port http"), "{}", shown.stdout);
    assert_eq!(user.live(), "web-blue");
    // A port of several is what was accepted.
    let ports = json!([{"name": "all", "port": 80}, port("http", 81)]);
    cluster::merge::<Service>(&user.namespace, "web", json!({"spec": {"ports": ports}}));
    let shown = user.rolls_out("--set tag=2,port=web --accept switch-ports --switch-timeout 5s");
    shown.ends(0, "✓ web-green has the traffic and is proven");
}

fn a_port_that_the_old_pods_do_not_have_either_is_not_missed(user: &User) {
    user.has_blue();
    let port = |name: &str, number: u16| json!({"name": name, "port": number, "targetPort": name});
    let ports = [port("http", 80), port("metrics", 81)];
    cluster::merge::<Service>(&user.namespace, "web", json!({"spec": {"ports": ports}}));
    user.rolls_out("--set tag=2").ends(0, "✓ web-green has the traffic and is proven");
}

fn the_way_back_asks_for_no_port_that_only_the_new_pods_have(user: &User) {
    user.has_blue();
    let ports = json!([{"name": "http", "port": 80}, {"name": "metrics", "port": 81, "targetPort": "metrics"}]);
    cluster::merge::<Service>(&user.namespace, "web", json!({"spec": {"ports": ports}}));
    let fails = "--gate-cmd 'echo x >>asked; test $(wc -l <asked) = 1'";
    let shown = user.rolls_out(&format!("--set tag=2,port=metrics --switch-timeout 5s {fails}"));
    shown.ends(4, "web-green failed with the traffic, which is back at web-blue");
    assert_eq!(user.live(), "web-blue");
}

fn what_is_kept_holds_no_secret(user: &User) {
    user.has_blue();
    user.writes(
        "app/templates/secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: \"{{ .Release.Name }}\"}\nstringData: {token: hunter2-of-the-shop}\n",
    );
    let shown = user.rolls_out("--set tag=2 --show-secrets --gate-cmd 'echo no hunter2-of-the-shop >&2; exit 1'");
    shown.exits(4);
    assert!(shown.stderr.contains("no hunter2-of-the-shop"), "the user wants to see it: {}", shown.stderr);
    let kept = user.kept().unwrap();
    let reason = kept["reason"].as_str().unwrap();
    assert!(reason.contains("no ") && !reason.contains("hunter2"), "{reason}");
}

//! The pause before the switch: what stands then, who promotes it or gives it up, and what has changed in the meantime.

use std::fs;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};

use crate::cluster;
use crate::colours::{PAIR, schema};
use crate::processes::{plugin_of, signal};
use crate::shown::Shown;
use crate::terminal::answering;
use crate::user::User;

stories![
    a_pause_leaves_the_traffic_until_somebody_promotes_it,
    what_is_given_up_leaves_the_live_release_alone,
    a_pause_is_gone_on_with_by_the_same_command,
    what_has_changed_in_the_pause_is_not_promoted,
    a_closed_window_or_a_release_that_is_not_ready_stops_a_promotion,
    a_promotion_that_was_killed_is_promoted_or_led_back,
    a_question_before_the_switch_is_answered_or_pauses,
    a_pause_whose_flags_cannot_be_kept_has_not_begun,
    what_has_failed_is_led_back_though_its_flags_cannot_be_kept,
];

/// Where the flags are kept while it pauses.
const FLAGS: &str = "helm-safe-upgrade.blue-green.web-blue.web-green";

impl User {
    /// Says `promote`, `abort` or `status` of the roll-out of the two.
    fn says(&self, word: &str, flags: &str) -> Shown {
        self.types(&format!("helm safe-upgrade blue-green {word} {PAIR} {flags}"))
    }

    /// Nothing has changed for whoever uses the live release, and the other one stands at this revision.
    fn pauses(&self, revision: u32) {
        let kept = self.kept().unwrap();
        assert_eq!((&kept["phase"], &kept["outcome"]), (&"paused".into(), &"paused".into()), "{kept:#}");
        assert!(jsonschema::validator_for(&schema("blue-green-state")).unwrap().is_valid(&kept), "{kept:#}");
        assert_eq!(
            (self.live(), self.revisions_of("web-blue")),
            ("web-blue".to_owned(), vec!["1 deployed".to_owned()])
        );
        assert_eq!(self.revisions_of("web-green").last(), Some(&format!("{revision} deployed")));
        assert!(self.marked("web-green", "proven").is_empty(), "nobody has seen it with the traffic");
    }

    /// Changes by hand which image a release runs.
    fn runs_image(&self, release: &str, image: &str) {
        let container = json!({"name": "main", "image": image, "ports": [{"name": "http", "containerPort": 80}]});
        let change = json!({"spec": {"template": {"spec": {"containers": [container]}}}});
        cluster::merge::<Deployment>(&self.namespace, release, change);
    }

    fn has_flags(&self) -> bool {
        cluster::find::<Secret>(&self.namespace, FLAGS).is_some()
    }
}

fn a_pause_leaves_the_traffic_until_somebody_promotes_it(user: &User) {
    user.has_blue();
    let flags = "--set tag=2 --test --soak 1s --retire uninstall --gate-cmd 'echo x >>asked'";
    let shown = user.rolls_out(&format!("{flags} --pause"));
    shown.ends(0, "becomes app=web,release=web-green, once somebody promotes it");
    let stands =
        "web-green is tested and ready (app-1.0.0, revision 1), and waits to be promoted; web-blue has the traffic";
    shown.ends(0, stands);
    shown.ends(0, "helm safe-upgrade blue-green promote --blue web-blue --green web-green -n ");
    user.pauses(1);
    user.says("status", "").ends(0, "not finished, paused");
    user.says("status", "").ends(0, "live  web-blue   revision 1, deployed");
    // The flags may hold secrets of gates; the values of the release are nowhere.
    assert!(user.has_flags() && !user.kept().unwrap().to_string().contains("asked"));
    // Nobody is there to say yes.
    let shown = user.says("promote", "");
    assert!(shown.exits(3).stderr.contains("nobody is there to confirm it"), "{}", shown.stderr);
    user.pauses(1);
    // Neither the chart nor the values are needed: what was tested gets the traffic.
    fs::rename(user.folder.join("app"), user.folder.join("gone")).unwrap();
    let asked = || fs::read_to_string(user.folder.join("asked")).unwrap().lines().count();
    let before = asked();
    let shown = user.says("promote", "--yes");
    shown.ends(0, "✓ web-green has the traffic and is proven (app-1.0.0, revision 1); web-blue is uninstalled");
    assert!(asked() > before, "the gates are those that it was begun with");
    assert_eq!((user.live(), user.revisions_of("web-blue")), ("web-green".to_owned(), vec![]));
    assert_eq!(user.revisions_of("web-green"), ["1 deployed"]);
    assert!(!user.has_flags(), "they are forgotten when it is over");
    assert!(user.kept().unwrap()["promotedBy"].is_string());
    let again = user.says("promote", "--yes");
    assert!(again.exits(1).stderr.contains("no roll-out of web-blue and web-green is under way"), "{}", again.stderr);
}

fn what_is_given_up_leaves_the_live_release_alone(user: &User) {
    user.has_blue();
    user.rolls_out("--set tag=2 --pause --on-failure uninstall").exits(0);
    user.pauses(1);
    // Somebody mends the live release meanwhile, which is no matter: nothing is done to it.
    user.does("helm upgrade web-blue app --set tag=1.1");
    let shown = user.says("abort", "--yes");
    shown.ends(0, "the roll-out to web-green is given up; web-blue has the traffic");
    assert_eq!((user.live(), user.revisions_of("web-green")), ("web-blue".to_owned(), vec![]));
    assert_eq!(user.revisions_of("web-blue"), ["1 superseded", "2 deployed"]);
    assert!(!user.has_flags() && user.kept().unwrap()["outcome"] == "aborted");
    // What a failure would keep is kept for a look; and what was there before stays in any case.
    user.rolls_out("--set tag=2 --pause").exits(0);
    user.says("abort", "--yes").ends(0, "is given up");
    user.rolls_out("--set tag=3 --pause --on-failure uninstall").exits(0);
    user.says("abort", "--yes").ends(0, "is given up");
    assert_eq!(user.revisions_of("web-green"), ["1 superseded", "2 deployed"]);
    assert_eq!((user.live(), user.marked("web-green", "bad")), ("web-blue".to_owned(), vec![]));
}

fn a_pause_is_gone_on_with_by_the_same_command(user: &User) {
    user.has_blue();
    let events = user.rolls_out("--set tag=2 --pause -o json");
    events.exits(0);
    assert_eq!(user.outcome_of(&events), "paused");
    let paused = events.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let paused: Vec<Value> = paused.filter(|event| event["event"] == "blue-green-paused").collect();
    assert_eq!((paused.len(), &paused[0]["release"]), (1, &"web-green".into()), "{paused:?}");
    // A job that is run again does not promote what nobody has looked at.
    user.rolls_out("--set tag=2 --pause").exits(0);
    user.pauses(1);
    let events = user.types(&format!("{} -o json --yes", paused[0]["promote"].as_str().unwrap()));
    events.exits(0);
    assert_eq!((user.outcome_of(&events).as_str(), user.live().as_str()), ("switched", "web-green"));
    // Without the flag it goes on to the switch.
    user.rolls_out("--set tag=3 --pause").exits(0);
    assert_eq!(user.live(), "web-green");
    user.rolls_out("--set tag=3").ends(0, "✓ web-blue has the traffic and is proven (app-1.0.0, revision 2)");
    assert!(!user.has_flags());
}

fn what_has_changed_in_the_pause_is_not_promoted(user: &User) {
    user.has_blue();
    user.rolls_out("--set tag=2 --pause").exits(0);
    user.does("helm upgrade web-blue app --set tag=1.1");
    let shown = user.says("promote", "--yes");
    shown.ends(6, "web-blue was changed by somebody else since it was looked at");
    assert_eq!(user.live(), "web-blue");
    user.rolls_out("--set tag=2 --pause").exits(0);
    user.does("helm upgrade web-green app --set tag=2.1");
    let shown = user.says("promote", "--yes");
    shown.ends(6, "web-green was changed by somebody else since it was tested");
    assert_eq!((user.live(), user.revisions_of("web-green").len()), ("web-blue".to_owned(), 2));
    // What was not begun to pause is told so, and what was not tested to the end.
    user.rolls_out("--set tag=2 --pause").exits(0);
    user.keeps(&json!({"phase": "testing"}));
    let shown = user.says("promote", "--yes");
    assert!(shown.exits(3).stderr.contains("it was not tested to the end"), "{}", shown.stderr);
    assert_eq!(user.live(), "web-blue");
}

fn a_closed_window_or_a_release_that_is_not_ready_stops_a_promotion(user: &User) {
    user.has_blue();
    user.rolls_out("--set tag=2 --pause").exits(0);
    user.writes("frozen.yaml", "policies:\n- windows: {freezeUntil: 2999-01-01, freezeReason: the sale}\n");
    let shown = user.says("promote", "--yes --config frozen.yaml");
    assert!(shown.exits(3).stderr.contains("blocked by the check window"), "{}", shown.stderr);
    user.pauses(1);
    // Its pods go bad while nobody looks.
    user.runs_image("web-green", "example.com/app:2-missing");
    let shown = user.says("promote", "--yes");
    assert!(shown.exits(3).stderr.contains("it is not ready any more"), "{}", shown.stderr);
    user.pauses(1);
    user.runs_image("web-green", "example.com/app:2");
    user.waits_for(|| {
        let found = cluster::find::<Deployment>(&user.namespace, "web-green").unwrap();
        let status = found.status.unwrap();
        let is_seen = status.observed_generation == found.metadata.generation;
        let counts = [status.replicas, status.updated_replicas, status.ready_replicas];
        is_seen && counts.iter().all(|count| *count == Some(2))
    });
    let shown = user.says("promote", "--yes --config frozen.yaml --override-window outage-of-shop");
    shown.ends(0, "✓ web-green has the traffic and is proven");
    let by = user.kept().unwrap()["promotedBy"].as_str().unwrap().to_owned();
    assert!(by.ends_with(", outside its windows: outage-of-shop"), "{by}");
}

fn a_promotion_that_was_killed_is_promoted_or_led_back(user: &User) {
    user.has_blue();
    let promoted_until_soaking = || {
        user.rolls_out("--set tag=2 --switch-soak 5s --pause").exits(0);
        let mut helm = user.starts(&format!("exec helm safe-upgrade blue-green promote {PAIR} --yes"));
        user.waits_for(|| user.kept().is_some_and(|kept| kept["phase"] == "soaking"));
        signal(plugin_of(&helm), "KILL");
        helm.wait().unwrap();
        assert_eq!(user.live(), "web-green");
    };
    promoted_until_soaking();
    user.says("abort", "--yes").ends(0, "the roll-out to web-green is given up; web-blue has the traffic");
    assert_eq!((user.live(), user.revisions_of("web-blue")), ("web-blue".to_owned(), vec!["1 deployed".to_owned()]));
    promoted_until_soaking();
    user.says("promote", "--yes").ends(0, "✓ web-green has the traffic and is proven");
    assert_eq!((user.live(), user.revisions_of("web-green")), ("web-green".to_owned(), vec!["1 deployed".to_owned()]));
}

fn a_question_before_the_switch_is_answered_or_pauses(user: &User) {
    user.has_blue();
    let flags = "--service web --set tag=2 --yes --confirm";
    // Nobody is there to be asked.
    user.types(&format!("helm safe-upgrade blue-green {PAIR} app {flags}")).ends(0, "waits to be promoted");
    user.pauses(1);
    let line = format!("NO_COLOR=1 helm safe-upgrade blue-green {PAIR} app {flags}");
    let shown = user.types(&answering(&line, &["n"]));
    shown.ends(0, "web-green is tested and ready, web-blue has the traffic. Lead service/web to web-green? [y/N] ");
    user.pauses(1);
    user.types(&answering(&line, &["y"])).ends(0, "web-green has the traffic and is proven");
    assert_eq!(user.live(), "web-green");
}

fn a_pause_whose_flags_cannot_be_kept_has_not_begun(user: &User) {
    user.exports("HELM_DRIVER", "configmap");
    user.has_blue();
    let groups =
        ["apps", "autoscaling", "batch", "coordination.k8s.io", "discovery.k8s.io", "networking.k8s.io", "policy"];
    let core = ["configmaps", "endpoints", "events", "persistentvolumeclaims", "pods", "pods/log", "services"];
    let rules = json!([
        {"apiGroups": groups, "resources": ["*"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": core, "verbs": ["*"]},
    ]);
    cluster::allow(&user.namespace, "rest", "passing", &rules);
    let refused = user.rolls_out("--set tag=2 --pause --kube-as-user passing");
    assert_ne!(refused.code, Some(0), "{}", refused.stdout);
    assert!(refused.stderr.contains("get, create, update and delete on secrets"), "{}", refused.stderr);
    assert!(user.kept().is_none(), "nothing is under way");
    // What does not pause takes no right to them.
    let shown = user.rolls_out("--set tag=2 --kube-as-user passing");
    shown.ends(0, "✓ web-green has the traffic and is proven");
    assert!(!shown.stderr.contains("flags of the roll-out"), "{}", shown.stderr);
    // What a run that was killed has left of them goes with the end of the next one.
    cluster::create::<Secret>(&user.namespace, json!({"metadata": {"name": FLAGS}}));
    user.rolls_out("--set tag=3").ends(0, "✓ web-blue has the traffic and is proven");
    assert!(!user.has_flags());
}

fn what_has_failed_is_led_back_though_its_flags_cannot_be_kept(user: &User) {
    user.has_blue();
    user.rolls_out("--set tag=2 --pause").exits(0);
    // As it is where it was promoted and has failed, and was not seen to be back.
    user.leads_to("web-green");
    user.keeps(&json!({"phase": "going-back", "outcome": null, "reason": "it failed"}));
    cluster::merge::<Secret>(&user.namespace, FLAGS, json!({"immutable": true}));
    let shown = user.rolls_out("--set tag=2 --pause --soak 2s");
    shown.ends(4, "web-green failed with the traffic, which is back at web-blue");
    assert_eq!((user.live().as_str(), user.has_flags()), ("web-blue", false));
}

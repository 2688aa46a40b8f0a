//! Runs that end before their time, and what another run makes of them.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::cluster;
use crate::processes::{children_of, plugin_of, signal};
use crate::record::Record;
use crate::user::User;
use crate::way::Way;

stories![
    an_interrupt_goes_back,
    a_terminal_that_is_closed_ends_nothing_under_nohup,
    a_run_that_was_suspended_for_longer_than_it_may_take_goes_on,
    ctrl_c_ends_helm_and_goes_back,
    two_interrupts_let_go_at_once,
    an_interrupt_while_the_api_server_is_away_goes_back_once_it_answers,
    an_interrupt_while_the_api_server_stays_away_is_waited_on_no_longer_than_its_grace,
    an_interrupt_after_helm_was_lost_starts_no_other_one,
    an_uninstall_in_between_is_left_alone,
    a_killed_run_is_taken_up_by_the_next,
    a_run_that_could_not_end_is_taken_up_by_the_next,
    two_runs_at_once_are_told_apart,
    a_release_that_helm_left_pending_is_not_touched,
    a_hand_run_helm_in_between_is_noticed,
];

/// Starts an upgrade that will not become ready, and waits until its revision is there.
fn starts_to_hang(user: &User) -> std::process::Child {
    let child = user.starts("exec helm safe-upgrade web app --set tag=2-unready --yes");
    user.waits_for(|| user.revisions().last().is_some_and(|revision| revision == "2 pending-upgrade"));
    child
}

fn an_interrupt_goes_back(user: &User) {
    user.has_web(&[]);
    let mut helm = starts_to_hang(user);
    signal(plugin_of(&helm), "TERM");
    assert_eq!(helm.wait().unwrap().code(), Some(7));
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    assert!(user.description(2).starts_with("Interrupted by SIGTERM"), "{}", user.description(2));
    assert!(user.bad().is_empty(), "an interrupted revision is not a bad one");
    user.left_no_lease();
}

fn a_terminal_that_is_closed_ends_nothing_under_nohup(user: &User) {
    user.has_web(&[]);
    let line = "exec nohup helm safe-upgrade web app --set tag=2 --yes --soak 5s --gate-cmd 'touch soaks'";
    let mut helm = user.starts(line);
    user.waits_for(|| user.folder.join("soaks").exists());
    signal(plugin_of(&helm), "HUP");
    signal(helm.id(), "HUP");
    assert!(helm.wait().unwrap().success());
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    assert_eq!(user.proven(), [1, 2]);
    user.left_no_lease();
}

fn a_run_that_was_suspended_for_longer_than_it_may_take_goes_on(user: &User) {
    user.has_web(&[]);
    let line = "exec helm safe-upgrade web app --set tag=2-slow,replicas=1 --yes --timeout 8s";
    let mut helm = user.starts(line);
    user.waits_for(|| Record::of(user, "web", 2).is_pending());
    let (plugin, began) = (plugin_of(&helm), Instant::now());
    signal(plugin, "STOP");
    // Our helm has a process group of its own, and works on.
    user.waits_for(|| user.revisions().last().is_some_and(|revision| revision == "2 deployed"));
    let longest = Duration::from_secs(2 * 8 + 5 + 1);
    std::thread::sleep(longest.saturating_sub(began.elapsed()));
    signal(plugin, "CONT");
    assert!(helm.wait().unwrap().success());
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    assert_eq!(user.proven(), [1, 2]);
    user.left_no_lease();
}

fn ctrl_c_ends_helm_and_goes_back(user: &User) {
    user.has_web(&[]);
    let mut helm = starts_to_hang(user);
    // Helm hands no signal on: it just ends, and the plugin has lost its parent.
    signal(helm.id(), "INT");
    helm.wait().unwrap();
    user.waits_for(|| user.revisions() == ["1 superseded", "2 failed", "3 deployed"]);
    user.waits_for(|| user.proven() == [1, 3]);
}

fn two_interrupts_let_go_at_once(user: &User) {
    user.has_web(&[]);
    let mut helm = starts_to_hang(user);
    let plugin = plugin_of(&helm);
    signal(plugin, "TERM");
    signal(plugin, "INT");
    assert_eq!(helm.wait().unwrap().code(), Some(7));
    let left = user.revisions();
    // Whatever state that was, one more run brings the release into order.
    user.types("helm safe-upgrade web app --set tag=3 --yes").exits(0);
    assert!(user.revisions().last().unwrap().ends_with(" deployed"), "after {left:?}");
    user.left_no_lease();
}

/// Starts an upgrade that will not become ready, over a way that is cut once its revision is there. What it tells goes into `told`.
fn is_cut_off(user: &User, way: &Way, flags: &str) -> std::process::Child {
    let line = "exec env KUBECONFIG=through helm safe-upgrade web app --set tag=2-unready --yes";
    let child = user.starts(&format!("{line} {flags} > told 2>&1"));
    user.waits_for(|| user.revisions().last().is_some_and(|revision| revision == "2 pending-upgrade"));
    way.is_cut();
    child
}

/// The helm that the plugin has started, while it lives.
fn helm_of(plugin: u32) -> Option<u32> {
    let command = |process: &u32| std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let is_helm = |process: &u32| command(process).split(|byte| *byte == 0).nth(1) == Some(b"upgrade");
    children_of(plugin).into_iter().find(is_helm)
}

fn told(user: &User) -> String {
    std::fs::read_to_string(user.folder.join("told")).unwrap_or_default()
}

fn an_interrupt_while_the_api_server_is_away_goes_back_once_it_answers(user: &User) {
    user.has_web(&[]);
    let way = Way::of(user);
    let mut helm = is_cut_off(user, &way, "");
    signal(plugin_of(&helm), "TERM");
    user.waits_for(|| {
        told(user).contains("interrupted by SIGTERM, and the API server does not answer: it is waited for")
    });
    way.is_open();
    assert_eq!(helm.wait().unwrap().code(), Some(7), "{}", told(user));
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    assert!(user.description(2).starts_with("Interrupted by SIGTERM"), "{}", user.description(2));
    assert!(user.bad().is_empty(), "an interrupted revision is not a bad one");
    user.left_no_lease();
}

fn an_interrupt_while_the_api_server_stays_away_is_waited_on_no_longer_than_its_grace(user: &User) {
    user.has_web(&[]);
    let way = Way::of(user);
    let mut helm = is_cut_off(user, &way, "--grace 3s");
    let began = Instant::now();
    signal(plugin_of(&helm), "TERM");
    assert_eq!(helm.wait().unwrap().code(), Some(7), "{}", told(user));
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    let told = told(user);
    assert!(told.contains("release \"web\" is left as it is, and may be pending: interrupted by SIGTERM, and the API server did not answer within 3s"), "{told}");
    assert!(told.contains("helm safe-upgrade unlock web"), "{told}");
    // One more run takes it up.
    user.types("helm safe-upgrade web app --set tag=3 --yes").exits(0);
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    user.left_no_lease();
}

fn an_interrupt_after_helm_was_lost_starts_no_other_one(user: &User) {
    user.has_web(&[]);
    let way = Way::of(user);
    let mut helm = is_cut_off(user, &way, "");
    let plugin = plugin_of(&helm);
    if let Some(helm) = helm_of(plugin) {
        // It may have given up by itself.
        _ = std::process::Command::new("kill").arg("-KILL").arg(helm.to_string()).status();
    }
    user.waits_for(|| helm_of(plugin).is_none());
    signal(plugin, "TERM");
    user.waits_for(|| told(user).contains("the API server does not answer"));
    way.is_open();
    assert_eq!(helm.wait().unwrap().code(), Some(7), "{}", told(user));
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    assert!(user.description(2).starts_with("Interrupted by SIGTERM"), "{}", user.description(2));
    user.left_no_lease();
}

fn an_uninstall_in_between_is_left_alone(user: &User) {
    user.has_web(&[]);
    let line = "exec helm safe-upgrade web app --set tag=2 --yes --soak 20s --gate-cmd 'touch soaks'";
    let mut helm = user.starts(line);
    user.waits_for(|| user.folder.join("soaks").exists());
    user.does("helm uninstall web --keep-history");
    assert_eq!(helm.wait().unwrap().code(), Some(6));
    assert!(user.revisions().iter().all(|revision| !revision.ends_with(" deployed")), "{:?}", user.revisions());
}

fn a_killed_run_is_taken_up_by_the_next(user: &User) {
    user.has_web(&[]);
    let mut helm = starts_to_hang(user);
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(user.revisions(), ["1 deployed", "2 pending-upgrade"], "nobody has gone on without us");
    let shown = user.types("helm safe-upgrade web app --set tag=3 --yes");
    shown.mentions("revision 3 is deployed and proven");
    assert!(shown.stderr.contains("revision 2 was left pending"), "{}", shown.stderr);
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    user.left_no_lease();
}

fn a_run_that_could_not_end_is_taken_up_by_the_next(user: &User) {
    user.has_web(&[]);
    let all = ["create", "delete", "get", "list", "patch", "update", "watch"];
    let rules = json!([
        {"apiGroups": [""], "resources": ["pods", "pods/log", "events"], "verbs": all},
        {"apiGroups": ["apps"], "resources": ["deployments", "replicasets"], "verbs": all},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": all},
    ]);
    cluster::allow(&user.namespace, "rest", "passing", &rules);
    let secrets = json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": all}]);
    cluster::allow(&user.namespace, "secrets", "passing", &secrets);
    let line = "exec helm safe-upgrade web app --set tag=2-unready --yes --fail-fast-after 5m --kube-as-user passing";
    let mut helm = user.starts(line);
    user.waits_for(|| user.revisions().last().is_some_and(|revision| revision == "2 pending-upgrade"));
    // Nobody can write into the records any more, neither Helm nor we.
    let role = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings/secrets", user.namespace);
    cluster::remove(&role);
    let asked = json!({"namespace": user.namespace, "verb": "list", "group": "", "resource": "secrets"});
    user.waits_for(|| !cluster::may("passing", &asked));
    signal(plugin_of(&helm), "TERM");
    assert_eq!(helm.wait().unwrap().code(), Some(1));
    assert_eq!(user.revisions(), ["1 deployed", "2 pending-upgrade"]);
    let shown = user.types("helm safe-upgrade web app --set tag=3 --yes");
    shown.mentions("revision 3 is deployed and proven");
    assert!(shown.stderr.contains("revision 2 was left pending"), "{}", shown.stderr);
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    user.left_no_lease();
}

fn two_runs_at_once_are_told_apart(user: &User) {
    user.has_web(&[]);
    let mut helm = starts_to_hang(user);
    let shown = user.types("helm safe-upgrade web app --set tag=3 --yes");
    shown.exits(6);
    assert!(shown.stderr.contains("is at work on it since"), "{}", shown.stderr);
    signal(plugin_of(&helm), "TERM");
    helm.wait().unwrap();
}

fn a_release_that_helm_left_pending_is_not_touched(user: &User) {
    user.has_web(&[]);
    let mut helm = user.starts("exec helm upgrade web app --set tag=2-unready --wait");
    user.waits_for(|| user.revisions().last().is_some_and(|revision| revision == "2 pending-upgrade"));
    helm.kill().unwrap();
    helm.wait().unwrap();
    let shown = user.types("helm safe-upgrade web app --set tag=3 --yes");
    shown.exits(6);
    assert!(
        shown.stderr.contains("cannot upgrade release \"web\": status is pending-upgrade (revision 2)"),
        "{}",
        shown.stderr
    );
    assert!(shown.stderr.contains("helm safe-upgrade unlock web"), "{}", shown.stderr);
    user.types("helm safe-upgrade unlock web --force --yes").exits(0);
    user.types("helm safe-upgrade web app --set tag=3 --yes").exits(0);
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
}

fn a_hand_run_helm_in_between_is_noticed(user: &User) {
    user.has_web(&[]);
    let mut helm = starts_to_hang(user);
    // A rollback by hand does not ask whether somebody is at work.
    user.types("helm rollback web 1");
    let code = helm.wait().unwrap().code();
    let last = user.revisions().last().unwrap().clone();
    assert_eq!(code, Some(6), "{last}");
    assert_eq!(last, "3 deployed", "what somebody else did stays");
}

//! Runs that were cut off, and helms that were: what has begun is gone on with.

use serde_json::{Value, json};

use crate::cluster;
use crate::processes::{child_of, plugin_of, signal};
use crate::release::hook;
use crate::user::User;

stories![
    a_run_that_was_killed_at_its_gates_is_gone_on_with,
    what_a_run_has_only_looked_at_is_not_led_back,
    a_hook_of_a_lost_helm_is_let_end,
    an_interrupt_after_a_lost_helm_goes_back,
];

/// An upgrade whose gate fails, and takes long to say so until it is known.
const AT_ITS_GATES: &str =
    "exec helm safe-upgrade web app --set tag=2 --yes --gate-cmd 'touch asked; test -e known || sleep 60; false'";

/// Starts that upgrade and kills it while the gate is asked. The next time it is answered at once.
fn is_killed_at_its_gates(user: &User) {
    let mut helm = user.starts(AT_ITS_GATES);
    user.waits_for(|| user.folder.join("asked").exists());
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    user.writes("known", "");
}

fn a_run_that_was_killed_at_its_gates_is_gone_on_with(user: &User) {
    user.has_web(&[]);
    is_killed_at_its_gates(user);
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    user.types("helm safe-upgrade web app --set tag=2 --dry-run").mentions("--yes goes on with it");
    let shown = user.types(AT_ITS_GATES);
    shown.exits(4);
    assert!(shown.stderr.contains("the run that made revision 2 was cut off"), "{}", shown.stderr);
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1, 3], vec![2]));
    user.left_no_lease();
}

fn what_a_run_has_only_looked_at_is_not_led_back(user: &User) {
    user.has_web(&[]);
    user.does("helm upgrade web app --set tag=2 --wait");
    is_killed_at_its_gates(user);
    user.types(AT_ITS_GATES).exits(1);
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1], vec![]));
}

/// The pod of the hook that runs now, and is not this one.
fn running_hook(user: &User, but: &str) -> Option<String> {
    let pods = cluster::at(&format!("/api/v1/namespaces/{}/pods", user.namespace))?;
    let runs = |pod: &&Value| {
        let runs = pod["status"]["containerStatuses"][0]["state"]["running"].is_object();
        runs && pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] == "web-migrate"
    };
    let names = pods["items"].as_array()?.iter().filter(runs).filter_map(|pod| pod["metadata"]["name"].as_str());
    names.filter(|name| *name != but).map(str::to_owned).next()
}

fn succeeds(user: &User, pod: &str) {
    let path = format!("/api/v1/namespaces/{}/pods/{pod}/status", user.namespace);
    let ended = json!({"name": "migrate", "state": {"running": null, "terminated": {"exitCode": 0}}});
    let status = json!({"status": {"phase": "Succeeded", "containerStatuses": [ended]}});
    cluster::writes_as("test", "strategic-merge", &path, &status);
}

/// Starts an upgrade whose hook runs until it is ended, and loses its helm in it. What it tells is in `told`.
fn loses_helm_in_its_hook(user: &User) -> (std::process::Child, String) {
    user.has_web(&[("hook", &hook("pre-upgrade"))]);
    let helm = user.starts("exec helm safe-upgrade web app --set tag=2,hook=1-unready --yes 2>told");
    user.waits_for(|| running_hook(user, "").is_some());
    let pod = running_hook(user, "").unwrap();
    signal(child_of(plugin_of(&helm)), "KILL");
    let told = || std::fs::read_to_string(user.folder.join("told")).unwrap();
    user.waits_for(|| told().contains("the hook job/web-migrate still runs; it is waited for"));
    (helm, pod)
}

fn a_hook_of_a_lost_helm_is_let_end(user: &User) {
    let (mut helm, first) = loses_helm_in_its_hook(user);
    assert_eq!(running_hook(user, ""), Some(first.clone()), "nobody has stopped it");
    succeeds(user, &first);
    user.waits_for(|| running_hook(user, &first).is_some());
    succeeds(user, &running_hook(user, &first).unwrap());
    assert!(helm.wait().unwrap().success());
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1, 3], vec![]));
    assert!(user.description(2).starts_with("Interrupted: helm was lost"), "{}", user.description(2));
}

fn an_interrupt_after_a_lost_helm_goes_back(user: &User) {
    let (mut helm, _) = loses_helm_in_its_hook(user);
    signal(plugin_of(&helm), "TERM");
    assert_eq!(helm.wait().unwrap().code(), Some(7));
    let told = std::fs::read_to_string(user.folder.join("told")).unwrap();
    assert!(!told.contains("was not changed"), "{told}");
    assert!(user.revisions().last().unwrap().ends_with(" deployed"), "{:?}", user.revisions());
    assert!(user.description(user.revisions().len()).contains("Rollback to 1"), "{:?}", user.revisions());
    assert!(user.bad().is_empty(), "an interrupted revision is not a bad one");
    user.left_no_lease();
}

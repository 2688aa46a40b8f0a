//! Watching on after everything is ready.

use std::time::{Duration, Instant};

use crate::cluster;
use crate::processes::{plugin_of, signal};
use crate::servers::Server;
use crate::user::User;

stories![
    a_soak_that_ends_well_is_proven,
    a_server_that_is_away_at_the_end_is_waited_for,
    a_late_crash_is_rolled_back,
    a_gate_that_fails_again_and_again_is_rolled_back,
    a_gate_that_fails_once_is_forgiven,
    what_is_not_ready_any_more_is_rolled_back,
    what_is_ready_again_in_time_is_not,
    an_interrupt_while_it_soaks_goes_back,
    a_hand_run_helm_while_it_soaks_is_noticed,
];

fn line(flags: &str) -> String {
    format!("helm safe-upgrade web app --set tag=2 --yes {flags}")
}

fn is_back(user: &User, line: &str, why: &str) {
    let shown = user.types(line);
    shown.exits(4);
    assert!(shown.stdout.contains(why), "{why:?} is not in: {}{}", shown.stdout, shown.stderr);
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1, 3], vec![2]));
    user.left_no_lease();
}

fn a_soak_that_ends_well_is_proven(user: &User) {
    user.has_web(&[]);
    let began = Instant::now();
    let shown = user.types(&line("--soak 4s --soak-interval 1s --gate-cmd 'echo x >>asked'"));
    shown.mentions("revision 2 is deployed and proven");
    assert!(began.elapsed() >= Duration::from_secs(4));
    assert!(shown.stderr.contains("watching revision 2 of web for 4s"), "{}", shown.stderr);
    assert!(shown.stderr.contains("✓ soak 4s passed: ready all along"), "{}", shown.stderr);
    let asked = std::fs::read_to_string(user.folder.join("asked")).unwrap().lines().count();
    assert!((3..=5).contains(&asked), "at the beginning, each second or a little later, and at the end: {asked}");
    assert_eq!(user.proven(), [1, 2]);
}

fn a_server_that_is_away_at_the_end_is_waited_for(user: &User) {
    user.has_web(&[]);
    let server = Server::before(&user.folder, &cluster::server());
    let flags = "--soak 4s --fail-fast-after 5s --gate-cmd 'touch soaks'";
    let mut helm = user.starts(&format!("exec env HELM_KUBEAPISERVER=https://{} {}", server.address(), line(flags)));
    user.waits_for(|| user.folder.join("soaks").exists());
    user.writes("away", "");
    // Longer than the soak, and than what is not ready at its end is waited for.
    std::thread::sleep(Duration::from_secs(12));
    std::fs::remove_file(user.folder.join("away")).unwrap();
    assert!(helm.wait().unwrap().success());
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    assert_eq!(user.proven(), [1, 2]);
}

fn a_late_crash_is_rolled_back(user: &User) {
    user.has_web(&[]);
    let line = "helm safe-upgrade web app --set tag=2-late --yes --soak 30s";
    is_back(user, line, "soak 30s failed: deployment/web: container main was restarted, exit code 1 (pod web-");
}

fn a_gate_that_fails_again_and_again_is_rolled_back(user: &User) {
    user.has_web(&[]);
    // It passes when it is asked first.
    user.writes("check.sh", "test ! -e asked && touch asked\n");
    let flags = "--soak 20s --soak-interval 500ms --soak-threshold 3 --gate-cmd 'sh check.sh'";
    is_back(user, &line(flags), "soak 20s failed: command sh check.sh: exit code 1");
}

fn a_gate_that_fails_once_is_forgiven(user: &User) {
    user.has_web(&[]);
    // It fails only when it is asked last: it is asked once more.
    user.writes("check.sh", "echo x >>asked; test $(wc -l <asked) != 2\n");
    let shown = user.types(&line("--soak 1s --soak-interval 1s --gate-cmd 'sh check.sh'"));
    shown.mentions("revision 2 is deployed and proven");
    assert!(shown.stderr.contains("(failed 1 of 2 times in a row)"), "{}", shown.stderr);
}

/// Waits until it soaks: the gate is asked then.
fn starts_to_soak(user: &User, flags: &str) -> std::process::Child {
    let child = user.starts(&format!("exec {}", line(&format!("--gate-cmd 'touch soaks' {flags}"))));
    user.waits_for(|| user.folder.join("soaks").exists());
    child
}

fn all_pods_become(user: &User, ready: &str) {
    let pods = format!("/api/v1/namespaces/{}/pods", user.namespace);
    let list = crate::cluster::at(&pods).unwrap();
    // One of the revision before may be on its way out.
    let stays = |pod: &&serde_json::Value| pod["metadata"]["deletionTimestamp"].is_null();
    for pod in list["items"].as_array().unwrap().iter().filter(stays) {
        let path = format!("{pods}/{}/status", pod["metadata"]["name"].as_str().unwrap());
        let conditions = ["Ready", "ContainersReady"].map(|kind| serde_json::json!({"type": kind, "status": ready}));
        crate::cluster::writes_as(
            "test",
            "strategic-merge",
            &path,
            &serde_json::json!({"status": {"conditions": conditions}}),
        );
    }
}

fn what_is_not_ready_any_more_is_rolled_back(user: &User) {
    user.has_web(&[]);
    let mut helm = starts_to_soak(user, "--soak 60s --fail-fast-after 2s");
    all_pods_become(user, "False");
    assert_eq!(helm.wait().unwrap().code(), Some(4));
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    assert!(user.description(2).contains("deployment/web: not ready any more"), "{}", user.description(2));
}

fn what_is_ready_again_in_time_is_not(user: &User) {
    user.has_web(&[]);
    let mut helm = starts_to_soak(user, "--soak 4s --fail-fast-after 30s");
    all_pods_become(user, "False");
    std::thread::sleep(Duration::from_secs(2));
    all_pods_become(user, "True");
    assert_eq!(helm.wait().unwrap().code(), Some(0));
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    assert_eq!(user.proven(), [1, 2]);
}

fn an_interrupt_while_it_soaks_goes_back(user: &User) {
    user.has_web(&[]);
    let mut helm = starts_to_soak(user, "--soak 60s");
    signal(plugin_of(&helm), "TERM");
    assert_eq!(helm.wait().unwrap().code(), Some(7));
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    assert!(user.description(2).starts_with("Interrupted by SIGTERM"), "{}", user.description(2));
    assert_eq!((user.proven(), user.bad()), (vec![1, 3], vec![]));
    user.left_no_lease();
}

fn a_hand_run_helm_while_it_soaks_is_noticed(user: &User) {
    user.has_web(&[]);
    let mut helm = starts_to_soak(user, "--soak 60s --soak-interval 500ms");
    user.does("helm upgrade web app --set tag=3 --wait");
    assert_eq!(helm.wait().unwrap().code(), Some(6));
    assert_eq!(user.revisions(), ["1 superseded", "2 superseded", "3 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1], vec![]));
    user.left_no_lease();
}

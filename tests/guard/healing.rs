//! Signs of trouble that go away: nothing is rolled back that would have become healthy.

use crate::release::hook;
use crate::user::User;

stories![
    an_image_that_comes_late_is_no_failure,
    a_container_that_stops_crashing_is_no_failure,
    a_container_that_stops_being_killed_for_memory_is_no_failure,
    pods_that_become_ready_late_are_no_failure,
    a_slow_start_is_no_failure,
    a_hook_whose_image_comes_late_is_no_failure,
    a_quota_that_is_raised_is_no_failure,
    each_hook_and_the_roll_out_have_helms_timeout,
];

fn succeeds(user: &User, line: &str) {
    user.types(line).mentions("web is upgraded: revision 2 is deployed and proven");
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    user.left_no_lease();
}

fn an_image_that_comes_late_is_no_failure(user: &User) {
    user.has_web(&[]);
    succeeds(user, "helm safe-upgrade web app --set tag=2-missing-heals --yes");
}

fn a_container_that_stops_crashing_is_no_failure(user: &User) {
    user.has_web(&[]);
    succeeds(user, "helm safe-upgrade web app --set tag=2-crash-heals --yes");
}

fn a_container_that_stops_being_killed_for_memory_is_no_failure(user: &User) {
    user.has_web(&[]);
    succeeds(user, "helm safe-upgrade web app --set tag=2-oom-heals --yes");
}

fn pods_that_become_ready_late_are_no_failure(user: &User) {
    user.has_web(&[]);
    succeeds(user, "helm safe-upgrade web app --set tag=2-unready-heals --yes --fail-fast-after 40s");
}

fn a_slow_start_is_no_failure(user: &User) {
    user.has_web(&[]);
    succeeds(user, "helm safe-upgrade web app --set tag=2-slow --yes --fail-fast-after 40s");
}

fn a_hook_whose_image_comes_late_is_no_failure(user: &User) {
    user.has_web(&[("hook", &hook("pre-upgrade"))]);
    succeeds(user, "helm safe-upgrade web app --set tag=2,hook=1-missing-heals --yes");
}

fn a_quota_that_is_raised_is_no_failure(user: &User) {
    user.has_web(&[]);
    user.may_have_pods(2);
    let mut upgrade =
        user.starts("helm safe-upgrade web app --set replicas=3 --yes --accept quota --fail-fast-after 60s");
    std::thread::sleep(std::time::Duration::from_secs(4));
    user.may_have_pods(9);
    assert!(upgrade.wait().unwrap().success());
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
}

fn each_hook_and_the_roll_out_have_helms_timeout(user: &User) {
    let job = hook("pre-upgrade,post-upgrade");
    let other = job.replace("-migrate", "-index");
    user.has_web(&[("hook", &job), ("other", &other)]);
    // Four hooks of four seconds each, one after the other, and the roll-out.
    let line = "helm safe-upgrade web app --set tag=2-slow,replicas=1,hook=1-unready-heals --yes --timeout 12s --fail-fast-after 60s";
    let began = std::time::Instant::now();
    succeeds(user, line);
    let took = began.elapsed().as_secs();
    assert!(took > 17, "the whole took longer than the timeout, and than a helm that hangs had before: {took} s");
}

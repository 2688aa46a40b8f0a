//! Hooks: which run, which are left from an earlier run, and which look like migrations.

use crate::environment::Helm;
use crate::findings::{allow, found, has, passes};
use crate::user::User;

stories![hooks_that_are_left_stop_the_upgrade, hooks_are_told_in_their_order];

/// A hook that runs on install and upgrade, and is deleted only where it fails.
const LEFT: &str =
    "hooks: {left: {event: 'pre-install,pre-upgrade', deletePolicy: hook-failed, image: 'busybox:IMAGE'}}\n";

fn hooks_that_are_left_stop_the_upgrade(user: &User) {
    user.upgrades("parts", &LEFT.replace("IMAGE", "1"));
    user.writes("changed.yaml", &LEFT.replace("IMAGE", "2"));
    let check = "helm safe-upgrade check web parts -o json --values";
    let same = found(user, &format!("{check} values.yaml"));
    // Helm 4 applies on the server's side, which leaves a Job as it is.
    match user.helm {
        Helm::V3 => has(&same, "hook-exists", "blocker", "already exists"),
        Helm::V4 => has(&same, "hook-exists", "warning", "does not run again"),
    }
    has(&found(user, &format!("{check} changed.yaml")), "hook-exists", "blocker", "nothing deletes it before");
    user.types(&format!("{check} changed.yaml")).exits(3);
    passes(
        &found(user, &format!("{check} changed.yaml --set hooks.left.deletePolicy=before-hook-creation")),
        "hook-exists",
    );
    passes(&found(user, &format!("{check} changed.yaml --no-hooks")), "hook-exists");
    allow(user, "viewer", &[("", "secrets", &["get", "list"])]);
    has(&found(user, &format!("{check} changed.yaml --kube-as-user viewer")), "hook-exists", "unknown", "jobs");
    // What the check says is so.
    assert_ne!(user.types("helm upgrade web parts --values changed.yaml").code, Some(0));
}

fn hooks_are_told_in_their_order(user: &User) {
    user.upgrades("parts", "configMaps: {a: {b: c}}\n");
    let values = "hooks:\n  second: {weight: 5}\n  db-migrate: {weight: -1, image: 'busybox:1'}\n  last: {event: post-upgrade}\n  ask: {event: test}\n";
    user.writes("values.yaml", values);
    let check = "helm safe-upgrade check web parts --values values.yaml";
    let shown = user.types(check);
    shown.exits(0).mentions("2 hooks run before the upgrade and 1 after it");
    let at = |part: &str| shown.stdout.find(part).unwrap_or_else(|| panic!("{part}: {}", shown.stdout));
    assert!(
        at("Job/db-migrate, weight -1") < at("Job/second, weight 5") && at("Job/second") < at("post-upgrade: Job/last")
    );
    shown.mentions("test: Job/ask");
    let findings = found(user, &format!("{check} -o json"));
    has(&findings, "migration", "info", "is new");
    user.does("helm upgrade web parts --values values.yaml");
    let findings = found(user, &format!("{check} -o json"));
    has(&findings, "migration", "info", "the same as before");
    has(&found(user, &format!("{check} --no-hooks -o json")), "hooks", "info", "do not run");
    passes(&found(user, "helm safe-upgrade check web parts --reset-values -o json"), "hooks");
}

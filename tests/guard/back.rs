//! Rollbacks that were asked for, and those that fail.

use serde_json::json;

use crate::cluster;
use crate::release::hook;
use crate::user::User;

stories![
    a_rollback_goes_to_the_newest_proven_revision,
    a_rollback_goes_to_the_revision_named,
    without_a_proven_revision_one_must_be_named,
    a_rollback_that_fails_is_failed_and_not_pending,
    a_failing_rollback_after_a_failing_upgrade_stops_there,
    what_a_rollback_does_not_bring_back_is_said,
    what_somebody_makes_just_before_the_rollback_is_theirs,
    a_stateful_set_is_led_back,
    a_stateful_set_is_led_back_after_a_helm_that_was_lost,
    without_the_right_to_delete_pods_the_one_in_the_way_is_named,
];

fn a_rollback_goes_to_the_newest_proven_revision(user: &User) {
    user.has_web(&[]);
    user.types("helm safe-upgrade web app --set tag=2 --yes").exits(0);
    let shown = user.types("helm safe-upgrade rollback web --yes");
    shown.mentions("web is back at revision 1, as revision 3: ready, as its manifest says, and proven");
    assert_eq!(user.revisions(), ["1 superseded", "2 superseded", "3 deployed"]);
    assert_eq!(user.proven(), [1, 2, 3]);
    user.left_no_lease();
}

fn a_rollback_goes_to_the_revision_named(user: &User) {
    user.has_web(&[]);
    user.types("helm safe-upgrade web app --set tag=2 --yes").exits(0);
    user.types("helm safe-upgrade web app --set tag=3 --yes").exits(0);
    user.types("helm safe-upgrade rollback web 1").exits(3);
    user.types("helm safe-upgrade rollback web 1 --dry-run").mentions("example.com/app:1");
    user.types("helm safe-upgrade rollback web 1 --yes").exits(0);
    assert!(user.does("helm get manifest web").contains("example.com/app:1"));
    user.types("helm safe-upgrade rollback web 9 --yes").explains("has no revision 9");
}

fn without_a_proven_revision_one_must_be_named(user: &User) {
    user.has_an_app(&[]);
    user.does("helm install web app --wait");
    user.does("helm upgrade web app --set tag=2 --wait");
    let shown = user.types("helm safe-upgrade rollback web --yes");
    shown.exits(3);
    assert!(shown.stderr.contains("no revision with another manifest is proven good"), "{}", shown.stderr);
    let shown = user.types("helm safe-upgrade rollback web 1 --yes");
    shown.exits(0);
    assert!(shown.stderr.contains("revision 1 is not proven"), "{}", shown.stderr);
}

fn a_rollback_that_fails_is_failed_and_not_pending(user: &User) {
    user.has_an_app(&[]);
    user.does("helm install web app --set tag=1-missing");
    user.does("helm upgrade web app --set tag=2 --wait");
    let shown = user.types("helm safe-upgrade rollback web 1 --yes");
    shown.exits(5);
    assert!(shown.stdout.contains("the rollback of web to revision 1 failed"), "{}", shown.stdout);
    assert_eq!(user.revisions().last().unwrap(), "3 failed");
    user.left_no_lease();
}

fn a_failing_rollback_after_a_failing_upgrade_stops_there(user: &User) {
    user.has_web(&[("hook", &hook("pre-rollback"))]);
    user.types("helm safe-upgrade web app --set hook=1-crash --yes").exits(0);
    let shown = user.types("helm safe-upgrade web app --set hook=1-crash,tag=3-missing --yes");
    shown.exits(5);
    assert!(shown.stdout.contains("and web is NOT back at revision 2"), "{}", shown.stdout);
    assert!(shown.stdout.contains("helm safe-upgrade diagnose web"), "{}", shown.stdout);
    let revisions = user.revisions();
    assert!(revisions.iter().all(|revision| !revision.contains("pending")), "{revisions:?}");
    assert_eq!(revisions.len(), 4, "one rollback, and no loop: {revisions:?}");
    user.left_no_lease();
}

fn what_a_rollback_does_not_bring_back_is_said(user: &User) {
    user.has_web(&[("hook", &hook("pre-upgrade"))]);
    user.types("helm safe-upgrade web app --set tag=2,hook=1 --yes").exits(0);
    let shown = user.types("helm safe-upgrade rollback web --dry-run");
    assert!(shown.stderr.contains("hooks ran since, and what they did stays"), "{}", shown.stderr);
    assert!(shown.stderr.contains("going forward may be safer"), "{}", shown.stderr);
}

fn what_somebody_makes_just_before_the_rollback_is_theirs(user: &User) {
    user.has_web(&[("hook", &hook("pre-rollback"))]);
    user.types("helm safe-upgrade web app --set hook=1-crash --yes").exits(0);
    // A colleague is faster than our helm, by less than it takes to start it.
    user.writes(
        "bin/helm",
        "#!/bin/sh\n[ \"$1\" = rollback ] && helm upgrade web app --set tag=4 >&2\nexec helm \"$@\"\n",
    );
    let plugin = env!("CARGO_BIN_EXE_helm-safe-upgrade");
    let line = format!("chmod +x bin/helm; HELM_BIN=$PWD/bin/helm '{plugin}' web app --set tag=3-missing --yes");
    let shown = user.types(&line);
    shown.exits(6);
    assert!(
        shown.stdout.contains("web was changed by somebody else (revision 4); it is left to them"),
        "{}",
        shown.stdout
    );
    let revisions = user.revisions();
    // The hook of the rollback fails, so helm leaves it pending.
    assert_eq!(revisions[2..], ["3 failed", "4 deployed", "5 failed"], "theirs stays as it is, and nothing is locked");
}

fn a_stateful_set_is_led_back(user: &User) {
    user.has_web(&[("db", STATEFUL_SET)]);
    // Kubernetes waits for the failed pod before it replaces any, whatever the template says.
    let shown = user.types("helm safe-upgrade web app --set db=2-missing --yes --rollback-timeout 60s");
    shown.exits(4);
    assert!(shown.stderr.contains("statefulset/web-db waits for pod web-db-1"), "{}", shown.stderr);
    assert!(shown.stdout.contains("revision 2 failed; web is back at revision 1, as revision 3"), "{}", shown.stdout);
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1, 3], vec![2]));
    user.left_no_lease();
}

fn a_stateful_set_is_led_back_after_a_helm_that_was_lost(user: &User) {
    user.has_web(&[("db", STATEFUL_SET)]);
    // It has applied everything, and is killed while it would wait.
    let lost = "#!/bin/sh\nif [ \"$1\" = rollback ] && mkdir lost; then helm rollback web 1 >&2; kill -KILL $$; fi\nexec helm \"$@\"\n";
    user.writes("bin/helm", lost);
    let plugin = env!("CARGO_BIN_EXE_helm-safe-upgrade");
    let flags = "--set db=2-missing --yes --rollback-timeout 60s";
    let shown = user.types(&format!("chmod +x bin/helm; HELM_BIN=$PWD/bin/helm '{plugin}' web app {flags}"));
    shown.exits(4);
    assert!(
        shown.stderr.contains("helm was lost, which says nothing of the release; it is tried again"),
        "{}",
        shown.stderr
    );
    let freed = "statefulset/web-db waits for pod web-db-1, which is not ready and not of the revision that is gone back to: it is deleted";
    assert!(shown.stderr.contains(freed), "{}", shown.stderr);
    assert!(shown.stdout.contains("revision 2 failed; web is back at revision 1, as revision 4"), "{}", shown.stdout);
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 failed", "4 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1, 4], vec![2]));
    user.left_no_lease();
}

fn without_the_right_to_delete_pods_the_one_in_the_way_is_named(user: &User) {
    user.has_web(&[("db", STATEFUL_SET)]);
    let all = ["create", "delete", "get", "list", "patch", "update", "watch"];
    let rules = json!([
        {"apiGroups": [""], "resources": ["pods", "pods/log", "events", "persistentvolumeclaims"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["apps"], "resources": ["deployments", "replicasets", "statefulsets"], "verbs": all},
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["list", "watch"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": all},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": all},
    ]);
    cluster::allow(&user.namespace, "careful", "careful", &rules);
    let line = "helm safe-upgrade web app --set db=2-missing --yes --rollback-timeout 20s --kube-as-user careful";
    let shown = user.types(line);
    shown.exits(5);
    let said = format!("{}{}", shown.stdout, shown.stderr);
    let namespace = &user.namespace;
    let right =
        format!("you may not delete pods in namespace {namespace:?}: going back would wait for pods of StatefulSets");
    assert!(said.contains(&right), "{said}");
    assert!(said.contains(&format!("by hand: kubectl delete pod web-db-1 -n {namespace}")), "{said}");
    assert_eq!(user.revisions(), ["1 deployed", "2 failed", "3 failed"]);
    user.left_no_lease();
}

const STATEFUL_SET: &str = r#"
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .Release.Name }}-db
spec:
  replicas: 2
  serviceName: db
  selector:
    matchLabels: {app: db}
  template:
    metadata:
      labels: {app: db}
    spec:
      containers:
      - name: main
        image: "example.com/db:{{ .Values.db | default 1 }}"
"#;

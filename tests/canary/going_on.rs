//! Pausing, promoting, aborting, and going on after a crash.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use serde_json::json;

use crate::cluster;
use crate::processes::{plugin_of, signal};
use crate::record::Record;
use crate::user::User;

stories![
    a_canary_pauses_and_is_promoted,
    a_canary_that_was_killed_goes_on,
    a_canary_is_aborted,
    what_was_scaled_by_hand_has_its_pods_again,
    two_runs_of_a_canary_are_told_apart,
    a_canary_goes_on_with_its_configuration,
    a_release_that_somebody_else_has_changed_is_left_to_them,
    what_somebody_does_after_a_step_that_failed_is_theirs,
    an_autoscaler_is_noticed,
    without_the_right_to_keep_it_there_is_no_canary,
];

fn a_canary_pauses_and_is_promoted(user: &User) {
    user.has_two_pods();
    user.types("helm safe-upgrade canary status web").explains("no canary of release \"web\" is under way");
    let shown = user.canary("--steps 2,3,5 --pause=1 --confirm --set-string note=s3cret");
    shown.exits(0);
    assert!(shown.stdout.contains("the canary of web waits after 1 of 3 steps"), "{}", shown.stdout);
    let promote = format!("helm safe-upgrade canary promote web -n {}", user.namespace);
    assert!(shown.stdout.contains(&promote), "{}", shown.stdout);
    assert_eq!((user.has_running("web"), user.proven()), ("2 of 2".to_owned(), vec![1]));
    let status = user.types("helm safe-upgrade canary status web -o json").json();
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../docs/schema/canary-status.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator.iter_errors(&status).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:#?}\n{status:#}");
    assert_eq!((status["passed"].as_u64(), status["standing"].as_str()), (Some(1), Some("as-left")));
    let listed = user.does("helm safe-upgrade list");
    assert!(listed.contains("a step of a canary that is not over"), "{listed}");
    let text = user.does("helm safe-upgrade canary status web");
    assert!(text.contains("1     replicas=2  passed  2") && !text.contains("s3cret"), "{text}");
    // The same command again waits on, and other steps are refused.
    user.canary("--steps 2,3,5 --pause=1 --confirm --set-string note=s3cret").exits(0);
    let shown = user.canary("--steps 2,4 --set-string note=s3cret");
    shown.exits(3);
    assert!(shown.stderr.contains("another canary of release \"web\" is under way: 1 of 3 steps have passed"));
    // From elsewhere, with what it was begun with; nobody is there to confirm the second step.
    let elsewhere = format!("mkdir elsewhere && cd elsewhere && {promote} --yes");
    user.types(&elsewhere).mentions("waits after 2 of 3 steps");
    assert_eq!((user.has_running("web"), user.proven()), ("3 of 2".to_owned(), vec![1]));
    user.types(&format!("{promote} --yes")).mentions("all 3 steps have passed; revision 4 is proven");
    assert_eq!((user.has_running("web"), user.proven()), ("5 of 2".to_owned(), vec![1, 4]));
    let values = user.does("helm get values web -o json");
    assert!(values.contains("s3cret"), "the values are those that it was begun with: {values}");
    user.left_nothing();
}

fn a_canary_that_was_killed_goes_on(user: &User) {
    user.has_two_pods();
    let flags = "--steps 2,3,5 --set tag=2-slow";
    let line = format!("helm safe-upgrade canary web app --replicas-key replicas --interval 600ms --yes {flags}");
    let mut helm = user.starts(&format!("exec {line}"));
    user.waits_for(|| Record::of(user, "web", 3).is_pending());
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    assert_eq!(user.kept().unwrap()["passed"], 1);
    let shown = user.types(&line);
    shown.mentions("all 3 steps have passed; revision 5 is proven");
    assert!(shown.stderr.contains("1 of 3 steps have passed"), "{}", shown.stderr);
    assert_eq!(user.revisions(), ["1 superseded", "2 superseded", "3 failed", "4 superseded", "5 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1, 5], vec![]));
    assert_eq!(user.has_running("web"), "5 of 2-slow");
    user.left_nothing();
}

fn a_canary_is_aborted(user: &User) {
    user.has_two_pods();
    user.canary("--steps 2,3,5 --pause").exits(0);
    assert_eq!(user.has_running("web"), "2 of 2");
    let shown = user.types("helm safe-upgrade canary promote web --full");
    shown.exits(3);
    assert!(shown.stderr.contains("nobody is there to confirm it"), "{}", shown.stderr);
    user.types("helm safe-upgrade canary abort web --yes").mentions("it is back, as revision 1 has it");
    assert_eq!(user.revisions(), ["1 superseded", "2 superseded", "3 deployed"]);
    assert_eq!(user.has_running("web"), "2 of 1");
    user.left_nothing();
    // Straight to the last step.
    user.canary("--steps 2,3,5 --pause").exits(0);
    user.types("helm safe-upgrade canary promote web --full --yes").mentions("revision 5 is proven");
    assert_eq!(user.has_running("web"), "5 of 2");
    user.left_nothing();
}

fn what_was_scaled_by_hand_has_its_pods_again(user: &User) {
    user.has_two_pods();
    // The manifest says 2.
    cluster::merge::<Deployment>(&user.namespace, "web", json!({"spec": {"replicas": 4}}));
    // Whoever has scaled it owns the number, which Helm 4 does not take from them by itself.
    let force = if user.helm.name() == "helm4" { "--force-conflicts" } else { "" };
    let shown = user.canary(&format!("--steps 4,5 {force} --gate-cmd 'test $HELM_RELEASE_REVISION -lt 3'"));
    shown.exits(4);
    assert!(shown.stdout.contains("step 2 of 2 failed; web is back, as revision 1 has it"), "{}", shown.stdout);
    assert!(shown.stderr.contains("deployment/web of web is set to 4 pods"), "{}", shown.stderr);
    assert_eq!(user.has_running("web"), "4 of 1");
    user.left_nothing();
    user.canary("--steps 5,6 --pause").exits(0);
    user.types("helm safe-upgrade canary abort web --yes").exits(0);
    assert_eq!(user.has_running("web"), "4 of 1");
    user.left_nothing();
    // Nobody owns what was set, so that Helm may set it again.
    user.types("helm safe-upgrade web app --set tag=3,replicas=3 --yes").exits(0);
    assert_eq!(user.has_running("web"), "3 of 3");
}

fn two_runs_of_a_canary_are_told_apart(user: &User) {
    user.has_two_pods();
    let flags = "--set tag=2 --replicas-key replicas --interval 2m --yes --steps 2,3";
    let mut helm = user.starts(&format!("exec helm safe-upgrade canary web app {flags}"));
    user.waits_for(|| Record::of(user, "web", 2).exists());
    let shown = user.types("helm safe-upgrade canary abort web --yes");
    shown.exits(6);
    assert!(shown.stderr.contains("another run of the canary of release \"web\" is at work"), "{}", shown.stderr);
    signal(plugin_of(&helm), "TERM");
    assert_eq!(helm.wait().unwrap().code(), Some(7));
    assert_eq!(user.has_running("web"), "2 of 1", "as before");
    user.left_nothing();
}

fn a_canary_goes_on_with_its_configuration(user: &User) {
    user.has_two_pods();
    user.writes("ci.yaml", "policies:\n- gates: {commands: ['echo x >>asked']}\n");
    user.canary("--steps 2,3,4 --pause --config ci.yaml").exits(0);
    let promote = "helm safe-upgrade canary promote web --yes";
    user.types(&format!("mkdir elsewhere && cd elsewhere && {promote}")).mentions("waits after 2 of 3 steps");
    assert!(user.folder.join("elsewhere/asked").exists(), "its gate is asked");
    user.does("mv ci.yaml moved.yaml");
    user.types(promote).explains("its configuration is not at");
    user.types(&format!("{promote} --config moved.yaml")).mentions("all 3 steps have passed; revision 4 is proven");
    user.left_nothing();
}

fn what_somebody_does_after_a_step_that_failed_is_theirs(user: &User) {
    user.has_two_pods();
    user.canary("--steps 2,3 --on-failure keep --gate-cmd false").exits(5);
    user.types("helm upgrade web app --set tag=4-unready --wait --timeout 2s").exits(1);
    let shown = user.types("helm safe-upgrade canary abort web --yes");
    shown.exits(6);
    assert!(shown.stdout.contains("web was changed by somebody else, and is left to them"), "{}", shown.stdout);
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 failed"]);
    user.left_nothing();
}

fn a_release_that_somebody_else_has_changed_is_left_to_them(user: &User) {
    user.has_two_pods();
    user.canary("--steps 2,3,5 --pause=1").exits(0);
    user.does("helm upgrade web app --set tag=4,replicas=2 --wait");
    let status = user.does("helm safe-upgrade canary status web");
    assert!(status.contains("was changed by somebody else"), "{status}");
    let shown = user.types("helm safe-upgrade canary abort web --yes");
    shown.exits(6);
    assert!(shown.stdout.contains("web was changed by somebody else, and is left to them"), "{}", shown.stdout);
    assert_eq!(user.has_running("web"), "2 of 4");
    user.left_nothing();
}

fn an_autoscaler_is_noticed(user: &User) {
    user.has_two_pods();
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    let spec = json!({"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 9});
    let own = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "own"}, "spec": spec});
    user.writes("app/templates/own.yaml", &format!("{{{{- if .Values.autoscaled }}}}\n{own}\n{{{{- end }}}}\n"));
    let shown = user.canary("--steps 2,3 --set autoscaled=true");
    shown.exits(3);
    let comes = "horizontalpodautoscaler/own comes with the step, and scales it: it undoes what the steps set";
    assert!(shown.stdout.contains(comes), "{}", shown.stdout);
    cluster::create::<HorizontalPodAutoscaler>(&user.namespace, json!({"metadata": {"name": "web"}, "spec": spec}));
    let shown = user.canary("--steps 2,3");
    shown.exits(3);
    let found = "horizontalpodautoscaler/web scales it between 2 and 9 pods: it undoes what the steps set";
    assert!(shown.stdout.contains(found), "{}", shown.stdout);
    let shown =
        user.types("helm safe-upgrade canary web app --step tag=2 --step tag=3 --interval 600ms --yes --dry-run");
    shown.exits(0);
    assert!(shown.stdout.contains("how many each step has is its choice"), "{}", shown.stdout);
    assert_eq!(user.revisions(), ["1 deployed"]);
}

fn without_the_right_to_keep_it_there_is_no_canary(user: &User) {
    user.has_two_pods();
    user.exports("HELM_DRIVER", "configmap");
    user.does("helm install web2 app --wait");
    let rules = json!([
        {"apiGroups": ["", "apps", "autoscaling", "coordination.k8s.io", "policy"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"]},
    ]);
    cluster::allow(&user.namespace, "no-secrets", "viewer", &rules);
    let line = "helm safe-upgrade canary web2 app --set tag=2 --replicas-key replicas --steps 2,3 --interval 600ms --yes --kube-context viewer";
    let shown = user.types(&format!("{line} -n {}", user.namespace));
    shown.exits(1);
    assert!(shown.stderr.contains("cannot keep the canary of release \"web2\""), "{}", shown.stderr);
    assert!(shown.stderr.contains("a canary is kept in a Secret"), "{}", shown.stderr);
    let history = user.does("helm history web2 -o json");
    assert!(!history.contains("\"revision\":2"), "nothing was done: {history}");
    // Helm itself looks for a database before it starts a plugin.
    let plugin = env!("CARGO_BIN_EXE_helm-safe-upgrade");
    user.types(&format!("HELM_DRIVER=sql {plugin} canary web app --steps 2,3"))
        .explains("the storage driver \"sql\" holds no labels");
}

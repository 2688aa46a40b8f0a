//! The course of a canary: its plan, its steps, and what becomes of it where one fails.

use crate::servers::Server;
use crate::user::User;

stories![
    a_canary_goes_up_step_by_step_and_only_the_last_is_proven,
    a_gate_that_fails_at_step_two_leads_back_with_all_pods,
    a_first_step_of_fewer_pods_is_a_blocker,
    any_values_are_steps,
];

fn a_canary_goes_up_step_by_step_and_only_the_last_is_proven(user: &User) {
    user.has_two_pods();
    let sized = "resources: {requests: {cpu: 100m, memory: 64Mi}}";
    let chart = std::fs::read_to_string(user.folder.join("app/templates/deployment.yaml")).unwrap();
    user.writes("app/templates/deployment.yaml", &format!("{}        {sized}\n", chart));
    let shown = user.canary("--steps 2,3,5");
    shown.exits(0);
    let plan = "\
Canary of web to app-1.0.0 in 3 steps; a failure goes back to revision 1
STEP  SETS        PODS  CPU   MEMORY  THEN
now               2
1     replicas=2  2     200m  128Mi   is watched for 0 s
2     replicas=3  3     300m  192Mi   is watched for 0 s
3     replicas=5  5     500m  320Mi   is marked as proven
";
    assert!(shown.stdout.contains(plan), "{}", shown.stdout);
    assert!(shown.stderr.contains("step 2 of 3 of web: replicas=3"), "{}", shown.stderr);
    assert!(shown.stdout.contains("✓ web: all 3 steps have passed; revision 4 is proven"), "{}", shown.stdout);
    assert_eq!(user.revisions(), ["1 superseded", "2 superseded", "3 superseded", "4 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1, 4], vec![]));
    assert_eq!(user.has_running("web"), "5 of 2");
    user.left_nothing();
}

fn a_gate_that_fails_at_step_two_leads_back_with_all_pods(user: &User) {
    user.has_two_pods();
    let shown = user.canary("--steps 2,3,5 --gate-cmd 'test $HELM_RELEASE_REVISION -lt 3' -o json");
    shown.exits(4);
    let events = user.events(&shown);
    assert!(events[0]["event"] == "canary-planned" && events[0]["time"].is_string(), "{}", events[0]);
    let last = events.last().unwrap();
    assert_eq!((last["event"].as_str(), last["outcome"].as_str()), (Some("canary-done"), Some("rolled-back")));
    let failed = events.iter().find(|event| event["event"] == "gate" && event["state"] == "failed").unwrap();
    assert_eq!((failed["step"]["number"].as_u64(), failed["step"]["steps"].as_u64()), (Some(2), Some(3)));
    assert_eq!(user.revisions(), ["1 superseded", "2 superseded", "3 failed", "4 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1, 4], vec![3]));
    assert_eq!(user.has_running("web"), "2 of 1", "as before");
    user.left_nothing();
}

fn a_first_step_of_fewer_pods_is_a_blocker(user: &User) {
    user.has_two_pods();
    let shown = user.canary("--steps 1,3");
    shown.exits(3);
    assert!(
        shown.stdout.contains("it runs 2 pods, and the first step replaces all of them by 1 pod"),
        "{}",
        shown.stdout
    );
    assert!(shown.stderr.contains("--accept canary-replicas"), "{}", shown.stderr);
    assert_eq!(user.revisions(), ["1 deployed"]);
    user.left_nothing();
    user.canary("--steps 1,3 --accept canary-replicas").exits(0);
    assert_eq!(user.has_running("web"), "3 of 2");
    assert_eq!(user.proven(), [1, 3]);
    let shown = user.types("helm safe-upgrade canary web app --steps 1,3 --yes");
    shown.explains("step 2 (replicaCount=3) changes nothing of the manifest");
    assert!(shown.stderr.contains("--replicas-key"), "{}", shown.stderr);
}

fn any_values_are_steps(user: &User) {
    user.has_web(&[(
        "route",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: route}\ndata: {weight: {{ .Values.weight | default 0 | quote }}, tag: {{ .Values.tag | quote }}}\n",
    )]);
    let server = Server::of_files(&user.folder);
    let metric = |value: &str| {
        user.writes(
            "api/v1/query",
            &format!(r#"{{"status":"success","data":{{"resultType":"scalar","result":[1,"{value}"]}}}}"#),
        );
    };
    metric("10");
    user.writes(
        "steps.yaml",
        "interval: 600ms\nsteps:\n- values: {weight: 10}\n- set: [weight=50]\n  gates: {commands: [sh grow.sh]}\n- set: [weight=100]\n",
    );
    let body = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"13"]}}"#;
    user.writes("grow.sh", &format!("printf %s '{body}' >api/v1/query\n"));
    let gates = format!("--gate-prometheus http://{} 'sum(errors)' '<' 100 --max-ratio 1.2", server.address());
    let line =
        |more: &str| format!("helm safe-upgrade canary web app --set tag=2 --steps-file steps.yaml --yes {more}");
    let shown = user.types(&line(&gates));
    shown.exits(4);
    assert!(shown.stdout.contains("it is 13, wanted at most 1.2 times the 10 before"), "{}", shown.stdout);
    assert_eq!((user.proven(), user.bad()), (vec![1, 4], vec![3]));
    metric("12");
    user.types(&line(&gates)).exits(0);
    assert_eq!(user.proven().last(), Some(&7));
    user.left_nothing();
}

//! What others see of a canary that is under way.

use serde_json::{Value, json};

use crate::cluster;
use crate::user::User;

stories![whoever_upgrades_meanwhile_sees_the_canary, whoever_may_not_see_it_is_not_stopped];

fn whoever_upgrades_meanwhile_sees_the_canary(user: &User) {
    user.has_two_pods();
    user.canary("--steps 2,3 --pause").exits(0);
    let status = user.does("helm safe-upgrade status web");
    let said = "canary     to app-1.0.0, 1 of 2 steps have passed; it pauses after step 1 of 2, as wanted";
    assert!(status.contains(said), "{status}");
    assert!(status.contains(&format!("helm safe-upgrade canary abort web -n {}", user.namespace)), "{status}");
    let status = user.types("helm safe-upgrade status web -o json").json();
    let schema: Value = serde_json::from_str(include_str!("../../docs/schema/status.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator.iter_errors(&status).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:#?}\n{status:#}");
    assert_eq!((&status["canary"]["passed"], &status["canary"]["halted"]["why"]), (&1.into(), &"paused".into()));
    let shown = user.types("helm safe-upgrade web app --set tag=3 --yes");
    shown.exits(3);
    assert!(shown.stdout.contains("a canary of the release is under way"), "{}", shown.stdout);
    assert!(shown.stderr.contains("--accept canary-unfinished"), "{}", shown.stderr);
    // A step that needs no change is not called proven by whoever finds it so.
    let shown = user.types("helm safe-upgrade web app --yes");
    shown.exits(3);
    assert!(shown.stderr.contains("cannot prove release \"web\""), "{}", shown.stderr);
    for set in ["", ", set: [tag=3]"] {
        let release = format!("release: web, chart: app, namespace: {}{set}", user.namespace);
        user.writes("plan.yaml", &format!("releases:\n- {{{release}}}\n"));
        let shown = user.types("helm safe-upgrade batch plan.yaml --yes");
        shown.exits(3);
        assert!(shown.stdout.contains("canary-unfinished"), "{set}: {}", shown.stdout);
    }
    assert_eq!((user.revisions(), user.proven()), (vec!["1 superseded".to_owned(), "2 deployed".to_owned()], vec![1]));
    // Its own steps are not stopped by it, and who takes the risk is not, either.
    user.types("helm safe-upgrade web app --set tag=3 --yes --accept canary-unfinished").exits(0);
    user.types("helm safe-upgrade canary abort web --yes").exits(6);
    let status = user.types("helm safe-upgrade status web -o json").json();
    assert_eq!((&status["canary"], &status["canaryUnknown"]), (&Value::Null, &Value::Null));
    assert_eq!(user.proven(), [1, 3]);
    user.left_nothing();
}

fn whoever_may_not_see_it_is_not_stopped(user: &User) {
    user.has_an_app(&[]);
    user.exports("HELM_DRIVER", "configmap");
    user.does("helm install web app --wait");
    let read = json!(["get", "list", "watch"]);
    let rules = json!([
        {"apiGroups": [""], "resources": ["configmaps", "pods", "events"], "verbs": read},
        {"apiGroups": ["apps"], "resources": ["*"], "verbs": read},
    ]);
    cluster::allow(&user.namespace, "no-secrets", "viewer", &rules);
    let at = format!("--kube-context viewer -n {}", user.namespace);
    let status = user.types(&format!("helm safe-upgrade status web {at}"));
    assert!(
        status.stdout.contains("canary     not known: cannot read the canary of release \"web\""),
        "{}",
        status.stdout
    );
    let shown = user.types(&format!("helm safe-upgrade check web app --set tag=2 {at}"));
    assert!(shown.stdout.contains("whether a canary of the release is under way: "), "{}", shown.stdout);
    assert!(!shown.stderr.contains("canary-unfinished"), "{}", shown.stderr);
}

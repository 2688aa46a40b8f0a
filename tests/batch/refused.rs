//! Releases that can't be upgraded when they are looked at, and what is told of that.

use serde_json::json;

use crate::cluster;
use crate::plans::text;
use crate::user::User;

stories![
    what_a_need_brings_is_there_at_its_turn,
    what_was_refused_is_tried_again,
    a_closed_window_takes_a_reason,
    no_secret_is_told_of_a_refusal,
];

fn what_a_need_brings_is_there_at_its_turn(user: &User) {
    user.has_charts();
    // Kinds are the cluster's, so the group is this user's own.
    let group = format!("{}.example", user.namespace);
    let schema = "{openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}";
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: owns.{group}}}\nspec:\n  \
         group: {group}\n  scope: Namespaced\n  names: {{kind: Own, plural: owns, singular: own}}\n  versions:\n  \
         - {{name: v1, served: true, storage: true, schema: {schema}}}\n"
    );
    let chart = |name: &str, template: &str| {
        user.writes(&format!("{name}/Chart.yaml"), &format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n"));
        user.writes(&format!("{name}/templates/all.yaml"), template);
    };
    chart("operator", &definition);
    chart("owner", &format!("apiVersion: {group}/v1\nkind: Own\nmetadata: {{name: own}}\n"));
    let releases = ["release: app, chart: owner, needs: [operator]", "release: operator, chart: operator"];
    user.plans("plan.yaml", &releases.map(str::to_owned));
    // A look alone does not know whether it will do.
    let shown = user.types("helm safe-upgrade batch plan.yaml --dry-run");
    shown.exits(1);
    assert!(shown.stdout.contains("not now: "), "{}", shown.stdout);
    assert!(shown.stdout.contains("2 of 2 releases to be upgraded (1 looked at again before)"), "{}", shown.stdout);
    let batch = user.batch("plan.yaml", 0);
    assert_eq!(batch.outcomes(), ["operator: upgraded", "app: upgraded"]);
    user.does("helm uninstall app operator");
}

fn what_was_refused_is_tried_again(user: &User) {
    user.has_charts();
    let quota = format!("/api/v1/namespaces/{}/resourcequotas", user.namespace);
    let object = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}});
    cluster::post(&quota, &object);
    let limited = || cluster::at(&format!("{quota}/none")).is_some_and(|quota| quota["status"]["hard"]["pods"] == "0");
    user.waits_for(limited);
    let releases = ["release: a, chart: note", "release: b, chart: app", "release: c, chart: note, needs: [b]"];
    user.plans("plan.yaml", &releases.map(str::to_owned));
    let batch = user.batch("plan.yaml --state state.json", 3);
    assert_eq!(batch.outcomes(), ["a: upgraded", "b: refused", "c: skipped"]);
    cluster::remove(&format!("{quota}/none"));
    let batch = user.batch("plan.yaml --state state.json --resume", 0);
    assert_eq!(batch.outcomes(), ["a: upgraded", "b: upgraded", "c: upgraded"]);
    assert_eq!(user.revisions_of("a"), ["1 deployed"], "nothing was done twice");
}

fn a_closed_window_takes_a_reason(user: &User) {
    user.has_charts();
    let frozen = "policy: {windows: {freezeUntil: 2999-01-01}}";
    user.plans("plan.yaml", &[format!("release: a, chart: note, {frozen}"), "release: b, chart: note".to_owned()]);
    let batch = user.batch("plan.yaml --state state.json", 3);
    assert_eq!(batch.outcomes(), ["a: refused", "b: upgraded"]);
    let reason = text(&batch.entry("a")["reason"]);
    assert!(reason.starts_with("window: upgrades are frozen until Tue 2999-01-01 00:00 UTC"), "{reason}");
    let shown = user.types("helm safe-upgrade batch plan.yaml --yes --state state.json --resume --accept window");
    assert!(shown.exits(1).stderr.contains("it takes a reason: --override-window REASON"), "{}", shown.stderr);
    let batch = user.batch("plan.yaml --state state.json --resume --override-window outage-of-shop", 0);
    assert_eq!(batch.outcomes(), ["a: upgraded", "b: upgraded"]);
    let described = |release: &str| {
        let history: serde_json::Value =
            serde_json::from_str(&user.does(&format!("helm history {release} -o json"))).unwrap();
        history[0]["description"].as_str().unwrap().to_owned()
    };
    assert!(
        described("a").contains("Install complete; outside its windows: outage-of-shop; proven"),
        "{}",
        described("a")
    );
    assert!(!described("b").contains("outage"), "{}", described("b"));
}

fn no_secret_is_told_of_a_refusal(user: &User) {
    user.writes("loud/Chart.yaml", "apiVersion: v2\nname: loud\nversion: 1.0.0\n");
    user.writes("loud/templates/all.yaml", "{{ fail (printf \"bad password %s\" .Values.db.password) }}\n");
    user.writes("secret.yaml", "db: {password: correct-horse-battery}\n");
    user.plans("plan.yaml", &["release: loud, chart: loud, values: [secret.yaml]".to_owned()]);
    let batch = user.batch("plan.yaml --state state.json", 3);
    let reason = text(&batch.entry("loud")["reason"]);
    assert!(reason.contains("bad password ") && !reason.contains("correct-horse"), "{reason}");
    let kept = std::fs::read_to_string(user.folder.join("state.json")).unwrap();
    assert!(!kept.contains("correct-horse"), "{kept}");
}

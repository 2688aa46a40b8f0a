//! Plans: saved, applied, and refused where something has changed; and the question at a terminal.

use helm_safe_upgrade::checks::ALL;
use k8s_openapi::api::apps::v1::Deployment;
use serde_json::json;

use crate::cluster;
use crate::terminal::answering;
use crate::user::User;

stories![
    a_plan_is_applied,
    a_plan_with_nothing_to_do,
    a_plan_is_refused_after_the_values_changed,
    a_plan_is_refused_after_the_chart_changed,
    a_plan_is_refused_after_another_revision,
    a_plan_is_refused_after_a_change_in_the_cluster,
    a_plan_is_refused_elsewhere,
    a_plan_with_content_that_is_new_at_each_render_is_applied,
    no_secret_is_in_a_plan,
    a_value_that_was_set_is_given_again,
    a_file_that_is_no_plan,
    a_blocker_makes_no_plan,
    a_question_at_a_terminal,
];

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: pin}\nstringData: {pin: {{ .Values.pin | quote }}}\n";

fn plans(user: &User) {
    user.writes("prod.yaml", "tag: \"2\"\n");
    let shown = user.types("helm safe-upgrade plan web app -f prod.yaml --out web.plan");
    shown.exits(0);
    assert!(shown.stdout.contains("example.com/app:2") && shown.stdout.contains("checks: "), "{}", shown.stdout);
    assert!(shown.stderr.contains("helm safe-upgrade apply web.plan"), "{}", shown.stderr);
}

/// The plan is refused for this reason, and nothing is changed by it.
fn is_refused(user: &User, line: &str, reason: &str) {
    let before = user.revisions();
    let shown = user.types(line);
    shown.exits(3);
    assert!(shown.stderr.contains("something changed since it was made"), "{}", shown.stderr);
    assert!(shown.stderr.contains(reason), "{reason}: {}", shown.stderr);
    assert_eq!(user.revisions(), before);
}

fn a_plan_is_applied(user: &User) {
    user.has_web(&[]);
    plans(user);
    assert_eq!(user.revisions(), ["1 deployed"], "a plan changes nothing");
    assert_eq!(user.does("stat -c %a web.plan").trim(), "600");
    let shown = user.types("helm safe-upgrade apply web.plan");
    shown.exits(3);
    assert!(shown.stderr.contains("nobody is there to confirm it"), "{}", shown.stderr);
    user.types("helm safe-upgrade apply web.plan --yes").mentions("revision 2 is deployed and proven");
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    // Once more it is another upgrade.
    is_refused(user, "helm safe-upgrade apply web.plan --yes", "release: the last revision was revision 1, deployed");
    user.left_no_lease();
    // The chart is kept: where it came from need not be there any more.
    user.does("helm safe-upgrade web app --set tag=3 --plan-out third.plan && rm -r app");
    user.types("helm safe-upgrade apply third.plan --set tag=3 --yes").mentions("revision 3 is deployed and proven");
}

fn a_plan_with_nothing_to_do(user: &User) {
    user.has_web(&[]);
    user.does("helm safe-upgrade plan web app --out web.plan");
    user.types("helm safe-upgrade apply web.plan --yes").mentions("nothing to do");
    assert_eq!(user.revisions(), ["1 deployed"]);
}

fn a_plan_is_refused_after_the_values_changed(user: &User) {
    user.has_web(&[]);
    plans(user);
    user.writes("prod.yaml", "tag: \"3\"\n");
    let apply = "helm safe-upgrade apply web.plan --yes";
    is_refused(user, apply, "values: what is supplied by files and flags is something else");
    is_refused(user, apply, "rendered Deployment/web: its content is another");
    user.types("helm safe-upgrade apply web.plan --set-string tag=2 --yes")
        .mentions("revision 2 is deployed and proven");
}

fn a_plan_is_refused_after_the_chart_changed(user: &User) {
    user.has_web(&[]);
    plans(user);
    user.writes("app/templates/extra.yaml", "# nothing\n");
    is_refused(user, "helm safe-upgrade apply web.plan --yes", "chart: its files are others");
    // The chart within the plan, too.
    user.does("rm app/templates/extra.yaml && mkdir open && tar -xzf web.plan -C open");
    user.does("echo '# another' >> open/chart/templates/deployment.yaml && tar -czf web.plan -C open .");
    is_refused(user, "helm safe-upgrade apply web.plan --yes", "chart: the files in the plan are not those");
}

fn a_plan_is_refused_after_another_revision(user: &User) {
    user.has_web(&[]);
    plans(user);
    user.does("helm upgrade web app --set replicas=3 --wait");
    let reason = "release: the last revision was revision 1, deployed, and is now revision 2, deployed";
    is_refused(user, "helm safe-upgrade apply web.plan --yes", reason);
}

fn a_plan_is_refused_after_a_change_in_the_cluster(user: &User) {
    user.has_web(&[]);
    plans(user);
    let change = |image: &str| {
        let containers = json!([{"name": "main", "image": image}]);
        let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
        cluster::merge::<Deployment>(&user.namespace, "web", patch);
    };
    change("example.com/app:by-hand");
    is_refused(user, "helm safe-upgrade apply web.plan --yes", "live Deployment/web: it was changed in the cluster");
}

fn a_plan_is_refused_elsewhere(user: &User) {
    user.has_web(&[]);
    plans(user);
    // The record of that name is another object.
    user.does("helm uninstall web");
    user.does("helm install web app --wait");
    is_refused(user, "helm safe-upgrade apply web.plan --yes", "revision 1 is not the one of the plan");
}

fn a_plan_with_content_that_is_new_at_each_render_is_applied(user: &User) {
    let certificate = "{{- $made := genSelfSignedCert \"web\" nil nil 1 }}\napiVersion: v1\nkind: Secret\n\
        metadata: {name: tls}\ndata: {crt: {{ $made.Cert | b64enc }}, key: {{ $made.Key | b64enc }}, fixed: eA==}\n";
    user.has_web(&[("certificate", certificate)]);
    plans(user);
    let plan: serde_json::Value = serde_json::from_str(&user.does("tar -xzOf web.plan plan.json")).unwrap();
    let anew = json!([{"object": "Secret/tls", "paths": ["/data/crt", "/data/key"]}]);
    assert_eq!(plan["regenerated"], anew);
    user.types("helm safe-upgrade apply web.plan --yes").mentions("revision 2 is deployed and proven");
}

fn no_secret_is_in_a_plan(user: &User) {
    user.has_an_app(&[("secret", SECRET)]);
    user.writes("app/secrets.yaml", "pin: correct-horse-1\n");
    user.types("helm safe-upgrade web app --install --yes -f app/secrets.yaml").exits(0);
    user.writes("app/secrets.yaml", "pin: correct-horse-2\n");
    user.does(
        "helm safe-upgrade plan web app -f app/secrets.yaml --set-string extra.token=battery-staple --out web.plan",
    );
    user.does("mkdir open && tar -xzf web.plan -C open");
    assert!(user.does("ls open").contains("plan.json"));
    for secret in ["correct-horse", "battery-staple", "Y29ycmVjdC1ob3JzZS0", "YmF0dGVyeS1zdGFwbGU"] {
        let found = user.types(&format!("grep -r '{secret}' open web.plan"));
        assert_eq!(found.code, Some(1), "{secret}: {}", found.stdout);
    }
    let again = "helm safe-upgrade apply web.plan -f app/secrets.yaml --set-string extra.token=battery-staple --yes";
    user.types(again).mentions("revision 2 is deployed and proven");
    user.types("helm safe-upgrade plan web app --show-secrets --out other.plan").exits(1);
}

fn a_value_that_was_set_is_given_again(user: &User) {
    user.has_web(&[]);
    user.does("helm safe-upgrade web app --set tag=2 --plan-out web.plan");
    let shown = user.types("helm safe-upgrade apply web.plan --yes");
    shown.exits(1);
    assert!(shown.stderr.contains("helm safe-upgrade apply web.plan --set tag=…"), "{}", shown.stderr);
    user.types("helm safe-upgrade apply web.plan --yes --set tag=2").mentions("revision 2 is deployed and proven");
}

fn a_file_that_is_no_plan(user: &User) {
    user.writes("text", "not a plan");
    user.does("tar -czf empty.plan --files-from /dev/null");
    user.has_web(&[]);
    plans(user);
    user.does("head -c 200 web.plan > cut.plan && mkdir open && tar -xzf web.plan -C open");
    user.does("sed -i 's/\"version\": 1/\"version\": 9/' open/plan.json && tar -czf new.plan -C open .");
    user.does("sed -i 's/\"version\": 9/\"version\": 1/; s/\"switches\": \\[/&\"--post-renderer=x\"/' open/plan.json");
    user.does("tar -czf hostile.plan -C open .");
    let reasons = [
        ("text", "no plan"),
        ("empty.plan", "no plan"),
        ("cut.plan", "no plan"),
        ("nowhere.plan", "No such file"),
        ("new.plan", "it has version 9"),
        ("hostile.plan", "a flag that no plan has"),
    ];
    for (file, reason) in reasons {
        let shown = user.types(&format!("helm safe-upgrade apply {file} --yes"));
        shown.exits(1);
        assert!(
            shown.stderr.contains("cannot read the plan") && shown.stderr.contains(reason),
            "{file}: {}",
            shown.stderr
        );
        assert!(!shown.stderr.contains("panicked"), "{}", shown.stderr);
    }
    assert_eq!(user.revisions(), ["1 deployed"]);
}

fn a_blocker_makes_no_plan(user: &User) {
    user.has_an_app(&[]);
    user.does("helm install web app --set tag=unready");
    user.types("helm safe-upgrade plan web app --set tag=2 --out web.plan").exits(3);
    user.types("ls web.plan").exits(2);
    user.types("helm safe-upgrade plan web app --set tag=2 --out web.plan --accept way-back").exits(0);
}

fn a_question_at_a_terminal(user: &User) {
    user.has_web(&[]);
    user.exports("PAGER", "cat");
    let line = "NO_COLOR=1 helm safe-upgrade web app --set tag=2";
    let shown = user.types(&answering(line, &["d", "c", "n"]));
    shown.exits(3);
    let answers: Vec<&str> = shown.stdout.split("[c]hecks: #").collect();
    assert_eq!(answers.len(), 4, "{}", shown.stdout);
    let passed = format!("{} passed", ALL.len());
    assert!(answers[1].contains("example.com/app:2") && !answers[1].contains(&passed), "{}", answers[1]);
    assert!(answers[2].contains(&passed) && !answers[2].contains("example.com/app:2"), "{}", answers[2]);
    assert!(answers[3].contains("you said no"), "{}", answers[3]);
    // Helm ends by the same signal, and its exit code is that.
    let interrupted = user.types(&answering(line, &["\u{3}"]));
    assert_ne!(interrupted.code, Some(0), "{}", interrupted.stdout);
    user.types(&answering(line, &[""])).exits(3);
    assert_eq!(user.revisions(), ["1 deployed"]);
    user.types(&answering(line, &["y"])).mentions("revision 2 is deployed and proven");
}

//! What a branch changes, told.

use helm_safe_upgrade::report::pull_request::marker;
use serde_json::Value;

use crate::environment::ROOT;
use crate::user::User;

stories![
    every_chart_that_a_branch_touches_is_rendered_before_and_after,
    new_charts_and_those_that_go_are_compared_with_nothing,
    a_branch_leads_to_nothing_outside_of_its_repository,
    what_makes_it_fail_is_for_the_reviewers_to_say,
    a_chart_that_cannot_be_rendered_does_not_hide_the_others,
    a_comment_is_never_too_long_and_holds_what_is_hostile,
];

const SHOW: &str = "cd shop && helm revdiff pull-request --base main";

/// The document of `-o json`, which is as its schema says.
fn document(user: &User, line: &str) -> Value {
    let shown = user.types(&format!("{line} -o json"));
    let document: Value = serde_json::from_str(&shown.stdout).expect(&shown.stderr);
    let schema = std::fs::read_to_string(format!("{ROOT}/docs/schema/pull-request.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    document
}

fn charts(document: &Value) -> Vec<(&str, &str, &str)> {
    let text = |chart: &'_ Value, key: &str| chart[key].as_str().unwrap_or_default().to_owned().leak() as &str;
    let all = document["charts"].as_array().unwrap().iter();
    all.map(|chart| (text(chart, "chart"), text(chart, "environment"), text(chart, "fate"))).collect()
}

fn every_chart_that_a_branch_touches_is_rendered_before_and_after(user: &User) {
    user.has_repository();
    user.types(SHOW).shows("no chart is touched\n");

    // A file of the library is one of the chart that takes it in.
    user.writes("shop/charts/common/templates/_tier.tpl", "{{- define \"tier\" }}tier: back{{ end }}\n");
    user.commits();
    let found = document(user, SHOW);
    assert_eq!(charts(&found), [("charts/api", "production", "changed")]);
    let shown = user.types(SHOW);
    shown.mentions("1 render of touched charts: 1 renders differently");
    shown.mentions("charts/api (production): 0.1.0; ~1");
    shown.mentions("-    tier: front\n+    tier: back");

    // Values alone are a change, and are taken from each commit.
    user.writes("shop/charts/web/values-production.yaml", "replicaCount: 5\nauth: {password: new-geheim}\n");
    user.commits();
    user.writes("shop/charts/web/values-production.yaml", "replicaCount: 99\nuncommitted: true\n");
    let shown = user.types(SHOW);
    shown.mentions("charts/web (production): 1.0.0; ~2");
    shown.mentions("replicas  Deployment/web  2 → 5");
    shown.mentions("set by charts/web/values-production.yaml: auth.password, replicaCount");
    assert!(!shown.stdout.contains("geheim") && !shown.stdout.contains("uncommitted"), "{}", shown.stdout);

    // What main does meanwhile is not the branch's.
    user.does("cd shop && git checkout -q -f main && sed -i s/replicaCount/replicas/ charts/web/values.yaml && git commit -qam other && git checkout -q feature");
    assert_eq!(charts(&document(user, SHOW)).len(), 2);
    user.types("cd shop && helm revdiff pull-request --base nowhere")
        .explains("the git repository has no revision \"nowhere\"");
    user.types("cd shop && helm revdiff pull-request --base main -o stat")
        .explains("cannot tell a pull request in this format");
    user.types("helm revdiff pull-request").explains("is in no git repository");
}

fn new_charts_and_those_that_go_are_compared_with_nothing(user: &User) {
    user.has_repository();
    user.does("cd shop && git rm -rq charts/api && cp -r charts/web charts/door && echo '{}' > charts/door/values-production.yaml");
    user.commits();
    let found = document(user, SHOW);
    assert_eq!(charts(&found), [("charts/api", "production", "removed"), ("charts/door", "production", "added")]);
    let shown = user.types(SHOW);
    shown.mentions("charts/api (production): removed, 0.1.0; −1");
    shown.mentions("charts/door (production): new, 1.0.0; +7");
    user.writes("shop/helm-safe-upgrade.yaml", "pullRequest: {ignore: ['*/door', charts/api]}\n");
    user.types(SHOW).shows("no chart is touched\n");
    user.writes("shop/helm-safe-upgrade.yaml", "pullRequest: {environments: [{name: a, values: [nowhere.yaml]}]}\n");
    user.types(SHOW)
        .exits(1)
        .contains("the values of environment \"a\" are neither before nor after: no file nowhere.yaml");
}

fn a_branch_leads_to_nothing_outside_of_its_repository(user: &User) {
    user.has_repository();
    user.writes("outside/Chart.yaml", "apiVersion: v2\nname: outside\nversion: 0.1.0\n");
    user.writes("shop/charts/web/values-production.yaml", "replicaCount: 3\n");
    user.commits();
    for (name, why) in [
        ("a,/etc/hostname", "would be several to Helm"),
        ("../../out.yaml", "is not within the repository"),
        ("/etc/hostname", "is not within the repository"),
        ("https://example.com/a.yaml", "is not within the repository"),
    ] {
        let file =
            format!("pullRequest: {{environments: [{{name: a, values: ['{name}', charts/web/values.yaml]}}]}}\n");
        user.writes("shop/helm-safe-upgrade.yaml", &file);
        let said = format!("the values of environment \"a\" cannot be read: {name:?} {why}");
        user.types(SHOW).exits(1).contains(&said);
    }
    user.writes("shop/helm-safe-upgrade.yaml", "{}\n");
    let folder = user.folder.display().to_string();
    for place in [format!("file://{folder}/outside"), "file://../../../outside".to_owned()] {
        let needs = format!("dependencies:\n- {{name: outside, version: 0.1.0, repository: \"{place}\"}}\n");
        user.writes("shop/charts/api/Chart.yaml", &format!("apiVersion: v2\nname: api\nversion: 0.2.0\n{needs}"));
        user.commits();
        user.types(SHOW).exits(1).contains("its dependency \"outside\" is outside");
    }
}

fn what_makes_it_fail_is_for_the_reviewers_to_say(user: &User) {
    user.has_repository();
    user.types(&format!("{SHOW} --detailed-exitcode")).exits(0);
    user.writes("shop/charts/web/values-production.yaml", "replicaCount: 2\nimage: {tag: latest}\n");
    user.commits();
    user.types(SHOW).exits(0).mentions("warning: image-tag");
    user.types(&format!("{SHOW} --detailed-exitcode")).exits(2);
    user.types(&format!("{SHOW} --fail-on warning")).exits(3);
    user.types(&format!("{SHOW} --fail-on change")).exits(3);
    let budget = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n";
    user.writes("shop/charts/web/templates/budget.yaml", budget);
    user.commits();
    let shown = user.types(SHOW);
    assert_eq!(shown.code, Some(3), "{}", shown.stderr);
    shown.contains("blocker: target-api  PodDisruptionBudget/web: Kubernetes 1.33 does not serve policy/v1beta1");
    assert!(shown.stderr.contains("the pull request is not to be merged: 1 chart has a blocker"), "{}", shown.stderr);
    user.types(&format!("{SHOW} --fail-on never")).exits(0);
}

fn a_chart_that_cannot_be_rendered_does_not_hide_the_others(user: &User) {
    user.has_repository();
    user.writes("shop/charts/api/templates/settings.yaml", "{{ fail \"no\" }}\n");
    user.writes("shop/charts/web/values-production.yaml", "replicaCount: 5\n");
    user.commits();
    let shown = user.types(SHOW);
    shown.exits(1);
    shown.contains("charts/api (production): cannot be rendered\ncannot render the chart \"charts/api at ");
    shown.contains("replicas  Deployment/web  2 → 5");
    assert!(shown.stderr.contains("Error: cannot render charts/api: see above"), "{}", shown.stderr);
    let found = document(user, SHOW);
    assert!(found["charts"][0]["error"].is_string() && found["charts"][0]["diff"].is_null());
}

fn a_comment_is_never_too_long_and_holds_what_is_hostile(user: &User) {
    user.has_repository();
    let lines: String = (0..4000).map(|number| format!("  key{number}: some text of this line\n")).collect();
    let many = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: many}}\ndata:\n{lines}");
    user.writes("shop/charts/api/templates/many.yaml", &many);
    user.writes("shop/charts/web/templates/many.yaml", &many.replace("text", "</details>`<script>`"));
    user.commits();
    let page = user.does(&format!("{SHOW} -o markdown --max-bytes 20000"));
    assert!(page.len() <= 20_000 && page.starts_with(&marker("default")), "{} bytes", page.len());
    assert!(
        page.contains("<code>charts/api</code> (production)") && page.contains("<code>charts/web</code> (production)")
    );
    let outside: String = page.split("```").step_by(2).collect();
    assert!(!outside.contains("<script>"), "{outside}");
    let opened = outside.matches("<details").count();
    assert_eq!(opened, outside.matches("</details>").count(), "{outside}");
}

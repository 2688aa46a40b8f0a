//! In a forge's CI: the action, and the recipes of docs/pull-requests.md.

use std::collections::BTreeMap;

use helm_safe_upgrade::manifest::node::{Node, Value};
use helm_safe_upgrade::manifest::yaml;
use helm_safe_upgrade::report::pull_request::marker;

use crate::environment::ROOT;
use crate::forge::Forge;
use crate::releases::Releases;
use crate::shown::Shown;
use crate::user::User;

stories![
    the_action_keeps_one_comment_up_to_date,
    the_action_takes_its_binary_from_the_release_page_of_its_own_repository,
    a_fork_that_may_not_comment_still_gets_its_summary,
    the_recipe_for_gitlab_comments_there,
];

/// The user's surroundings in a workflow of GitHub's for pull request 12.
fn in_a_workflow(user: &User, forge: &Forge) {
    user.does(&format!("mkdir action && cp -r {ROOT}/action.yml {ROOT}/plugin.yaml {ROOT}/scripts {ROOT}/revdiff action/ && mkdir runner"));
    let folder = user.folder.display().to_string();
    for (name, value) in [
        ("GITHUB_ACTION_PATH", format!("{folder}/action")),
        ("GITHUB_API_URL", forge.address.clone()),
        ("GITHUB_REPOSITORY", "acme/shop".to_owned()),
        ("GITHUB_REF", "refs/pull/12/merge".to_owned()),
        ("GITHUB_STEP_SUMMARY", format!("{folder}/runner/summary.md")),
        ("GITHUB_OUTPUT", format!("{folder}/runner/output")),
        ("RUNNER_TEMP", format!("{folder}/runner")),
        ("HELM_SAFE_UPGRADE_BIN", env!("CARGO_BIN_EXE_helm-safe-upgrade").to_owned()),
    ] {
        user.exports(name, &value);
    }
}

/// Runs the steps of action.yml as a runner does: inputs filled in, each step by bash, and none behind one that fails. Returns what the
/// last one printed.
fn runs_the_action(user: &User, inputs: &[(&str, &str)]) -> Shown {
    runs_the_action_of(user, "https://forge.example", inputs)
}

/// The same with another address of the forge that the action is from.
fn runs_the_action_of(user: &User, server: &str, inputs: &[(&str, &str)]) -> Shown {
    let text = std::fs::read_to_string(format!("{ROOT}/action.yml")).unwrap();
    let action = yaml::parse(&text).unwrap();
    let entries = |node: Option<&Node>| -> Vec<(String, Node)> {
        match node.map(Node::value) {
            Some(Value::Map(entries)) => entries.iter().map(|(key, value)| (key.to_string(), value.clone())).collect(),
            _ => Vec::new(),
        }
    };
    let mut known: BTreeMap<String, String> = entries(action.get("inputs"))
        .into_iter()
        .map(|(name, input)| (name, input.get("default").and_then(Node::as_str).unwrap_or_default().to_owned()))
        .collect();
    for (name, value) in inputs {
        known.insert((*name).to_owned(), (*value).to_owned()).expect("the action has this input");
    }
    let filled = |text: &str| {
        let text = known
            .iter()
            .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{{ inputs.{name} }}}}"), value));
        // What a runner knows of an action that it has fetched, in `env` only.
        let text = text.replace("${{ github.token }}", "the-token").replace("${{ github.server_url }}", server);
        let text = text.replace("${{ github.action_repository }}", "acme/helm-safe-upgrade");
        assert!(!text.contains("${{"), "an expression that the test does not know: {text}");
        text
    };
    let mut last = None;
    for step in action.get("runs").and_then(|runs| runs.get("steps")).and_then(Node::as_list).unwrap() {
        let Some(script) = step.get("run").and_then(Node::as_str) else { continue };
        assert_eq!(step.get("shell").and_then(Node::as_str), Some("bash"));
        let variables: String = entries(step.get("env"))
            .iter()
            .map(|(name, value)| format!("export {name}='{}'\n", filled(value.as_str().unwrap())))
            .collect();
        assert!(
            !script.contains("${{"),
            "an input could end the script, and some expressions are empty in it: {script}"
        );
        let shown = user.types(&format!("set -e\n{variables}cd shop\n{script}"));
        let goes_on = shown.code == Some(0);
        last = Some(shown);
        if !goes_on {
            break;
        }
    }
    last.unwrap()
}

/// The outputs of the step, as a runner reads them: the last of a name counts.
fn outputs(user: &User) -> BTreeMap<String, String> {
    let text = user.does("cat runner/output");
    text.lines().map(|line| line.split_once('=').unwrap()).map(|(name, value)| (name.into(), value.into())).collect()
}

fn the_action_keeps_one_comment_up_to_date(user: &User) {
    let forge = Forge::new();
    // More than a page of others' comments, one of which begins like ours.
    let mut others: Vec<String> = (0..120).map(|number| format!("looks good to me {number}")).collect();
    others.push(format!("{} I am not the one you look for", marker("default")));
    forge.has(&others);
    user.has_repository();
    in_a_workflow(user, &forge);
    let values = "replicaCount: 5\nresources: {requests: {cpu: 100m, memory: 64Mi}}\n";
    user.writes("shop/charts/web/values-production.yaml", values);
    user.commits();
    let shown = runs_the_action(user, &[("base", "main"), ("fail-on", "warning")]);
    shown.exits(0);
    assert!(shown.stderr.contains("comment posted on pull request 12: https://forge.example/122"), "{}", shown.stderr);
    let first = forge.ours();
    assert_eq!(first.len(), 1);
    let body = &first[0].body;
    assert!(body.starts_with(&marker("default")) && body.contains("2 → 5") && body.contains("charts/web"), "{body}");
    let summary = user.does("cat runner/summary.md");
    assert_eq!(&summary, body);
    let impact = body.split_once("<b>Resource impact</b>").unwrap().1;
    assert!(impact.contains("<code>Deployment/web</code>: 2 → 5 pods") && impact.contains("<td>500m</td>"), "{body}");
    let outputs = outputs(user);
    let said = |name: &str| outputs[name].as_str();
    assert_eq!((said("result"), said("changed"), said("charts")), ("ok", "true", "1"));
    assert_eq!(said("comment-url"), "https://forge.example/122");
    let page = user.does(&format!("cat '{}/charts_web@production.html'", said("html")));
    assert!(page.starts_with("<!doctype html>") && page.contains("replicaCount"), "{page}");

    user.writes("shop/charts/web/values-production.yaml", "replicaCount: 7\nimage: {tag: latest}\n");
    user.commits();
    let shown = runs_the_action(user, &[("base", "main"), ("fail-on", "warning")]);
    shown.exits(3);
    let second = forge.ours();
    assert_eq!((second.len(), second[0].id), (1, first[0].id), "the same comment");
    assert!(second[0].body.contains("2 → 7") && second[0].body.contains("1 warning"), "{}", second[0].body);
    assert_eq!(self::outputs(user)["result"], "refused");
    // Another workflow has a comment of its own.
    runs_the_action(user, &[("base", "main"), ("comment-name", "nightly")]).exits(0);
    assert_eq!(forge.ours().len(), 2);
    assert_eq!(forge.asked().1, ["authorization: Bearer the-token"]);
}

fn the_action_takes_its_binary_from_the_release_page_of_its_own_repository(user: &User) {
    user.has_repository();
    in_a_workflow(user, &Forge::new());
    // As in a runner: there is no binary yet, no .git that leads to a release page, and nothing to build from.
    user.exports("HELM_SAFE_UPGRADE_BIN", "");
    let releases = Releases::new(&user.folder.join("releases"));
    let archive = releases.publish(user, "acme/helm-safe-upgrade/releases/download");
    let inputs = [("base", "main"), ("comment", "false")];
    runs_the_action_of(user, &releases.address, &inputs).exits(0);
    assert_eq!(releases.asked(), [format!("/{archive}.sha256"), format!("/{archive}")]);
    assert!(user.does("cat from-the-release").contains("revdiff pull-request"));
    assert_eq!((outputs(user)["changed"].as_str(), outputs(user)["charts"].as_str()), ("false", "0"));
    // One that somebody has replaced is not run.
    user.does(&format!("rm -r action/bin from-the-release && echo more >>releases/{archive}"));
    let shown = runs_the_action_of(user, &releases.address, &inputs);
    shown.exits(1);
    assert!(shown.stderr.contains("does not match its checksum"), "{}", shown.stderr);
    user.does("test ! -e from-the-release && test -z \"$(ls -A action/bin)\"");
    // Who has a release page of their own says so.
    user.exports("HELM_SAFE_UPGRADE_DOWNLOAD_URL", &format!("{}/mirror", releases.address));
    releases.publish(user, "mirror");
    runs_the_action_of(user, "https://forge.invalid", &inputs).exits(0);
    user.does("test -e from-the-release");
}

fn a_fork_that_may_not_comment_still_gets_its_summary(user: &User) {
    let forge = Forge::new();
    forge.is_read_only();
    user.has_repository();
    in_a_workflow(user, &forge);
    user.writes("shop/charts/web/values-production.yaml", "replicaCount: 5\n");
    user.commits();
    let shown = runs_the_action(user, &[("base", "main")]);
    shown.exits(0);
    let said =
        "Warning: cannot comment on pull request 12 at GitHub: it answers 403: Resource not accessible by integration";
    assert!(shown.stderr.contains(said), "{}", shown.stderr);
    assert!(user.does("cat runner/summary.md").contains("2 → 5"));
    let shown = runs_the_action(user, &[("base", "main"), ("comment", "true")]);
    shown.exits(1);
    assert!(shown.stderr.contains("Hint: the token needs to write pull requests"), "{}", shown.stderr);
    runs_the_action(user, &[("base", "main"), ("comment", "false")]).exits(0);
    runs_the_action(user, &[("base", "main"), ("comment", "maybe")]).exits(1);
    // Neither does it fail where there is no token at all.
    let shown = runs_the_action(user, &[("base", "main"), ("token", "")]);
    shown.exits(0);
    assert!(
        shown.stderr.contains("Warning: cannot comment on a pull request: GITHUB_TOKEN is not set"),
        "{}",
        shown.stderr
    );
    runs_the_action(user, &[("base", "main"), ("token", ""), ("comment", "true")]).exits(1);
}

fn the_recipe_for_gitlab_comments_there(user: &User) {
    let forge = Forge::new();
    user.has_repository();
    user.writes("shop/charts/web/values-production.yaml", "replicaCount: 5\n");
    user.commits();
    let page = std::fs::read_to_string(format!("{ROOT}/docs/pull-requests.md")).unwrap();
    let recipe = page.split("```yaml\n").find(|block| block.starts_with("# .gitlab-ci.yml")).unwrap();
    let recipe = yaml::parse(recipe.split("```").next().unwrap()).unwrap();
    let job = recipe.get("helm-diff").unwrap();
    let scripts =
        ["before_script", "script"].into_iter().flat_map(|name| job.get(name).and_then(Node::as_list).unwrap());
    let lines: Vec<&str> = scripts.map(|line| line.as_str().unwrap()).collect();
    let base = user.does("cd shop && git rev-parse main");
    for (name, value) in [
        ("CI_API_V4_URL", forge.address.as_str()),
        ("CI_PROJECT_ID", "77"),
        ("CI_MERGE_REQUEST_IID", "12"),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", base.trim()),
        ("GITLAB_TOKEN", "glpat"),
    ] {
        user.exports(name, value);
    }
    for _ in 0..2 {
        user.does(&format!("set -e\ncd shop\n{}", lines.join("\n")));
    }
    assert_eq!(forge.ours().len(), 1);
    assert!(forge.ours()[0].body.contains("2 → 5"));
    let (asked, credentials) = forge.asked();
    assert_eq!(credentials, ["private-token: glpat"]);
    assert_eq!(asked.last().unwrap(), "PUT /projects/77/merge_requests/12/notes/1");
    assert!(user.does("ls shop/helm-diff").contains("charts_web@production.html"));
    // A merge request of a fork has no token: it is told what differs, and fails by policy, all the same.
    user.exports("GITLAB_TOKEN", "");
    user.writes("shop/charts/web/values-production.yaml", "replicaCount: 7\nimage: {tag: latest}\n");
    user.commits();
    let shown = user.types(&format!("set -e\ncd shop\n{}", lines.join("\n")));
    shown.exits(3);
    assert!(
        shown.stderr.contains("Warning: cannot comment on a pull request: GITLAB_TOKEN is not set"),
        "{}",
        shown.stderr
    );
    assert!(shown.stdout.contains("2 → 7") && forge.ours()[0].body.contains("2 → 5"), "{}", shown.stdout);
    user.types("cd shop && helm revdiff pull-request --base main --comment gitlab").explains("GITLAB_TOKEN is not set");
    user.exports("CI_MERGE_REQUEST_IID", "");
    let shown = user.types("cd shop && helm revdiff pull-request --base main --comment gitlab");
    shown.explains("CI_MERGE_REQUEST_IID does not say its number");
}

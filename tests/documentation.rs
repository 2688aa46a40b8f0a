//! The documentation says what the program does: exit codes and the schema of its JSON.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use helm_safe_upgrade::diff::release::{Both, Parts, compare};
use helm_safe_upgrade::error::KINDS;
use helm_safe_upgrade::manifest::mask::Masker;
use helm_safe_upgrade::manifest::node::Node;
use helm_safe_upgrade::manifest::yaml;
use helm_safe_upgrade::release::{Release, decode};
use helm_safe_upgrade::report::json;
use helm_safe_upgrade::report::view::{Detail, View};
use serde_json::{Value, json};

#[test]
fn every_kind_of_error_is_documented_with_its_exit_code() {
    let page = include_str!("../docs/exit-codes.md");
    for kind in KINDS {
        let row = format!("| {} | {} |", kind.name(), kind.exit_code());
        assert!(page.contains(&row), "docs/exit-codes.md has no row {row}");
        assert_ne!(kind.exit_code(), 2, "2 means changed");
    }
    let (_, table) = page.split_once("## Kinds of errors").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ")).count();
    assert_eq!(rows, KINDS.len() + 2, "the table has a row for each kind, and its head");
}

#[test]
fn the_action_is_documented_with_its_inputs_and_outputs() {
    let action = yaml::parse(include_str!("../action.yml")).unwrap();
    let page = include_str!("../docs/pull-requests.md");
    let names = |key: &str| -> Vec<String> {
        action.get(key).and_then(Node::as_map).unwrap().iter().map(|(name, _)| name.to_string()).collect()
    };
    for (head, key) in [("| Input |", "inputs"), ("| Output |", "outputs")] {
        let table = page.split_once(head).unwrap().1.split_once("\n\n").unwrap().0;
        let rows = table.lines().filter_map(|row| row.strip_prefix("| `")?.split_once('`'));
        let mut documented: Vec<String> = rows.map(|(name, _)| name.to_owned()).collect();
        let mut there = names(key);
        documented.sort();
        there.sort();
        assert_eq!(documented, there, "{key}");
    }
    let examples = page.split("```yaml\n").filter(|text| text.contains("uses: helm-safe-upgrade/"));
    for example in examples {
        let workflow = yaml::parse(example.split("```").next().unwrap()).unwrap();
        let steps = workflow.find(&["jobs", "helm-diff", "steps"]).and_then(Node::as_list).unwrap();
        let given = steps.last().unwrap().get("with").and_then(Node::as_map).unwrap();
        assert!(given.iter().all(|(name, _)| names("inputs").contains(&name.to_string())), "{example}");
    }
}

#[test]
fn every_check_is_documented() {
    let list = include_str!("../docs/checks.md");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checks");
    for check in helm_safe_upgrade::checks::ALL {
        let (name, worst, rights) = (check.name, check.worst.word(), check.rights);
        let row = format!("| [{name}](checks/{name}.md) | {} | {worst} | {rights} |", check.looks_at);
        assert!(list.contains(&row), "docs/checks.md has no row {row}");
        let page = std::fs::read_to_string(folder.join(format!("{}.md", check.name))).expect(check.name);
        assert!(page.starts_with(&format!("# {}\n", check.name)), "{page}");
        for part in ["## What it looks at", "## Why", "## What it finds", "## How to fix it"] {
            assert!(page.contains(part), "docs/checks/{}.md has no part {part}", check.name);
        }
    }
    for name in helm_safe_upgrade::checks::blue_green::CHECKS {
        let page = include_str!("../docs/blue-green.md");
        assert!(list.contains(&format!("`{name}`")) && page.contains(&format!("| `{name}` |")), "{name}");
    }
    let pages = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(pages, helm_safe_upgrade::checks::ALL.len(), "a page for each check, and no other");
}

fn release(fields: &Value) -> Release {
    let mut record = json!({"name": "web", "namespace": "shop", "version": 1, "info": {"status": "deployed"}});
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    decode::from_json(record.to_string().as_bytes()).unwrap()
}

fn document(old: &Value, new: &Value) -> Value {
    let releases = Both { old: release(old), new: release(new) };
    let parts = Parts { hooks: true, computed_values: true };
    let diff = compare(&releases.old, &releases.new, &Masker::new(b"k"), parts);
    let view = View::new(&diff, &releases, Detail { hunks: false, changes: true, context: None, ..Detail::default() });
    let mut out = Vec::new();
    json::write(&view, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn the_json_is_as_its_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../docs/schema/revdiff.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let old = json!({
        "manifest": "apiVersion: v1beta1\nkind: A\nmetadata: {name: a}\nlist: [{name: x}, {name: y}, {name: z}]\n---\nkind: B\nmetadata: {name: b, namespace: n}\n---\nbroken: [\n",
        "config": {"a": 1}, "chart": {"metadata": {"name": "web", "version": "1.0.0"}}, "info": {"notes": "old"},
    });
    let new = json!({
        "manifest": "# Source: t.yaml\napiVersion: v1\nkind: A\nmetadata: {name: a}\nlist: [{name: z}, {name: x, v: 1}]\n---\nkind: C\nmetadata: {name: c}\n",
        "config": {"a": [2]}, "chart": {"metadata": {"name": "web", "version": "2.0.0", "appVersion": "9"}}, "info": {"notes": "new"},
    });
    let full = document(&old, &new);
    assert!(full["resources"].as_array().unwrap().len() == 4, "{full:#}");
    for document in [&full, &document(&old, &old), &document(&json!({}), &json!({}))] {
        let problems: Vec<String> =
            validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(problems.is_empty(), "{problems:#?}");
    }
    let mut workloads = String::new();
    for (kind, version) in [
        ("Deployment", "apps/v1"),
        ("DaemonSet", "apps/v1"),
        ("Job", "batch/v1"),
        ("Role", "rbac.authorization.k8s.io/v1"),
    ] {
        workloads += &format!(
            "---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: web}}\nspec: {{completions: 1, template: {{spec: {{containers: [{{name: c, image: 'x:1.0', resources: {{limits: {{cpu: 1, example.com/gpu: 1}}}}}}]}}}}}}\n"
        );
    }
    let grown = workloads.replace("cpu: 1", "cpu: 2").replace("x:1.0", "x:1.1")
        + "rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]\n";
    let overview = document(&json!({"manifest": workloads}), &json!({"manifest": grown}));
    assert!(overview["keyDifferences"].as_array().unwrap().len() > 4, "{overview:#}");
    assert_eq!(overview["impact"]["total"]["resources"][0]["ratio"], 2.0);
    let problems: Vec<String> =
        validator.iter_errors(&overview).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(problems.is_empty(), "{problems:#?}");
    let mut wrong = full;
    wrong["surprise"] = json!(1);
    assert!(!validator.is_valid(&wrong), "the schema is strict");
}

/// What the schema takes, the program takes, and nothing else: tried with each key there is, and with each one wrong.
#[test]
fn the_configuration_is_as_its_schema_says() {
    let text = include_str!("../docs/schema/config.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let rule = json!({"release": "a", "group": "", "kind": "b*", "name": "c", "namespace": "d", "paths": ["/x", "$.y"], "managers": ["e"]});
    let keys: Vec<&String> = rule.as_object().unwrap().keys().collect();
    let known = schema["$defs"]["ignoreRule"]["properties"].as_object().unwrap();
    assert!(known.keys().all(|key| keys.contains(&key)), "the rule of this test lacks a key of the schema");
    let mut files =
        vec![json!(null), json!({}), json!({"ignore": null}), json!({"ignore": []}), json!({"ignore": [rule]})];
    for key in keys {
        files.push(json!({"ignore": [{key: rule[key]}]}));
        files.push(json!({"ignore": [{key: 5}]}));
        files.push(json!({"ignore": [{format!("{key}s"): rule[key]}]}));
    }
    files.extend([
        json!({"ignore": [{}]}),
        json!({"ignore": 5}),
        json!({"ignored": []}),
        json!([]),
        json!({"ignore": [{"paths": ["spec"]}]}),
    ]);
    files.extend(policies());
    let environment =
        json!({"name": "a", "charts": ["b"], "release": "c", "namespace": "d", "values": ["e"], "kubeVersion": "1.33"});
    let wanted = json!({"charts": ["a"], "ignore": ["b"], "kubeVersion": "1.33", "failOn": "change", "environments": [environment]});
    files.extend([json!({"pullRequest": wanted}), json!({"pullRequest": {}}), json!({"pullRequest": null})]);
    for key in wanted.as_object().unwrap().keys() {
        files.push(json!({"pullRequest": {key: 5}}));
        files.push(json!({"pullRequest": {format!("{key}s"): wanted[key]}}));
    }
    for key in environment.as_object().unwrap().keys() {
        files.push(json!({"pullRequest": {"environments": [{"name": "a", key: 5}]}}));
        files.push(json!({"pullRequest": {"environments": [{"name": "a", format!("{key}x"): "b"}]}}));
    }
    files.push(json!({"pullRequest": {"environments": [{}]}}));
    for file in files {
        let read = helm_safe_upgrade::config::read("test", &file.to_string());
        assert_eq!(validator.is_valid(&file), read.is_ok(), "{file}: {read:?}");
    }
}

/// Policies with each key there is, and with each one wrong.
fn policies() -> Vec<Value> {
    let right = json!({
        "release": "a*", "namespace": "b", "accept": ["pinned"], "provenIn": "a/b/{release}", "provenFor": "24h",
        "severities": {"pinned": "blocker", "rights": {"blocker": "warning", "warning": "info", "info": "off", "unknown": "blocker"}, "*": "off"},
        "windows": {"timeZone": "Europe/Berlin", "allow": [{"days": ["mon-fri"], "from": "08:00", "to": "24:00", "timeZone": "UTC"}],
            "deny": [{"cron": "0 8 * * 1", "for": "2h", "reason": "r"}], "freezeUntil": "2027-01-04 08:00", "freezeReason": "r"},
        "gates": {"test": true, "commands": ["true"], "http": ["svc/web:80/"], "soak": "5m",
            "prometheus": [{"address": "http://a", "query": "up", "op": ">", "value": 0.5}]},
        "keep": {"revisions": 0, "proven": 1, "youngerThan": "30d"},
        "canary": {"steps": [1, 3], "replicasKey": "replicaCount", "interval": "2m"},
    });
    let mut files = vec![
        json!({"policies": null}),
        json!({"policies": [right]}),
        json!({"policies": [{}]}),
        json!({"policies": {}}),
    ];
    wrong_somewhere(&right, &mut |policy| files.push(json!({"policies": [policy]})));
    for (key, value) in [
        ("keep", json!({"proven": 0})),
        ("keep", json!({"revisions": -1})),
        ("provenIn", json!("a/b")),
        ("severities", json!({"pinned": "unknown"})),
        ("severities", json!({"pinned": "pass"})),
        ("severities", json!({"pinned": false})),
        ("windows", json!({"allow": [{"from": "08:00"}]})),
        ("windows", json!({"allow": [{"cron": "* * * * *"}]})),
        ("windows", json!({"allow": [{"cron": "* * * * *", "for": "1h", "days": ["mon"]}]})),
        ("windows", json!({"allow": [{"days": [], "from": "08:00", "to": "09:00"}]})),
        ("windows", json!({"freezeReason": "r"})),
    ] {
        files.push(json!({"policies": [{key: value}]}));
    }
    files
}

/// Each variant of a tree in which one value is of another type, or one key another word. Keys of checks may be any there are.
fn wrong_somewhere(tree: &Value, found: &mut dyn FnMut(Value)) {
    match tree {
        Value::Object(entries) => {
            for (key, value) in entries {
                let changed = |new: Value| {
                    let mut entries = entries.clone();
                    entries.insert(key.clone(), new);
                    Value::Object(entries)
                };
                found(changed(json!([[5]])));
                wrong_somewhere(value, &mut |inner| found(changed(inner)));
                if key != "pinned" && key != "rights" && key != "*" {
                    let mut renamed = entries.clone();
                    renamed.remove(key);
                    renamed.insert(format!("{key}s"), value.clone());
                    found(Value::Object(renamed));
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                wrong_somewhere(item, &mut |inner| {
                    let mut items = items.clone();
                    items[index] = inner;
                    found(Value::Array(items));
                });
            }
        }
        _ => {}
    }
}

/// The example of the documentation is one.
#[test]
fn the_example_of_a_configuration_is_read() {
    let page = include_str!("../docs/configuration.md");
    let example =
        page.split("```yaml\n").find(|part| part.starts_with("ignore:")).unwrap().split("```").next().unwrap();
    assert_eq!(helm_safe_upgrade::config::read("example", example).unwrap().ignore.len(), 4);
    let example =
        page.split("```yaml\n").find(|part| part.starts_with("policies:")).unwrap().split("```").next().unwrap();
    assert_eq!(helm_safe_upgrade::config::read("example", example).unwrap().policies.len(), 3);
}

/// What the schema of a plan takes, the program takes, and nothing else.
#[test]
fn the_plan_of_a_batch_is_as_its_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../docs/schema/batch.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let right = json!({
        "release": "web", "namespace": "shop", "context": "here", "chart": "./web", "version": "1.0.0", "repo": "https://a", "values": ["a.yaml"],
        "set": ["a=1"], "setString": ["b=2"], "reuseValues": "reset", "needs": [], "wave": 1, "install": true,
        "createNamespace": false, "timeout": "5m", "onFailure": "keep", "policy": {"accept": ["pinned"], "gates": {"soak": "5m"}},
    });
    let properties = schema["$defs"]["release"]["properties"].as_object().unwrap();
    assert!(
        properties.keys().all(|key| right.get(key).is_some()),
        "the release of this test lacks a key of the schema"
    );
    let with = |release: Value| json!({"soak": "10m", "defaults": {"chart": "b"}, "releases": [release]});
    let mut files = vec![
        json!({}),
        json!({"releases": null}),
        json!({"releases": 5}),
        json!([]),
        with(right.clone()),
        with(json!({})),
    ];
    wrong_somewhere(&right, &mut |release| files.push(with(release)));
    for (key, value) in [("wave", json!(-1)), ("wave", json!(0.5)), ("chart", json!(" ")), ("onFailure", json!("stop"))]
    {
        files.push(with(json!({key: value})));
    }
    for file in files {
        let read = helm_safe_upgrade::config::batch::read("test", &file.to_string());
        assert_eq!(validator.is_valid(&file), read.is_ok(), "{file}: {read:?}");
    }
}

/// What the schema of the steps of a canary takes, the program takes, and nothing else; and the example is one.
#[test]
fn the_steps_of_a_canary_are_as_their_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../docs/schema/canary-steps.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let right = json!({
        "replicas": 1, "set": ["a=1"], "values": {"a": 1}, "pause": true, "confirm": false,
        "gates": {"test": true, "commands": ["true"], "http": ["svc/web:80/"], "soak": "5m",
            "prometheus": [{"address": "http://a", "query": "up", "op": ">", "value": 0.5}]},
    });
    let properties = schema["properties"]["steps"]["items"]["properties"].as_object().unwrap();
    assert!(properties.keys().all(|key| right.get(key).is_some()), "the step of this test lacks a key of the schema");
    let with = |step: Value| json!({"interval": "5m", "replicasKey": "a", "steps": [step]});
    let mut files =
        vec![json!({}), json!({"steps": []}), json!({"steps": 5}), json!([]), with(json!({})), with(right.clone())];
    wrong_somewhere(&right, &mut |step| {
        // Values may be any there are.
        if step["values"] == right["values"] || !step["values"].is_object() {
            files.push(with(step));
        }
    });
    wrong_somewhere(&with(json!({"replicas": 1})), &mut |file| files.push(file));
    for file in files {
        let read = helm_safe_upgrade::config::canary::read("test", &file.to_string());
        assert_eq!(validator.is_valid(&file), read.is_ok(), "{file}: {read:?}");
    }
    let page = include_str!("../docs/canary.md");
    let example = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(helm_safe_upgrade::config::canary::read("example", example).unwrap().steps.len(), 3);
}

/// The example of the documentation is a plan.
#[test]
fn the_example_of_a_plan_is_read() {
    let page = include_str!("../docs/batch.md");
    let example = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let plan = helm_safe_upgrade::config::batch::read("example", example).unwrap();
    assert_eq!((plan.releases.len(), plan.releases[2].policies.len()), (3, 2));
}

#[test]
fn every_rule_of_the_diagnosis_is_documented_in_its_order() {
    let page = include_str!("../docs/diagnose.md");
    let (_, table) = page.split_once("## Causes and hints").unwrap();
    let rows =
        table.split("\n## ").next().unwrap().lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: Vec<&str> = rows.collect();
    let rules: Vec<&str> = helm_safe_upgrade::upgrade::diagnosis::RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(documented, rules);
}

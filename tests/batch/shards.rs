//! A batch that several machines share: the manifest of a Job, its rights, and its shards side by side.

use std::path::Path;

use serde_json::{Value, json};

use crate::cluster;
use crate::environment::ROOT;
use crate::user::User;

stories![the_shards_of_a_job_run_side_by_side_with_its_rights];

/// The documents of the manifest, in a user's namespace.
fn manifest(user: &User) -> Vec<Value> {
    let text = std::fs::read_to_string(Path::new(ROOT).join("deploy/batch-job.yaml")).unwrap();
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/batch.md")).unwrap();
    let claim = page.split("```yaml\n").find(|part| part.contains("kind: PersistentVolumeClaim")).unwrap();
    let text = format!("{text}\n---\n{}", claim.split("```").next().unwrap());
    let text = text.replace("namespace: platform", &format!("namespace: {}", user.namespace));
    let text = text.replace("configmap:platform/", &format!("configmap:{}/", user.namespace));
    text.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect()
}

/// Where objects of a kind are made.
fn collection(object: &Value, namespace: &str) -> String {
    let plural = format!("{}s", object["kind"].as_str().unwrap().to_lowercase());
    match object["apiVersion"].as_str().unwrap() {
        "v1" => format!("/api/v1/namespaces/{namespace}/{plural}"),
        group => format!("/apis/{group}/namespaces/{namespace}/{plural}"),
    }
}

/// Has the API server look at all that the manifest has, gives the service account its rights, and returns its name.
fn accepted(user: &User, documents: &[Value]) -> String {
    let mut account = String::new();
    for object in documents {
        let path = collection(object, &user.namespace);
        let accepted = cluster::try_post(&format!("{path}?dryRun=All&fieldValidation=Strict"), object).unwrap();
        assert_eq!(accepted["kind"], object["kind"], "{accepted:#}");
        match object["kind"].as_str().unwrap() {
            "ServiceAccount" => account = object["metadata"]["name"].as_str().unwrap().to_owned(),
            "Role" | "RoleBinding" => cluster::post(&path, object),
            _ => {}
        }
    }
    let who = format!("system:serviceaccount:{}:{account}", user.namespace);
    let asked = json!({"namespace": user.namespace, "verb": "create", "group": "", "resource": "secrets"});
    cluster::await_right(&who, &asked);
    account
}

fn the_shards_of_a_job_run_side_by_side_with_its_rights(user: &User) {
    user.has_charts();
    let documents = manifest(user);
    let account = accepted(user, &documents);
    let job = documents.iter().find(|object| object["kind"] == "Job").unwrap();
    let count = job["spec"]["completions"].as_u64().unwrap();
    let arguments = job["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap();
    let arguments: Vec<&str> = arguments.iter().map(|argument| argument.as_str().unwrap()).collect();
    assert_eq!(job["spec"]["completionMode"], "Indexed");
    user.plans("first.yaml", &["good", "bad"].map(|name| format!("release: {name}, chart: app")));
    user.batch("first.yaml --concurrency 2", 0);
    let mut releases: Vec<String> = (0..8).map(|number| format!("release: note-{number}, chart: note")).collect();
    releases.push("release: good, chart: app, set: [tag=2]".to_owned());
    releases.push("release: bad, chart: app, set: [tag=2-missing]".to_owned());
    user.plans("batch.yaml", &releases);
    let command = &job["spec"]["template"]["spec"]["containers"][0]["command"];
    assert_eq!(*command, serde_json::json!(["helm-safe-upgrade"]), "helm would hand no signal on");
    // As the kubelet starts the containers: each with its own index, all at the same time, as the service account.
    let user_name = format!("HELM_KUBEASUSER=system:serviceaccount:{}:{account}", user.namespace);
    let program = format!("{user_name} {}", env!("CARGO_BIN_EXE_helm-safe-upgrade"));
    let line = arguments
        .join(" ")
        .replace("/plan/batch.yaml", "batch.yaml")
        .replace("--evidence=/evidence", "--evidence=evidence")
        .replace("$(JOB_COMPLETION_INDEX)", "$JOB_COMPLETION_INDEX");
    let started = (0..count).map(|index| {
        user.starts(&format!(
            "export JOB_COMPLETION_INDEX={index}; {program} {line} -n {} > shard-{index}.log 2>&1",
            user.namespace
        ))
    });
    let started: Vec<_> = started.collect();
    let codes: Vec<Option<i32>> = started.into_iter().map(|mut shard| shard.wait().unwrap().code()).collect();
    let log = |index| std::fs::read_to_string(user.folder.join(format!("shard-{index}.log"))).unwrap_or_default();
    let logs: String = (0..count).map(log).collect();
    assert_eq!(codes.iter().filter(|code| **code == Some(4)).count(), 1, "{codes:?}: {line}\n{logs}");
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), codes.len() - 1, "{codes:?}: {line}\n{logs}");
    let place = format!("configmap:{}/batch", user.namespace);
    let shown = user.types(&format!("helm safe-upgrade batch report {place}"));
    shown.exits(4).contains("9 of 10 releases are good: 1 rolled back, 9 upgraded; ");
    assert_eq!(user.does("helm list -q").lines().count(), 10);
    assert_eq!(user.revisions_of("good"), ["1 superseded", "2 deployed"]);
    assert_eq!(user.revisions_of("bad"), ["1 superseded", "2 failed", "3 deployed"]);
    assert!(std::fs::read_dir(user.folder.join("evidence")).unwrap().next().is_some(), "{logs}");
    // Without one of the shards the report says so.
    cluster::remove(&format!("/api/v1/namespaces/{}/configmaps/batch-1-of-{count}", user.namespace));
    let shown = user.types(&format!("helm safe-upgrade batch report {place}"));
    shown.exits(if codes[1] == Some(4) { 1 } else { 4 });
    assert!(shown.stdout.contains(&format!("; without 1/{count}: there are no results yet")), "{}", shown.stdout);
}

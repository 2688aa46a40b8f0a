//! Releases of several clusters.

use crate::second::Second;
use crate::user::User;

stories![releases_of_two_clusters_are_one_batch];

fn releases_of_two_clusters_are_one_batch(user: &User) {
    user.has_charts();
    let second = Second::starts(user);
    second.joins(user);
    let release = |context: &str, namespace: &str, needs: &str| {
        format!("- {{release: web, context: {context}, namespace: {namespace}, chart: note, install: true{needs}}}\n")
    };
    let needs = format!(", needs: [here/{}/web]", user.namespace);
    let plan = format!("releases:\n{}{}", release("there", "default", &needs), release("here", &user.namespace, ""));
    user.writes("plan.yaml", &plan);
    let batch = user.batch("plan.yaml --concurrency 2", 0);
    let contexts: Vec<&str> = batch.last["releases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["id"]["context"].as_str().unwrap())
        .collect();
    assert_eq!(contexts, ["here", "there"], "what is needed comes first");
    assert_eq!(batch.outcomes(), ["web: upgraded", "web: upgraded"]);
    let listed =
        |context: &str, namespace: &str| user.does(&format!("helm list -q --kube-context {context} -n {namespace}"));
    assert_eq!((listed("here", &user.namespace), listed("there", "default")), ("web\n".to_owned(), "web\n".to_owned()));
    // The same by selection, in both clusters at the same time.
    user.has_note("newer", "1.1.0");
    let line = format!("--chart ./newer --contexts here,there --namespaces {},default --concurrency 2", user.namespace);
    let batch = user.batch(&line, 0);
    assert_eq!(batch.outcomes(), ["web: upgraded", "web: upgraded"]);
    assert_eq!(batch.last["releases"][0]["toChart"], "note-1.1.0");
}

//! Releases of several clusters.

use crate::second::Second;
use crate::user::User;

stories![releases_of_two_clusters_are_one_batch, each_cluster_has_its_own_namespace_and_its_own_state];

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

fn each_cluster_has_its_own_namespace_and_its_own_state(user: &User) {
    user.has_charts();
    let second = Second::starts(user);
    second.joins(user);
    let listed =
        |context: &str, namespace: &str| user.does(&format!("helm list -q --kube-context {context} -n {namespace}"));
    // Helm names the namespace of the current context to its plugins, and another context has its own.
    user.writes("there.yaml", "releases:\n- {release: api, context: there, chart: note, install: true}\n");
    let batch = user.batch("there.yaml", 0);
    assert_eq!(batch.last["releases"][0]["id"]["namespace"], "default");
    assert_eq!(listed("there", "default"), "api\n");
    user.types("helm safe-upgrade list --contexts there,here,there -o json").mentions("\"namespace\": \"default\"");
    // The same command with another current context is another batch.
    user.writes("plan.yaml", "releases:\n- {release: web, chart: note, install: true}\n");
    user.batch("plan.yaml", 0);
    user.batch("plan.yaml --state state.json", 0);
    user.types("helm safe-upgrade batch plan.yaml --yes --state state.json --resume --kube-context there")
        .explains("cannot go on with plan.yaml: it was begun in the cluster ");
    let batch = user.batch("plan.yaml --resume --kube-context there", 0);
    assert_eq!(batch.outcomes(), ["web: upgraded"]);
    assert_eq!(listed("there", "default"), "api\nweb\n");
    // One release by two names is one too many.
    let double = format!(
        "releases:\n- {{release: web, chart: note}}\n- {{release: web, context: here, namespace: {}, chart: note}}\n",
        user.namespace
    );
    user.writes("double.yaml", &double);
    user.types("helm safe-upgrade batch double.yaml --yes").explains("are the same release");
    // A cluster that can't be reached is told of, and is not good.
    drop(second);
    let batch = user.batch("--chart ./note --contexts here,there", 1);
    let left_out = batch.last["leftOut"][0].as_str().unwrap();
    assert!(left_out.starts_with("there could not be read, and is left out: "), "{left_out}");
}

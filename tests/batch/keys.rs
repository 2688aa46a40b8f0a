//! What a plan says of a release reaches Helm; and a chart of a repository.

use crate::cluster;
use crate::plans::{Batch, text};
use crate::servers::Server;
use crate::user::User;

stories![
    what_a_plan_says_is_what_helm_is_told,
    a_plan_bounds_an_upgrade_and_says_what_a_failure_leaves,
    a_chart_of_a_repository_is_selected_by_its_name,
];

const SAYS: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: \"{{ .Release.Name }}\"}
data:
  kind: {{ kindOf .Values.word }}
  said: \"{{ .Values.word }} {{ .Values.text }} {{ .Values.more }}\"
  version: {{ .Chart.Version | quote }}
";

/// Writes a version of a chart that says which values it was given.
fn has_chart(user: &User, (folder, name): (&str, &str), version: &str) {
    user.writes(&format!("{folder}/Chart.yaml"), &format!("apiVersion: v2\nname: {name}\nversion: {version}\n"));
    user.writes(&format!("{folder}/values.yaml"), "word: a\ntext: b\nmore: c\n");
    user.writes(&format!("{folder}/templates/config.yaml"), SAYS);
}

/// Serves these versions of a chart as a repository.
fn serves(user: &User, name: &str, versions: &[&str]) -> Server {
    for version in versions {
        has_chart(user, ("served", name), version);
        user.does("helm package served --destination repository");
    }
    user.does("helm repo index repository");
    Server::of_files(&user.folder.join("repository"))
}

fn what_a_plan_says_is_what_helm_is_told(user: &User) {
    has_chart(user, ("says", "says"), "1.0.0");
    let server = serves(user, "served", &["1.0.0", "2.0.0"]);
    user.does("helm install reset says --set text=mine");
    user.does("helm install kept says --set text=mine");
    let new = format!("{}-new", user.namespace);
    user.writes("plans/values.yaml", "text: from-a-file\nmore: from-a-file\n");
    let plan = format!(
        "defaults: {{namespace: {}, chart: ../says, install: true}}\nreleases:\n\
         - {{release: files, values: [values.yaml], set: [more=from-set]}}\n\
         - {{release: numbers, set: [word=12], setString: [text=0x1f]}}\n\
         - {{release: words, setString: [word=12]}}\n\
         - {{release: served, chart: served, repo: \"http://{}\", version: 1.0.0}}\n\
         - {{release: reset, reuseValues: reset}}\n\
         - {{release: kept, reuseValues: reset-then-reuse, set: [more=new]}}\n\
         - {{release: there, namespace: {new}, createNamespace: true}}\n",
        user.namespace,
        server.address()
    );
    user.writes("plans/plan.yaml", &plan);
    // Paths are seen from the plan's folder, wherever it is run.
    let shown = user.types("cd says && helm safe-upgrade batch ../plans/plan.yaml --yes -o json --concurrency 4");
    shown.exits(0);
    let batch = Batch::of(&shown);
    assert!(batch.outcomes().iter().all(|outcome| outcome.ends_with(": upgraded")), "{:?}", batch.outcomes());
    let said = |release: &str| {
        let map = cluster::at(&format!("/api/v1/namespaces/{}/configmaps/{release}", user.namespace)).unwrap();
        format!("{}: {}, {}", text(&map["data"]["kind"]), text(&map["data"]["said"]), text(&map["data"]["version"]))
    };
    assert_eq!(said("files"), "string: a from-a-file from-set, 1.0.0");
    assert_eq!(said("numbers"), "int64: 12 0x1f c, 1.0.0");
    assert_eq!(said("words"), "string: 12 b c, 1.0.0");
    assert_eq!(said("served"), "string: a b c, 1.0.0", "and not the newest one");
    assert_eq!(said("reset"), "string: a b c, 1.0.0");
    assert_eq!(said("kept"), "string: a mine new, 1.0.0");
    assert_eq!(user.does(&format!("helm list -q -n {new}")), "there\n");
    cluster::remove_namespace(&new);
}

fn a_plan_bounds_an_upgrade_and_says_what_a_failure_leaves(user: &User) {
    user.has_charts();
    user.plans("first.yaml", &["slow", "left"].map(|name| format!("release: {name}, chart: app")));
    user.batch("first.yaml --concurrency 2", 0);
    let releases = [
        "release: slow, chart: app, set: [tag=2-unready], timeout: 25s",
        "release: left, chart: app, set: [tag=2-missing], onFailure: keep",
        "release: gone, chart: app, set: [tag=2-missing], onFailure: uninstall",
    ];
    user.plans("plan.yaml", &releases.map(str::to_owned));
    let batch = user.batch("plan.yaml --concurrency 3 --fail-fast-after 10m --timeout 10m", 5);
    assert_eq!(batch.outcomes(), ["slow: rolled-back", "left: failed", "gone: failed"]);
    assert_eq!(user.revisions_of("slow"), ["1 superseded", "2 failed", "3 deployed"]);
    assert_eq!(user.revisions_of("left"), ["1 deployed", "2 failed"]);
    assert!(user.types("helm history gone").exits(1).stderr.contains("not found"));
}

fn a_chart_of_a_repository_is_selected_by_its_name(user: &User) {
    // Both Helms share the cluster, and all its namespaces are looked at.
    let chart = format!("nginx-{}", user.helm.name());
    let server = serves(user, &chart, &["17.0.0", "17.5.0", "18.0.0", "18.1.0"]);
    user.exports("HELM_REPOSITORY_CONFIG", &user.folder.join("repositories.yaml").display().to_string());
    user.exports("HELM_REPOSITORY_CACHE", &user.folder.join("cache").display().to_string());
    user.does(&format!("helm repo add stable http://{}", server.address()));
    let other = user.makes_another_namespace();
    for (release, namespace, version) in [
        ("a", user.namespace.as_str(), "17.0.0 --set text=mine"),
        ("b", other.as_str(), "17.5.0"),
        ("c", other.as_str(), "18.1.0"),
    ] {
        user.does(&format!("helm install {release} stable/{chart} -n {namespace} --version {version}"));
    }
    let batch = user.batch(&format!("--chart {chart} --to 18.0.0 -A"), 0);
    assert_eq!(batch.outcomes(), ["a: upgraded", "b: upgraded"]);
    for (release, namespace) in [("a", &user.namespace), ("b", &other)] {
        let manifest = user.does(&format!("helm get manifest {release} -n {namespace}"));
        assert!(manifest.contains("version: \"18.0.0\""), "{manifest}");
    }
    assert!(user.does("helm get manifest a").contains("said: \"a mine c\""), "its values are kept");
    user.types(&format!("helm safe-upgrade batch --chart {chart} --to 18.0.0 -A --yes"))
        .mentions("to 18.0.0: no releases to upgrade");
}

//! What is asked after everything is ready: the chart's tests and gates, and what their answers lead to.

use crate::environment::Helm;
use crate::release::test_pod;
use crate::servers::{Server, without_prometheus};
use crate::user::User;

stories![
    a_revision_that_passes_all_is_proven,
    a_failing_test_is_rolled_back,
    a_helm_that_is_killed_in_its_tests_has_failed_none,
    a_chart_without_tests_has_nothing_to_fail,
    a_failing_command_is_rolled_back,
    a_command_knows_what_it_judges,
    a_command_that_hangs_is_ended_and_tells_nothing,
    an_address_that_answers_otherwise_is_rolled_back,
    an_address_that_answers_as_wanted_is_proven,
    what_nobody_answers_is_inconclusive,
    a_service_that_is_not_there_is_inconclusive,
    inconclusive_may_mean_passed_or_failed,
    prometheus_decides,
    prometheus_without_data_is_inconclusive,
    what_an_autoscaler_sets_is_no_difference,
    a_gate_that_is_none_is_refused_before_anything_is_done,
    what_is_secret_is_told_nowhere,
];

/// An upgrade of `web` to its tag 2 with these flags.
fn line(flags: &str) -> String {
    format!("helm safe-upgrade web app --set tag=2 --yes {flags}")
}

/// A gate failed, and the release is back at revision 1.
fn is_back(user: &User, flags: &str, why: &str) {
    let shown = user.types(&line(flags));
    shown.exits(4);
    assert!(shown.stdout.contains(why), "{why:?} is not in: {}{}", shown.stdout, shown.stderr);
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1, 3], vec![2]));
    assert!(user.description(2).contains(why), "{}", user.description(2));
    user.left_no_lease();
}

/// A gate could not tell: the revision stays, and is not proven.
fn is_not_proven(user: &User, flags: &str, why: &str) {
    let shown = user.types(&line(flags));
    shown.exits(1);
    assert!(shown.stdout.contains("web is upgraded, and revision 2 is not proven"), "{}", shown.stdout);
    assert!(shown.stdout.contains(why), "{why:?} is not in: {}{}", shown.stdout, shown.stderr);
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1], vec![]));
    user.left_no_lease();
}

fn is_proven(user: &User, flags: &str, said: &str) {
    let shown = user.types(&line(flags));
    shown.mentions("revision 2 is deployed and proven");
    assert!(shown.stderr.contains(said), "{said:?} is not in: {}", shown.stderr);
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    assert_eq!(user.proven(), [1, 2]);
    user.left_no_lease();
}

fn a_revision_that_passes_all_is_proven(user: &User) {
    user.has_web(&[("test", &test_pod("1"))]);
    is_proven(
        user,
        "--test --gate-cmd true --gate-cmd 'echo all is well'",
        "✓ command echo all is well passed: all is well",
    );
}

fn a_failing_test_is_rolled_back(user: &User) {
    user.has_web(&[("test", &test_pod("1-crash"))]);
    is_back(user, "--test", "helm test failed: ");
}

fn a_helm_that_is_killed_in_its_tests_has_failed_none(user: &User) {
    user.has_web(&[("test", &test_pod("1"))]);
    user.writes("bin/helm", "#!/bin/sh\n[ \"$1\" = test ] && kill -KILL $$\nexec helm \"$@\"\n");
    let plugin = env!("CARGO_BIN_EXE_helm-safe-upgrade");
    let shown =
        user.types(&format!("chmod +x bin/helm; HELM_BIN=$PWD/bin/helm '{plugin}' web app --set tag=2 --yes --test"));
    shown.exits(1);
    let said = format!("{}{}", shown.stdout, shown.stderr);
    assert!(said.contains("helm ended with signal: 9"), "{said}");
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1], vec![]));
    user.left_no_lease();
}

fn a_chart_without_tests_has_nothing_to_fail(user: &User) {
    user.has_web(&[]);
    is_proven(user, "--test", "the chart has no tests");
}

fn a_failing_command_is_rolled_back(user: &User) {
    user.has_web(&[]);
    is_back(
        user,
        "--gate-cmd 'echo looking; echo no orders any more >&2; exit 3' --gate-cmd 'touch asked-on'",
        "failed: exit code 3: no orders any more",
    );
    assert!(!user.folder.join("asked-on").exists(), "the first failure ends it");
}

fn a_command_knows_what_it_judges(user: &User) {
    user.has_web(&[]);
    let check = "echo $HELM_RELEASE_NAME $HELM_RELEASE_REVISION; test $HELM_NAMESPACE = $(helm get metadata web -o json | sed 's/.*\"namespace\":\"\\([^\"]*\\).*/\\1/')";
    user.writes("check.sh", check);
    is_proven(user, "--gate-cmd 'sh check.sh'", "✓ command sh check.sh passed: web 2");
}

fn a_command_that_hangs_is_ended_and_tells_nothing(user: &User) {
    user.has_web(&[]);
    // Each Helm has its own, since both may be tried at the same time.
    let time = if user.helm.name() == "helm3" { "71.25" } else { "72.25" };
    let command = format!("--gate-timeout 1s --gate-cmd 'sleep {time}; touch too-late'");
    is_not_proven(user, &command, "it did not end within 1s");
    assert!(!processes().contains(&format!("sleep\u{0}{time}")), "what the command has started is ended too");
}

fn processes() -> String {
    let folders = std::fs::read_dir("/proc").unwrap().flatten();
    folders.filter_map(|folder| std::fs::read_to_string(folder.path().join("cmdline")).ok()).collect()
}

fn an_address_that_answers_otherwise_is_rolled_back(user: &User) {
    user.has_web(&[]);
    let server = Server::of_files(&user.folder);
    let address = server.address();
    is_back(user, &format!("--gate-http http://{address}/nothing"), "failed: status 404, not 200-299");
}

fn an_address_that_answers_as_wanted_is_proven(user: &User) {
    user.has_web(&[]);
    user.writes("health", "orders: up\n");
    let server = Server::of_files(&user.folder);
    let address = server.address();
    let flags = format!(
        "--gate-http http://me:s3cret@{address}/health?token=s3cret --gate-http-status 200,204 --gate-http-match 'orders: (up|idle)'"
    );
    let shown = user.types(&line(&flags));
    shown.mentions("revision 2 is deployed and proven").keeps_quiet_about("s3cret");
    let said = format!("✓ http http://***@{address}/health?… passed: status 200, and the body matches");
    assert!(shown.stderr.contains(&said), "{}", shown.stderr);
    let flags = format!("--set tag=3 --gate-http http://{address}/health --gate-http-match 'orders: down'");
    let shown = user.types(&line(&flags));
    shown.exits(4);
    assert!(shown.stdout.contains("status 200, but the body does not match \"orders: down\""), "{}", shown.stdout);
}

fn what_nobody_answers_is_inconclusive(user: &User) {
    user.has_web(&[]);
    is_not_proven(
        user,
        "--gate-http http://127.0.0.1:1/",
        "http http://127.0.0.1:1/ could not tell: Connection refused",
    );
}

fn a_service_that_is_not_there_is_inconclusive(user: &User) {
    user.has_web(&[("service", SERVICE)]);
    let flags = "--gate-http svc/other:80/ --gate-http svc/web:80/healthz";
    is_not_proven(user, flags, "http svc/other:80/ could not tell: there is no service other in namespace");
    let shown = user.types(&line("--set tag=3 --gate-http svc/web:80/healthz"));
    shown.exits(1);
    assert!(shown.stdout.contains("http svc/web:80/healthz could not tell: "), "{}", shown.stdout);
}

fn inconclusive_may_mean_passed_or_failed(user: &User) {
    user.has_web(&[]);
    is_back(user, "--gate-cmd 'exit 75' --inconclusive fail", "could not tell: it can't tell now");
    let shown = user.types(&line("--gate-cmd 'exit 75' --inconclusive pass"));
    shown.mentions("revision 4 is deployed and proven");
    assert!(shown.stderr.contains("it is called proven none the less"), "{}", shown.stderr);
}

fn prometheus_decides(user: &User) {
    if without_prometheus() {
        return;
    }
    user.has_web(&[]);
    let server = Server::prometheus(&user.folder.join("prometheus"));
    let url = format!("http://{}", server.address());
    is_proven(
        user,
        &format!("--gate-prometheus {url} 'vector(0.25)' '<' 0.5 --gate-prometheus {url}/ '1 + 1' == 2"),
        "passed: it is 0.25",
    );
    let two = r#"label_replace(vector(1),"pod","a","","") or label_replace(vector(9),"pod","b","","")"#;
    let shown = user.types(&line(&format!("--set tag=3 --gate-prometheus {url} '{two}' '<=' 1")));
    shown.exits(4);
    assert!(shown.stdout.contains("failed: {pod=\"b\"} is 9, wanted <= 1"), "{}", shown.stdout);
    assert_eq!(user.revisions(), ["1 superseded", "2 superseded", "3 failed", "4 deployed"]);
}

fn prometheus_without_data_is_inconclusive(user: &User) {
    if without_prometheus() {
        return;
    }
    user.has_web(&[]);
    let mut server = Server::prometheus(&user.folder.join("prometheus"));
    let url = format!("http://me:s3cret@{}", server.address());
    is_not_proven(user, &format!("--gate-prometheus {url} nothing_of_this_name '<' 0.5"), "could not tell: no data");
    for (query, why) in [("vector(0)/0", "it is NaN"), ("sum(", "Prometheus: "), ("up[5m]", "gives a matrix")] {
        let shown = user.types(&line(&format!("--set tag={} --gate-prometheus {url} '{query}' '<' 1", query.len())));
        shown.exits(1).keeps_quiet_about("s3cret");
        assert!(shown.stdout.contains(why), "{why:?} is not in: {}", shown.stdout);
    }
    server.stop();
    let shown = user.types(&line(&format!("--set tag=9 --gate-prometheus {url} up '>' 0")));
    shown.exits(1).keeps_quiet_about("s3cret");
    assert!(shown.stdout.contains("Connection refused"), "{}", shown.stdout);
}

/// Neither before the upgrade nor after it, nor after a rollback.
fn what_an_autoscaler_sets_is_no_difference(user: &User) {
    user.has_web(&[("autoscaler", AUTOSCALER)]);
    user.does("helm safe-upgrade web app --set tag=2 --yes");
    // As the autoscaler does it: there are no metrics in the test cluster.
    let path = format!("/apis/apps/v1/namespaces/{}/deployments/web/scale", user.namespace);
    let scale = serde_json::json!({"spec": {"replicas": 4}});
    crate::cluster::writes_as("kube-controller-manager", "merge", &path, &scale);
    user.waits_for(|| crate::cluster::at(&path).is_some_and(|scale| scale["status"]["replicas"] == 4));
    let shown = user.types("helm safe-upgrade web app --set tag=2 --yes");
    shown.mentions("nothing to do; revision 2 is deployed, ready, as its manifest says, and proven");
    if user.helm == Helm::V4 {
        // It refuses to apply replicas that an autoscaler has set.
        return;
    }
    let shown = user.types("helm safe-upgrade web app --set tag=3 --yes --gate-cmd false");
    shown.exits(4);
    assert!(!shown.stderr.contains("not as the revision has it"), "{}", shown.stderr);
    assert_eq!(user.revisions(), ["1 superseded", "2 superseded", "3 failed", "4 deployed"]);
    assert_eq!(user.proven(), [1, 2, 4]);
}

fn a_gate_that_is_none_is_refused_before_anything_is_done(user: &User) {
    user.has_web(&[]);
    for (flags, why) in [
        ("--gate-http ftp://me:s3cret@x", "cannot use --gate-http: \"ftp://***@x\" is no address"),
        ("--gate-http svc/web", "it goes svc/NAME:PORT/PATH"),
        ("--gate-http http://x --gate-http-status 2", "\"2\" is no HTTP status"),
        ("--gate-prometheus http://me:s3cret@x up = 1", "\"=\" is no comparison"),
        ("--gate-prometheus http://me:s3cret@x up '<' one", "\"one\" is no number"),
        ("--gate-prometheus http://x up '<'", "--gate-prometheus"),
        ("--soak-interval 5s", "--soak"),
        ("--soak 5s --soak-threshold 0", "--soak-threshold"),
    ] {
        let shown = user.types(&line(flags));
        assert!(shown.code != Some(0) && shown.stderr.contains(why), "{flags}: {}", shown.stderr);
        shown.keeps_quiet_about("s3cret");
    }
    assert_eq!(user.revisions(), ["1 deployed"]);
}

/// What is in a folder, all files in one.
fn content(folder: &std::path::Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let read = |path: std::path::PathBuf| match path.is_dir() {
        true => content(&path),
        false => String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned(),
    };
    entries.map(read).collect()
}

fn what_is_secret_is_told_nowhere(user: &User) {
    user.has_web(&[("key", KEY)]);
    let hidden = "hunter2";
    user.writes("check.sh", "echo the key is Zq8hunter2Lx9-missing; exit 1");
    let gate = "--set tag=2,key=Zq8hunter2Lx9-missing --gate-cmd 'sh check.sh'";
    let soak = format!("{gate} --soak 20s --soak-interval 500ms --soak-threshold 2");
    // The diff shows a Deployment as it will be.
    let image = "--set tag=Zq8hunter2Lx9-missing,key=Zq8hunter2Lx9-missing --suppress Deployment";
    for (flags, told) in [(gate, "the key is <masked, "), (&soak, "the key is <masked, "), (image, "<masked, ")] {
        for format in ["text", "json"] {
            let shown = user.types(&format!("helm safe-upgrade web app {flags} --yes --evidence kept -o {format}"));
            shown.exits(4).keeps_quiet_about(hidden);
            assert!(shown.stdout.contains(told), "{flags}: {}", shown.stdout);
            let history = user.does("helm history web --max 100 -o json");
            assert!(history.contains("masked, ") && !history.contains(hidden), "{flags}: {history}");
            let kept = content(&user.folder.join("kept"));
            assert!(kept.contains("masked, ") && !kept.contains(hidden), "{flags}: {kept}");
        }
    }
}

const KEY: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {key: '{{ .Values.key | default 1 }}'}\n";

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n";

const AUTOSCALER: &str = "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 2
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
";

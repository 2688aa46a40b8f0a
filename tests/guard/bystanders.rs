//! What happens while a release is watched on and is not the upgrade's work, and what of a revision nobody has seen run.

use std::process::Child;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster;
use crate::user::User;

stories![
    a_restart_of_what_the_upgrade_has_not_changed_is_no_rollback,
    an_autoscaler_that_asks_for_more_than_fits_is_no_rollback,
    a_finished_job_that_is_collected_is_as_it_should_be,
    a_revision_of_which_no_pod_ever_ran_is_not_proven,
    the_last_proven_revision_with_another_manifest_is_never_pruned,
];

/// Starts an upgrade that soaks until it is told to end, and returns when it does. What was so meanwhile is seen at its end at the latest.
fn soaks_until_told(user: &User) -> Child {
    user.writes("gate.sh", "touch soaks; until test -e go; do sleep 0.1; done\n");
    let flags = "--soak 1s --gate-cmd 'sh gate.sh' --gate-timeout 60s --fail-fast-after 1s";
    let child = user.starts(&format!("exec helm safe-upgrade web app --set tag=2 --yes {flags}"));
    user.waits_for(|| user.folder.join("soaks").exists());
    child
}

fn ends(user: &User, mut helm: Child) -> Option<i32> {
    // What counted would have outlasted its grace by now.
    std::thread::sleep(Duration::from_secs(3));
    user.writes("go", "");
    helm.wait().unwrap().code()
}

/// The pods of the release whose name begins so, and that stay.
fn pods(user: &User, name: &str) -> Vec<Value> {
    let list = cluster::at(&format!("/api/v1/namespaces/{}/pods", user.namespace)).unwrap();
    let stays = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
    let named = |pod: &&Value| pod["metadata"]["name"].as_str().unwrap().starts_with(name);
    list["items"].as_array().unwrap().iter().filter(stays).filter(named).cloned().collect()
}

fn a_restart_of_what_the_upgrade_has_not_changed_is_no_rollback(user: &User) {
    let api = DEPLOYMENT.replace("NAME", "api").replace("TAG", "1");
    user.has_web(&[("api", &api)]);
    let helm = soaks_until_told(user);
    let pod = pods(user, "api-").remove(0);
    let mut statuses = pod["status"]["containerStatuses"].clone();
    statuses[0]["restartCount"] = json!(1);
    statuses[0]["lastState"] = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    let path =
        format!("/api/v1/namespaces/{}/pods/{}/status", user.namespace, pod["metadata"]["name"].as_str().unwrap());
    cluster::writes_as("test", "merge", &path, &json!({"status": {"containerStatuses": statuses}}));
    assert_eq!(ends(user, helm), Some(1), "nobody can tell whether it has to do with the upgrade");
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1], vec![]));
    user.left_no_lease();
}

fn an_autoscaler_that_asks_for_more_than_fits_is_no_rollback(user: &User) {
    // One on each node, and there are three.
    let apart = "      affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: \
                 kubernetes.io/hostname, labelSelector: {matchLabels: {app: busy}}}]}}\n";
    let busy = DEPLOYMENT.replace("NAME", "busy").replace("TAG", "{{ .Values.tag }}");
    user.has_web(&[("busy", &format!("{busy}{apart}"))]);
    let helm = soaks_until_told(user);
    let scale = |replicas: u32| {
        let path = format!("/apis/apps/v1/namespaces/{}/deployments/busy/scale", user.namespace);
        cluster::writes_as("kube-controller-manager", "merge", &path, &json!({"spec": {"replicas": replicas}}));
    };
    scale(5);
    let is_refused = |pod: &Value| {
        let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|condition| condition["reason"] == "Unschedulable")
    };
    user.waits_for(|| pods(user, "busy-").iter().any(is_refused));
    // As long as what counts has to be there.
    std::thread::sleep(Duration::from_secs(3));
    scale(1);
    user.waits_for(|| pods(user, "busy-").len() == 1);
    assert_eq!(ends(user, helm), Some(0));
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    assert_eq!(user.proven(), [1, 2]);
}

fn a_finished_job_that_is_collected_is_as_it_should_be(user: &User) {
    user.has_web(&[("job", JOB)]);
    let helm = soaks_until_told(user);
    let path = format!("/apis/batch/v1/namespaces/{}/jobs/migrate-2", user.namespace);
    cluster::writes_as("test", "merge", &path, &json!({"spec": {"ttlSecondsAfterFinished": 0}}));
    user.waits_for(|| cluster::at(&path).is_none());
    assert_eq!(ends(user, helm), Some(0));
    assert_eq!(user.proven(), [1, 2]);
}

fn a_revision_of_which_no_pod_ever_ran_is_not_proven(user: &User) {
    user.has_web(&[("db", BY_HAND)]);
    let shown = user.types("helm safe-upgrade web app --set tag=2 --yes");
    shown.mentions_although_it_failed("web is upgraded, and revision 2 is not proven");
    shown.contains(
        "statefulset/db: 0 of 1 pods run the new revision, as others are replaced only when they are deleted",
    );
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1], vec![]));
    // Once it runs, it may be proven.
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "db-0"}});
    cluster::try_post(&format!("/api/v1/namespaces/{}/pods/db-0/eviction", user.namespace), &eviction).unwrap();
    let path = format!("/apis/apps/v1/namespaces/{}/statefulsets/db", user.namespace);
    user.waits_for(|| {
        let set = cluster::at(&path).unwrap();
        set["status"]["updatedReplicas"] == 1 && set["status"]["readyReplicas"] == 1
    });
    user.types("helm safe-upgrade web app --set tag=2 --yes").exits(0);
    assert_eq!(user.proven(), [1, 2]);
}

fn the_last_proven_revision_with_another_manifest_is_never_pruned(user: &User) {
    user.has_web(&[]);
    for note in ["a", "b", "c", "d"] {
        user.does(&format!("helm safe-upgrade web app --set tag=2 --set note={note} --keep 2 --yes"));
    }
    assert_eq!(user.revisions(), ["1 superseded", "4 superseded", "5 deployed"]);
    user.types("helm safe-upgrade rollback web --yes").exits(0).mentions("web is back at revision 1");
}

/// One pod, and no number of them, as where an autoscaler sets it.
const DEPLOYMENT: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers: [{name: main, image: "example.com/NAME:TAG"}]
"#;

const JOB: &str = r#"
apiVersion: batch/v1
kind: Job
metadata: {name: "migrate-{{ .Values.tag }}"}
spec:
  ttlSecondsAfterFinished: 3600
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "example.com/migrate:1"}]
"#;

const BY_HAND: &str = r#"
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 1
  serviceName: db
  updateStrategy: {type: OnDelete}
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: main, image: "example.com/db:{{ .Values.tag }}"}]
"#;

//! Nodes that were lost before an upgrade: what a DaemonSet wants there is nothing that the upgrade has done.

use serde_json::{Value, json};

use crate::cluster;
use crate::release::hook;
use crate::user::User;

stories![
    a_node_that_was_lost_before_is_a_doubt_and_no_rollback,
    a_roll_out_that_a_lost_node_holds_up_is_a_doubt_and_no_rollback,
    a_helm_that_waits_for_a_lost_node_in_vain_is_no_rollback,
    what_fails_on_nodes_that_answer_is_rolled_back_beside_a_lost_one,
];

/// Nodes for one story alone, which go with it.
struct Pool<'u> {
    user: &'u User,
    nodes: Vec<String>,
}

impl<'u> Pool<'u> {
    fn of(user: &'u User, count: usize) -> Self {
        let nodes: Vec<String> = (1..=count).map(|number| format!("{}-{number}", user.namespace)).collect();
        for node in &nodes {
            let allocatable = json!({"cpu": "8", "memory": "8Gi", "pods": "10"});
            let taint = json!({"key": "pool", "value": user.namespace, "effect": "NoSchedule"});
            let object = json!({
                "apiVersion": "v1", "kind": "Node", "metadata": {"name": node, "labels": {"pool": user.namespace}},
                "spec": {"taints": [taint]}, "status": {"allocatable": allocatable, "capacity": allocatable},
            });
            cluster::post("/api/v1/nodes", &object);
        }
        let pool = Self { user, nodes };
        user.has_web(&[("agent", AGENT), ("hook", &hook("post-upgrade"))]);
        pool
    }

    /// The last node does not answer any more: its pods are called not ready, and are not ended where they are deleted.
    fn loses_one(&self) -> &str {
        let node = self.nodes.last().unwrap();
        let path = format!("/api/v1/nodes/{node}");
        cluster::writes_as("test", "merge", &path, &json!({"metadata": {"labels": {"lost": "yes"}}}));
        let unknown = json!([{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]);
        cluster::writes_as("test", "merge", &format!("{path}/status"), &json!({"status": {"conditions": unknown}}));
        for pod in self.pods().iter().filter(|pod| pod["spec"]["nodeName"] == **node) {
            let path = self.path(pod);
            cluster::writes_as("test", "merge", &path, &json!({"metadata": {"finalizers": ["example.com/lost"]}}));
            let unready = json!([{"type": "Ready", "status": "False"}]);
            cluster::writes_as("test", "merge", &format!("{path}/status"), &json!({"status": {"conditions": unready}}));
        }
        node
    }

    fn pods(&self) -> Vec<Value> {
        let path = format!("/api/v1/namespaces/{}/pods?labelSelector=app%3Dagent", self.user.namespace);
        cluster::at(&path).unwrap()["items"].as_array().unwrap().clone()
    }

    fn path(&self, pod: &Value) -> String {
        format!("/api/v1/namespaces/{}/pods/{}", self.user.namespace, pod["metadata"]["name"].as_str().unwrap())
    }

    /// The images of the agents on nodes that answer.
    fn images(&self) -> Vec<String> {
        let pods = self.pods().into_iter().filter(|pod| pod["metadata"]["finalizers"].is_null());
        let mut images: Vec<String> =
            pods.map(|pod| pod["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()).collect();
        images.sort();
        images
    }
}

impl Drop for Pool<'_> {
    fn drop(&mut self) {
        for pod in self.pods().iter().filter(|pod| !pod["metadata"]["finalizers"].is_null()) {
            cluster::writes_as("test", "merge", &self.path(pod), &json!({"metadata": {"finalizers": null}}));
        }
        self.nodes.iter().for_each(|node| cluster::remove(&format!("/api/v1/nodes/{node}")));
    }
}

fn a_node_that_was_lost_before_is_a_doubt_and_no_rollback(user: &User) {
    let pool = Pool::of(user, 2);
    let lost = pool.loses_one();
    let shown = user.types("helm safe-upgrade web app --set tag=2 --yes");
    shown.mentions_although_it_failed("web is upgraded, and revision 2 is not proven");
    let doubt = format!("daemonset/agent: ready on 1 of 2 nodes; node {lost} was lost before");
    assert!(shown.stdout.contains(&doubt), "{}{}", shown.stdout, shown.stderr);
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1], vec![]));
    assert_eq!(pool.images(), ["example.com/agent:2"]);
    user.left_no_lease();
}

fn a_roll_out_that_a_lost_node_holds_up_is_a_doubt_and_no_rollback(user: &User) {
    let pool = Pool::of(user, 3);
    let lost = pool.loses_one();
    let shown = user.types("helm safe-upgrade web app --set tag=2,lacks=1 --yes");
    shown.mentions_although_it_failed("web is upgraded, and revision 2 is not proven");
    let doubt = format!("pods on nodes that answer are updated, and no more will be: node {lost} was lost before");
    assert!(shown.stdout.contains(&doubt), "{}{}", shown.stdout, shown.stderr);
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    assert_eq!((user.proven(), user.bad()), (vec![1], vec![]));
    assert!(pool.images().contains(&"example.com/agent:1".to_owned()), "{:?}", pool.images());
}

fn a_helm_that_waits_for_a_lost_node_in_vain_is_no_rollback(user: &User) {
    let pool = Pool::of(user, 2);
    let lost = pool.loses_one();
    // The hook relies on what Helm has waited for.
    let shown = user.types("helm safe-upgrade web app --set tag=2,hook=1 --yes --timeout 20s");
    shown.mentions_although_it_failed("web is upgraded, and revision 2 is not proven");
    let told = format!("{}{}", shown.stdout, shown.stderr);
    assert!(told.contains(&format!("node {lost} was lost before")), "{told}");
    assert!(told.contains("has not run its hooks after the upgrade"), "{told}");
    assert_eq!(user.revisions(), ["1 deployed", "2 failed"], "nothing was rolled back");
    assert!(user.bad().is_empty());
    assert_eq!(pool.images(), ["example.com/agent:2"]);
}

fn what_fails_on_nodes_that_answer_is_rolled_back_beside_a_lost_one(user: &User) {
    let pool = Pool::of(user, 2);
    let lost = pool.loses_one();
    let shown = user.types("helm safe-upgrade web app --set tag=2-missing --yes");
    shown.exits(4);
    assert!(shown.stdout.contains("revision 2 failed; web is back at revision 1, as revision 3"), "{}", shown.stdout);
    let doubt = format!("daemonset/agent: ready on 1 of 2 nodes; node {lost} was lost before");
    assert!(shown.stdout.contains(&doubt), "{}", shown.stdout);
    assert_eq!(user.revisions(), ["1 superseded", "2 failed", "3 deployed"]);
    assert_eq!(user.bad(), [2]);
    assert_eq!(pool.images(), ["example.com/agent:1"]);
}

/// A pod on each node of the pool, whatever is the matter with it.
const AGENT: &str = r#"
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  updateStrategy: {rollingUpdate: {maxUnavailable: {{ .Values.lacks | default 2 }}}}
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      nodeSelector: {pool: "{{ .Release.Namespace }}"}
      tolerations: [{operator: Exists}]
      containers: [{name: main, image: "example.com/agent:{{ .Values.tag }}"}]
"#;

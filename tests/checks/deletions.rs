//! What an upgrade deletes for good, and what the cluster says is to be kept.

use serde_json::{Value, json};

use crate::cluster;
use crate::findings::{Found, allow, found, has, passes};
use crate::user::User;

stories![what_is_kept_in_the_cluster_stays_and_the_rest_is_told];

const CHECK: &str = "helm safe-upgrade check web parts --reset-values -o json";

/// A definition whose objects are stored in a version that is not served, a claim, and two Secrets, of which one is kept by its manifest.
fn objects(user: &User) -> String {
    let group = format!("{}.example.com", user.namespace);
    format!(
        "objects:
- apiVersion: apiextensions.k8s.io/v1
  kind: CustomResourceDefinition
  metadata: {{name: things.{group}}}
  spec:
    group: {group}
    scope: Namespaced
    names: {{kind: Thing, plural: things}}
    versions:
    - {{name: v1alpha1, served: false, storage: true, schema: {{openAPIV3Schema: {{type: object}}}}}}
    - {{name: v1, served: true, storage: false, schema: {{openAPIV3Schema: {{type: object}}}}}}
- {{apiVersion: v1, kind: Secret, metadata: {{name: keys}}}}
- {{apiVersion: v1, kind: Secret, metadata: {{name: declared, annotations: {{helm.sh/resource-policy: keep}}}}}}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata: {{name: files}}
  spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
"
    )
}

/// What is said of deletions, a message each.
fn said(findings: &[Found]) -> Vec<&str> {
    findings.iter().filter(|one| one.0 == "deletions").map(|one| one.2.as_str()).collect()
}

fn what_is_kept_in_the_cluster_stays_and_the_rest_is_told(user: &User) {
    user.upgrades("parts", &objects(user));
    let group = format!("{}.example.com", user.namespace);
    let definition = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.{group}");
    let of_namespace = |what: &str| format!("/api/v1/namespaces/{}/{what}", user.namespace);
    let policy = |word: Value| json!({"metadata": {"annotations": {"helm.sh/resource-policy": word}}});
    passes(&found(user, "helm safe-upgrade check web parts -f values.yaml --set notes=2 -o json"), "deletions");

    // The volumes of the test cluster are retained.
    user.waits_for(|| said(&found(user, CHECK)).iter().any(|message| message.contains("the data stay on")));
    let findings = found(user, CHECK);
    has(&findings, "deletions", "warning", "there are no objects of its kind");
    has(&findings, "deletions", "warning", "whatever else uses it fails");
    assert_eq!(said(&findings).len(), 3, "{findings:#?}");

    cluster::post(
        &format!("/apis/{group}/v1/namespaces/{}/things", user.namespace),
        &json!({"apiVersion": format!("{group}/v1"), "kind": "Thing", "metadata": {"name": "one"}}),
    );
    has(&found(user, CHECK), "deletions", "blocker", "the one object of its kind with it");
    user.types(CHECK).exits(3);
    allow(user, "viewer", &[("", "secrets", &["get", "list"])]);
    let findings = found(user, &format!("{CHECK} --kube-as-user viewer"));
    has(&findings, "deletions", "unknown", "customresourcedefinitions");
    has(&findings, "deletions", "unknown", "persistentvolumeclaims");

    // Helm asks the object in the cluster, and not its manifest.
    cluster::writes_as("kubectl-annotate", "merge", &definition, &policy(json!("keep")));
    cluster::writes_as("kubectl-annotate", "merge", &of_namespace("secrets/declared"), &policy(Value::Null));
    let findings = found(user, CHECK);
    let secrets = said(&findings).iter().filter(|message| message.contains("whatever else uses it")).count();
    assert_eq!((said(&findings).len(), secrets), (3, 2), "{findings:#?}");
    user.does("helm upgrade web parts --reset-values");
    assert!(cluster::at(&definition).is_some());
    assert!(cluster::at(&of_namespace("secrets/declared")).is_none());
    cluster::remove(&definition);
}

//! What new pods refer to.

use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Secret, ServiceAccount};
use serde_json::json;

use crate::cluster;
use crate::findings::{allow, found, has, passes};
use crate::user::User;

stories![what_new_pods_refer_to_must_be_there_or_come];

/// A workload whose pod refers to one object of each kind, and a StatefulSet with claims.
const REFERS: &str = "
objects:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    selector: {matchLabels: {app: web}}
    template:
      metadata: {labels: {app: web}}
      spec:
        serviceAccountName: bot
        volumes:
        - {name: files, configMap: {name: files}}
        - {name: disk, persistentVolumeClaim: {claimName: CLAIM}}
        containers: [{name: main, image: 'example.com/web:1', envFrom: [{secretRef: {name: keys}}]}]
- apiVersion: apps/v1
  kind: StatefulSet
  metadata: {name: db}
  spec:
    replicas: 1
    serviceName: db
    selector: {matchLabels: {app: db}}
    template:
      metadata: {labels: {app: db}}
      spec: {containers: [{name: main, image: 'example.com/db:1'}]}
    volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
";

fn what_new_pods_refer_to_must_be_there_or_come(user: &User) {
    user.upgrades("parts", "configMaps: {a: {b: c}}\n");
    let check = "helm safe-upgrade check web parts --reset-values -o json -f";
    user.writes("missing.yaml", &REFERS.replace("CLAIM", "disk"));
    let line = format!("{check} missing.yaml");
    let findings = found(user, &line);
    for consequence in ["its pods do not start", "its pods are refused", "its pods are never scheduled"] {
        has(&findings, "references", "blocker", consequence);
    }
    let blockers = |findings: &[crate::findings::Found]| {
        findings.iter().filter(|one| one.0 == "references" && one.1 == "blocker").count()
    };
    assert_eq!(blockers(&findings), 4, "{findings:#?}");
    user.types(&line).exits(3);

    // An operator makes it of a custom resource of the chart; the StatefulSet makes its own claims.
    let sealed = "- {apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: keys}}\n";
    user.writes("made.yaml", &format!("{}{sealed}", REFERS.replace("CLAIM", "data-db-0")));
    let findings = found(user, &format!("{check} made.yaml"));
    has(&findings, "references", "warning", "may be made by something else");
    assert_eq!(blockers(&findings), 2, "the ConfigMap and the account: {findings:#?}");

    allow(user, "viewer", &[("", "secrets", &["get", "list"])]);
    let findings = found(user, &format!("{line} --kube-as-user viewer"));
    for kind in ["ConfigMap files", "ServiceAccount bot", "PersistentVolumeClaim disk"] {
        has(&findings, "references", "unknown", kind);
    }
    has(&findings, "references", "blocker", "its pods do not start");

    let named = |name: &str| json!({"metadata": {"name": name}});
    cluster::create::<ConfigMap>(&user.namespace, named("files"));
    cluster::create::<Secret>(&user.namespace, named("keys"));
    cluster::create::<ServiceAccount>(&user.namespace, named("bot"));
    let spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
    cluster::create::<PersistentVolumeClaim>(&user.namespace, json!({"metadata": {"name": "disk"}, "spec": spec}));
    passes(&found(user, &line), "references");
}

//! Images: how those that change are named and fetched, and whether there are nodes for them.

use crate::findings::{allow, found, has, passes};
use crate::user::User;

stories![images_that_change_are_looked_at];

/// A Deployment with a policy and an architecture.
const POD: &str = "objects:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: app}
  spec:
    selector: {matchLabels: {app: app}}
    template:
      metadata: {labels: {app: app}}
      spec:
        nodeSelector: {kubernetes.io/arch: ARCHITECTURE}
        containers: [{name: main, image: 'IMAGE', imagePullPolicy: POLICY}]
";

fn images_that_change_are_looked_at(user: &User) {
    let values = |image: &str, policy: &str, architecture: &str| {
        let text = POD.replace("IMAGE", image).replace("POLICY", policy).replace("ARCHITECTURE", architecture);
        user.writes(&format!("{architecture}.yaml"), &text);
    };
    values("busybox:1", "IfNotPresent", "amd64");
    user.does("helm install web parts --values amd64.yaml");
    let checks = ["image-tag", "image-pull", "image-platform"];
    let check = "helm safe-upgrade check web parts -o json --values";
    let same = found(user, &format!("{check} amd64.yaml"));
    checks.iter().for_each(|check| passes(&same, check));
    values("busybox:2", "IfNotPresent", "amd64");
    let other = found(user, &format!("{check} amd64.yaml"));
    checks.iter().for_each(|check| passes(&other, check));
    has(&other, "image-tag", "pass", "1 image changes; whether its registry has it is not looked at");
    values("busybox:latest", "IfNotPresent", "s390x");
    let findings = found(user, &format!("{check} s390x.yaml"));
    has(&findings, "image-tag", "warning", "the tag latest");
    has(&findings, "image-pull", "warning", "IfNotPresent");
    has(&findings, "image-platform", "warning", "ask for the architecture s390x, which no node has");
    values("busybox:3", "Never", "amd64");
    has(&found(user, &format!("{check} amd64.yaml")), "image-pull", "warning", "Never");
    allow(user, "viewer", &[("", "secrets", &["get", "list"])]);
    let findings = found(user, &format!("{check} amd64.yaml --kube-as-user viewer"));
    has(&findings, "image-platform", "unknown", "nodes");
}

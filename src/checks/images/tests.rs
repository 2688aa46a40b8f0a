//! What the checks of images say.

use super::super::tests::{found, objects_of};
use super::super::wanted::{Lists, Wanted};
use super::super::{Finding, Severity};
use crate::manifest::observed::Observed;

fn deployment(image: &str, rest: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\n\
         spec: {{template: {{spec: {{{rest}containers: [{{name: main, image: '{image}'}}]}}}}}}\n"
    )
}

/// What a check says of a change from one Deployment to another, with nodes of these architectures.
fn of(check: &str, old: &str, new: &str, nodes: &[&str]) -> Vec<Finding> {
    let objects = objects_of(old, new);
    let node = |architecture: &&str| {
        let text =
            format!("metadata: {{name: n, labels: {{kubernetes.io/arch: {architecture}, kubernetes.io/os: linux}}}}");
        Observed::new(crate::manifest::yaml::parse(&text).unwrap(), "v1", "Node")
    };
    let nodes = nodes.iter().filter_map(node).collect();
    let wanted = Wanted::all(super::super::wanted::ListedKind::new("", "v1", "nodes", "Node"));
    let lists: &'static Lists = Box::leak(Box::new(Lists::new([(wanted, Ok(nodes))])));
    let said = found(|snapshot| (snapshot.objects, snapshot.lists) = (objects, lists));
    said.into_iter().filter(|finding| finding.check == check).collect()
}

fn severities(check: &str, old: &str, new: &str) -> Vec<Severity> {
    let (old, new) = (deployment(old, ""), deployment(new, "terminationGracePeriodSeconds: 1, "));
    of(check, &old, &new, &["amd64"]).iter().map(|finding| finding.severity).collect()
}

#[test]
fn an_image_is_named_by_a_version_or_a_digest() {
    let digest = format!("@sha256:{}", "a".repeat(64));
    let with = |text: &str| format!("{text}{digest}");
    assert_eq!(severities("image-tag", "web:1", "web:2"), []);
    assert_eq!(severities("image-tag", "web:1", "web:latest"), [Severity::Warning]);
    assert_eq!(severities("image-tag", "web:1", "host:5000/web"), [Severity::Warning]);
    assert_eq!(severities("image-tag", "web:1", &with("web")), []);
    assert_eq!(severities("image-tag", &with("web:1"), "web:2"), [Severity::Info]);
    assert_eq!(severities("image-tag", &with("web:1"), &with("web:2")), [Severity::Warning]);
    assert_eq!(severities("image-tag", "web", "web"), [Severity::Info]);
    let same = deployment("web", "");
    assert_eq!(of("image-tag", &same, &same, &["amd64"]), []);
}

#[test]
fn several_containers_of_one_image_are_one_finding() {
    let new = deployment("web", "initContainers: [{name: first, image: web}], ");
    let said = of("image-tag", "", &new, &["amd64"]);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].evidence, ["Deployment/web: container first", "Deployment/web: container main"]);
}

#[test]
fn a_pull_policy_must_let_nodes_have_the_image() {
    let with = |image: &str, policy: &str| {
        deployment(image, "").replace("name: main,", &format!("name: main, imagePullPolicy: {policy},"))
    };
    let says = |old: &str, new: &str| of("image-pull", old, new, &["amd64"]).len();
    assert_eq!(says(&with("web:1", "Never"), &with("web:2", "Never")), 1);
    assert_eq!(says(&with("web:1", "Never"), &with("web:1", "Never")), 0);
    assert_eq!(says("", &with("web:latest", "IfNotPresent")), 1);
    assert_eq!(says("", &with("web:latest", "Always")), 0);
    assert_eq!(says("", &with("web:1", "IfNotPresent")), 0);
}

#[test]
fn pods_ask_for_an_architecture_that_nodes_have() {
    let old = deployment("web:1", "");
    let selects =
        |architecture: &str| deployment("web:1", &format!("nodeSelector: {{kubernetes.io/arch: {architecture}}}, "));
    let affinity = |terms: &str| {
        let required = format!("requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: [{terms}]}}");
        deployment("web:1", &format!("affinity: {{nodeAffinity: {{{required}}}}}, "))
    };
    let term = "{matchExpressions: [{key: kubernetes.io/arch, operator: In, values: [s390x, arm64]}]}";
    let severities = |new: &str, nodes: &[&str]| -> Vec<Severity> {
        of("image-platform", &old, new, nodes).iter().map(|finding| finding.severity).collect()
    };
    assert_eq!(severities(&selects("arm64"), &["amd64"]), [Severity::Warning]);
    assert_eq!(severities(&selects("amd64"), &["amd64", "arm64"]), []);
    assert_eq!(severities(&affinity(term), &["amd64"]), [Severity::Warning]);
    assert_eq!(severities(&affinity(term), &["arm64"]), []);
    assert_eq!(severities(&affinity(&format!("{term}, {{matchFields: []}}")), &["amd64"]), []);
    assert_eq!(severities(&deployment("web:2", ""), &["amd64", "arm64"]), [Severity::Info]);
    assert_eq!(severities(&deployment("web:2", ""), &["amd64"]), []);
    assert_eq!(severities(&deployment("web:2", ""), &[]), [Severity::Unknown]);
    assert_eq!(severities(&old, &[]), []);
}

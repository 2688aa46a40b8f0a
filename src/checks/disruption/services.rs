//! Whether Services still lead to pods: their type, their selector, their ports.
//!
//! Source: Kubernetes documentation, "Service": an endpoint is made for each ready pod that has all labels of the selector; a target
//! port with a name is looked for among the ports of its containers.

use crate::checks::scene::{Pair, Scene, Workload, items, listed, string};
use crate::checks::selector::all_of;
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::diff::workload;
use crate::manifest::document::Object;
use crate::manifest::node::Node;

const NAME: &str = "services";

pub(crate) const CHECK: Check = Check::new(
    NAME,
    "whether Services keep their type, and their selectors and ports match pods of the new revision",
    run,
);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let workloads: Vec<Workload<'_>> = scene.workloads().collect();
    let custom =
        scene.pairs.iter().any(|pair| pair.new.id.group.contains('.') && !pair.new.id.group.ends_with(".k8s.io"));
    let mut findings = Vec::new();
    for pair in scene.of_kind("", "Service") {
        findings.extend(type_of(pair));
        let Some(selector) = selector(pair.new) else { continue };
        let here: Vec<&Workload<'_>> = workloads.iter().filter(|one| one.pair.namespace == pair.namespace).collect();
        let selected: Vec<&Workload<'_>> =
            here.iter().copied().filter(|one| all_of(Some(selector), one.labels())).collect();
        let before = pair.old.and_then(self::selector);
        let old_labels = |one: &Workload<'_>| one.pair.old.and_then(labels).cloned();
        let did = before.is_some_and(|before| {
            let still = here.iter().any(|one| all_of(Some(before), old_labels(one).as_ref()));
            let gone = scene.gone.iter().filter(|gone| scene.namespace_of(gone) == pair.namespace);
            still || gone.filter_map(|gone| labels(gone)).any(|labels| all_of(Some(before), Some(labels)))
        });
        if selected.is_empty() {
            // Pods may be made by something else than the chart's own workloads.
            if did || (pair.old.is_none() && !custom) {
                findings.push(nothing(pair));
            }
            continue;
        }
        let late = did && !here.iter().any(|one| all_of(Some(selector), old_labels(one).as_ref()));
        if late {
            let message = "its selector fits none of the pods that run now: until new ones are ready, it leads nowhere";
            let finding = Finding::new(NAME, Severity::Warning, message).about(pair.new.id.to_string());
            findings.push(finding.hint("keep the labels, or add a Service beside it and remove the old one later"));
        }
        findings.extend(ports(pair, &selected));
    }
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "Services lead to pods of the new revision as before"));
    }
    findings
}

fn nothing(pair: Pair<'_>) -> Finding {
    let message = "its selector fits no pods of the new revision: it leads nowhere";
    let finding = Finding::new(NAME, Severity::Warning, message).about(pair.new.id.to_string());
    finding.hint("compare its selector with the labels of the pods")
}

/// The selector, where the Service has one that counts.
fn selector(service: &Object) -> Option<&Node> {
    let external = string(&service.node, &["spec", "type"]) == Some("ExternalName");
    service.node.find(&["spec", "selector"]).filter(|selector| !external && !selector.is_empty())
}

fn labels(object: &Object) -> Option<&Node> {
    workload::template(object)?.find(&["metadata", "labels"])
}

/// A Service of another type gets or loses addresses.
fn type_of(pair: Pair<'_>) -> Option<Finding> {
    let old = pair.old?;
    let kind = |object: &Object| match string(&object.node, &["spec", "type"]) {
        None if string(&object.node, &["spec", "clusterIP"]) == Some("None") => "headless".to_owned(),
        None => "ClusterIP".to_owned(),
        Some(kind) => kind.to_owned(),
    };
    let (was, is) = (kind(old), kind(pair.new));
    if was == is {
        return None;
    }
    let what = match was.as_str() {
        "LoadBalancer" => "its address outside the cluster is gone for good",
        "NodePort" if is == "LoadBalancer" => return None,
        "NodePort" => "its ports on the nodes are gone",
        "ClusterIP" if is == "NodePort" || is == "LoadBalancer" => "it can be reached from outside the cluster",
        _ => "clients that know its address lose it",
    };
    let message = format!("its type changes from {was} to {is}: {what}");
    Some(Finding::new(NAME, Severity::Warning, message).about(pair.new.id.to_string()))
}

/// Target ports that no container of the selected pods has, and that are new or had one before.
fn ports(pair: Pair<'_>, selected: &[&Workload<'_>]) -> Option<Finding> {
    let before: Vec<&Node> = selected.iter().filter_map(|one| one.old_spec()).collect();
    let after: Vec<&Node> = selected.iter().map(|one| one.spec).collect();
    let dead = |service: &Object, specs: &[&Node]| -> Vec<String> {
        let ports = items(&service.node, &["spec", "ports"]).iter();
        ports.filter(|port| !specs.iter().any(|spec| leads(port, spec))).filter_map(target).collect()
    };
    let was = pair.old.filter(|_| !before.is_empty()).map(|old| dead(old, &before)).unwrap_or_default();
    let new: Vec<String> = dead(pair.new, &after).into_iter().filter(|port| !was.contains(port)).collect();
    if new.is_empty() {
        return None;
    }
    let names: Vec<String> = selected.iter().map(|one| one.pair.new.id.to_string()).collect();
    let message = format!("no container of {} has the port {} that it leads to", listed(&names), listed(&new));
    let hint = "compare targetPort with the ports of the containers";
    Some(Finding::new(NAME, Severity::Warning, message).about(pair.new.id.to_string()).hint(hint))
}

/// The port of the pod: its number or name.
fn target(port: &Node) -> Option<String> {
    let target = port.find(&["targetPort"]).or_else(|| port.find(&["port"]))?;
    target.as_str().map(str::to_owned).or_else(|| Some(target.as_count()?.to_string()))
}

/// Whether a pod has the port. What its containers say of numbers is for readers, so that one which says nothing may listen to any.
fn leads(port: &Node, spec: &Node) -> bool {
    let Some(target) = target(port) else { return true };
    let mut containers =
        workload::containers(spec).filter(|one| !one.init || string(one.node, &["restartPolicy"]) == Some("Always"));
    let number: Option<u64> = target.parse().ok();
    containers.any(|container| {
        let ports = items(container.node, &["ports"]);
        let is = |one: &Node| match number {
            Some(number) => one.find(&["containerPort"]).and_then(Node::as_count) == Some(number),
            None => string(one, &["name"]) == Some(target.as_str()),
        };
        ports.iter().any(is) || (number.is_some() && ports.is_empty())
    })
}

//! Access to the host and privileges that pods gain: what the Pod Security Standards forbid at their levels *baseline* and
//! *restricted* (Kubernetes documentation, "Pod Security Standards").

use std::collections::BTreeMap;

use super::scene::Scene;
use super::{Finding, Findings, Severity, Turn, items, short, string, text};
use crate::diff::workload::{self, Container};
use crate::manifest::document::Object;
use crate::manifest::node::Node;

/// Capabilities with which a process can take over its node.
const STRONG: [&str; 9] =
    ["ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH", "NET_ADMIN", "BPF", "SYS_BOOT"];

/// The label that sets the level of Pod Security in a namespace.
const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    for changed in &scene.changed {
        let Some(new) = changed.new else { continue };
        let Some(spec) = workload::pod_spec(new) else { continue };
        let old = changed.old.and_then(workload::pod_spec);
        let before = old.map(of_pod).unwrap_or_default();
        let gained = of_pod(spec).into_iter().filter(|(what, _)| !before.contains_key(what));
        push(new, String::new(), gained.collect(), findings);
        for (was, is) in changed.containers() {
            let Some(is) = is else { continue };
            let before = was.and_then(|one| Some(access(one, old?))).unwrap_or_default();
            let mut gained: BTreeMap<String, Severity> =
                access(is, spec).into_iter().filter(|(what, _)| !before.contains_key(what)).collect();
            if let (Some(was), Some(old)) = (was, old) {
                gained.extend(loosened(was, old, is, spec));
            }
            push(new, short(is.name), gained, findings);
        }
    }
    for changed in scene.of_kind("", "Namespace") {
        let both = changed.field(&["metadata", "labels", ENFORCE]);
        let strict = |node: Option<&Node>| {
            ["privileged", "baseline", "restricted"].iter().position(|l| node.and_then(Node::as_str) == Some(l))
        };
        if changed.new.is_some() && strict(both.new) < strict(both.old) {
            let turn = Turn::new("enforced pod security", both.old.map(text), both.new.map(text));
            findings.push(Finding::new(Severity::Warning, changed.id()).turns(vec![turn]));
        }
    }
}

fn push(object: &Object, place: String, gained: BTreeMap<String, Severity>, findings: &mut Findings) {
    let Some(severity) = gained.values().copied().max() else { return };
    let turns = gained.into_keys().map(|what| Turn::new("", None, Some(what))).collect();
    findings.push(Finding::new(severity, &object.id).place(place).turns(turns));
}

/// What a pod as a whole may do that others may not.
fn of_pod(spec: &Node) -> BTreeMap<String, Severity> {
    let mut found = BTreeMap::new();
    for key in ["hostNetwork", "hostPID", "hostIPC"] {
        if is(spec, &[key], true) {
            found.insert(key.to_owned(), Severity::Danger);
        }
    }
    if is(spec, &["shareProcessNamespace"], true) {
        found.insert("shareProcessNamespace".to_owned(), Severity::Notice);
    }
    for volume in items(spec, &["volumes"]) {
        if let Some(path) = string(volume, &["hostPath", "path"]) {
            found.insert(format!("hostPath {}", short(path)), Severity::Danger);
        }
    }
    if is(spec, &["securityContext", "windowsOptions", "hostProcess"], true) {
        found.insert("hostProcess".to_owned(), Severity::Danger);
    }
    found
}

/// What a container may do that others may not. `spec` is that of its pod.
fn access(container: Container<'_>, spec: &Node) -> BTreeMap<String, Severity> {
    let node = container.node;
    let mut found = BTreeMap::new();
    if is(node, &["securityContext", "privileged"], true) {
        found.insert("privileged".to_owned(), Severity::Danger);
    }
    if is(node, &["securityContext", "windowsOptions", "hostProcess"], true) {
        found.insert("hostProcess".to_owned(), Severity::Danger);
    }
    for capability in items(node, &["securityContext", "capabilities", "add"]).iter().filter_map(Node::as_str) {
        let plain = capability.strip_prefix("CAP_").unwrap_or(capability);
        let severity = if STRONG.contains(&plain) { Severity::Danger } else { Severity::Warning };
        found.insert(format!("capability {}", short(plain)), severity);
    }
    for port in items(node, &["ports"]) {
        if let Some(port) = port.find(&["hostPort"]).map(text).filter(|port| port != "0") {
            found.insert(format!("hostPort {port}"), Severity::Warning);
        }
    }
    if string(node, &["securityContext", "procMount"]) == Some("Unmasked") {
        found.insert("procMount Unmasked".to_owned(), Severity::Danger);
    }
    if effective(node, spec, &["seccompProfile", "type"]).and_then(Node::as_str) == Some("Unconfined") {
        found.insert("seccomp Unconfined".to_owned(), Severity::Warning);
    }
    if effective(node, spec, &["runAsUser"]).and_then(Node::as_count) == Some(0) {
        found.insert("runAsUser 0 (root)".to_owned(), Severity::Warning);
    }
    found
}

/// What held a container back before and no longer does.
fn loosened(was: Container<'_>, old: &Node, now: Container<'_>, new: &Node) -> Vec<(String, Severity)> {
    let mut found = Vec::new();
    let set = |container: Container<'_>, spec: &Node, path: &[&str], value: bool| {
        effective(container.node, spec, path).and_then(Node::as_bool) == Some(value)
    };
    for (key, held, text, severity) in [
        ("allowPrivilegeEscalation", false, "may gain privileges (allowPrivilegeEscalation)", Severity::Warning),
        ("runAsNonRoot", true, "may run as root (runAsNonRoot)", Severity::Warning),
        ("readOnlyRootFilesystem", true, "may write its root file system (readOnlyRootFilesystem)", Severity::Notice),
    ] {
        if set(was, old, &[key], held) && !set(now, new, &[key], held) {
            found.push((text.to_owned(), severity));
        }
    }
    let drops = |container: Container<'_>| {
        let drops = items(container.node, &["securityContext", "capabilities", "drop"]);
        drops.iter().any(|one| one.as_str() == Some("ALL"))
    };
    if drops(was) && !drops(now) {
        found.push(("keeps the default capabilities (drop ALL is gone)".to_owned(), Severity::Warning));
    }
    found
}

/// A field of the container's security context, or of the pod's where the container's has none.
fn effective<'a>(container: &'a Node, spec: &'a Node, path: &[&str]) -> Option<&'a Node> {
    let of = |node: &'a Node| node.find(&["securityContext"]).and_then(|context| context.find(path));
    of(container).or_else(|| of(spec))
}

fn is(node: &Node, path: &[&str], value: bool) -> bool {
    node.find(path).and_then(Node::as_bool) == Some(value)
}

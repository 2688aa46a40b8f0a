//! Services: the type, the ports, and who may come in.

use std::collections::HashMap;

use super::scene::{Changed, Scene};
use super::{Finding, Findings, Severity, Turn, items, short, string, text};
use crate::manifest::node::Node;

/// Types that are reached from outside the cluster.
const OUTSIDE: [&str; 2] = ["NodePort", "LoadBalancer"];

pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    for changed in scene.of_kind("", "Service") {
        let (Some(old), Some(new)) = (changed.old, changed.new) else {
            added(&changed, findings);
            continue;
        };
        let (was, is) = (kind(&old.node), kind(&new.node));
        if was != is {
            let (severity, note) = match (OUTSIDE.contains(&was), OUTSIDE.contains(&is)) {
                (false, true) => (Severity::Warning, "reachable from outside the cluster"),
                (true, false) => (Severity::Warning, "no longer reachable from outside the cluster"),
                _ => (Severity::Notice, ""),
            };
            let turn = Turn::new("type", Some(short(was)), Some(short(is)));
            findings.push(Finding::new(severity, changed.id()).turns(vec![turn]).note(note));
        }
        ports(&changed, &old.node, &new.node, findings);
        let ranges = changed.field(&["spec", "loadBalancerSourceRanges"]);
        let some = |node: Option<&Node>| node.is_some_and(|node| !node.is_empty());
        if is == "LoadBalancer" && some(ranges.old) && !some(ranges.new) {
            let note = "no longer limited to source addresses";
            findings.push(Finding::new(Severity::Warning, changed.id()).note(note));
        }
        let selector = changed.field(&["spec", "selector"]);
        if selector.old != selector.new && some(selector.old) {
            findings
                .push(Finding::new(Severity::Notice, changed.id()).note("leads to other pods: the selector changes"));
        }
    }
}

/// Of a new Service only matters whether it opens the cluster.
fn added(changed: &Changed<'_>, findings: &mut Findings) {
    let Some(new) = changed.new.filter(|new| OUTSIDE.contains(&kind(&new.node))) else { return };
    let turn = Turn::new("type", None, Some(kind(&new.node).to_owned()));
    let finding = Finding::new(Severity::Warning, changed.id()).turns(vec![turn]);
    findings.push(finding.note("reachable from outside the cluster"));
}

/// The type; `ClusterIP` where none is said (SetDefaults_Service, pkg/apis/core/v1/defaults.go).
fn kind(service: &Node) -> &str {
    string(service, &["spec", "type"]).unwrap_or("ClusterIP")
}

fn ports(changed: &Changed<'_>, old: &Node, new: &Node, findings: &mut Findings) {
    let (before, after) = (items(old, &["spec", "ports"]), items(new, &["spec", "ports"]));
    // By name, where ports have one; a lone port often has none.
    let key = |port: &Node| port.get("name").map_or_else(|| address(port), text);
    let mut by_key: HashMap<String, &Node> = before.iter().map(|port| (key(port), port)).collect();
    let mut turns = Vec::new();
    let mut gone = false;
    for port in after {
        let Some(was) = by_key.remove(&key(port)) else {
            turns.push(Turn::new(label(port), None, Some(address(port))));
            continue;
        };
        if address(was) != address(port) {
            gone = true;
            turns.push(Turn::new(label(port), Some(address(was)), Some(address(port))));
        }
        let field =
            |node: &Node, key: &str| node.find(&[key]).map(text).filter(|value| value != "0" && !value.is_empty());
        // Where none is said, the pod's port is the same (SetDefaults_Service).
        let target = |node: &Node| field(node, "targetPort").or_else(|| field(node, "port"));
        for (what, old, new) in
            [("target port", target(was), target(port)), ("node port", field(was, "nodePort"), field(port, "nodePort"))]
        {
            let moved =
                what == "target port" && field(was, "targetPort").is_none() && field(port, "targetPort").is_none();
            if old != new && !moved {
                turns.push(Turn::new(format!("{} {what}", label(port)).trim_start(), old, new));
            }
        }
    }
    for port in before.iter().filter(|port| by_key.contains_key(&key(port))) {
        gone = true;
        turns.push(Turn::new(label(port), Some(address(port)), None));
    }
    if !turns.is_empty() {
        let severity = if gone { Severity::Warning } else { Severity::Notice };
        findings.push(Finding::new(severity, changed.id()).place("ports").turns(turns));
    }
}

fn label(port: &Node) -> String {
    port.get("name").map(text).unwrap_or_default()
}

/// `80/TCP`.
fn address(port: &Node) -> String {
    let number = port.get("port").map(text).unwrap_or_default();
    format!("{number}/{}", string(port, &["protocol"]).map_or_else(|| "TCP".to_owned(), short))
}

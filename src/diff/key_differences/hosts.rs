//! Names under which something is reached: of Ingresses, routes and gateways. A name that moves from one object to another
//! is neither gone nor new.

use std::collections::BTreeSet;
use std::collections::HashSet;

use super::scene::Scene;
use super::{Finding, Findings, Severity, Turn, items, short, string};
use crate::manifest::document::Object;
use crate::manifest::node::Node;

/// What serves every name.
const EVERY: &str = "*";

pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    let of = |object: Option<&Object>| object.and_then(hosts).unwrap_or_default();
    let sides: Vec<(BTreeSet<String>, BTreeSet<String>)> =
        scene.changed.iter().map(|changed| (of(changed.old), of(changed.new))).collect();
    let all_old: HashSet<&String> = sides.iter().flat_map(|(old, _)| old).collect();
    let all_new: HashSet<&String> = sides.iter().flat_map(|(_, new)| new).collect();
    for (changed, (old, new)) in scene.changed.iter().zip(&sides) {
        let mut turns: Vec<Turn> = new
            .iter()
            .filter(|host| !old.contains(*host) && !all_old.contains(host))
            .map(|host| Turn::new("", None, Some(shown(host))))
            .collect();
        let gone = old.iter().filter(|host| !new.contains(*host) && !all_new.contains(host));
        let before = turns.len();
        turns.extend(gone.map(|host| Turn::new("", Some(shown(host)), None)));
        if turns.len() == 2 && before == 1 {
            // One for another.
            let (new, old) = (turns[0].new.take(), turns[1].old.take());
            turns = vec![Turn::new("", old, new)];
        }
        if !turns.is_empty() {
            let lost = turns.iter().any(|turn| turn.old.is_some());
            let severity = if lost { Severity::Warning } else { Severity::Notice };
            let note = if lost { "no longer served" } else { "" };
            let note = if turns.iter().any(|turn| turn.new.is_some()) { "" } else { note };
            findings.push(Finding::new(severity, changed.id()).turns(turns).note(note));
        }
    }
    for changed in &scene.changed {
        if !matches!(changed.id().group.as_str(), "networking.k8s.io" | "extensions") || changed.id().kind != "Ingress"
        {
            continue;
        }
        let class = |object: Option<&Object>| {
            let node = &object?.node;
            let by_annotation = string(node, &["metadata", "annotations", "kubernetes.io/ingress.class"]);
            string(node, &["spec", "ingressClassName"]).or(by_annotation).map(short)
        };
        if let (true, true, old, new) =
            (changed.old.is_some(), changed.new.is_some(), class(changed.old), class(changed.new))
            && old != new
        {
            let turn = Turn::new("class", old, new);
            findings.push(Finding::new(Severity::Warning, changed.id()).turns(vec![turn]));
        }
    }
}

fn shown(host: &str) -> String {
    if host == EVERY { "every host".to_owned() } else { short(host) }
}

/// The names an object serves; none if it is of no kind that serves names.
fn hosts(object: &Object) -> Option<BTreeSet<String>> {
    let node = &object.node;
    let listed = |path: &[&str], key: &str| -> BTreeSet<String> {
        items(node, path)
            .iter()
            .map(|item| string(item, &[key]).filter(|host| !host.is_empty()).unwrap_or(EVERY).to_owned())
            .collect()
    };
    let names = |path: &[&str]| -> BTreeSet<String> {
        items(node, path).iter().filter_map(Node::as_str).map(str::to_owned).collect()
    };
    match (object.id.group.as_str(), object.id.kind.as_str()) {
        ("networking.k8s.io" | "extensions", "Ingress") => Some(listed(&["spec", "rules"], "host")),
        ("gateway.networking.k8s.io", "Gateway") => Some(listed(&["spec", "listeners"], "hostname")),
        ("gateway.networking.k8s.io", "HTTPRoute" | "GRPCRoute" | "TLSRoute") => Some(names(&["spec", "hostnames"])),
        ("networking.istio.io", "VirtualService") => Some(names(&["spec", "hosts"])),
        ("route.openshift.io", "Route") => {
            Some(string(node, &["spec", "host"]).map(str::to_owned).into_iter().collect())
        }
        _ => None,
    }
}

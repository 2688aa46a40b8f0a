//! Requests and limits of containers, and of pods as a whole. Equal amounts are equal, however they are written.

use super::scene::Scene;
use super::{Finding, Findings, Severity, Turn, short, text};
use crate::diff::workload;
use crate::manifest::node::Node;
use crate::manifest::quantity::Quantity;

pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    for changed in &scene.changed {
        let (Some(kind), Some(_), Some(_)) = (workload::Kind::of(changed.id()), changed.old, changed.new) else {
            continue;
        };
        let path: Vec<&str> = kind.template_path().iter().chain(&["spec", "resources"]).copied().collect();
        let pod = changed.field(&path);
        let mut push = |place: String, turns: Vec<Turn>, severity: Severity| {
            if !turns.is_empty() {
                let note = if severity == Severity::Warning { "less memory than before" } else { "" };
                findings.push(Finding::new(severity, changed.id()).place(place).turns(turns).note(note));
            }
        };
        let (turns, severity) = compare(pod.old, pod.new);
        push("pod".to_owned(), turns, severity);
        for (old, new) in changed.containers() {
            let (Some(old), Some(new)) = (old, new) else { continue };
            let (turns, severity) = compare(old.node.find(&["resources"]), new.node.find(&["resources"]));
            push(short(new.name), turns, severity);
        }
    }
}

/// What differs, and how much that matters: less memory may end a container that ran well.
fn compare(old: Option<&Node>, new: Option<&Node>) -> (Vec<Turn>, Severity) {
    let (mut turns, mut severity) = (Vec::new(), Severity::Notice);
    for (side, word) in [("requests", "request"), ("limits", "limit")] {
        let amounts = |node: Option<&'_ Node>| -> Vec<(String, Node)> {
            let map = node.and_then(|node| node.find(&[side])).and_then(Node::as_map).unwrap_or_default();
            map.iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.to_string(), value.clone()))
                .collect()
        };
        let (before, after) = (amounts(old), amounts(new));
        let by_name: std::collections::HashMap<&str, &Node> = before.iter().map(|(k, v)| (k.as_str(), v)).collect();
        let kept: std::collections::HashSet<&str> = after.iter().map(|(k, _)| k.as_str()).collect();
        for (name, new) in &after {
            let old = by_name.get(name.as_str()).copied();
            let (was, is) = (old.and_then(Quantity::of), Quantity::of(new));
            if old == Some(new) || (was.is_some() && was == is) {
                continue;
            }
            if name == "memory" && side == "limits" && was.is_some() && is < was {
                severity = Severity::Warning;
            }
            turns.push(Turn::new(format!("{} {word}", short(name)), old.map(text), Some(text(new))));
        }
        for (name, old) in before.iter().filter(|(name, _)| !kept.contains(name.as_str())) {
            turns.push(Turn::new(format!("{} {word}", short(name)), Some(text(old)), None));
        }
    }
    (turns, severity)
}

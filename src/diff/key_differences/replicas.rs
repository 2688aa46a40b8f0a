//! Numbers of pods: `spec.replicas`, and the range of autoscalers.

use std::collections::HashSet;

use super::scene::Scene;
use super::{Finding, Findings, Severity, Turn, text};
use crate::diff::release::Both;
use crate::diff::workload;
use crate::manifest::node::Node;

pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    let scaled = scaled(scene);
    for changed in &scene.changed {
        let id = changed.id();
        if workload::is_autoscaler(id) {
            autoscaler(changed.field(&["spec", "minReplicas"]), changed.field(&["spec", "maxReplicas"]), |turns| {
                findings.push(Finding::new(Severity::Notice, id).turns(turns));
            });
            continue;
        }
        let kind = workload::Kind::of(id);
        // Custom resources of operators often have the field too.
        let custom = kind.is_none() && id.group.contains('.') && !id.group.ends_with(".k8s.io");
        let both = changed.field(&["spec", "replicas"]);
        let (true, Some(_), Some(_)) =
            (custom || kind.is_some_and(workload::Kind::has_replicas), changed.old, changed.new)
        else {
            continue;
        };
        // The default of all built-in kinds is one (SetDefaults_Deployment and others, pkg/apis/apps/v1/defaults.go).
        let shown = |node: Option<&Node>| match node {
            Some(node) => text(node),
            None if custom => "not set".to_owned(),
            None => "1 (default)".to_owned(),
        };
        let count = |node: Option<&Node>| node.map_or_else(|| (!custom).then_some(1), Node::as_count);
        if both.old == both.new || (count(both.old).is_some() && count(both.old) == count(both.new)) {
            continue;
        }
        let autoscaled = scaled.contains(&(id.kind.as_str(), scene.namespace(id), id.name.as_str()));
        let (severity, note) = match count(both.new) {
            Some(0) => (Severity::Warning, "no pods are left"),
            _ if autoscaled && both.new.is_some() => (Severity::Warning, "resets what the autoscaler has chosen"),
            _ if autoscaled => (Severity::Warning, "until the autoscaler has chosen again"),
            _ => (Severity::Notice, ""),
        };
        let turn = Turn::new("", Some(shown(both.old)), Some(shown(both.new)));
        findings.push(Finding::new(severity, id).turns(vec![turn]).note(note));
    }
}

/// Kind, namespace and name of what has an autoscaler after the upgrade, as far as that is known.
fn scaled<'a>(scene: &'a Scene<'_>) -> HashSet<(&'a str, Option<&'a str>, &'a str)> {
    let changed = scene.changed.iter().filter_map(|changed| changed.new);
    let autoscalers = changed.chain(scene.related).filter(|object| workload::is_autoscaler(&object.id));
    autoscalers
        .filter_map(|object| {
            let (kind, name) = workload::target(object)?;
            Some((kind, scene.namespace(&object.id), name))
        })
        .collect()
}

fn autoscaler(least: Both<Option<&Node>>, most: Both<Option<&Node>>, push: impl FnOnce(Vec<Turn>)) {
    if most.old.is_none() || most.new.is_none() {
        return;
    }
    let mut turns = Vec::new();
    // The default minimum is one (SetDefaults_HorizontalPodAutoscaler, pkg/apis/autoscaling/v2/defaults.go).
    let shown = |node: Option<&Node>| node.map_or_else(|| "1".to_owned(), text);
    for (what, both) in [("minimum", least), ("maximum", most)] {
        let (old, new) = (shown(both.old), shown(both.new));
        if old != new {
            turns.push(Turn::new(what, Some(old), Some(new)));
        }
    }
    if !turns.is_empty() {
        push(turns);
    }
}

//! How many pods the workloads of a revision have: what they say, or what an autoscaler may make of it.

use std::collections::HashMap;

use crate::checks::scene::Scene;
use crate::diff::workload::{self, Kind};
use crate::manifest::document::Object;
use crate::manifest::node::Node;

/// The least and the most pods of a workload; the same where no autoscaler has a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pods {
    pub(super) least: u64,
    pub(super) most: u64,
}

/// The autoscalers of a revision, by kind, namespace and name of what they scale.
pub(super) struct Autoscalers<'a>(HashMap<(&'a str, &'a str, &'a str), &'a Object>);

impl<'a> Autoscalers<'a> {
    /// Those of the new revision, or of the old one.
    pub(super) fn of(scene: &Scene<'a>, old: bool) -> Self {
        let objects: Vec<&'a Object> = match old {
            true => scene.pairs.iter().filter_map(|pair| pair.old).chain(scene.gone.iter().copied()).collect(),
            false => scene.pairs.iter().map(|pair| pair.new).collect(),
        };
        let scalers = objects.into_iter().filter(|object| workload::is_autoscaler(&object.id));
        let targets = scalers.filter_map(|object| {
            let (kind, name) = workload::target(object)?;
            Some(((kind, scene.namespace_of(object), name), object))
        });
        Self(targets.collect())
    }

    /// The autoscaler of an object in a namespace.
    pub(super) fn scaling(&self, object: &'a Object, namespace: &'a str) -> Option<&'a Object> {
        self.0.get(&(object.id.kind.as_str(), namespace, object.id.name.as_str())).copied()
    }

    /// How many pods a workload has; none for one that has them on each node, or for a time.
    pub(super) fn pods(&self, object: &'a Object, namespace: &'a str) -> Option<Pods> {
        let kind = Kind::of(&object.id)?;
        let fixed = |count| Pods { least: count, most: count };
        if kind == Kind::Pod {
            return Some(fixed(1));
        }
        if !kind.has_replicas() {
            return None;
        }
        let said = object.node.find(&["spec", "replicas"]).and_then(Node::as_count);
        let count = |scaler: &Object, key| scaler.node.find(&["spec", key]).and_then(Node::as_count);
        let scaled = self.scaling(object, namespace).and_then(|scaler| {
            let most = count(scaler, "maxReplicas")?;
            Some(Pods { least: count(scaler, "minReplicas").unwrap_or(1).min(most), most })
        });
        // A workload that is set to zero is not scaled (API reference, HorizontalPodAutoscaler).
        Some(if said == Some(0) { fixed(0) } else { scaled.unwrap_or_else(|| fixed(said.unwrap_or(1))) })
    }
}

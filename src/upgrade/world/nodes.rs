//! Nodes that were lost before the upgrade. A DaemonSet wants a pod on each of them where it tolerates their taints, and no time makes that
//! pod ready: it is nothing that the upgrade could answer for.

use std::collections::BTreeSet;

use super::World;

/// So many nodes are asked how they stand. Where more pods are not ready, something else is wrong.
const MOST: usize = 100;

impl World {
    /// The nodes that have a pod of a wanted DaemonSet that is not ready: they may be lost.
    #[must_use]
    pub fn nodes_in_doubt(&self) -> Vec<String> {
        let sets = self.wanted.iter().filter(|wanted| !wanted.hook && wanted.key.kind == "DaemonSet");
        let pods = sets.filter_map(|wanted| self.object(&wanted.key)).flat_map(|set| self.pods_controlled_by(set));
        let waits = pods.filter(|pod| !pod.facts.ready || pod.facts.leaving).map(|pod| pod.facts.node.clone());
        let nodes: BTreeSet<String> = waits.filter(|node| !node.is_empty()).collect();
        nodes.into_iter().take(MOST).collect()
    }

    /// These nodes are lost, and were so before the upgrade.
    pub fn lose_nodes(&mut self, names: impl IntoIterator<Item = String>) {
        self.lost_nodes.extend(names);
    }

    /// Whether any node of a wanted DaemonSet was lost before the upgrade.
    #[must_use]
    pub fn has_lost_nodes(&self) -> bool {
        !self.lost_nodes.is_empty()
    }

    /// Whether the node was lost before the upgrade.
    #[must_use]
    pub fn is_lost_node(&self, name: &str) -> bool {
        self.lost_nodes.contains(name)
    }
}

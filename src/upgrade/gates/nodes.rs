//! What nodes say of their pods: a node that was restarted restarts all of them, and one that is lost takes their readiness along.
//! Neither is the work of an upgrade.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::manifest::observed::Observed;
use crate::upgrade::world::{Ended, PodRef};

/// How a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is ready, and since when, by the cluster's clock.
    Ready(Option<Timestamp>),
    /// It is not ready, or not there any more.
    Lost,
    /// It may not be looked at, or can't be.
    Unknown,
}

impl Standing {
    /// What a node says of itself.
    #[must_use]
    pub fn of(node: &Observed) -> Self {
        let Some(ready) = node.condition("Ready") else { return Self::Unknown };
        if ready.is_true() { Self::Ready(ready.text("lastTransitionTime").parse().ok()) } else { Self::Lost }
    }
}

/// What is known of nodes, and what must be asked of them. An answer counts for what was seen before it was asked for.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    heard: HashMap<String, (Timestamp, Standing)>,
    asked: BTreeSet<String>,
}

impl Nodes {
    /// How a node stands, or stood after this time. `None` if it must be asked first.
    pub(super) fn standing(&mut self, node: &str, since: Timestamp) -> Option<Standing> {
        match self.heard.get(node).filter(|(at, _)| *at >= since) {
            Some((_, standing)) => Some(*standing),
            None if node.is_empty() => Some(Standing::Unknown),
            None => {
                self.asked.insert(node.to_owned());
                None
            }
        }
    }

    pub(super) fn hear(&mut self, answers: Vec<(String, Standing)>, now: Timestamp) {
        for (node, standing) in answers {
            self.asked.remove(&node);
            self.heard.insert(node, (now, standing));
        }
    }

    /// The nodes to ask, once.
    pub(super) fn unheard(&mut self) -> Vec<String> {
        std::mem::take(&mut self.asked).into_iter().collect()
    }
}

/// Whether a container ended with its node. `None` if the node must be asked first.
pub(super) fn took_along(
    nodes: &mut Nodes,
    (pod, ended): (PodRef<'_>, Option<&Ended>),
    since: Timestamp,
) -> Option<bool> {
    // So a container runtime says that it found a container dead after it was away itself (containerd, internal/cri/server/restart.go), and
    // so a kubelet that found none (k8s.io/kubernetes, pkg/kubelet/kubelet_pods.go). What ends by itself has another reason.
    if ended.is_some_and(|ended| matches!(&*ended.reason, "Unknown" | "ContainerStatusUnknown")) {
        return Some(true);
    }
    Some(match nodes.standing(&pod.facts.node, since)? {
        Standing::Lost => true,
        Standing::Unknown => is_disrupted(pod),
        // It was not ready in the container's life.
        Standing::Ready(since) => ended.and_then(|ended| ended.started).zip(since).is_some_and(|(from, to)| to > from),
    })
}

/// Whether the pod says that it was disrupted from outside, as by a drain, a preemption, or the loss of its node.
/// (k8s.io/api, core/v1/types.go: `DisruptionTarget`, `NodeLost`)
pub(super) fn is_disrupted(pod: PodRef<'_>) -> bool {
    pod.facts.disrupted || pod.facts.reason == "NodeLost"
}

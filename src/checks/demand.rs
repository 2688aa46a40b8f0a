//! What the pods of the workloads ask for, before, after and while they are replaced.

use crate::checks::replicas::{Autoscalers, Pods};
use crate::checks::scene::{Scene, Workload, string};
use crate::diff::impact::{self, Amounts, Bound};
use crate::diff::workload::{self, Kind};
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::manifest::quantity::Quantity;

/// What one pod asks for, as its namespace makes it.
pub(super) struct Pod<'a> {
    /// Its labels.
    pub(super) labels: Option<&'a Node>,
    /// Its specification, with the defaults of the namespace.
    pub(super) spec: Node,
    /// What it asks for and is held to.
    pub(super) amounts: Amounts,
}

/// The pods of a workload.
pub(super) struct Demand<'a> {
    /// The workload; of one that goes only what was.
    pub(super) object: &'a Object,
    pub(super) namespace: &'a str,
    pub(super) kind: Kind,
    /// Its pods and how many there are at least; none where there is nothing before or after.
    pub(super) before: Option<(Pod<'a>, u64)>,
    pub(super) after: Option<(Pod<'a>, u64)>,
    /// Whether the pods are replaced.
    pub(super) restarts: bool,
    /// So many pods more than wanted run while they are replaced.
    pub(super) surge: u64,
    /// So many may be gone.
    pub(super) unavailable: u64,
}

impl<'a> Pod<'a> {
    /// A pod of an object, after its namespace has put in its defaults.
    fn of(object: &'a Object, defaulted: &impl Fn(&Node, &str) -> Node, namespace: &str) -> Option<Self> {
        let template = workload::template(object)?;
        let spec = defaulted(template.find(&["spec"])?, namespace);
        let amounts = impact::of_pod(&spec);
        Some(Self { labels: template.find(&["metadata", "labels"]), spec, amounts })
    }

    /// What it requests of a resource.
    pub(super) fn requests(&self, resource: &str) -> Quantity {
        self.amount(Bound::Request, resource)
    }

    /// How much of a resource it asks for, or is held to.
    pub(super) fn amount(&self, bound: Bound, resource: &str) -> Quantity {
        self.amounts.get(&(bound, resource.to_owned())).copied().unwrap_or(Quantity::ZERO)
    }
}

/// The pods of all workloads that are new, change or go. What the namespaces put into a pod is asked of `defaulted`.
pub(super) fn all<'a>(scene: &Scene<'a>, defaulted: &impl Fn(&Node, &str) -> Node) -> Vec<Demand<'a>> {
    let (before, after) = (Autoscalers::of(scene, true), Autoscalers::of(scene, false));
    let mut demands = Vec::new();
    for workload in scene.workloads() {
        let (new, namespace) = (workload.pair.new, workload.pair.namespace);
        let was = workload.pair.old.map(|old| count(&before, old, namespace, workload.kind));
        let is = count(&after, new, namespace, workload.kind);
        if !workload.restarts() && was == Some(is) {
            continue;
        }
        let old = workload.pair.old.and_then(|old| Pod::of(old, defaulted, namespace));
        demands.push(Demand {
            object: new,
            namespace,
            kind: workload.kind,
            before: old.zip(was),
            after: Pod::of(new, defaulted, namespace).map(|pod| (pod, is)),
            restarts: workload.restarts() && !is_by_hand(new) && was.is_some_and(|was| was > 0),
            surge: replaced(&workload, is).0,
            unavailable: replaced(&workload, is).1,
        });
    }
    for gone in &scene.gone {
        let (Some(kind), namespace) = (Kind::of(&gone.id), scene.namespace_of(gone)) else { continue };
        let pod = Pod::of(gone, defaulted, namespace);
        let before = pod.map(|pod| (pod, count(&before, gone, namespace, kind)));
        demands.push(Demand {
            object: gone,
            namespace,
            kind,
            before,
            after: None,
            restarts: false,
            surge: 0,
            unavailable: 0,
        });
    }
    demands
}

/// Whether its pods are replaced by nobody but its user.
fn is_by_hand(object: &Object) -> bool {
    let paused = object.node.find(&["spec", "paused"]).and_then(Node::as_bool) == Some(true);
    paused || string(&object.node, &["spec", "updateStrategy", "type"]) == Some("OnDelete")
}

fn replaced(workload: &Workload<'_>, pods: u64) -> (u64, u64) {
    impact::fence(workload.pair.new, pods).unwrap_or((0, pods))
}

/// How many pods there are at least. Of a DaemonSet that is one; a Job has no more than it still needs; a CronJob has none for most
/// of the time.
fn count<'a>(autoscalers: &Autoscalers<'a>, object: &'a Object, namespace: &'a str, kind: Kind) -> u64 {
    let field = |key: &str| object.node.find(&["spec", key]).and_then(Node::as_count);
    match kind {
        Kind::DaemonSet => 1,
        Kind::CronJob => 0,
        Kind::Job => {
            let parallel = field("parallelism").unwrap_or(1);
            field("completions").map_or(parallel, |wanted| parallel.min(wanted))
        }
        _ => autoscalers.pods(object, namespace).map_or(0, |Pods { least, .. }| least),
    }
}

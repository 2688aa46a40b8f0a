//! What the pods of the workloads ask for, before, after and while they are replaced.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::checks::live_pods::LivePods;
use crate::checks::replicas::{self, Autoscalers, Pods};
use crate::checks::scene::{Scene, Workload, string};
use crate::checks::wanted::{Lists, Wanted};
use crate::diff::impact::{self, Amounts, Bound};
use crate::diff::workload::{self, Kind};
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::manifest::quantity::Quantity;

/// What one pod asks for, as its namespace makes it.
pub(super) struct Pod<'a> {
    /// Its labels.
    pub(super) labels: Option<&'a Node>,
    /// Its specification, with the defaults of the namespace.
    pub(super) spec: Cow<'a, Node>,
    /// What it asks for and is held to.
    pub(super) amounts: Amounts,
}

/// The pods of a workload.
pub(super) struct Demand<'a> {
    /// The workload; of one that goes only what was.
    pub(super) object: &'a Object,
    /// The workload as it was.
    pub(super) old: Option<&'a Object>,
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
    fn of(object: &'a Object, surroundings: &impl Surroundings, namespace: &str) -> Option<Self> {
        let template = workload::template(object)?;
        let spec = surroundings.defaulted(template.find(&["spec"])?, namespace);
        let amounts = impact::of_pod(&spec);
        Some(Self { labels: template.find(&["metadata", "labels"]), spec, amounts })
    }

    /// A pod of the cluster.
    pub(super) fn live(pod: &'a Observed) -> Option<Self> {
        let spec = Cow::Borrowed(pod.at(&["spec"])?);
        let amounts = impact::of_pod(&spec);
        Some(Self { labels: pod.at(&["metadata", "labels"]), spec, amounts })
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

/// What the manifest does not say of pods.
pub(super) trait Surroundings {
    /// The specification of a pod with what its namespace puts in.
    fn defaulted<'n>(&self, spec: &'n Node, namespace: &str) -> Cow<'n, Node>;

    /// What was read of the cluster, where it was read.
    fn lists(&self) -> Option<&Lists>;
}

/// Nothing is known but the manifest.
pub(super) struct Nothing;

impl Surroundings for Nothing {
    fn defaulted<'n>(&self, spec: &'n Node, _: &str) -> Cow<'n, Node> {
        Cow::Borrowed(spec)
    }

    fn lists(&self) -> Option<&Lists> {
        None
    }
}

/// The pods of all workloads that are new, change or go.
pub(super) fn all<'a>(scene: &Scene<'a>, surroundings: &impl Surroundings) -> Vec<Demand<'a>> {
    let counts = Counts { before: Autoscalers::of(scene, true), after: Autoscalers::of(scene, false) };
    let mut demands = Vec::new();
    for workload in scene.workloads() {
        let (new, namespace) = (workload.pair.new, workload.pair.namespace);
        let (was, is) = counts.of(&workload);
        if !workload.restarts() && was == Some(is) {
            continue;
        }
        let (was, is) = counts.now(surroundings.lists(), &workload, (was, is));
        let old = workload.pair.old.and_then(|old| Pod::of(old, surroundings, namespace));
        demands.push(Demand {
            object: new,
            old: workload.pair.old,
            namespace,
            kind: workload.kind,
            before: old.zip(was),
            after: Pod::of(new, surroundings, namespace).map(|pod| (pod, is)),
            restarts: workload.restarts() && !is_by_hand(new) && was.is_some_and(|was| was > 0),
            surge: replaced(&workload, is).0,
            unavailable: replaced(&workload, is).1,
        });
    }
    for gone in &scene.gone {
        let (Some(kind), namespace) = (Kind::of(&gone.id), scene.namespace_of(gone)) else { continue };
        let pod = Pod::of(gone, surroundings, namespace);
        let before = pod.map(|pod| (pod, count(&counts.before, gone, namespace, kind)));
        demands.push(Demand {
            object: gone,
            old: Some(*gone),
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

/// The cluster's objects of the workloads whose number of pods the manifest leaves to others.
pub(super) fn wanted(demands: &[Demand<'_>], scene: &Scene<'_>) -> Vec<Wanted> {
    let counts = Counts { before: Autoscalers::of(scene, true), after: Autoscalers::of(scene, false) };
    let workloads = scene.workloads().filter(|one| counts.are_left_to_others(one));
    let demanding: HashSet<*const Object> = demands.iter().map(|demand| std::ptr::from_ref(demand.object)).collect();
    let asked = workloads.filter(|one| demanding.contains(&std::ptr::from_ref(one.pair.new)));
    asked.filter_map(|one| replicas::live(one.pair.new, one.pair.namespace)).collect()
}

/// How many pods there are at least, before and after.
struct Counts<'a> {
    before: Autoscalers<'a>,
    after: Autoscalers<'a>,
}

impl<'a> Counts<'a> {
    /// As the manifests say.
    fn of(&self, workload: &Workload<'a>) -> (Option<u64>, u64) {
        let namespace = workload.pair.namespace;
        let was = workload.pair.old.map(|old| count(&self.before, old, namespace, workload.kind));
        (was, count(&self.after, workload.pair.new, namespace, workload.kind))
    }

    fn are_left_to_others(&self, workload: &Workload<'a>) -> bool {
        let Some(old) = workload.pair.old.filter(|_| workload.kind.has_replicas()) else { return false };
        let scaled = |of: &Autoscalers<'a>, object| {
            of.pods(object, workload.pair.namespace).is_some_and(|pods| pods.least < pods.most)
        };
        replicas::keeps_its_number(workload) || (scaled(&self.before, old) && scaled(&self.after, workload.pair.new))
    }

    /// As the cluster's object says, where the manifest leaves it to others: that many, within the bounds of the autoscaler.
    fn now(&self, lists: Option<&Lists>, workload: &Workload<'a>, (was, is): (Option<u64>, u64)) -> (Option<u64>, u64) {
        let (new, namespace) = (workload.pair.new, workload.pair.namespace);
        let left_to_others = lists.filter(|_| self.are_left_to_others(workload));
        let Some(now) = left_to_others.and_then(|lists| replicas::now(lists, new, namespace)) else {
            return (was, is);
        };
        let after = self.after.pods(new, namespace).filter(|pods| pods.least < pods.most);
        (Some(now), after.map_or(now, |pods| now.clamp(pods.least, pods.most)))
    }
}

impl Demand<'_> {
    /// Its pods in the cluster, by their places.
    pub(super) fn running(&self, pods: &LivePods<'_>) -> Vec<usize> {
        let Some(old) = self.old else { return Vec::new() };
        let given = workload::template(old).and_then(|template| template.find(&["metadata", "labels"]));
        pods.of_workload(old, given, self.namespace)
    }
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

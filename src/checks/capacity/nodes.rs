//! The nodes, what is free on them, and which pods they take.
//!
//! Sources: Kubernetes documentation, "Assigning Pods to Nodes", "Taints and Tolerations"; what daemons tolerate is in
//! k8s.io/kubernetes, pkg/controller/daemon/util (`AddOrUpdateDaemonPodTolerations`). Preferences are left out; what pods require of
//! their neighbours is in `neighbours`.

use std::collections::{BTreeMap, HashMap};

use crate::checks::demand::{Demand, Pod};
use crate::checks::live_pods::LivePods;
use crate::checks::scene::{items, string};
use crate::checks::selector::{all_of, meets};
use crate::diff::impact::{self, Bound};
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::manifest::quantity::Quantity;

use super::neighbours::spread_over;

/// Taints that every daemon tolerates.
const OF_DAEMONS: [&str; 6] = [
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/unschedulable",
];

/// The resource that each pod takes one of.
const PODS: &str = "pods";

/// Amounts in billionths, by resource.
pub(super) type Room = BTreeMap<String, i128>;

/// A node with what is free on it.
pub(super) struct Place<'a> {
    pub(super) node: &'a Observed,
    allocatable: Room,
    free: Room,
}

/// All nodes, and the pods on them.
pub(super) struct Places<'a> {
    pub(super) all: Vec<Place<'a>>,
    pub(super) pods: LivePods<'a>,
    /// On which node each pod is that takes room.
    pub(super) node_of: Vec<Option<usize>>,
}

impl<'a> Places<'a> {
    /// The nodes with the pods that are on them and not done.
    pub(super) fn of(nodes: &'a [Observed], pods: &'a [Observed]) -> Self {
        let mut all: Vec<Place<'a>> = nodes.iter().map(Place::of).collect();
        let by_name: HashMap<&str, usize> = nodes.iter().enumerate().map(|(at, node)| (node.name(), at)).collect();
        let pods = LivePods::of(pods);
        let node_of = |pod: &&Observed| by_name.get(pod.text(&["spec", "nodeName"])).copied();
        let node_of: Vec<Option<usize>> = pods.all.iter().map(node_of).collect();
        for (pod, at) in pods.all.iter().zip(&node_of) {
            if let Some(at) = at {
                all[*at].take(&takes(pod), 1);
            }
        }
        Self { all, pods, node_of }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The nodes that take a pod, however much is free; and of the others, why not, each reason with their number.
    pub(super) fn that_take(&self, pod: &Pod<'_>, daemon: bool) -> (Vec<usize>, BTreeMap<String, usize>) {
        let (mut taking, mut reasons) = (Vec::new(), BTreeMap::new());
        for (at, place) in self.all.iter().enumerate() {
            match place.refuses(&pod.spec, daemon) {
                None => taking.push(at),
                Some(reason) => *reasons.entry(reason).or_insert(0) += 1,
            }
        }
        (taking, reasons)
    }

    /// A resource of which a pod asks for more than any of these nodes has, with the most that one has.
    pub(super) fn too_large(&self, pod: &Pod<'_>, taking: &[usize]) -> Option<(String, Quantity, Quantity)> {
        requests(pod).into_iter().find_map(|(name, asked)| {
            let most = taking.iter().map(|at| self.all[*at].allocatable.get(&name).copied().unwrap_or(0)).max()?;
            let like = pod.requests(&name);
            (asked > most).then(|| (name, like, Quantity::of_nanos(most, like)))
        })
    }

    /// How many such pods find room on a node.
    pub(super) fn fits(&self, asked: &Room, at: usize) -> u64 {
        self.all[at].fits(asked)
    }

    /// Takes the room of so many such pods on a node.
    pub(super) fn take(&mut self, asked: &Room, (at, count): (usize, u64)) {
        self.all[at].take(asked, count);
    }

    /// Gives back what the pods of a workload take.
    pub(super) fn release(&mut self, demand: &Demand<'_>) {
        for pod in demand.running(&self.pods) {
            if let Some(at) = self.node_of[pod].take() {
                self.all[at].give_back(&takes(self.pods.all[pod]));
            }
        }
    }

    /// On how many of these nodes a pod finds no room.
    pub(super) fn without_room(&self, pod: &Pod<'_>, taking: &[usize]) -> usize {
        let asked = requests(pod);
        taking.iter().filter(|at| self.all[**at].fits(&asked) == 0).count()
    }
}

impl<'a> Place<'a> {
    fn of(node: &'a Observed) -> Self {
        let entries = node.at(&["status", "allocatable"]).and_then(Node::as_map).unwrap_or_default();
        let amounts =
            entries.iter().filter_map(|(name, amount)| Some((name.to_string(), Quantity::of(amount)?.nanos())));
        let allocatable: Room = amounts.collect();
        Self { node, free: allocatable.clone(), allocatable }
    }

    fn take(&mut self, asked: &Room, count: u64) {
        for (name, amount) in asked {
            let free = self.free.entry(name.clone()).or_insert(0);
            *free = free.saturating_sub(amount.saturating_mul(i128::from(count)));
        }
    }

    fn give_back(&mut self, taken: &Room) {
        for (name, amount) in taken {
            let free = self.free.entry(name.clone()).or_insert(0);
            *free = free.saturating_add(*amount);
        }
    }

    /// How many pods that ask for this find room.
    fn fits(&self, asked: &Room) -> u64 {
        let each = asked.iter().filter(|(_, amount)| **amount > 0);
        let counts = each.map(|(name, amount)| self.free.get(name).copied().unwrap_or(0).max(0) / amount);
        counts.min().map_or(u64::MAX, |count| u64::try_from(count).unwrap_or(u64::MAX))
    }

    /// Why the node does not take a pod, in a few words; none if it does.
    fn refuses(&self, spec: &Node, daemon: bool) -> Option<String> {
        let node = self.node;
        if let Some(name) = string(spec, &["nodeName"]).filter(|name| !name.is_empty() && *name != node.name()) {
            return Some(format!("the pods want the node {name}"));
        }
        if node.at(&["spec", "unschedulable"]).and_then(Node::as_bool) == Some(true) && !daemon {
            return Some("cordoned".to_owned());
        }
        if !all_of(spec.find(&["nodeSelector"]), node.at(&["metadata", "labels"])) {
            return Some("not selected by nodeSelector".to_owned());
        }
        if !self.is_wanted(spec) {
            return Some("not selected by the node affinity".to_owned());
        }
        if let Some(key) = spread_over(spec).find(|key| self.label(key).is_none()) {
            return Some(format!("without the label {key} that the pods are spread over"));
        }
        let taints = items(node.node(), &["spec", "taints"]).iter();
        let hard = taints.filter(|taint| string(taint, &["effect"]) != Some("PreferNoSchedule"));
        let tolerations = items(spec, &["tolerations"]);
        let borne = |taint: &Node| {
            let of_daemons = daemon && string(taint, &["key"]).is_some_and(|key| OF_DAEMONS.contains(&key));
            of_daemons || tolerations.iter().any(|one| tolerates(one, taint))
        };
        let unbearable = hard.into_iter().find(|taint| !borne(taint))?;
        Some(format!("tainted {}", string(unbearable, &["key"]).unwrap_or_default()))
    }

    /// The value of one of its labels.
    pub(super) fn label(&self, key: &str) -> Option<&'a str> {
        self.node.at(&["metadata", "labels", key]).and_then(Node::as_str)
    }

    /// The node affinity that is required: one of its terms, and all of that term.
    fn is_wanted(&self, spec: &Node) -> bool {
        let required =
            ["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"];
        let Some(terms) = spec.find(&required).and_then(Node::as_list) else { return true };
        let label = |key: &str| self.label(key);
        let field = |key: &str| (key == "metadata.name").then(|| self.node.name());
        terms.iter().any(|term| {
            let (labels, fields) = (items(term, &["matchExpressions"]), items(term, &["matchFields"]));
            !(labels.is_empty() && fields.is_empty())
                && labels.iter().all(|one| meets(one, &label))
                && fields.iter().all(|one| meets(one, &field))
        })
    }
}

/// Source: Kubernetes documentation, "Taints and Tolerations"; an empty key with `Exists` tolerates everything.
fn tolerates(toleration: &Node, taint: &Node) -> bool {
    let of = |node: &'_ Node, key: &str| string(node, &[key]).unwrap_or_default().to_owned();
    let (key, effect) = (of(toleration, "key"), of(toleration, "effect"));
    if !effect.is_empty() && effect != of(taint, "effect") {
        return false;
    }
    match of(toleration, "operator").as_str() {
        "Exists" => key.is_empty() || key == of(taint, "key"),
        _ => key == of(taint, "key") && of(toleration, "value") == of(taint, "value"),
    }
}

/// What a pod of the cluster takes.
fn takes(pod: &Observed) -> Room {
    let amounts = pod.at(&["spec"]).map(impact::of_pod).unwrap_or_default();
    room(amounts.into_iter())
}

pub(super) fn requests(pod: &Pod<'_>) -> Room {
    room(pod.amounts.clone().into_iter())
}

fn room(amounts: impl Iterator<Item = ((Bound, String), Quantity)>) -> Room {
    let requests = amounts.filter(|((bound, _), _)| *bound == Bound::Request);
    let one = (PODS.to_owned(), Quantity::whole(1).nanos());
    requests.map(|((_, name), amount)| (name, amount.nanos())).chain([one]).collect()
}

//! The nodes, what is free on them, and which pods they take.
//!
//! Sources: Kubernetes documentation, "Assigning Pods to Nodes", "Taints and Tolerations"; what daemons tolerate is in
//! k8s.io/kubernetes, pkg/controller/daemon/util (`AddOrUpdateDaemonPodTolerations`). Preferences, spreading and affinity to other
//! pods are left out, but for the pods of one kind that must not share a node.

use std::collections::{BTreeMap, HashMap};

use crate::checks::demand::Pod;
use crate::checks::scene::{items, string};
use crate::checks::selector::{all_of, meets, selects};
use crate::diff::impact::{self, Bound};
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::manifest::quantity::Quantity;

/// The label of a node with its own name.
const HOSTNAME: &str = "kubernetes.io/hostname";

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
type Room = BTreeMap<String, i128>;

/// A node with what is free on it.
pub(super) struct Place<'a> {
    pub(super) node: &'a Observed,
    allocatable: Room,
    free: Room,
    /// The pods on it.
    pods: Vec<&'a Observed>,
    /// Whether a pod was placed here that shares the node with none of its kind.
    alone: bool,
}

/// All nodes.
pub(super) struct Places<'a>(Vec<Place<'a>>);

impl<'a> Places<'a> {
    /// The nodes with the pods that are on them and not done.
    pub(super) fn of(nodes: &'a [Observed], pods: &'a [Observed]) -> Self {
        let mut places: Vec<Place<'a>> = nodes.iter().map(Place::of).collect();
        let by_name: HashMap<&str, usize> = nodes.iter().enumerate().map(|(at, node)| (node.name(), at)).collect();
        let done = |pod: &Observed| matches!(pod.text(&["status", "phase"]), "Succeeded" | "Failed");
        for pod in pods.iter().filter(|pod| !done(pod)) {
            if let Some(&at) = by_name.get(pod.text(&["spec", "nodeName"])) {
                places[at].take(&takes(pod), 1);
                places[at].pods.push(pod);
            }
        }
        Self(places)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The nodes that take a pod, however much is free; and of the others, why not, each reason with their number.
    pub(super) fn that_take(&self, pod: &Pod<'_>, daemon: bool) -> (Vec<usize>, BTreeMap<String, usize>) {
        let (mut taking, mut reasons) = (Vec::new(), BTreeMap::new());
        for (at, place) in self.0.iter().enumerate() {
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
            let most = taking.iter().map(|at| self.0[*at].allocatable.get(&name).copied().unwrap_or(0)).max()?;
            let like = pod.requests(&name);
            (asked > most).then(|| (name, like, Quantity::of_nanos(most, like)))
        })
    }

    /// Places so many pods where there is room, and says how many have found any.
    pub(super) fn place(&mut self, pod: &Pod<'_>, taking: &[usize], count: u64) -> u64 {
        let (asked, alone) = (requests(pod), alone(pod));
        let mut placed = 0;
        for at in taking {
            if placed >= count {
                break;
            }
            let place = &mut self.0[*at];
            let mut fits = place.fits(&asked).min(count - placed);
            if let Some(selectors) = &alone {
                let there = place
                    .pods
                    .iter()
                    .any(|one| selectors.iter().any(|selector| selects(selector, one.at(&["metadata", "labels"]))));
                fits = if there || place.alone { 0 } else { fits.min(1) };
                place.alone |= fits > 0;
            }
            place.take(&asked, fits);
            placed += fits;
        }
        placed
    }

    /// Gives back what the pods of a workload take.
    pub(super) fn release(&mut self, namespace: &str, labels: Option<&Node>) {
        if labels.is_none_or(Node::is_empty) {
            return;
        }
        for place in &mut self.0 {
            let (own, rest): (Vec<&Observed>, Vec<&Observed>) = place
                .pods
                .iter()
                .partition(|pod| pod.namespace() == namespace && all_of(labels, pod.at(&["metadata", "labels"])));
            for pod in own {
                place.give_back(&takes(pod));
            }
            place.pods = rest;
        }
    }

    /// On how many of these nodes a pod finds no room.
    pub(super) fn without_room(&self, pod: &Pod<'_>, taking: &[usize]) -> usize {
        let asked = requests(pod);
        taking.iter().filter(|at| self.0[**at].fits(&asked) == 0).count()
    }
}

impl<'a> Place<'a> {
    fn of(node: &'a Observed) -> Self {
        let entries = node.at(&["status", "allocatable"]).and_then(Node::as_map).unwrap_or_default();
        let amounts =
            entries.iter().filter_map(|(name, amount)| Some((name.to_string(), Quantity::of(amount)?.nanos())));
        let allocatable: Room = amounts.collect();
        Self { node, free: allocatable.clone(), allocatable, pods: Vec::new(), alone: false }
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

    /// The node affinity that is required: one of its terms, and all of that term.
    fn is_wanted(&self, spec: &Node) -> bool {
        let required =
            ["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"];
        let Some(terms) = spec.find(&required).and_then(Node::as_list) else { return true };
        let label = |key: &str| self.node.at(&["metadata", "labels", key]).and_then(Node::as_str);
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

fn requests(pod: &Pod<'_>) -> Room {
    room(pod.amounts.clone().into_iter())
}

fn room(amounts: impl Iterator<Item = ((Bound, String), Quantity)>) -> Room {
    let requests = amounts.filter(|((bound, _), _)| *bound == Bound::Request);
    let one = (PODS.to_owned(), Quantity::whole(1).nanos());
    requests.map(|((_, name), amount)| (name, amount.nanos())).chain([one]).collect()
}

/// The selectors of the pods that a pod must not share a node with, where its own kind is among them.
fn alone<'p>(pod: &'p Pod<'_>) -> Option<Vec<&'p Node>> {
    let path = ["affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];
    let terms = items(&pod.spec, &path).iter().filter(|term| string(term, &["topologyKey"]) == Some(HOSTNAME));
    let selectors: Vec<&Node> = terms
        .filter_map(|term| term.find(&["labelSelector"]))
        .filter(|selector| selects(selector, pod.labels))
        .collect();
    (!selectors.is_empty()).then_some(selectors)
}

//! What pods require of the pods around them: which they must not share a node or a zone with, which they must, and how evenly they
//! are spread.
//!
//! Sources: Kubernetes documentation, "Assigning Pods to Nodes" and "Pod Topology Spread Constraints"; where fewer places are there
//! than `minDomains`, the emptiest counts as empty (k8s.io/kubernetes, pkg/scheduler/framework/plugins/podtopologyspread). Terms with
//! namespaces of their own are left out, and so is what only changes how pods are counted.

use std::collections::HashMap;

use crate::checks::demand::Pod;
use crate::checks::scene::{Scene, items, string};
use crate::checks::selector::selects;
use crate::manifest::node::Node;

use super::nodes::{Places, Room, requests};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

/// How many pods more the nodes with each value of a label may take.
struct Bounds<'k, 'a> {
    key: &'k str,
    left: HashMap<&'a str, u64>,
    /// Those of all other values.
    others: u64,
}

impl Bounds<'_, '_> {
    /// Nodes without the label are not bounded.
    fn left(&self, label: Option<&str>) -> u64 {
        label.map_or(u64::MAX, |value| self.left.get(value).copied().unwrap_or(self.others))
    }
}

impl<'a, 'k> Bounds<'k, 'a> {
    fn take(&mut self, label: Option<&'a str>, count: u64) {
        let Some(value) = label else { return };
        let left = self.left.entry(value).or_insert(self.others);
        *left = left.saturating_sub(count);
    }
}

/// The pods of a kind that are to find places.
pub(super) struct Newcomers<'p> {
    pub(super) pod: &'p Pod<'p>,
    pub(super) namespace: &'p str,
    pub(super) count: u64,
}

/// How many of them have found places.
pub(super) struct Placed {
    pub(super) count: u64,
    /// By which label they are spread so evenly that there are no more, where that is why.
    pub(super) spread_over: Option<String>,
}

impl<'a> Places<'a> {
    /// Places pods where there is room, and says how many have found any.
    pub(super) fn place(&mut self, new: &Newcomers<'_>, taking: &[usize]) -> Placed {
        let asked = requests(new.pod);
        let (nodes, mut bounds) = (self.beside(new, taking), self.apart(new));
        let without_spread = self.fill(&asked, (&nodes, &mut bounds), new.count).iter().map(|(_, count)| count).sum();
        let mut bounds = self.apart(new);
        let mut spread_over = None;
        for constraint in spread(&new.pod.spec) {
            if let Some(even) = self.even(new, (constraint, &nodes, &asked)) {
                spread_over = Some(even.key.to_owned());
                bounds.push(even);
            }
        }
        let placed = self.fill(&asked, (&nodes, &mut bounds), new.count);
        let count = placed.iter().map(|(_, count)| count).sum();
        placed.into_iter().for_each(|one| self.take(&asked, one));
        Placed { count, spread_over: spread_over.filter(|_| count < without_spread) }
    }

    /// Whether one more finds room now.
    pub(super) fn has_room(&self, new: &Newcomers<'_>, taking: &[usize]) -> bool {
        let nodes = self.beside(new, taking);
        !self.fill(&requests(new.pod), (&nodes, &mut self.apart(new)), 1).is_empty()
    }

    /// Whether there is no pod that it must be beside, and the release makes none.
    pub(super) fn is_lonely(&self, new: &Newcomers<'_>, scene: &Scene<'_>) -> bool {
        let made = |selector: &Node| {
            let mut here = scene.workloads().filter(|workload| workload.pair.namespace == new.namespace);
            here.any(|workload| selects(selector, workload.labels()))
        };
        let alone = |selector: &Node| self.pods.selected(new.namespace, selector).is_empty() && !made(selector);
        terms(&new.pod.spec, "podAffinity").any(|(_, selector)| alone(selector))
    }

    /// So many on each node, one node after another.
    fn fill(&self, asked: &Room, (nodes, bounds): (&[usize], &mut [Bounds<'_, 'a>]), count: u64) -> Vec<(usize, u64)> {
        let mut left = count;
        let mut filled = Vec::new();
        for at in nodes {
            let place = &self.all[*at];
            let bound = bounds.iter().map(|bound| bound.left(place.label(bound.key))).min();
            let here = self.fits(asked, *at).min(left).min(bound.unwrap_or(u64::MAX));
            if here == 0 {
                continue;
            }
            bounds.iter_mut().for_each(|bound| bound.take(place.label(bound.key), here));
            filled.push((*at, here));
            left -= here;
        }
        filled
    }

    /// The nodes on which all pods are beside which they must be. Pods of their own kind come with them.
    fn beside(&self, new: &Newcomers<'_>, taking: &[usize]) -> Vec<usize> {
        let mut nodes = taking.to_vec();
        for (key, selector) in terms(&new.pod.spec, "podAffinity") {
            let there = self.values(new.namespace, (key, selector));
            if !selects(selector, new.pod.labels) && !there.is_empty() {
                nodes.retain(|at| self.all[*at].label(key).is_some_and(|value| there.contains_key(value)));
            }
        }
        nodes
    }

    /// Where pods are that they must not be beside; and only one of each goes where their own kind is not wanted.
    fn apart<'k>(&self, new: &Newcomers<'k>) -> Vec<Bounds<'k, 'a>> {
        let terms = terms(&new.pod.spec, "podAntiAffinity").map(|(key, selector)| {
            let left = self.values(new.namespace, (key, selector)).into_keys().map(|value| (value, 0)).collect();
            Bounds { key, left, others: if selects(selector, new.pod.labels) { 1 } else { u64::MAX } }
        });
        terms.collect()
    }

    /// How many more of them may be at each place so that none has more than `maxSkew` more than another.
    fn even<'k>(
        &self,
        new: &Newcomers<'k>,
        (constraint, nodes, asked): (&'k Node, &[usize], &Room),
    ) -> Option<Bounds<'k, 'a>> {
        let key = string(constraint, &["topologyKey"])?;
        let selector = constraint.find(&["labelSelector"]).filter(|selector| selects(selector, new.pod.labels))?;
        let number = |key| constraint.find(&[key]).and_then(Node::as_count);
        let there = self.values(new.namespace, (key, selector));
        let mut most: HashMap<&'a str, u64> = HashMap::new();
        for at in nodes {
            let Some(value) = self.all[*at].label(key) else { continue };
            let most = most.entry(value).or_insert_with(|| there.get(value).copied().unwrap_or(0));
            *most = most.saturating_add(self.fits(asked, *at).min(new.count));
        }
        let few = number("minDomains").is_some_and(|wanted| (most.len() as u64) < wanted);
        let least = if few { 0 } else { most.values().copied().min()? };
        let highest = least.saturating_add(number("maxSkew").unwrap_or(1));
        let more = |value: &str| highest.saturating_sub(there.get(value).copied().unwrap_or(0));
        Some(Bounds { key, left: most.into_keys().map(|value| (value, more(value))).collect(), others: 0 })
    }

    /// The values of a label of the nodes that have pods of a selector, and how many each has.
    fn values(&self, namespace: &str, (key, selector): (&str, &Node)) -> HashMap<&'a str, u64> {
        let mut found = HashMap::new();
        for pod in self.pods.selected(namespace, selector) {
            if let Some(value) = self.node_of[pod].and_then(|at| self.all[at].label(key)) {
                *found.entry(value).or_insert(0) += 1;
            }
        }
        found
    }
}

/// The labels that a pod is spread over strictly.
pub(super) fn spread_over(spec: &Node) -> impl Iterator<Item = &str> {
    spread(spec).filter_map(|one| string(one, &["topologyKey"]))
}

fn spread(spec: &Node) -> impl Iterator<Item = &Node> {
    let strict = |one: &&Node| !matches!(string(one, &["whenUnsatisfiable"]), Some("ScheduleAnyway"));
    items(spec, &["topologySpreadConstraints"]).iter().filter(strict)
}

/// The required terms: the label that makes nodes the same place, and which pods.
fn terms<'n>(spec: &'n Node, of: &'static str) -> impl Iterator<Item = (&'n str, &'n Node)> {
    let terms = items(spec, &["affinity", of, REQUIRED]).iter();
    let own = terms.filter(|term| ["namespaces", "namespaceSelector"].iter().all(|key| term.find(&[key]).is_none()));
    own.filter_map(|term| Some((string(term, &["topologyKey"])?, term.find(&["labelSelector"])?)))
}

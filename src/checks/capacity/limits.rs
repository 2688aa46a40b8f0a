//! What the LimitRanges of a namespace put into pods, and what they refuse.
//!
//! Source: plugin/pkg/admission/limitranger of k8s.io/kubernetes: of a container without a limit or request the defaults count; then
//! all that is said, and what should be and is not, is held against the bounds.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::checks::scene::{items, string};
use crate::diff::impact::{self, Amounts, Bound};
use crate::diff::workload;
use crate::manifest::node::{Node, Value};
use crate::manifest::quantity::Quantity;

use super::left::Rule;

/// The rules of a namespace: each with the LimitRange that it is of.
pub(super) struct Limits<'a>(Vec<(&'a str, &'a Node)>);

/// A bound that a pod breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Broken {
    /// The name of the LimitRange.
    pub(super) range: String,
    /// What is wrong, as in `container main requests 1 cpu, and at most 500m are allowed`.
    pub(super) what: String,
}

impl<'a> Limits<'a> {
    pub(super) fn of(ranges: impl IntoIterator<Item = Rule<'a>>) -> Self {
        let rules = |range: Rule<'a>| items(range.node, &["spec", "limits"]).iter().map(move |rule| (range.name, rule));
        Self(ranges.into_iter().flat_map(rules).collect())
    }

    fn of_type(&self, kind: &'static str) -> impl Iterator<Item = (&'a str, &'a Node)> {
        self.0.iter().copied().filter(move |(_, rule)| string(rule, &["type"]) == Some(kind))
    }

    /// The specification of a pod with the defaults in it.
    pub(super) fn defaulted<'n>(&self, spec: &'n Node) -> Cow<'n, Node> {
        let Some(entries) = spec.as_map().filter(|_| self.of_type("Container").next().is_some()) else {
            return Cow::Borrowed(spec);
        };
        let entries = entries.iter().map(|(key, value)| match (&**key, value.as_list()) {
            ("containers" | "initContainers", Some(list)) => {
                (key.clone(), Node::new(Value::List(list.iter().map(|one| self.container(one)).collect())))
            }
            _ => (key.clone(), value.clone()),
        });
        Cow::Owned(Node::new(Value::Map(entries.collect())))
    }

    fn container(&self, container: &Node) -> Node {
        let mut limits = amounts(container, &["resources", "limits"]);
        let mut requests = amounts(container, &["resources", "requests"]);
        // What is limited and not requested is requested as it is limited, before any default.
        limits.iter().for_each(|(name, limit)| _ = requests.entry(name.clone()).or_insert(*limit));
        for (_, rule) in self.of_type("Container") {
            amounts(rule, &["default"]).into_iter().for_each(|(name, limit)| _ = limits.entry(name).or_insert(limit));
            let defaults = amounts(rule, &["defaultRequest"]);
            defaults.into_iter().for_each(|(name, request)| _ = requests.entry(name).or_insert(request));
        }
        let map = |amounts: BTreeMap<String, Quantity>| {
            let entries = amounts.into_iter().map(|(name, amount)| (name.into(), Node::string(amount.to_string())));
            Node::new(Value::Map(entries.collect()))
        };
        let resources = Node::new(Value::Map(vec![("limits".into(), map(limits)), ("requests".into(), map(requests))]));
        let kept = container.as_map().unwrap_or_default().iter().filter(|(key, _)| &**key != "resources").cloned();
        Node::new(Value::Map(kept.chain([("resources".into(), resources)]).collect()))
    }

    /// The bounds that a pod breaks, of its specification with the defaults in it.
    pub(super) fn broken(&self, spec: &Node) -> BTreeSet<Broken> {
        let mut broken = BTreeSet::new();
        for container in workload::containers(spec) {
            let of = |bound, key| {
                amounts(container.node, &["resources", key])
                    .into_iter()
                    .map(move |(name, amount)| ((bound, name), amount))
            };
            let amounts: Amounts = of(Bound::Request, "requests").chain(of(Bound::Limit, "limits")).collect();
            for (range, rule) in self.of_type("Container") {
                judge(rule, &amounts, &format!("container {}", container.name), range, &mut broken);
            }
        }
        let whole = impact::of_pod(spec);
        for (range, rule) in self.of_type("Pod") {
            judge(rule, &whole, "the pod as a whole", range, &mut broken);
        }
        broken
    }

    /// The bounds that the size of a claim breaks.
    pub(super) fn broken_by_claim(&self, claim: &Node) -> BTreeSet<Broken> {
        let mut broken = BTreeSet::new();
        let asked = amounts(claim, &["spec", "resources", "requests"]);
        let asked: Amounts = asked.into_iter().map(|(name, amount)| ((Bound::Request, name), amount)).collect();
        for (range, rule) in self.of_type("PersistentVolumeClaim") {
            judge(rule, &asked, "the claim", range, &mut broken);
        }
        broken
    }
}

/// Holds amounts against one rule: a minimum is of what is requested, a maximum of what is limited, and of claims of what is requested.
fn judge(rule: &Node, has: &Amounts, who: &str, range: &str, broken: &mut BTreeSet<Broken>) {
    let claim = string(rule, &["type"]) == Some("PersistentVolumeClaim");
    let of = |bound: Bound, name: &str| has.get(&(bound, name.to_owned())).copied();
    let mut add = |what: String| _ = broken.insert(Broken { range: range.to_owned(), what });
    for (name, least) in amounts(rule, &["min"]) {
        match of(Bound::Request, &name) {
            Some(asked) if asked < least => add(format!("{who} requests {asked} {name}, and {least} is the least")),
            None => add(format!("{who} requests no {name}, and {least} is the least")),
            _ => {}
        }
        if let Some(limit) = of(Bound::Limit, &name).filter(|limit| *limit < least && !claim) {
            add(format!("{who} is limited to {limit} {name}, and {least} is the least"));
        }
    }
    for (name, most) in amounts(rule, &["max"]) {
        let bound = if claim { Bound::Request } else { Bound::Limit };
        match of(bound, &name) {
            Some(limit) if limit > most => {
                let verb = if claim { "asks for" } else { "is limited to" };
                add(format!("{who} {verb} {limit} {name}, and {most} is the most"));
            }
            None if !claim => add(format!("{who} has no limit of {name}, and {most} is the most")),
            _ => {}
        }
        if let Some(asked) = of(Bound::Request, &name).filter(|asked| *asked > most && !claim) {
            add(format!("{who} requests {asked} {name}, and {most} is the most"));
        }
    }
    for (name, most) in amounts(rule, &["maxLimitRequestRatio"]) {
        let (Some(limit), Some(asked)) = (of(Bound::Limit, &name), of(Bound::Request, &name)) else { continue };
        let ratio = limit.ratio_to(asked).zip(most.ratio_to(Quantity::whole(1)));
        if ratio.is_some_and(|(ratio, most)| ratio > most) {
            add(format!("{who} may take more than {most} times the {name} that it requests"));
        }
    }
}

/// The amounts of a map, by the name of the resource.
pub(super) fn amounts(node: &Node, path: &[&str]) -> BTreeMap<String, Quantity> {
    let entries = node.find(path).and_then(Node::as_map).unwrap_or_default();
    entries.iter().filter_map(|(name, amount)| Some((name.to_string(), Quantity::of(amount)?))).collect()
}

/// The claims that a StatefulSet makes for each of its pods.
pub(super) fn claim_templates(set: &Node) -> &[Node] {
    items(set, &["spec", "volumeClaimTemplates"])
}

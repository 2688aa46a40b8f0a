//! The objects of the new revision beside what they were: what checks that judge the change start from.

use std::collections::{BTreeSet, HashMap};

use super::snapshot::Objects;
use super::{Proposal, Snapshot};
use crate::diff::workload::same::same;
use crate::diff::workload::{self, Kind};
use crate::manifest::document::Object;
use crate::manifest::hook;
use crate::manifest::identity::ObjectId;
use crate::manifest::node::Node;

/// An object after the upgrade, and before.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    /// What it was; none if it is new.
    pub(super) old: Option<&'a Object>,
    /// What it becomes.
    pub(super) new: &'a Object,
    /// Its namespace: the release's own where it says none.
    pub(super) namespace: &'a str,
}

/// What both revisions hold, hooks and what could not be read left out.
pub(super) struct Scene<'a> {
    /// The objects of the new revision.
    pub(super) pairs: Vec<Pair<'a>>,
    /// The objects of the old revision that the new one does not have.
    pub(super) gone: Vec<&'a Object>,
    /// All objects of the new revision, hooks among them.
    pub(super) all: &'a [Object],
    /// The release's namespace.
    pub(super) namespace: &'a str,
    /// Whether the release is installed by this.
    pub(super) is_first: bool,
    /// The points at which this upgrade runs hooks.
    points: &'static [&'static str],
}

/// An object that runs pods, after the upgrade and before.
#[derive(Clone, Copy)]
pub(super) struct Workload<'a> {
    /// The object.
    pub(super) pair: Pair<'a>,
    /// What kind of workload it is.
    pub(super) kind: Kind,
    /// The specification of its pods.
    pub(super) spec: &'a Node,
}

impl<'a> Scene<'a> {
    pub(super) fn of(snapshot: &Snapshot<'a>) -> Self {
        Self { is_first: snapshot.is_first, ..Self::new(snapshot.objects, snapshot.namespace, snapshot.points()) }
    }

    pub(super) fn proposed(proposal: &Proposal<'a>) -> Self {
        Self { is_first: proposal.is_first, ..Self::new(proposal.objects, proposal.namespace, proposal.points()) }
    }

    fn new(objects: &'a Objects, namespace: &'a str, points: &'static [&'static str]) -> Self {
        Self { points, ..Self::between(&objects.old, &objects.new, namespace) }
    }

    /// What leads from one revision's objects to another's.
    pub(super) fn between(before: &'a [Object], after: &'a [Object], namespace: &'a str) -> Self {
        let counts = |object: &&Object| !workload::is_hook(object) && object.problem.is_none();
        let old: Vec<&Object> = before.iter().filter(counts).collect();
        let mut before: HashMap<_, &Object> = old.iter().map(|object| (object.id.key(namespace), *object)).collect();
        let mut pairs = Vec::new();
        for new in after.iter().filter(counts) {
            let namespace_of = new.id.namespace.as_deref().unwrap_or(namespace);
            pairs.push(Pair { old: before.remove(&new.id.key(namespace)), new, namespace: namespace_of });
        }
        let gone = old.into_iter().filter(|object| before.contains_key(&object.id.key(namespace))).collect();
        Self { pairs, gone, all: after, namespace, is_first: false, points: &[] }
    }

    /// The objects that run pods.
    pub(super) fn workloads(&self) -> impl Iterator<Item = Workload<'a>> {
        self.pairs.iter().filter_map(|pair| {
            let kind = Kind::of(&pair.new.id)?;
            Some(Workload { pair: *pair, kind, spec: workload::pod_spec(pair.new)? })
        })
    }

    /// The objects of a kind.
    pub(super) fn of_kind(&self, group: &'static str, kind: &'static str) -> impl Iterator<Item = Pair<'a>> {
        self.pairs.iter().copied().filter(move |pair| is(&pair.new.id, group, kind))
    }

    /// The namespace of an object of either revision.
    pub(super) fn namespace_of(&self, object: &'a Object) -> &'a str {
        object.id.namespace.as_deref().unwrap_or(self.namespace)
    }

    /// The hooks that this upgrade runs before, or after, it changes the objects.
    pub(super) fn hooks(&self, before: bool) -> impl Iterator<Item = &'a Object> {
        let points = if before { self.points.get(..1) } else { self.points.get(1..) }.unwrap_or_default();
        self.all.iter().filter(move |object| hook::runs_at(&object.node, points))
    }
}

impl<'a> Pair<'a> {
    /// Whether it is new, or another than before.
    pub(super) fn changes(&self) -> bool {
        self.old.is_none_or(|old| old.node != self.new.node)
    }
}

impl<'a> Workload<'a> {
    /// The specification of its pods before.
    pub(super) fn old_spec(&self) -> Option<&'a Node> {
        workload::pod_spec(self.pair.old?)
    }

    /// The labels of its pods.
    pub(super) fn labels(&self) -> Option<&'a Node> {
        workload::template(self.pair.new)?.find(&["metadata", "labels"])
    }

    /// Whether pods of another specification than before are made by this upgrade, or pods where there were none.
    pub(super) fn starts_pods(&self) -> bool {
        let Some(old) = self.pair.old else { return !self.has_none() };
        !self.has_none() && (self.count_of(old) == Some(0) || self.restarts())
    }

    /// Whether its pods are replaced.
    pub(super) fn restarts(&self) -> bool {
        self.pair.old.is_some_and(|old| !same(workload::template(old), workload::template(self.pair.new)))
    }

    /// The number of pods that it is set to, where it says one.
    fn count_of(&self, object: &Object) -> Option<u64> {
        let replicas = object.node.find(&["spec", "replicas"]).and_then(Node::as_count);
        replicas.filter(|_| self.kind.has_replicas())
    }

    fn has_none(&self) -> bool {
        self.count_of(self.pair.new) == Some(0)
    }
}

/// Whether an object is of this kind, in whichever version.
pub(super) fn is(id: &ObjectId, group: &str, kind: &str) -> bool {
    id.group == group && id.kind == kind
}

/// The text at a path, where there is text.
pub(super) fn string<'a>(node: &'a Node, path: &[&str]) -> Option<&'a str> {
    node.find(path).and_then(Node::as_str)
}

/// The items of a list at a path; none if it is no list.
pub(super) fn items<'a>(node: &'a Node, path: &[&str]) -> &'a [Node] {
    node.find(path).and_then(Node::as_list).unwrap_or_default()
}

/// The texts of a map at a path.
pub(super) fn texts<'a>(node: &'a Node, path: &[&str]) -> Vec<(&'a str, &'a str)> {
    let entries = node.find(path).and_then(Node::as_map).unwrap_or_default();
    entries.iter().filter_map(|(key, value)| Some((&**key, value.as_str()?))).collect()
}

/// Words in a row: `a`, `a and b`, `a, b and 3 more`.
pub(super) fn listed(words: &[String]) -> String {
    const MOST: usize = 4;
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] if words.len() <= MOST => format!("{} and {last}", all.join(", ")),
        _ => format!("{} and {} more", words[..MOST - 1].join(", "), words.len() - (MOST - 1)),
    }
}

/// Names without doubles, in order.
pub(super) fn distinct(names: impl IntoIterator<Item = String>) -> Vec<String> {
    names.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

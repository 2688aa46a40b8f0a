//! What the rules look at: the objects that changed, as pairs, and the unchanged ones that a change bears on.

use crate::diff::release::Both;
use crate::diff::resources::{Change, ManifestDiff};
use crate::diff::workload::{self, Container};
use crate::manifest::document::Object;
use crate::manifest::identity::ObjectId;
use crate::manifest::node::Node;

/// An object that differs.
#[derive(Clone, Copy)]
pub(super) struct Changed<'a> {
    /// What it was.
    pub old: Option<&'a Object>,
    /// What it becomes.
    pub new: Option<&'a Object>,
    /// The object after, or before if it is gone.
    pub object: &'a Object,
}

/// All that differs, and what it bears on.
pub(super) struct Scene<'a> {
    /// The objects that differ, in order. Documents that could not be read are left out.
    pub changed: Vec<Changed<'a>>,
    /// Unchanged workloads and autoscalers.
    pub related: &'a [Object],
    /// The releases' namespaces.
    pub namespaces: Both<&'a str>,
}

impl<'a> Scene<'a> {
    pub(super) fn of(diff: &'a ManifestDiff, namespaces: Both<&'a str>) -> Self {
        let changed = diff.resources.iter().filter_map(|resource| {
            let object = resource.object()?;
            let readable = [&resource.old, &resource.new].into_iter().flatten().all(|one| one.problem.is_none());
            let old = resource.old.as_ref().filter(|_| resource.change != Change::Added);
            let new = resource.new.as_ref().filter(|_| resource.change != Change::Removed);
            readable.then_some(Changed { old, new, object })
        });
        Self { changed: changed.collect(), related: &diff.related, namespaces }
    }

    /// The objects of a kind that differ.
    pub(super) fn of_kind(&self, group: &str, kind: &str) -> impl Iterator<Item = Changed<'a>> {
        let of_kind = move |one: &&Changed<'a>| one.object.id.group == group && one.object.id.kind == kind;
        self.changed.iter().filter(of_kind).copied()
    }

    /// The objects that are the same on both sides, and differ: pairs of before and after.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'a Object, &'a Object)> {
        self.changed.iter().filter_map(|one| Some((one.old?, one.new?)))
    }

    /// The namespace of an object of the new side; none for the release's own.
    pub(super) fn namespace<'o>(&self, id: &'o ObjectId) -> Option<&'o str> {
        id.namespace.as_deref().filter(|namespace| *namespace != self.namespaces.new)
    }
}

impl<'a> Changed<'a> {
    /// Which object it is.
    pub(super) fn id(&self) -> &'a ObjectId {
        &self.object.id
    }

    /// A field on both sides.
    pub(super) fn field(&self, path: &[&str]) -> Both<Option<&'a Node>> {
        let of = |object: Option<&'a Object>| object.and_then(|object| object.node.find(path));
        Both { old: of(self.old), new: of(self.new) }
    }

    /// Each container of the new side with the one of that name on the old side, then those that are gone.
    pub(super) fn containers(&self) -> Vec<(Option<Container<'a>>, Option<Container<'a>>)> {
        let of = |object: Option<&'a Object>| -> Vec<Container<'a>> {
            object.and_then(workload::pod_spec).into_iter().flat_map(workload::containers).collect()
        };
        let (old, new) = (of(self.old), of(self.new));
        let mut before: std::collections::HashMap<&str, Container<'a>> =
            old.iter().map(|one| (one.name, *one)).collect();
        let mut pairs: Vec<_> = new.into_iter().map(|one| (before.remove(one.name), Some(one))).collect();
        pairs.extend(old.into_iter().filter(|one| before.contains_key(one.name)).map(|one| (Some(one), None)));
        pairs
    }
}

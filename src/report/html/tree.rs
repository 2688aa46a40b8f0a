//! The objects of a page by namespace and kind.

use std::collections::BTreeMap;

use crate::manifest::identity::ObjectId;
use crate::report::view::Resource;

/// The objects of one namespace.
pub(super) struct Namespace<'a> {
    /// As the manifest says it; none where it says none.
    pub(super) name: Option<&'a str>,
    /// Its objects by kind, in the order of the alphabet.
    pub(super) kinds: Vec<Kind<'a>>,
}

/// The objects of one kind.
pub(super) struct Kind<'a> {
    /// The kind's name.
    pub(super) name: &'a str,
    /// Its objects, by name.
    pub(super) entries: Vec<Entry<'a>>,
}

/// An object.
pub(super) struct Entry<'a> {
    /// Its identity.
    pub(super) id: &'a ObjectId,
    /// Where it is shown: an index into the view's objects.
    pub(super) at: usize,
    /// Whether it is shown by itself, and not with another one that changed in the same way.
    pub(super) own: bool,
}

impl Namespace<'_> {
    /// How many objects it has.
    pub(super) fn len(&self) -> usize {
        self.kinds.iter().map(|kind| kind.entries.len()).sum()
    }
}

/// Groups all objects, those that changed in the same way as another one too.
pub(super) fn grow<'a>(resources: &'a [Resource<'_>]) -> Vec<Namespace<'a>> {
    let mut groups: BTreeMap<Option<&str>, BTreeMap<&str, Vec<Entry<'a>>>> = BTreeMap::new();
    for (at, resource) in resources.iter().enumerate() {
        for (place, object) in std::iter::once(&resource.object).chain(&resource.also).enumerate() {
            let id = &object.id;
            let kinds = groups.entry(id.namespace.as_deref()).or_default();
            kinds.entry(&id.kind).or_default().push(Entry { id, at, own: place == 0 });
        }
    }
    let namespace = |(name, kinds): (_, BTreeMap<&'a str, Vec<Entry<'a>>>)| Namespace {
        name,
        kinds: kinds.into_iter().map(|(name, entries)| Kind { name, entries: sorted(entries) }).collect(),
    };
    groups.into_iter().map(namespace).collect()
}

fn sorted(mut entries: Vec<Entry<'_>>) -> Vec<Entry<'_>> {
    entries.sort_by(|a, b| a.id.name.cmp(&b.id.name));
    entries
}

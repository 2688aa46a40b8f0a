//! Which objects of two releases belong together, and which of them changed.
//!
//! Documents whose text is equal are equal, and are never parsed. Only the rest is opened, masked and matched by
//! identity. Documents that share an identity are matched in order, so none is lost.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;

use crate::diff::live::Drift;
use crate::diff::related;
use crate::diff::schema::Schemas;
use crate::diff::structure::{Delta, Rules, compare_by};
use crate::manifest::document::{Document, Object};
use crate::manifest::mask::Masker;

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only in the new manifest.
    Added,
    /// Only in the old manifest.
    Removed,
    /// In both, with other content.
    Modified,
}

/// An object that differs between two manifests.
#[derive(Debug)]
pub struct ResourceDiff {
    /// What became of it.
    pub change: Change,
    /// The object before, masked.
    pub old: Option<Object>,
    /// The object after, masked.
    pub new: Option<Object>,
    /// Of an object that was compared with the cluster: how, and who made it differ.
    pub drift: Option<Box<Drift>>,
}

/// The objects of two manifests, compared.
#[derive(Debug, Default)]
pub struct ManifestDiff {
    /// What differs: in the order of the new manifest, removed objects last.
    pub resources: Vec<ResourceDiff>,
    /// How many objects are equal in content on both sides.
    pub unchanged: usize,
    /// How many objects differ and were taken out because the user did not want to see them.
    pub suppressed: usize,
    /// How many differences were taken out by rules that ignore them.
    pub ignored: usize,
    /// What the CustomResourceDefinitions of both manifests say about custom resources that differ.
    pub schemas: Schemas,
    /// How many documents had to be parsed because they differ.
    pub parsed: usize,
    /// Objects that are equal on both sides and that a change bears on all the same: workloads that use a changed
    /// ConfigMap or Secret, autoscalers of changed workloads, workloads of changed autoscalers.
    pub related: Vec<Object>,
    /// How many equal documents had to be parsed to find those.
    pub opened: usize,
}

/// One side of a comparison.
pub struct Side<'a> {
    /// Its documents, those of hooks among them.
    pub documents: Vec<Document<'a>>,
    /// The namespace of objects that don't say theirs.
    pub namespace: &'a str,
}

/// Compares the objects of two manifests.
#[must_use]
pub fn compare(old: &Side<'_>, new: &Side<'_>, masker: &Masker) -> ManifestDiff {
    let (only_old, only_new, equal) = set_equal_apart(&old.documents, &new.documents);
    let mut diff = ManifestDiff { parsed: only_old.len() + only_new.len(), ..ManifestDiff::default() };
    for document in &equal {
        // One document of a list stands for several objects.
        diff.unchanged += if document.may_be_list() { masker.open(document).len() } else { 1 };
    }
    let open = |documents: &[&Document<'_>]| -> Vec<Object> {
        documents.par_iter().flat_map_iter(|document| masker.open(document)).collect()
    };
    let (before, after) = rayon::join(|| open(&only_old), || open(&only_new));
    let mut waiting: HashMap<_, std::collections::VecDeque<Object>> = HashMap::new();
    let mut order = Vec::with_capacity(before.len());
    for object in before {
        let key = (object.hook, object.id.key(old.namespace));
        order.push(key.clone());
        waiting.entry(key).or_default().push_back(object);
    }
    for object in after {
        let key = (object.hook, object.id.key(new.namespace));
        match waiting.get_mut(&key).and_then(std::collections::VecDeque::pop_front) {
            Some(old) if old.node == object.node => diff.unchanged += 1,
            Some(old) => diff.push(Change::Modified, Some(old), Some(object)),
            None => diff.push(Change::Added, None, Some(object)),
        }
    }
    for key in order {
        // What was taken above left the front of its queue, so the rest comes out in order.
        if let Some(old) = waiting.get_mut(&key).and_then(std::collections::VecDeque::pop_front) {
            diff.push(Change::Removed, Some(old), None);
        }
    }
    diff.read_schemas(new.documents.iter().chain(&old.documents), masker);
    (diff.related, diff.opened) = related::open(&diff.resources, &equal, masker);
    diff
}

impl ManifestDiff {
    fn push(&mut self, change: Change, old: Option<Object>, new: Option<Object>) {
        self.resources.push(ResourceDiff { change, old, new, drift: None });
    }

    /// Reads the definitions of the custom resources that differ. Those of the new manifest come first.
    fn read_schemas<'d, 't: 'd>(&mut self, documents: impl Iterator<Item = &'d Document<'t>>, masker: &Masker) {
        let modified = self.resources.iter().filter(|resource| resource.change == Change::Modified);
        // The groups of Kubernetes' own kinds have no dot, but for some that end like those of custom ones.
        let custom: BTreeSet<(&str, &str)> = modified
            .filter_map(ResourceDiff::object)
            .map(|object| (object.id.group.as_str(), object.id.kind.as_str()))
            .filter(|(group, _)| group.contains('.'))
            .collect();
        if custom.is_empty() {
            return;
        }
        let defines =
            |document: &&Document<'_>| custom.iter().any(|(group, kind)| document.may_define_lists(group, kind));
        let mut schemas = Schemas::default();
        for object in documents.filter(defines).flat_map(|document| masker.open(document)) {
            schemas.add(&object);
        }
        self.schemas = schemas;
    }

    /// What changed in an object that is on both sides.
    #[must_use]
    pub fn delta<'a>(&self, resource: &'a ResourceDiff) -> Option<Delta<'a>> {
        let (old, new) = (resource.old.as_ref()?, resource.new.as_ref()?);
        let rules = Rules { schema: self.schemas.of(&new.id), texts: new.id.kind != "Secret", ..Rules::default() };
        Some(compare_by(&old.node, &new.node, rules))
    }

    /// How many objects met this fate.
    #[must_use]
    pub fn count(&self, change: Change) -> usize {
        self.resources.iter().filter(|resource| resource.change == change).count()
    }
}

impl ResourceDiff {
    /// The object after, or before if it is gone.
    #[must_use]
    pub fn object(&self) -> Option<&Object> {
        self.new.as_ref().or(self.old.as_ref())
    }
}

type Apart<'d, 'a> = (Vec<&'d Document<'a>>, Vec<&'d Document<'a>>, Vec<&'d Document<'a>>);

/// Documents only in the old manifest, only in the new one, and equal in both, each with its number of copies.
fn set_equal_apart<'d, 'a>(old: &'d [Document<'a>], new: &'d [Document<'a>]) -> Apart<'d, 'a> {
    let mut copies: HashMap<(bool, &str), usize> = HashMap::with_capacity(old.len());
    for document in old {
        *copies.entry(document.fingerprint()).or_default() += 1;
    }
    let (mut only_new, mut equal) = (Vec::new(), Vec::new());
    for document in new {
        match copies.get_mut(&document.fingerprint()) {
            Some(left) if *left > 0 => {
                *left -= 1;
                equal.push(document);
            }
            _ => only_new.push(document),
        }
    }
    // The copies that are left over are the last ones.
    let mut only_old = Vec::new();
    for document in old.iter().rev() {
        if let Some(left) = copies.get_mut(&document.fingerprint())
            && *left > 0
        {
            *left -= 1;
            only_old.push(document);
        }
    }
    only_old.reverse();
    (only_old, only_new, equal)
}

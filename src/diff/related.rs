//! Objects that did not change, and that a change bears on. Equal documents are not parsed as a rule: opened are only
//! those whose text names a kind and a name that can matter.

use std::collections::HashSet;

use crate::diff::resources::ResourceDiff;
use crate::diff::workload::{self, references};
use crate::manifest::document::{Document, Object};
use crate::manifest::mask::Masker;

/// The names that make an unchanged object matter.
#[derive(Default)]
struct Names<'a> {
    /// Changed ConfigMaps and Secrets, and what changed autoscalers scale: workloads that mention them matter.
    of_workloads: HashSet<&'a str>,
    /// Changed workloads: autoscalers that mention them matter.
    of_autoscalers: HashSet<&'a str>,
}

/// The objects of equal documents that the changes bear on, and how many documents were parsed to find them.
pub(super) fn open(changed: &[ResourceDiff], equal: &[&Document<'_>], masker: &Masker) -> (Vec<Object>, usize) {
    let names = Names::of(changed);
    let (mut related, mut opened) = (Vec::new(), 0);
    for document in equal.iter().filter(|document| !document.is_hook()) {
        let workload = document.may_mention(workload::CONTROLLERS, &names.of_workloads);
        if !workload && !document.may_mention(&[workload::AUTOSCALER], &names.of_autoscalers) {
            continue;
        }
        opened += 1;
        related.extend(
            masker
                .open(document)
                .into_iter()
                .filter(|object| workload::is_autoscaler(&object.id) || workload::Kind::of(&object.id).is_some()),
        );
    }
    (related, opened)
}

impl<'a> Names<'a> {
    fn of(changed: &'a [ResourceDiff]) -> Self {
        let mut names = Self::default();
        for object in changed.iter().flat_map(|resource| [&resource.old, &resource.new]).flatten() {
            if references::Config::of(&object.id).is_some() {
                names.of_workloads.insert(&object.id.name);
            } else if workload::is_autoscaler(&object.id) {
                names.of_workloads.extend(workload::target(object).map(|(_, name)| name));
            } else if workload::Kind::of(&object.id).is_some() {
                names.of_autoscalers.insert(&object.id.name);
            }
        }
        names
    }
}

//! The objects that a revision declares, as they are sent to the API server: read once for all dry runs.

use std::collections::HashMap;

use crate::manifest::document::Document;
use crate::manifest::live::Declared;
use crate::release::Release;

/// An object to try.
pub(super) struct Candidate<'a> {
    pub(super) declared: &'a Declared,
    /// As the revision before has it.
    pub(super) old: Option<&'a Declared>,
    pub(super) hook: bool,
}

/// A revision, and what its manifest and its hooks declare.
pub(super) struct Parsed<'a> {
    pub(super) release: &'a Release,
    objects: Vec<Declared>,
    hooks: Vec<Declared>,
}

impl<'a> Parsed<'a> {
    pub(super) fn of(release: &'a Release) -> Self {
        let read = |document: Document<'_>| Declared::of(&document).unwrap_or_default();
        let is_named = |object: &Declared| !object.id.kind.is_empty() && !object.id.name.is_empty();
        let objects = release.manifest.documents(false).into_iter().flat_map(read).filter(is_named).collect();
        let hooks = release.hooks.iter().flat_map(|hook| hook.manifest.documents(true));
        Self { release, objects, hooks: hooks.flat_map(read).collect() }
    }

    /// Its objects, each with what another revision has of it.
    pub(super) fn beside<'s>(&'s self, before: Option<&'s Self>) -> Vec<Candidate<'s>> {
        let mut old: HashMap<_, &Declared> = HashMap::new();
        if let Some(before) = before {
            old.extend(before.objects.iter().map(|object| (object.id.key(&before.release.namespace), object)));
        }
        let beside = self.objects.iter().map(|declared| {
            let old = old.remove(&declared.id.key(&self.release.namespace));
            Candidate { declared, old, hook: false }
        });
        beside.collect()
    }

    /// The hooks that run at these points.
    pub(super) fn hooks_at<'s>(&'s self, points: &'s [&str]) -> impl Iterator<Item = Candidate<'s>> {
        let run = self.hooks.iter().filter(|object| object.runs_at(points));
        run.map(|declared| Candidate { declared, old: None, hook: true })
    }
}

impl Candidate<'_> {
    pub(super) fn changes(&self) -> bool {
        !self.old.is_some_and(|old| old.is_same_as(self.declared))
    }
}

//! The objects that differ, drawn as wanted: noise taken out, equal changes folded, operations and hunks made.

use rayon::prelude::*;

use crate::diff::changes::{Change, Op, changes, whole};
use crate::diff::fold;
use crate::diff::lines::{self, Hunk, Tag};
use crate::diff::live::Drift;
use crate::diff::noise::{self, Noise, Tally};
use crate::diff::resources::{self, ManifestDiff, ResourceDiff};
use crate::diff::structure::Delta;
use crate::manifest::document::Object;
use crate::report::view::Detail;

/// An object that differs.
pub struct Resource<'a> {
    /// What became of it.
    pub change: resources::Change,
    /// The object after, or before if it is gone.
    pub object: &'a Object,
    /// The API version before, where that changed.
    pub old_api_version: Option<String>,
    /// The name before, where that changed.
    pub old_name: Option<String>,
    /// Its operations, if wanted.
    pub changes: Vec<Change<'a>>,
    /// Its hunks, if wanted.
    pub hunks: Vec<Hunk>,
    /// Of an object that was compared with the cluster: who made it differ.
    pub drift: Option<&'a Drift>,
    /// Other objects that changed in the same way, and are not shown by themselves.
    pub also: Vec<&'a Object>,
}

/// An object that differs, on its way to being shown.
struct Drawn<'a> {
    diff: &'a ResourceDiff,
    object: &'a Object,
    delta: Option<Delta<'a>>,
    muted: Vec<noise::Muted>,
    quiet: bool,
    operations: Vec<Change<'a>>,
}

/// Compares the two states of an object, takes the noise out and lists its operations.
fn draw<'a>(manifest: &ManifestDiff, diff: &'a ResourceDiff, detail: Detail) -> Option<Drawn<'a>> {
    let object = diff.object()?;
    let mut delta = manifest.delta(diff);
    let (mut muted, mut quiet) = (Vec::new(), false);
    if let (Some(delta), true) = (&mut delta, detail.hunks && detail.noise != Noise::Show) {
        muted = noise::mute(delta);
        quiet = noise::is_quiet(delta);
    }
    let wanted = !quiet && (detail.changes || detail.fold);
    let operations = if wanted { operations(diff, delta.as_ref()) } else { Vec::new() };
    Some(Drawn { diff, object, delta, muted, quiet, operations })
}

/// The objects to show, the noise taken out of them, and how many are hidden with it.
pub(super) fn resources(manifest: &ManifestDiff, detail: Detail) -> (Vec<Resource<'_>>, Tally, usize) {
    let mut drawn: Vec<Drawn<'_>> = manifest.resources.par_iter().filter_map(|r| draw(manifest, r, detail)).collect();
    let (mut tally, mut hidden) = (Tally::default(), 0);
    drawn.retain_mut(|one| {
        hidden += usize::from(one.quiet && detail.noise == Noise::Hide);
        if detail.noise == Noise::Fold {
            tally.add(std::mem::take(&mut one.muted));
            tally.alone += usize::from(one.quiet);
        }
        !one.quiet
    });
    let operations: Vec<Vec<Change<'_>>> = drawn.iter_mut().map(|one| std::mem::take(&mut one.operations)).collect();
    let groups = if detail.fold && detail.hunks { fold::groups(&operations) } else { singles(drawn.len()) };
    let mut shown: Vec<Resource<'_>> = groups
        .par_iter()
        .map(|group| {
            let Drawn { diff, object, delta, .. } = &drawn[group[0]];
            Resource {
                change: diff.change,
                object,
                old_api_version: before(diff, |object| object.id.api_version()),
                old_name: before(diff, |object| object.id.name.clone()),
                changes: Vec::new(),
                hunks: if detail.hunks { hunks(diff, delta.as_ref(), detail.context) } else { Vec::new() },
                drift: diff.drift.as_deref(),
                also: group[1..].iter().map(|&at| drawn[at].object).collect(),
            }
        })
        .collect();
    if detail.changes {
        let mut operations: Vec<Option<Vec<Change<'_>>>> = operations.into_iter().map(Some).collect();
        for (resource, group) in shown.iter_mut().zip(&groups) {
            resource.changes = operations[group[0]].take().unwrap_or_default();
        }
    }
    (shown, tally, hidden)
}

fn singles(count: usize) -> Vec<Vec<usize>> {
    (0..count).map(|at| vec![at]).collect()
}

fn operations<'a>(diff: &'a ResourceDiff, delta: Option<&Delta<'a>>) -> Vec<Change<'a>> {
    let (old, new) = (diff.old.as_ref().map(|o| &o.node), diff.new.as_ref().map(|o| &o.node));
    match delta {
        Some(delta) => changes(delta),
        None => vec![whole(if new.is_some() { Op::Add } else { Op::Remove }, old, new)],
    }
}

fn hunks(diff: &ResourceDiff, delta: Option<&Delta<'_>>, context: Option<usize>) -> Vec<Hunk> {
    match (delta, &diff.old, &diff.new) {
        (Some(delta), _, _) => lines::hunks(delta, context),
        (None, _, Some(new)) => lines::whole(&new.node, Tag::Added),
        (None, Some(old), None) => lines::whole(&old.node, Tag::Removed),
        (None, None, None) => Vec::new(),
    }
}

/// What an object's identity said before, where it says something else now.
fn before(diff: &ResourceDiff, part: impl Fn(&Object) -> String) -> Option<String> {
    let (old, new) = (part(diff.old.as_ref()?), part(diff.new.as_ref()?));
    (old != new).then_some(old)
}

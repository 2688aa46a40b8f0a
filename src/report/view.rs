//! The view of a diff: everything that a renderer prints, computed once.

use crate::diff::changes::{Change, Op, changes, whole};
use crate::diff::fold;
use crate::diff::lines::{self, Hunk, Tag};
use crate::diff::noise::{self, Noise, Tally};
use crate::diff::release::{Both, ReleaseDiff};
use crate::diff::resources::{self, ResourceDiff};
use crate::diff::structure::{Delta, compare};
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::release::Release;

/// What a renderer needs computed.
#[derive(Clone, Copy, Debug)]
pub struct Detail {
    /// Hunks of lines.
    pub hunks: bool,
    /// JSON Patch operations.
    pub changes: bool,
    /// Unchanged lines around each change; `None` shows all.
    pub context: Option<usize>,
    /// Whether the same change in several objects is shown once. Only hunks are folded; operations are always whole.
    pub fold: bool,
    /// What is done with noise. Only hunks are freed of it.
    pub noise: Noise,
}

impl Default for Detail {
    /// All there is, as it is.
    fn default() -> Self {
        Self { hunks: true, changes: true, context: Some(3), fold: false, noise: Noise::Show }
    }
}

/// One of the two compared revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The revision's number.
    pub revision: u32,
    /// Its status, as Helm spells it.
    pub status: String,
    /// The chart's name.
    pub chart: String,
    /// The chart's version.
    pub chart_version: String,
    /// The version of what the chart installs.
    pub app_version: String,
    /// When it was made; RFC 3339.
    pub updated: String,
    /// What Helm noted about it.
    pub description: String,
}

/// How many objects met which fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Only in the new revision.
    pub added: usize,
    /// Only in the old one.
    pub removed: usize,
    /// In both, with other content.
    pub modified: usize,
    /// Equal in content.
    pub unchanged: usize,
    /// Of the modified ones, those that differ in noise only, and are left out therefore.
    pub hidden: usize,
}

/// An object that differs.
pub struct Resource<'a> {
    /// What became of it.
    pub change: resources::Change,
    /// The object after, or before if it is gone.
    pub object: &'a Object,
    /// The API version before, where that changed.
    pub old_api_version: Option<String>,
    /// Its operations, if wanted.
    pub changes: Vec<Change<'a>>,
    /// Its hunks, if wanted.
    pub hunks: Vec<Hunk>,
    /// Other objects that changed in the same way, and are not shown by themselves.
    pub also: Vec<&'a Object>,
}

/// A tree that differs, or not.
#[derive(Default)]
pub struct Section<'a> {
    /// Its operations.
    pub changes: Vec<Change<'a>>,
    /// Its hunks, if wanted.
    pub hunks: Vec<Hunk>,
}

/// A diff of two revisions, ready to be printed.
pub struct View<'a> {
    /// The release's name.
    pub release: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// The revision before.
    pub from: Revision,
    /// The revision after.
    pub to: Revision,
    /// The count of objects.
    pub summary: Summary,
    /// The objects that differ.
    pub resources: Vec<Resource<'a>>,
    /// The noise that was taken out of them.
    pub noise: Tally,
    /// The values that the user supplied.
    pub values: Section<'a>,
    /// The values that the templates saw, where asked for.
    pub computed_values: Option<Section<'a>>,
    /// The chart's metadata.
    pub chart: Section<'a>,
    /// The notes.
    pub notes: &'a Both<String>,
    /// The notes' hunks, if wanted.
    pub notes_hunks: Vec<Hunk>,
}

impl<'a> View<'a> {
    /// Computes what is to be printed.
    #[must_use]
    pub fn new(diff: &'a ReleaseDiff, releases: &'a Both<Release>, detail: Detail) -> Self {
        let count = |change| diff.manifest.count(change);
        let (shown, tally, hidden) = resources(diff, detail);
        let notes_hunks = match detail.hunks && diff.notes.changed() {
            true => lines::text_hunks(&diff.notes.old, &diff.notes.new, detail.context),
            false => Vec::new(),
        };
        Self {
            release: &releases.new.name,
            namespace: &releases.new.namespace,
            from: revision(&releases.old),
            to: revision(&releases.new),
            summary: Summary {
                added: count(resources::Change::Added),
                removed: count(resources::Change::Removed),
                modified: count(resources::Change::Modified) - hidden,
                unchanged: diff.manifest.unchanged,
                hidden,
            },
            resources: shown,
            noise: tally,
            values: section(&diff.values, detail),
            computed_values: diff.computed_values.as_ref().map(|both| section(both, detail)),
            chart: section(&diff.chart, Detail { hunks: false, changes: true, ..detail }),
            notes: &diff.notes,
            notes_hunks,
        }
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let same = |section: &Section<'_>| section.changes.is_empty() && section.hunks.is_empty();
        self.resources.is_empty()
            && self.noise.objects.is_empty()
            && same(&self.values)
            && self.computed_values.as_ref().is_none_or(same)
            && same(&self.chart)
            && !self.notes.changed()
    }
}

fn revision(release: &Release) -> Revision {
    Revision {
        revision: release.revision,
        status: release.info.status.clone(),
        chart: release.chart.name().to_owned(),
        chart_version: release.chart.version().to_owned(),
        app_version: release.chart.app_version().to_owned(),
        updated: release.info.last_deployed.clone(),
        description: release.info.description.clone(),
    }
}

/// The objects to show, the noise taken out of them, and how many are hidden with it.
fn resources(diff: &ReleaseDiff, detail: Detail) -> (Vec<Resource<'_>>, Tally, usize) {
    let (mut tally, mut hidden) = (Tally::default(), 0);
    let mut drawn = Vec::new();
    for resource in &diff.manifest.resources {
        let Some(object) = resource.object() else { continue };
        let mut delta = delta(resource);
        if let (Some(delta), true) = (&mut delta, detail.hunks && detail.noise != Noise::Show) {
            let muted = noise::mute(delta);
            let quiet = noise::is_quiet(delta);
            hidden += usize::from(quiet && detail.noise == Noise::Hide);
            if detail.noise == Noise::Fold {
                tally.add(muted);
            }
            if quiet {
                continue;
            }
        }
        drawn.push((resource, object, delta));
    }
    let operations: Vec<Vec<Change<'_>>> = match detail.changes || detail.fold {
        true => drawn.iter().map(|(resource, _, delta)| operations(resource, delta.as_ref())).collect(),
        false => drawn.iter().map(|_| Vec::new()).collect(),
    };
    let groups = if detail.fold && detail.hunks { fold::groups(&operations) } else { singles(drawn.len()) };
    let mut operations: Vec<Option<Vec<Change<'_>>>> = operations.into_iter().map(Some).collect();
    let shown = groups.into_iter().map(|group| {
        let (resource, object, delta) = &drawn[group[0]];
        Resource {
            change: resource.change,
            object,
            old_api_version: old_api_version(resource),
            changes: operations[group[0]].take().filter(|_| detail.changes).unwrap_or_default(),
            hunks: if detail.hunks { hunks(resource, delta.as_ref(), detail.context) } else { Vec::new() },
            also: group[1..].iter().map(|&at| drawn[at].1).collect(),
        }
    });
    (shown.collect(), tally, hidden)
}

fn singles(count: usize) -> Vec<Vec<usize>> {
    (0..count).map(|at| vec![at]).collect()
}

fn delta(diff: &ResourceDiff) -> Option<Delta<'_>> {
    Some(compare(&diff.old.as_ref()?.node, &diff.new.as_ref()?.node))
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

fn old_api_version(diff: &ResourceDiff) -> Option<String> {
    let (old, new) = (diff.old.as_ref()?.id.api_version(), diff.new.as_ref()?.id.api_version());
    (old != new).then_some(old)
}

fn section(both: &Both<Node>, detail: Detail) -> Section<'_> {
    if !both.changed() {
        return Section::default();
    }
    let delta = compare(&both.old, &both.new);
    Section {
        changes: if detail.changes { changes(&delta) } else { Vec::new() },
        hunks: if detail.hunks { lines::hunks(&delta, detail.context) } else { Vec::new() },
    }
}

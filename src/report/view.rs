//! The view of a diff: everything that a renderer prints, computed once.

use rayon::prelude::*;

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

/// What is compared with what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// Two revisions of one release.
    #[default]
    Revisions,
    /// The last revision and the one that a rollback would go back to.
    Rollback,
    /// Two releases.
    Releases,
    /// Two files.
    Files(Both<String>),
}

/// One of the two compared revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The release's name.
    pub release: String,
    /// The release's namespace.
    pub namespace: String,
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
    /// Those that differ and that the user did not want to see.
    pub suppressed: usize,
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
    /// The name before, where that changed.
    pub old_name: Option<String>,
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
    /// What is compared with what.
    pub subject: Subject,
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
            subject: Subject::default(),
            from: revision(&releases.old),
            to: revision(&releases.new),
            summary: Summary {
                added: count(resources::Change::Added),
                removed: count(resources::Change::Removed),
                modified: count(resources::Change::Modified) - hidden,
                unchanged: diff.manifest.unchanged,
                suppressed: diff.manifest.suppressed,
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

    /// The same view, of another subject than two revisions.
    #[must_use]
    pub fn about(self, subject: Subject) -> Self {
        Self { subject, ..self }
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
        release: release.name.clone(),
        namespace: release.namespace.clone(),
        revision: release.revision,
        status: release.info.status.clone(),
        chart: release.chart.name().to_owned(),
        chart_version: release.chart.version().to_owned(),
        app_version: release.chart.app_version().to_owned(),
        updated: release.info.last_deployed.clone(),
        description: release.info.description.clone(),
    }
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
fn draw(diff: &ResourceDiff, detail: Detail) -> Option<Drawn<'_>> {
    let object = diff.object()?;
    let mut delta = delta(diff);
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
fn resources(diff: &ReleaseDiff, detail: Detail) -> (Vec<Resource<'_>>, Tally, usize) {
    let mut drawn: Vec<Drawn<'_>> = diff.manifest.resources.par_iter().filter_map(|r| draw(r, detail)).collect();
    let (mut tally, mut hidden) = (Tally::default(), 0);
    drawn.retain_mut(|one| {
        hidden += usize::from(one.quiet && detail.noise == Noise::Hide);
        if detail.noise == Noise::Fold {
            tally.add(std::mem::take(&mut one.muted));
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

/// What an object's identity said before, where it says something else now.
fn before(diff: &ResourceDiff, part: impl Fn(&Object) -> String) -> Option<String> {
    let (old, new) = (part(diff.old.as_ref()?), part(diff.new.as_ref()?));
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

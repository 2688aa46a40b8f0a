//! The view of a diff: everything that a renderer prints, computed once.

use crate::diff::changes::{Change, Op, changes, whole};
use crate::diff::lines::{self, Hunk, Tag};
use crate::diff::release::{Both, ReleaseDiff};
use crate::diff::resources::{self, ResourceDiff};
use crate::diff::structure::compare;
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
                modified: count(resources::Change::Modified),
                unchanged: diff.manifest.unchanged,
            },
            resources: diff.manifest.resources.iter().filter_map(|r| resource(r, detail)).collect(),
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

fn resource(diff: &ResourceDiff, detail: Detail) -> Option<Resource<'_>> {
    let object = diff.object()?;
    let (old, new) = (diff.old.as_ref(), diff.new.as_ref());
    let mut resource =
        Resource { change: diff.change, object, old_api_version: None, changes: Vec::new(), hunks: Vec::new() };
    if let (Some(old), Some(new)) = (old, new) {
        let delta = compare(&old.node, &new.node);
        resource.old_api_version = Some(old.id.api_version()).filter(|before| *before != new.id.api_version());
        if detail.changes {
            resource.changes = changes(&delta);
        }
        if detail.hunks {
            resource.hunks = lines::hunks(&delta, detail.context);
        }
        return Some(resource);
    }
    let (op, tag) = if new.is_some() { (Op::Add, Tag::Added) } else { (Op::Remove, Tag::Removed) };
    if detail.changes {
        resource.changes = vec![whole(op, old.map(|o| &o.node), new.map(|o| &o.node))];
    }
    if detail.hunks {
        resource.hunks = lines::whole(&object.node, tag);
    }
    Some(resource)
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

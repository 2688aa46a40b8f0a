//! A declared object beside the one in the cluster: what of the declaration is not so, and who made it so.
//!
//! Both sides are first brought to the same shape: the fields that the manifest sets (`project`). One side is what they
//! should be, by the manifest itself or by a dry run of its apply; the other is what they are. So what the API server
//! fills in is on neither side, and the usual comparison shows the rest.

pub mod crd;
mod equal;
mod extra;
mod project;
pub mod report;
pub mod tools;

use crate::diff::changes::{self, Op, changes};
use crate::diff::resources::{Change, ResourceDiff};
use crate::diff::structure::compare as compare_trees;
use crate::manifest::live::Opened;
use crate::manifest::managed_fields::{Held, ManagedFields, Writer};
use crate::manifest::node::Node;

pub use equal::EqualValue;
use project::{Extras, Projection};

/// How the declared and the actual state of an object were compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// With what a dry run of the apply gives.
    DryRun,
    /// By the fields that the manifest sets.
    Fields,
}

/// What is known of an object that differs from its declaration, beside the difference itself.
#[derive(Clone, Debug)]
pub struct Drift {
    /// How it was compared.
    pub means: Means,
    /// Why there was no dry run although one was wanted.
    pub note: Option<String>,
    /// Each change of the object, in the order of [`changes`], and who made it.
    pub written: Vec<Written>,
    /// Values that are spelled in another way and are equal.
    pub equal: Vec<EqualValue>,
}

/// A change, and who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// JSON Pointer of the place, as [`changes::Change::path`].
    pub path: String,
    /// The same place for a reader.
    pub location: String,
    /// What became of the value.
    pub op: Op,
    /// Who wrote it last. Nobody, where the cluster does not record it: nobody owns a field that is gone.
    pub writers: Vec<Writer>,
}

impl Drift {
    /// Who made a change. Linear in the number of changes; [`Self::writers_of`] is for all of them.
    #[must_use]
    pub fn writers(&self, path: &str, op: Op) -> &[Writer] {
        self.written.iter().find(|one| one.op == op && one.path == path).map_or(&[], |one| &one.writers)
    }

    /// Who made each of these changes: all of the object's, or some of them in their order.
    pub fn writers_of<'a>(&'a self, some: &'a [changes::Change<'_>]) -> impl Iterator<Item = &'a [Writer]> + 'a {
        let mut written = self.written.iter();
        some.iter().map(move |change| {
            let found = written.find(|one| one.op == change.op && one.path == change.path);
            found.map_or(&[][..], |one| &one.writers)
        })
    }
}

/// The fields that the manifest sets, as they should be and as they are.
#[derive(Debug)]
pub struct Compared {
    /// What differs, and `None` if nothing does.
    pub diff: Option<ResourceDiff>,
    /// Values that are spelled in another way and are equal.
    pub equal: Vec<EqualValue>,
}

/// Compares an object with what the cluster has. With [`Opened::applied`] by that, else by the fields alone.
#[must_use]
pub fn compare(opened: Opened, note: Option<String>) -> Compared {
    let Opened { mut declared, live, managed, applied } = opened;
    let Some(live) = live else {
        let drift = Drift { means: Means::Fields, note, written: Vec::new(), equal: Vec::new() };
        let diff =
            ResourceDiff { change: Change::Removed, old: Some(declared), new: None, drift: Some(Box::new(drift)) };
        return Compared { diff: Some(diff), equal: Vec::new() };
    };
    // The server stores their fields as they are written. Kubernetes' own leave out what is false, zero or empty.
    let custom = declared.id.is_custom();
    let mut actual = Projection::new(&declared.id.kind, custom, Extras::Drift);
    let new = actual.object(&declared.node, &live, &managed);
    let (mut means, mut expected) = (Means::Fields, declared.node.clone());
    if let Some((applied, by)) = &applied {
        means = Means::DryRun;
        expected = Projection::new(&declared.id.kind, custom, Extras::None).object(&declared.node, applied, by);
    }
    let equal = std::mem::take(&mut actual.equal);
    declared.node = expected;
    if declared.node == new {
        return Compared { diff: None, equal };
    }
    let written = written(&declared.node, &new, &managed);
    let drift = Drift { means, note, written, equal: equal.clone() };
    let mut after = declared.clone();
    after.node = new;
    let diff =
        ResourceDiff { change: Change::Modified, old: Some(declared), new: Some(after), drift: Some(Box::new(drift)) };
    Compared { diff: Some(diff), equal }
}

/// Who made each change.
fn written(old: &Node, new: &Node, managed: &ManagedFields) -> Vec<Written> {
    let delta = compare_trees(old, new);
    let found = changes(&delta).into_iter().map(|change| {
        let writers = writers_of(&change, new, managed);
        Written { path: change.path, location: change.location, op: change.op, writers }
    });
    found.collect()
}

/// Who holds the place of a change. Of what is gone nobody is known, unless all around it is written as a whole.
fn writers_of(change: &changes::Change<'_>, new: &Node, managed: &ManagedFields) -> Vec<Writer> {
    let stays = matches!(change.op, Op::Add | Op::Replace);
    let mut held = managed.root();
    let mut node = Some(new);
    let steps: Vec<String> =
        change.path.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    let depth = if stays { steps.len() } else { steps.len().saturating_sub(1) };
    for step in &steps[..depth] {
        (held, node) = descend(&held, node, step);
    }
    if !stays && !held.is_whole() {
        return Vec::new();
    }
    let writers = match change.new {
        Some(value) => held.writers_of(value),
        None => held.writers(),
    };
    let mut writers: Vec<Writer> = writers.into_iter().cloned().collect();
    writers.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.cmp(b)));
    writers.dedup();
    writers
}

fn descend<'n, 'h>(held: &Held<'h>, node: Option<&'n Node>, step: &str) -> (Held<'h>, Option<&'n Node>) {
    let list = node.and_then(Node::as_list);
    match (list, step.parse::<usize>()) {
        (Some(items), Ok(index)) => match items.get(index) {
            Some(item) => (held.item(item, index), Some(item)),
            None => (Held::default(), None),
        },
        _ => (held.field(step), node.and_then(|node| node.get(step))),
    }
}

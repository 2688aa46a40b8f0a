//! The release: how its revisions stand, how they are stored, and who else works on it.

pub(super) mod drift;
pub(super) mod history;
pub(super) mod last_revision;
pub(super) mod left_over;
pub(super) mod managed_elsewhere;
pub(super) mod pruning;
pub(super) mod record_size;

use crate::diff::live::tools::Managed;
use crate::diff::resources::ManifestDiff;

/// What runs of the deployed revision.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    /// What differs: the manifest is the old side, the cluster the new one.
    pub diff: &'a ManifestDiff,
    /// The objects that another tool manages.
    pub managed: &'a [Managed],
}

/// What failed revisions have left, as far as it was looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftBehind {
    /// The objects.
    pub objects: Vec<LeftOver>,
    /// How many failed revisions were not read, the oldest.
    pub unread: usize,
    /// How many objects of those that were read were not looked for.
    pub unlooked: usize,
}

/// An object in the cluster that a failed revision has made, and that no revision deletes any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOver {
    /// Which object: `ConfigMap/web`.
    pub object: String,
    /// The revision whose manifest has it.
    pub revision: u32,
}

#[cfg(test)]
mod tests;

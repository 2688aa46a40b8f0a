//! What there is to say of a comparison with the cluster as a whole.

use crate::diff::live::EqualValue;
use crate::diff::live::tools::Managed;
use crate::manifest::identity::ObjectId;

/// How a release was compared with the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveReport {
    /// The API server's URL.
    pub server: String,
    /// How the user wanted it to be compared.
    pub wanted: Compare,
    /// How many objects were compared.
    pub compared: usize,
    /// How many of them by what a dry run of the apply gave.
    pub dry_runs: usize,
    /// Why there was no dry run for some objects that differ, each reason once, in order.
    pub without_dry_run: Vec<String>,
    /// Objects that could not be compared, in the manifest's order.
    pub problems: Vec<Problem>,
    /// Values that are spelled in another way and are equal, in the manifest's order.
    pub equal: Vec<(ObjectId, EqualValue)>,
    /// The objects that another tool manages, in the manifest's order.
    pub managed: Vec<Managed>,
}

/// Which comparison the user wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// By the fields that the manifest sets, and what differs by a dry run where the user may make one.
    #[default]
    Auto,
    /// By a dry run of the apply, for each object.
    Apply,
    /// By the fields that the manifest sets.
    Fields,
}

impl Compare {
    /// As the flag spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Apply => "apply",
            Self::Fields => "fields",
        }
    }
}

/// An object that could not be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which object; one without a kind stands for a document that can't be read.
    pub id: ObjectId,
    /// Why not.
    pub reason: String,
    /// Whether the user may not read it.
    pub forbidden: bool,
}

//! A chart's custom resource definitions beside the cluster's, drawn as objects are.

use crate::diff::live::crd::{CrdDiff, CrdProblem};
use crate::diff::noise::Noise;
use crate::diff::resources::Change;
use crate::report::view::{Detail, Resource, resources};

/// The definitions that the cluster does not have as they are in the chart. Helm does not apply them.
pub struct Crds<'a> {
    /// How many the cluster does not have.
    pub added: usize,
    /// How many it has as they are in the chart.
    pub unchanged: usize,
    /// Those that differ: the cluster's before, the chart's after.
    pub resources: Vec<Resource<'a>>,
    /// Those that could not be compared.
    pub problems: &'a [CrdProblem],
}

impl<'a> Crds<'a> {
    pub(super) fn new(diff: &'a CrdDiff, detail: Detail) -> Self {
        let detail = Detail { fold: false, noise: Noise::Show, ..detail };
        let (resources, ..) = resources::resources(&diff.definitions, detail);
        Self {
            added: diff.definitions.count(Change::Added),
            unchanged: diff.definitions.unchanged,
            resources,
            problems: &diff.problems,
        }
    }

    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.problems.is_empty()
    }
}

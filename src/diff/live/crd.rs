//! Custom resource definitions of a chart's `crds/` folder beside those of the cluster. Helm creates those that are
//! missing when a release is first installed, and never changes one afterwards.

use crate::diff::live::project::{Extras, Projection};
use crate::diff::resources::{Change, ManifestDiff, ResourceDiff};
use crate::manifest::identity::ObjectId;
use crate::manifest::live::Opened;
use crate::manifest::managed_fields::ManagedFields;

/// What the definitions of a chart would change if they were applied.
#[derive(Debug, Default)]
pub struct CrdDiff {
    /// Those that the cluster does not have, and those that it has with another content. `old` is the cluster's, `new`
    /// the chart's.
    pub definitions: ManifestDiff,
    /// Those that could not be compared.
    pub problems: Vec<CrdProblem>,
}

/// A definition that could not be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrdProblem {
    /// The file in the chart, as in `crds/widgets.yaml`.
    pub file: String,
    /// Which object; `None` if the file can't be read.
    pub id: Option<ObjectId>,
    /// Why not.
    pub reason: String,
}

impl CrdDiff {
    /// Whether the cluster has every definition as the chart has it, as far as is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.definitions.resources.is_empty() && self.problems.is_empty()
    }

    /// Adds one definition. What the API server fills in is no change; what the versions and their schemas have in the
    /// cluster and not in the chart is one, since the chart's would replace them.
    pub fn add(&mut self, opened: Opened) {
        let Opened { declared, live, .. } = opened;
        let resources = &mut self.definitions.resources;
        self.definitions.parsed += 1;
        let Some(live) = live else {
            resources.push(ResourceDiff { change: Change::Added, old: None, new: Some(declared), drift: None });
            return;
        };
        // Nobody's fields: whoever wrote them, they are as the cluster has them.
        let nobody = ManagedFields::default();
        let mut projection = Projection::new(&declared.id.kind, false, Extras::Below("versions"));
        let actual = projection.object(&declared.node, &live, &nobody);
        if actual == declared.node {
            self.definitions.unchanged += 1;
            return;
        }
        let old = crate::manifest::document::Object { node: actual, source: None, ..declared.clone() };
        resources.push(ResourceDiff { change: Change::Modified, old: Some(old), new: Some(declared), drift: None });
    }
}

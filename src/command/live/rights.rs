//! Whether the user may make a dry run, asked once for each kind of object and namespace.

use std::collections::HashMap;

use tokio::sync::OnceCell;

use crate::cluster::{Cluster, ClusterError, ObjectRef, Right};
use crate::command::live::problem;
use crate::command::live::targets::Target;

/// The answers so far.
pub(super) struct Rights(HashMap<Right, OnceCell<Option<String>>>);

impl Rights {
    /// Nothing is asked yet.
    pub(super) fn new(targets: &[Target]) -> Self {
        Self(targets.iter().map(|target| (patch(&target.at), OnceCell::new())).collect())
    }

    /// Why the user may not make a dry run for the object; `None` if they may.
    pub(super) async fn refusal(&self, cluster: &impl Cluster, at: &ObjectRef) -> Result<Option<String>, ClusterError> {
        let right = patch(at);
        let Some(cell) = self.0.get(&right) else { return Ok(None) };
        let ask = async || match cluster.may(&right).await {
            Ok(true) => Ok(None),
            Ok(false) => Ok(Some(format!("you may not {right}"))),
            // Who can't ask may not be allowed either; reading is enough.
            Err(error) => problem(&error).map(Some).ok_or(error),
        };
        cell.get_or_try_init(ask).await.cloned()
    }
}

fn patch(at: &ObjectRef) -> Right {
    Right {
        verb: "patch".into(),
        group: at.resource.group.to_string(),
        plural: at.resource.plural.to_string(),
        namespace: at.namespace.clone(),
        name: None,
    }
}

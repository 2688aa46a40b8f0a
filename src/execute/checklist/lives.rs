//! Objects as the cluster has them, each read once, for the dry runs of the upgrade and of the way back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::trials::may_not;
use crate::checks::snapshot::Known;
use crate::cluster::{Cluster, ClusterError, ObjectRef};
use crate::manifest::live::LiveObject;

/// What is at one place, once somebody has asked.
type Read = Arc<OnceCell<Known<Option<Arc<LiveObject>>>>>;

/// The objects that were asked for.
pub(super) struct Lives<'a, C> {
    cluster: &'a C,
    read: Mutex<HashMap<ObjectRef, Read>>,
}

impl<'a, C: Cluster> Lives<'a, C> {
    pub(super) fn new(cluster: &'a C) -> Self {
        Self { cluster, read: Mutex::default() }
    }

    /// The object; `None` where the cluster has none.
    pub(super) async fn get(&self, at: &ObjectRef) -> Known<Option<Arc<LiveObject>>> {
        let read = {
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(read.entry(at.clone()).or_default())
        };
        read.get_or_init(|| self.ask(at)).await.clone()
    }

    async fn ask(&self, at: &ObjectRef) -> Known<Option<Arc<LiveObject>>> {
        match self.cluster.get_live(at).await {
            Ok(live) => Ok(Some(Arc::new(live))),
            Err(ClusterError::NotFound { .. }) => Ok(None),
            Err(ClusterError::Forbidden(_)) => Err(may_not("get", at)),
            Err(error) => Err(error.to_string()),
        }
    }
}

//! Asking nodes how they stand, where a restart or lost readiness may be theirs. Few are asked, and only then.

use futures::future::join_all;

use crate::cluster::{Cluster, ClusterError, ObjectRef, Resource};
use crate::execute::patience::{AWAY, patiently};
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::upgrade::gates::nodes::Standing;

/// How each of these nodes stands. Who may not look at nodes learns nothing, and goes by what their pods say.
pub(in crate::execute) async fn standing<C: Cluster>(cluster: &C, names: Vec<String>) -> Vec<(String, Standing)> {
    let ask = |name: String| async move {
        let at = ObjectRef { resource: Resource::NODES, namespace: None, name: name.clone() };
        let standing = patiently(AWAY, || async {
            match cluster.get(&at).await {
                Ok(body) => Ok(read(&body)),
                Err(ClusterError::NotFound { .. }) => Ok(Standing::Lost),
                Err(error) => Err(error.into()),
            }
        });
        (name, standing.await.unwrap_or(Standing::Unknown))
    };
    join_all(names.into_iter().map(ask)).await
}

fn read(body: &[u8]) -> Standing {
    let node = serde_json::from_slice::<Node>(body).ok().and_then(|node| Observed::new(node, "v1", "Node"));
    node.map_or(Standing::Unknown, |node| Standing::of(&node))
}

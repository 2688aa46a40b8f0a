//! Reads what checks want to see of the cluster: each list once, several at the same time.

use futures::stream::{self, StreamExt as _};

use super::AT_ONCE;
use crate::checks::snapshot::Known;
use crate::checks::wanted::{Lists, Wanted};
use crate::checks::{Proposal, wanted};
use crate::cluster::{Cluster, ClusterError, ListQuery, ObjectRef, Resource};
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

/// Reads all that the checks want for this proposal.
pub(super) async fn read<C: Cluster>(cluster: &C, proposal: &Proposal<'_>) -> Lists {
    let read = stream::iter(wanted(proposal)).map(async |wanted| {
        let known = known(cluster, &wanted).await;
        (wanted, known)
    });
    let read: Vec<(Wanted, Known<Vec<Observed>>)> = read.buffered(AT_ONCE).collect().await;
    Lists::new(read)
}

/// Reads one of them.
pub(super) async fn known<C: Cluster>(cluster: &C, wanted: &Wanted) -> Known<Vec<Observed>> {
    one(cluster, wanted).await.or_else(|error| match error {
        // Also where the server does not know the kind: there are none then.
        ClusterError::NotFound { .. } => Ok(Vec::new()),
        error => Err(error.to_string()),
    })
}

async fn one<C: Cluster>(cluster: &C, wanted: &Wanted) -> Result<Vec<Observed>, ClusterError> {
    let kind = &wanted.kind;
    let resource = Resource {
        group: kind.group.clone(),
        version: kind.version.clone(),
        plural: kind.plural.clone(),
        kind: kind.kind.clone(),
    };
    let version = resource.api_version();
    let observed = |node: Option<Node>| node.and_then(|node| Observed::new(node, &version, &kind.kind));
    let namespace = wanted.namespace.clone();
    if let Some(name) = &wanted.name {
        let object = ObjectRef { resource, namespace, name: name.clone() };
        let body = cluster.get(&object).await?;
        return Ok(observed(serde_json::from_slice(&body).ok()).into_iter().collect());
    }
    let query = ListQuery { resource, namespace, label_selector: None };
    if !kind.metadata_only {
        return Ok(cluster.list_kept(&query, kind.kept()).await?.items);
    }
    let all = cluster.list_metadata(&query).await?;
    let nodes = all.iter().map(|metadata| {
        let object = serde_json::json!({ "metadata": metadata });
        serde_json::from_value::<Node>(object).ok()
    });
    Ok(nodes.filter_map(observed).collect())
}

//! What failed revisions have left in the cluster. A rollback deletes it; an upgrade that goes on from the deployed revision does not,
//! as the deployed manifest never had it.

use std::collections::{BTreeMap, HashSet};

use futures::stream::{self, StreamExt as _};

use super::AT_ONCE;
use crate::checks::release::{LeftBehind, LeftOver};
use crate::checks::snapshot::{Known, Objects};
use crate::cluster::{ApiKind, Cluster, ClusterError, ObjectRef};
use crate::execute::{Prepared, Seams};
use crate::helm::Helm;
use crate::manifest::identity::ObjectId;
use crate::manifest::live::Declared;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

/// So many failed revisions are looked at, the newest. Each is read whole.
const MOST_REVISIONS: usize = 5;

/// So many objects are looked for.
const MOST_OBJECTS: usize = 200;

/// Reads the failed revisions, and looks for what only they have.
pub(super) async fn find<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    prepared: &Prepared,
    objects: &Objects,
) -> Known<LeftBehind> {
    let new = &prepared.proposed.outcome.releases.new;
    let failed = prepared.history.entries().iter().rev().filter(|entry| entry.status_hint == "failed");
    let mut failed: Vec<u32> = failed.map(|entry| entry.revision).collect();
    if failed.is_empty() {
        return Ok(LeftBehind::default());
    }
    let unread = failed.len().saturating_sub(MOST_REVISIONS);
    failed.truncate(MOST_REVISIONS);
    let reading = stream::iter(failed).map(async |revision| (revision, seams.storage.read(&new.name, revision).await));
    let read: Vec<_> = reading.buffered(AT_ONCE).collect().await;
    let known: HashSet<_> =
        objects.old.iter().chain(&objects.new).map(|object| object.id.key(&new.namespace)).collect();
    let mut extra: BTreeMap<ObjectId, u32> = BTreeMap::new();
    for (revision, release) in read {
        let release = release.map_err(|error| error.message)?;
        let documents = release.manifest.documents(false);
        let declared = documents.iter().filter_map(|document| Declared::of(document).ok()).flatten();
        for id in declared.map(|object| object.id).filter(|id| !id.kind.is_empty() && !id.name.ends_with('*')) {
            if !known.contains(&id.key(&new.namespace)) {
                extra.entry(id).or_insert(revision);
            }
        }
    }
    let unlooked = extra.len().saturating_sub(MOST_OBJECTS);
    let extra = extra.into_iter().take(MOST_OBJECTS).collect();
    let objects = there(seams.cluster, extra, (&new.name, &new.namespace)).await?;
    Ok(LeftBehind { objects, unread, unlooked })
}

/// Those that are there, and are this release's.
async fn there<C: Cluster>(
    cluster: &C,
    extra: BTreeMap<ObjectId, u32>,
    (release, namespace): (&str, &str),
) -> Known<Vec<LeftOver>> {
    let kinds: Vec<ApiKind> = extra.keys().map(kind_of).collect::<HashSet<_>>().into_iter().collect();
    let served = cluster.discover(&kinds).await.map_err(|error| error.to_string())?;
    let asked = stream::iter(extra).map(async |(id, revision)| {
        let Some(served) = served.get(&kind_of(&id)) else { return Ok(None) };
        let own = || id.namespace.clone().unwrap_or_else(|| namespace.to_owned());
        let at = ObjectRef {
            resource: served.resource.clone(),
            namespace: served.namespaced.then(own),
            name: id.name.clone(),
        };
        let body = match cluster.get(&at).await {
            Ok(body) => body,
            Err(ClusterError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        Ok(is_ours(&body, (release, namespace)).then(|| LeftOver { object: id.to_string(), revision }))
    });
    let found: Vec<Known<Option<LeftOver>>> = asked.buffered(AT_ONCE).collect().await;
    found.into_iter().filter_map(Result::transpose).collect()
}

/// Whether the object has the release's annotations, and is not on its way out.
fn is_ours(body: &[u8], (release, namespace): (&str, &str)) -> bool {
    let Ok(node) = serde_json::from_slice::<Node>(body) else { return false };
    // Of a Secret the annotations are not kept, as they may repeat its content; these two hold none.
    let annotation = |name: &str| {
        let found = node.find(&["metadata", "annotations", name]).and_then(Node::as_str);
        found.map(str::to_owned).unwrap_or_default()
    };
    let is_its =
        annotation("meta.helm.sh/release-name") == release && annotation("meta.helm.sh/release-namespace") == namespace;
    is_its && Observed::new(node, "", "").is_some_and(|object| !object.is_deleting())
}

fn kind_of(id: &ObjectId) -> ApiKind {
    ApiKind { group: id.group.clone(), version: id.version.clone(), kind: id.kind.clone() }
}

//! `--cleanup-on-fail`: removing what a failed upgrade has created, once the evidence is kept.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;

use super::run::Run;
use crate::cluster::{ApiKind, Cluster, ClusterError, ObjectRef, Only};
use crate::helm::Helm;
use crate::manifest::identity::ObjectId;
use crate::manifest::live::Declared;
use crate::release::Release;
use crate::upgrade::event::Event;
use crate::upgrade::world::Key;

impl<C: Cluster, H: Helm> Run<'_, '_, C, H> {
    /// Removes the objects that the upgrade has created: those that the revision before has not, and that are younger than the
    /// record of its first attempt. What was there before, and was taken over, stays; and so does what the chart says is to be kept.
    pub(super) async fn clean_up(&self) {
        let Some(prepared) = self.prepared else { return };
        let releases = &prepared.proposed.outcome.releases;
        // Objects are applied after that, and both times are the server's.
        let Some(began) = self.failed_since else { return };
        let kept: HashSet<Key> =
            declared(&releases.old).iter().map(|id| Key::declared(id, &releases.old.namespace)).collect();
        let namespace = &releases.new.namespace;
        let mut created = declared(&releases.new);
        created.retain(|id| !kept.contains(&Key::declared(id, namespace)));
        let kinds: Vec<ApiKind> = created.iter().map(ApiKind::from).collect();
        let Ok(served) = self.seams.cluster.discover(&kinds).await else { return };
        for id in created {
            let Some(served) = served.get(&ApiKind::from(&id)) else { continue };
            let own = || id.namespace.clone().unwrap_or_else(|| namespace.clone());
            let namespace = served.namespaced.then(own);
            self.remove(&ObjectRef { resource: served.resource.clone(), namespace, name: id.name }, began).await;
        }
    }

    async fn remove(&self, at: &ObjectRef, began: Timestamp) {
        let Ok(body) = self.seams.cluster.get(at).await else { return };
        let Ok(Object { metadata }) = serde_json::from_slice::<Object>(&body) else { return };
        let keeps = metadata.annotations.iter().flatten().any(|(key, value)| key == KEEP && value == "keep");
        if keeps || metadata.creation_timestamp.is_none_or(|created| created < began) {
            return;
        }
        match self.seams.cluster.delete(at, &Only { uid: metadata.uid, resource_version: None }).await {
            Ok(()) => self.notice(format!("{at} was created by the failed upgrade, and is removed")),
            Err(ClusterError::NotFound { .. }) => {}
            Err(error) => self.tell(&Event::Warning { text: format!("{at} stays: {error}") }),
        }
    }
}

/// The annotation by which a chart asks Helm to leave an object where it is.
const KEEP: &str = "helm.sh/resource-policy";

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    uid: Option<String>,
    creation_timestamp: Option<Timestamp>,
    annotations: Option<std::collections::HashMap<String, String>>,
}

fn declared(release: &Release) -> Vec<ObjectId> {
    let documents = release.manifest.documents(false);
    documents.iter().filter_map(|document| Declared::of(document).ok()).flatten().map(|object| object.id).collect()
}

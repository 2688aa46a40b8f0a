//! Which API versions of the manifests the server serves: its discovery says so.

use std::collections::HashSet;

use futures::future::try_join;

use crate::checks::apis::{Api, Apis, KubeVersion};
use crate::checks::snapshot::{Known, Objects};
use crate::cluster::{ApiKind, Cluster};
use crate::manifest::document::Object;

/// Asks for the server's version, and for the kinds of all manifests at the same time.
pub(super) async fn ask<C: Cluster>(cluster: &C, objects: &Objects, target: Option<KubeVersion>) -> Known<Apis> {
    let back = objects.back.as_ref().ok().and_then(Option::as_deref).unwrap_or_default();
    let all = objects.old.iter().chain(&objects.new).chain(back);
    let kinds: HashSet<(Api, ApiKind)> = all.filter_map(|object| Some((Api::of(object)?, kind_of(object)))).collect();
    let asked: Vec<ApiKind> = kinds.iter().map(|(_, kind)| kind.clone()).collect();
    let (server, served) =
        try_join(cluster.version(), cluster.discover(&asked)).await.map_err(|error| error.to_string())?;
    let unserved = kinds.into_iter().filter(|(_, kind)| !served.contains_key(kind)).map(|(api, _)| api).collect();
    Ok(Apis { server, target, unserved })
}

fn kind_of(object: &Object) -> ApiKind {
    let id = &object.id;
    ApiKind { group: id.group.clone(), version: id.version.clone(), kind: id.kind.clone() }
}

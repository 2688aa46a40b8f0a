//! Which objects to look for, and where: the manifest's objects, mapped to the resources that the server serves.

use std::collections::BTreeSet;

use crate::cluster::{ApiKind, Cluster, ObjectRef};
use crate::diff::live::report::Problem;
use crate::diff::select::Selection;
use crate::error::Error;
use crate::manifest::identity::ObjectId;
use crate::manifest::live::Declared;
use crate::release::Release;

/// An object of the manifest, and where it is in the cluster.
#[derive(Debug)]
pub(super) struct Target {
    /// Its place in the manifest.
    pub(super) index: usize,
    pub(super) declared: Declared,
    pub(super) at: ObjectRef,
}

/// What of the manifest is not looked for.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// What can't be looked for, each with its place in the manifest.
    pub(super) problems: Vec<(usize, Problem)>,
    /// How many objects the user does not want to see.
    pub(super) suppressed: usize,
}

/// The objects of the manifest that can be looked for. Hooks are none of them: they come and go.
pub(super) async fn targets(
    release: &Release,
    cluster: &impl Cluster,
    selection: &Selection,
) -> Result<(Vec<Target>, Left), Error> {
    let mut left = Left::default();
    let mut all = Vec::new();
    for document in release.manifest.documents(false) {
        match Declared::of(&document) {
            Ok(objects) => all.extend(objects),
            Err(reason) => {
                let name = document.source().map_or_else(|| format!("line {}", document.line()), str::to_owned);
                let id = ObjectId { name, ..ObjectId::default() };
                left.problems.push((all.len(), Problem { id, reason, forbidden: false }));
            }
        }
    }
    let (wanted, unwanted): (Vec<_>, Vec<_>) =
        all.into_iter().enumerate().partition(|(_, declared)| selection.shows(&declared.id));
    left.suppressed = unwanted.len();
    let kinds: BTreeSet<ApiKind> = wanted.iter().map(|(_, declared)| ApiKind::from(&declared.id)).collect();
    let kinds: Vec<ApiKind> = kinds.into_iter().filter(|kind| !kind.kind.is_empty()).collect();
    let served = cluster.discover(&kinds).await?;
    let mut targets = Vec::with_capacity(wanted.len());
    for (index, declared) in wanted {
        let id = &declared.id;
        let reason = match served.get(&ApiKind::from(id)) {
            _ if id.kind.is_empty() || id.name.is_empty() => "it has no kind or no name".to_owned(),
            None => format!("the cluster does not know the kind {} of {}", id.kind, id.api_version()),
            Some(_) if id.name.ends_with('*') => "its name is made up when it is created (generateName)".to_owned(),
            Some(served) => {
                let own = || id.namespace.clone().unwrap_or_else(|| release.namespace.clone());
                let namespace = served.namespaced.then(own);
                let at = ObjectRef { resource: served.resource.clone(), namespace, name: id.name.clone() };
                targets.push(Target { index, declared, at });
                continue;
            }
        };
        left.problems.push((index, Problem { id: declared.id, reason, forbidden: false }));
    }
    Ok((targets, left))
}

//! The revisions that there are, known by their metadata alone.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt as _, stream};

use super::pages::{Collected, Decoder, Unread, collect};
use super::{Key, Place, Scope};
use crate::cluster::{Cluster, ClusterError, ListQuery, Resource};
use crate::error::{Error, Kind};
use crate::release::fleet::Unreadable;
use crate::release::history::{Entry, History};
use crate::storage::item::Item;

/// So many namespaces are listed at the same time.
const AT_ONCE: usize = 8;

/// The revisions of all releases.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The revisions of each release, oldest first, by namespace and name.
    pub releases: BTreeMap<(String, String), Vec<Entry>>,
    /// What could not be listed.
    pub unreadable: Vec<Unreadable>,
    /// The namespaces that were listed one by one; `None` where all were listed at once.
    pub(super) namespaces: Option<Vec<String>>,
}

type Found = (Key, Entry);

/// Which revisions are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Narrow<'a> {
    /// Those of releases of this name.
    pub(crate) release: Option<&'a str>,
    /// Those of releases whose last revision has these labels.
    pub(crate) selector: Option<&'a str>,
}

/// Lists revisions. Whoever may not list them in all namespaces at once is asked namespace by namespace.
///
/// # Errors
/// If nothing at all can be listed.
pub(crate) async fn read<C: Cluster>(
    place: Place<'_, C>,
    scope: &Scope,
    Narrow { release, selector }: Narrow<'_>,
) -> Result<Listing, Error> {
    let named = release.map(|name| format!("name={name}")).unwrap_or_default();
    let mut listing = match scope {
        Scope::Namespaces(namespaces) => one_by_one(place, namespaces, &named).await?,
        Scope::All => match list(place, None, &named).await {
            Ok(Collected { found, unread }) => {
                let unreadable = unreadable(None, unread).into_iter().collect();
                Listing { releases: by_release(found), unreadable, namespaces: None }
            }
            Err(ClusterError::Forbidden(_)) => where_allowed(place, &named).await?,
            Err(error) => return Err(failed(error)),
        },
    };
    if let Some(selector) = selector {
        let selected = selected(place, &listing, selector).await?;
        listing.releases.retain(|(namespace, release), entries| {
            let newest = entries.last().map_or(0, |entry| entry.revision);
            selected.contains(&Key { namespace: namespace.clone(), release: release.clone(), revision: newest })
        });
    }
    Ok(listing)
}

/// The metadata of revisions, in one namespace or all.
async fn list<C: Cluster>(
    place: Place<'_, C>,
    namespace: Option<&str>,
    selector: &str,
) -> Result<Collected<Found>, ClusterError> {
    let query = query(place.resource, namespace, selector);
    let decoder: Decoder<Found> = Arc::new(|object| {
        let item = Item::read(object).ok_or(Unread)?;
        let found = || {
            let (namespace, release, revision) = item.key()?;
            let key = Key { namespace: namespace.to_owned(), release: release.to_owned(), revision };
            Some((key, item.entry()?))
        };
        Ok(found())
    });
    collect(place.cluster, (&query, false), &decoder).await
}

/// What lists the revisions that have these labels too.
pub(super) fn query(resource: &Resource, namespace: Option<&str>, selector: &str) -> ListQuery {
    let more = if selector.is_empty() { String::new() } else { format!(",{selector}") };
    ListQuery {
        resource: resource.clone(),
        namespace: namespace.map(str::to_owned),
        label_selector: Some(format!("owner=helm{more}")),
    }
}

/// Lists the namespaces there are, one by one; where nobody says which there are, only the user's own.
async fn where_allowed<C: Cluster>(place: Place<'_, C>, selector: &str) -> Result<Listing, Error> {
    let query = ListQuery { resource: Resource::NAMESPACES, namespace: None, label_selector: None };
    match place.cluster.list_metadata(&query).await {
        Ok(found) => {
            let names: Vec<String> = found.into_iter().filter_map(|meta| meta.name).collect();
            one_by_one(place, &names, selector).await
        }
        Err(error @ ClusterError::Forbidden(_)) => {
            let own = place.cluster.namespace().to_owned();
            let mut listing = one_by_one(place, &[own], selector).await?;
            listing.unreadable.push(Unreadable { context: None, namespace: None, reason: error.to_string() });
            Ok(listing)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Lists namespaces one by one. Those that can't be listed are noted, unless that is all of them.
async fn one_by_one<C: Cluster>(place: Place<'_, C>, namespaces: &[String], selector: &str) -> Result<Listing, Error> {
    let answers = stream::iter(namespaces).map(|namespace| list(place, Some(namespace), selector)).buffered(AT_ONCE);
    let answers: Vec<Result<Collected<Found>, ClusterError>> = answers.collect().await;
    let mut listing = Listing::default();
    let (mut all, mut readable, mut first) = (Vec::new(), Vec::new(), None);
    for (namespace, answer) in namespaces.iter().zip(answers) {
        match answer {
            Ok(Collected { found, unread }) => {
                all.extend(found);
                listing.unreadable.extend(unreadable(Some(namespace), unread));
                readable.push(namespace.clone());
            }
            Err(error) => {
                let (namespace, reason) = (Some(namespace.clone()), error.to_string());
                listing.unreadable.push(Unreadable { context: None, namespace, reason });
                first = first.or(Some(error));
            }
        }
    }
    match first {
        Some(error) if readable.is_empty() => Err(failed(error)),
        _ => Ok(Listing { releases: by_release(all), namespaces: Some(readable), ..listing }),
    }
}

/// The revisions that have these labels.
async fn selected<C: Cluster>(place: Place<'_, C>, listing: &Listing, selector: &str) -> Result<HashSet<Key>, Error> {
    let mut keys = HashSet::new();
    for namespace in listing.scopes() {
        // What can't be read of them was told with the list of all.
        let Collected { found, .. } = list(place, namespace, selector).await.map_err(|error| match error {
            ClusterError::Server { code: 400, message, .. } => {
                Error::new(Kind::Usage, format!("{selector:?} is no label selector: {message}"))
                    .hint("as in -l team=shop,tier!=test")
            }
            error => failed(error),
        })?;
        keys.extend(found.into_iter().map(|(key, _)| key));
    }
    Ok(keys)
}

impl Listing {
    /// What to list to find its revisions again: the namespaces one by one, or all at once.
    pub(super) fn scopes(&self) -> Vec<Option<&str>> {
        match &self.namespaces {
            None => vec![None],
            Some(namespaces) => namespaces.iter().map(|namespace| Some(namespace.as_str())).collect(),
        }
    }
}

/// What there is to say where so many objects of a list can't be read.
fn unreadable(namespace: Option<&str>, unread: usize) -> Option<Unreadable> {
    let objects = if unread == 1 { "object" } else { "objects" };
    let reason = format!("{unread} {objects} in the list of revisions can't be read");
    (unread > 0).then(|| Unreadable { context: None, namespace: namespace.map(str::to_owned), reason })
}

fn by_release(found: Vec<Found>) -> BTreeMap<(String, String), Vec<Entry>> {
    let mut releases: BTreeMap<(String, String), Vec<Entry>> = BTreeMap::new();
    for (key, entry) in found {
        releases.entry((key.namespace, key.release)).or_default().push(entry);
    }
    for entries in releases.values_mut() {
        *entries = History::new(std::mem::take(entries)).entries().to_vec();
    }
    releases
}

fn failed(error: ClusterError) -> Error {
    Error::from(error).while_doing("cannot list the revisions of releases")
}

//! What is needed of the records of some revisions, with few requests.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt as _, stream};

use super::listing::{Listing, query};
use super::pages::{Decoder, Unread, collect};
use super::{Key, Place};
use crate::cluster::{Cluster, ClusterError, ListQuery, Object, ObjectRef, Resource};
use crate::error::Error;
use crate::release::decode::DecodeError;
use crate::storage::item::Item;
use crate::storage::record;

/// Makes of an object what is needed of it.
pub(crate) type Decode<T> = Arc<dyn Fn(&Item<'_>, &Resource) -> Result<T, DecodeError> + Send + Sync>;

/// So few are asked for one by one, and so many of these at the same time.
const FEW: usize = 16;
const AT_ONCE: usize = 8;
/// Names in one selector, in bytes: a URL of more than 8 KiB is too long for some proxies.
const LONGEST_SELECTOR: usize = 3000;

type Read<T> = HashMap<Key, Result<T, String>>;

/// What is needed of the revisions that are labelled as deployed: of all, or those that are wanted.
pub(super) async fn deployed<C: Cluster, T: Send + 'static>(
    place: Place<'_, C>,
    namespace: Option<&str>,
    (wanted, decode): (Option<&HashSet<Key>>, Decode<T>),
) -> Result<Read<T>, Error> {
    list(place, &query(place.resource, namespace, "status=deployed"), (wanted, decode)).await
}

/// What is needed of the revisions that are wanted, but for those that are there already. A revision that is gone by now is not in
/// the result.
pub(crate) async fn read<C: Cluster, T: Send + 'static>(
    place: Place<'_, C>,
    listing: &Listing,
    (wanted, there): (&HashSet<Key>, &HashSet<Key>),
    decode: Decode<T>,
) -> Result<Read<T>, Error> {
    let mut found = HashMap::new();
    let mut missing: HashSet<Key> = wanted.difference(there).cloned().collect();
    let labelled = listing.releases.values().flatten().filter(|entry| entry.status_hint == "deployed").count();
    if there.is_empty() && missing.len() > FEW && missing.len() * 2 > labelled {
        for namespace in listing.scopes() {
            found.extend(deployed(place, namespace, (Some(&missing), decode.clone())).await?);
        }
    }
    missing.retain(|key| !found.contains_key(key));
    if missing.len() > FEW {
        for query in queries(place, listing, &missing) {
            found.extend(list(place, &query, (Some(&missing), decode.clone())).await?);
        }
    }
    missing.retain(|key| !found.contains_key(key));
    let one_by_one = stream::iter(missing).map(|key| get(place, key, &decode)).buffer_unordered(AT_ONCE);
    let rest: Vec<Option<(Key, Result<T, String>)>> = one_by_one.collect().await;
    found.extend(rest.into_iter().flatten());
    Ok(found)
}

async fn list<C: Cluster, T: Send + 'static>(
    place: Place<'_, C>,
    query: &ListQuery,
    (wanted, decode): (Option<&HashSet<Key>>, Decode<T>),
) -> Result<Read<T>, Error> {
    let (wanted, resource) = (wanted.cloned(), place.resource.clone());
    let decoder: Decoder<(Key, Result<T, String>)> = Arc::new(move |object| {
        let item = Item::read(object).ok_or(Unread)?;
        let Some((namespace, release, revision)) = item.key() else { return Ok(None) };
        let key = Key { namespace: namespace.to_owned(), release: release.to_owned(), revision };
        if wanted.as_ref().is_some_and(|wanted| !wanted.contains(&key)) {
            return Ok(None);
        }
        let decoded = decode(&item, &resource).map_err(|error| damaged(&error, &key, &resource));
        Ok(Some((key, decoded)))
    });
    // What can't be read here is asked for by itself.
    let collected = collect(place.cluster, (query, true), &decoder).await;
    let collected = collected.map_err(|error| Error::from(error).while_doing("cannot read revisions"))?;
    Ok(collected.found.into_iter().collect())
}

/// What lists exactly these revisions: those of one number are listed by the names of their releases.
fn queries<C: Cluster>(place: Place<'_, C>, listing: &Listing, missing: &HashSet<Key>) -> Vec<ListQuery> {
    let mut groups: BTreeMap<(Option<&str>, u32), Vec<&str>> = BTreeMap::new();
    for key in missing {
        let namespace = listing.namespaces.is_some().then_some(key.namespace.as_str());
        groups.entry((namespace, key.revision)).or_default().push(&key.release);
    }
    let mut all = Vec::new();
    for ((namespace, revision), mut names) in groups {
        names.sort_unstable();
        names.dedup();
        let mut rest = names.as_slice();
        while !rest.is_empty() {
            let mut length = 0;
            let fits = rest.iter().take_while(|name| {
                length += name.len() + 3;
                length <= LONGEST_SELECTOR
            });
            let (some, others) = rest.split_at(fits.count().max(1));
            let selector = format!("version={revision},name in ({})", some.join(","));
            all.push(query(place.resource, namespace, &selector));
            rest = others;
        }
    }
    all
}

/// One revision; `None` if it is gone.
async fn get<C: Cluster, T>(place: Place<'_, C>, key: Key, decode: &Decode<T>) -> Option<(Key, Result<T, String>)> {
    let at = object(&key, place.resource);
    let decoded = match place.cluster.get(&at).await {
        Err(ClusterError::NotFound { .. }) => return None,
        Err(error) => Err(error.to_string()),
        Ok(body) => {
            let decoded = Item::read(&Object::Json(&body))
                .ok_or(DecodeError::MissingKey)
                .and_then(|item| decode(&item, place.resource));
            decoded.map_err(|error| damaged(&error, &key, place.resource))
        }
    };
    Some((key, decoded))
}

fn object(key: &Key, resource: &Resource) -> ObjectRef {
    ObjectRef {
        resource: resource.clone(),
        namespace: Some(key.namespace.clone()),
        name: record::object_name(&key.release, key.revision),
    }
}

fn damaged(error: &DecodeError, key: &Key, resource: &Resource) -> String {
    let error = record::damaged(error, &object(key, resource));
    error.message
}

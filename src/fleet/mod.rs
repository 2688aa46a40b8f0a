//! Many releases, read fast: the metadata of all revisions first, then of those that are needed only the beginning.
//!
//! A page of a list is decoded on all cores while it is still coming in, and is never in memory as a whole. What may not be read,
//! and what is damaged, is told with the rest.

mod helm;
mod listing;
mod pages;
mod payloads;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::future::join;

use crate::cluster::{Cluster, Resource};
use crate::error::Error;
use crate::helm::Helm;
use crate::release::fleet::{Filter, Known, Member, Unreadable};
use crate::release::head::Head;
use crate::release::history::Entry;
use crate::storage::Storage;

pub use listing::Listing;
pub(crate) use listing::{Narrow, read as list};
pub(crate) use payloads::{Decode, read as payloads};

/// Where releases are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In every namespace.
    All,
    /// In these.
    Namespaces(Vec<String>),
}

/// Which releases are wanted.
#[derive(Clone, Debug)]
pub struct Query {
    /// Where.
    pub scope: Scope,
    /// Those with these labels, in Kubernetes' own syntax; of each release its last revision counts.
    pub selector: Option<String>,
    /// Those that are in this state.
    pub filter: Filter,
}

/// Releases, by namespace and name.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    /// The releases.
    pub members: Vec<Member>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// A revision of a release.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The release's namespace.
    pub namespace: String,
    /// Its name.
    pub release: String,
    /// The revision.
    pub revision: u32,
}

/// The objects that hold revisions in one cluster.
pub struct Place<'a, C> {
    /// The cluster.
    pub cluster: &'a C,
    /// Secrets or ConfigMaps.
    pub resource: &'a Resource,
}

impl<C> Clone for Place<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Place<'_, C> {}

type Heads = HashMap<Key, Result<Head, String>>;

/// The releases that are wanted.
///
/// # Errors
/// If nothing at all can be read. What only some namespaces refuse stands in the result.
pub async fn members<C: Cluster, H: Helm>(storage: &Storage<C, H>, query: &Query) -> Result<Fleet, Error> {
    let mut fleet = match storage {
        Storage::Helm { helm, .. } => helm::members(helm, query).await?,
        Storage::Objects { cluster, resource } => of_objects(Place { cluster, resource }, query).await?,
    };
    fleet.members.retain(|member| query.filter.takes(member));
    Ok(fleet)
}

async fn of_objects<C: Cluster>(place: Place<'_, C>, query: &Query) -> Result<Fleet, Error> {
    let narrow = query.selector.is_some() || query.filter.pending || query.filter.failed;
    // Most last revisions are the deployed ones, so they need not wait for the list of all.
    let early = async {
        match (&query.scope, narrow) {
            (Scope::All, false) => payloads::deployed(place, None, (None, decoding())).await.unwrap_or_default(),
            _ => HashMap::new(),
        }
    };
    let narrowed = Narrow { selector: query.selector.as_deref(), ..Narrow::default() };
    let (listing, mut heads) = join(listing::read(place, &query.scope, narrowed), early).await;
    let mut listing = listing?;
    listing.releases.retain(|_, entries| entries.last().is_some_and(|newest| may_be_wanted(newest, &query.filter)));
    let wanted: HashSet<Key> = listing.releases.iter().flat_map(|(of, entries)| keys(of, entries)).collect();
    heads.extend(payloads::read(place, &listing, (&wanted, &heads.keys().cloned().collect()), decoding()).await?);
    let members = listing.releases.iter().filter_map(|(of, entries)| member(of, entries, &heads)).collect();
    Ok(Fleet { members, unreadable: listing.unreadable })
}

pub(crate) fn decoding() -> Decode<Head> {
    Arc::new(|item, resource| item.head(resource))
}

/// Whether the label of the last revision leaves it open that the release is wanted.
fn may_be_wanted(newest: &Entry, filter: &Filter) -> bool {
    let hint = newest.status_hint.as_str();
    !filter.pending && !filter.failed
        || hint.is_empty()
        || filter.pending && hint.starts_with("pending")
        || filter.failed && hint == "failed"
}

/// The last revision, and the one that the labels call deployed.
fn keys<'a>((namespace, release): &'a (String, String), entries: &'a [Entry]) -> impl Iterator<Item = Key> + 'a {
    let key = |entry: &Entry| Key { namespace: namespace.clone(), release: release.clone(), revision: entry.revision };
    [entries.last(), deployed(entries)].into_iter().flatten().map(key)
}

fn deployed(entries: &[Entry]) -> Option<&Entry> {
    entries.iter().rev().find(|entry| entry.status_hint == "deployed")
}

/// A release whose revisions have been read; `None` if the last one is gone by now.
fn member(of: &(String, String), entries: &[Entry], heads: &Heads) -> Option<Member> {
    let mut known = keys(of, entries).zip([entries.last(), deployed(entries)].into_iter().flatten());
    let mut next = || known.next().and_then(|(key, entry)| Some(Known::new(entry, heads.get(&key)?.clone())));
    let newest = next()?;
    let runs_newest = newest.status == "deployed";
    let deployed =
        next().filter(|known| !runs_newest && known.revision != newest.revision && known.status == "deployed");
    let (namespace, name) = of.clone();
    Some(Member { context: None, namespace, name, revisions: entries.len(), newest, deployed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(revision: u32, status: &str) -> Entry {
        Entry { revision, status_hint: status.to_owned(), ..Entry::default() }
    }

    fn of(entries: &[Entry], said: &[(u32, Result<&str, &str>)]) -> Option<Member> {
        let key = |revision| Key { namespace: "shop".to_owned(), release: "web".to_owned(), revision };
        let head = |status: &str| Head { status: status.to_owned(), ..Head::default() };
        let heads = said.iter().map(|(revision, said)| (key(*revision), said.map(head).map_err(str::to_owned)));
        member(&("shop".to_owned(), "web".to_owned()), entries, &heads.collect())
    }

    #[test]
    fn the_last_revision_is_shown_and_the_deployed_one_known_beside_it() {
        let entries = [entry(1, "superseded"), entry(2, "deployed"), entry(3, "failed")];
        let member = of(&entries, &[(2, Ok("deployed")), (3, Ok("failed"))]).unwrap();
        assert_eq!((member.revisions, member.newest.revision, member.running().revision), (3, 3, 2));
        let member = of(&entries[..2], &[(2, Ok("deployed"))]).unwrap();
        assert_eq!((member.deployed.is_none(), member.running().revision), (true, 2));
    }

    #[test]
    fn the_record_decides_and_not_the_label() {
        let entries = [entry(2, "deployed"), entry(3, "superseded")];
        let member = of(&entries, &[(2, Ok("superseded")), (3, Ok("deployed"))]).unwrap();
        assert_eq!((member.newest.status.as_str(), member.deployed), ("deployed", None));
    }

    #[test]
    fn a_record_that_can_not_be_read_is_told_and_one_that_is_gone_is_not() {
        let entries = [entry(1, "failed")];
        let member = of(&entries, &[(1, Err("cut off"))]).unwrap();
        assert_eq!((member.newest.status.as_str(), member.newest.problem.as_deref()), ("failed", Some("cut off")));
        assert_eq!(of(&entries, &[]), None);
    }
}

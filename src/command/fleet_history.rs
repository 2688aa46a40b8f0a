//! `helm safe-upgrade history` without a release, or over namespaces and contexts: what happened to many releases.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::cluster::Cluster;
use crate::command::fleet::{Place, Wanted, each};
use crate::command::history::{of_damaged, of_head};
use crate::error::{Error, Kind};
use crate::fleet::{self, Key, Narrow, decoding, payloads};
use crate::helm::Helm;
use crate::release::fleet::Unreadable;
use crate::release::history::Entry;
use crate::report::fleet::history::{FleetHistoryView, OfRelease};
use crate::storage::Storage;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The releases of this name; all of them if not named.
    pub release: Option<String>,
    /// So many revisions, the newest ones; 0 is all.
    pub max: usize,
    /// Those made since then.
    pub since: Option<Timestamp>,
    /// Where.
    pub wanted: Wanted,
}

/// Revisions that were read in one place.
struct Part {
    revisions: Vec<OfRelease>,
    older: usize,
    unreadable: Vec<Unreadable>,
}

/// Reads the newest revisions.
///
/// # Errors
/// If nothing at all can be read; of kind [`Kind::Unsupported`] for `HELM_DRIVER=sql`.
pub async fn run<C: Cluster, H: Helm>(places: &[Place<C, H>], options: &Options) -> Result<FleetHistoryView, Error> {
    if let Some(name) = &options.release {
        super::revdiff::validate_name(name)?;
    }
    let parts = each(places, async |storage| part(storage, options).await).await?;
    let (mut revisions, mut older, mut unreadable) = (Vec::new(), 0, Vec::new());
    for (context, mut part) in parts.found {
        part.revisions.iter_mut().for_each(|one| one.context.clone_from(&context));
        part.unreadable.iter_mut().for_each(|one| one.context.clone_from(&context));
        revisions.extend(part.revisions);
        unreadable.extend(part.unreadable);
        older += part.older;
    }
    unreadable.extend(parts.unreadable);
    Ok(FleetHistoryView::new(revisions, older, options.max, unreadable))
}

async fn part<C: Cluster, H: Helm>(storage: &Storage<C, H>, options: &Options) -> Result<Part, Error> {
    let Storage::Objects { cluster, resource } = storage else {
        let message = "cannot read the history of several releases: the storage driver \"sql\" lists that of one alone";
        return Err(Error::new(Kind::Unsupported, message).hint("name a release: helm safe-upgrade history RELEASE"));
    };
    let place = fleet::Place { cluster, resource };
    let narrow = Narrow { release: options.release.as_deref(), selector: options.wanted.selector.as_deref() };
    let listing = fleet::list(place, &options.wanted.scope(storage), narrow).await?;
    let mut all: Vec<(Key, &Entry)> = Vec::new();
    for ((namespace, release), entries) in &listing.releases {
        let recent = entries.iter().filter(|entry| options.since.is_none_or(|since| entry.created >= Some(since)));
        all.extend(recent.map(|entry| {
            (Key { namespace: namespace.clone(), release: release.clone(), revision: entry.revision }, entry)
        }));
    }
    all.sort_by_key(|(_, entry)| entry.created);
    let mut older = if options.max == 0 { 0 } else { all.len().saturating_sub(options.max) };
    // An object says the second that it was made in, and no more: which of those is newer is known once they are read.
    while older > 0 && all.get(older).is_some_and(|(_, entry)| entry.created == all[older - 1].1.created) {
        older -= 1;
    }
    all.drain(..older);
    let wanted: HashSet<Key> = all.iter().map(|(key, _)| key.clone()).collect();
    let heads = payloads(place, &listing, (&wanted, &HashSet::new()), decoding()).await?;
    let row = |(key, entry): (Key, &Entry)| {
        let row = match heads.get(&key)? {
            Ok(head) => of_head(entry, head),
            Err(problem) => of_damaged(entry, problem),
        };
        Some(OfRelease { context: None, namespace: key.namespace, release: key.release, row })
    };
    Ok(Part { revisions: all.into_iter().filter_map(row).collect(), older, unreadable: listing.unreadable })
}

//! Reads what is proven in another place.

use futures::stream::{self, StreamExt as _};
use jiff::SignedDuration;

use super::Prepared;
use crate::checks::elsewhere::{Elsewhere, Proven, ProvenThere};
use crate::checks::snapshot::Known;
use crate::cluster::Cluster;
use crate::helm::Helm;
use crate::storage::Storage;

/// So many proven revisions are read, the newest.
const MOST: usize = 10;

/// So many are read at the same time.
const AT_ONCE: usize = 4;

/// Another place, where the same is to have been proven.
pub struct Place<C, H> {
    /// As the user named it: CONTEXT/NAMESPACE/RELEASE.
    pub named: String,
    /// The release there.
    pub release: String,
    /// For how long.
    pub long: SignedDuration,
    /// Where it is stored, or why that can't be told.
    pub storage: Known<Storage<C, H>>,
}

/// Reads the revisions that are proven there.
pub(super) async fn look<C: Cluster, H: Helm>(place: Option<&Place<C, H>>, prepared: &Prepared) -> Option<Elsewhere> {
    let place = place?;
    let new = &prepared.proposed.outcome.releases.new;
    let proven = match &place.storage {
        Ok(storage) => proven(storage, &place.release, (new.chart.name(), new.chart.version())).await,
        Err(reason) => Err(reason.clone()),
    };
    let (named, content) = (place.named.clone(), new.chart.content.clone());
    Some(Elsewhere { place: named, long: place.long, content, proven })
}

async fn proven<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    release: &str,
    (name, version): (&str, &str),
) -> Known<Option<ProvenThere>> {
    let history = storage.history(release).await.map_err(|error| error.message)?;
    if history.is_empty() {
        return Ok(None);
    }
    let marked = history.entries().iter().rev().filter(|entry| !entry.marks.is_bad());
    let mut marked: Vec<_> = marked.filter_map(|entry| Some((entry.revision, entry.marks.proven?))).collect();
    let unread = marked.len().saturating_sub(MOST);
    marked.truncate(MOST);
    let read = stream::iter(marked).map(async |(revision, since)| {
        let read = storage.read(release, revision).await.map_err(|error| error.message)?;
        let chart = (read.chart.name().to_owned(), read.chart.version().to_owned());
        let content = match (chart.0.as_str(), chart.1.as_str()) == (name, version) {
            true => storage.content(release, revision).await.map_err(|error| error.message)?,
            false => None,
        };
        Ok(Proven { revision, since, chart, content, values: read.computed_values() })
    });
    let revisions: Known<Vec<Proven>> =
        read.buffered(AT_ONCE).collect::<Vec<Known<Proven>>>().await.into_iter().collect();
    Ok(Some(ProvenThere { revisions: revisions?, unread }))
}

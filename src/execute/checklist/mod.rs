//! Gathering what the checklist looks at.

mod rights;

use futures::future::join;
use futures::stream::{self, StreamExt as _};

use super::{Options, Prepared, Seams};
use crate::chart::{Location, locate};
use crate::checks::Snapshot;
use crate::checks::snapshot::{BadRevision, ChartReference, Known, Owner, Place};
use crate::cluster::Cluster;
use crate::command::upgrade::Request;
use crate::helm::Helm;
use crate::record::{Judged, shown};
use crate::upgrade::next::OnFailure;

/// So many bad revisions are compared, the newest. Each is read whole.
const MOST_BAD: usize = 10;

/// So many requests are made at the same time.
const AT_ONCE: usize = 16;

/// Gathers what the checks look at, beside what was looked at anyway. What can't be had is in the snapshot as not known.
pub async fn observe<'p, C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    request: &'p Request,
    options: &Options,
    prepared: &'p Prepared,
) -> Snapshot<'p> {
    let (bad, rights) = join(bad(seams, prepared), rights::ask(seams, options, prepared)).await;
    let outcome = &prepared.proposed.outcome;
    Snapshot {
        now: jiff::Timestamp::now(),
        release: &request.upgrade.release,
        namespace: &outcome.releases.new.namespace,
        is_first: prepared.proposed.is_first,
        history: &prepared.history,
        deployed: prepared.deployed,
        troubles: &prepared.deployed_troubles,
        target: prepared.target,
        goes_back: options.on_failure != OnFailure::Keep,
        releases: &outcome.releases,
        diff: &outcome.diff,
        chart: reference(request),
        owner: owner(prepared),
        bad,
        rights,
    }
}

fn reference(request: &Request) -> ChartReference {
    let named = request.upgrade.chart.clone();
    let place = match locate(&named) {
        Location::Local(_) => Place::Local,
        Location::Remote if named.starts_with("oci://") => Place::Registry,
        Location::Remote if named.contains("://") => Place::Url,
        Location::Remote => Place::Repository,
    };
    ChartReference { named, place, version: request.upgrade.flags.chart.version.clone() }
}

fn owner(prepared: &Prepared) -> Known<Option<Owner>> {
    let Some(seen) = prepared.lease.clone()? else { return Ok(None) };
    let alive = match super::prepare::judged(&seen) {
        Judged::Live => Some(true),
        Judged::Mine | Judged::Free | Judged::Silent(_) => Some(false),
    };
    let (since, last_sign, revision) = (seen.since, seen.last_sign, seen.revision);
    Ok(Some(Owner { holder: shown(&seen.holder), since, last_sign, revision, alive }))
}

/// The bad revisions, and whether the upgrade would apply the manifest of one of them once more.
async fn bad<C: Cluster, H: Helm>(seams: &Seams<'_, C, H>, prepared: &Prepared) -> Vec<BadRevision> {
    let releases = &prepared.proposed.outcome.releases;
    let entries = prepared.history.entries().iter().rev().filter(|entry| entry.marks.is_bad()).take(MOST_BAD);
    let revisions: Vec<u32> = entries.map(|entry| entry.revision).collect();
    let compare = async |revision| {
        let same = match seams.storage.read(&releases.new.name, revision).await {
            Ok(release) if release.manifest.is_same_as(&releases.new.manifest) => Ok(Some(release.info.description)),
            Ok(_) => Ok(None),
            Err(error) => Err(error.message),
        };
        BadRevision { revision, same }
    };
    stream::iter(revisions).map(compare).buffered(AT_ONCE).collect().await
}

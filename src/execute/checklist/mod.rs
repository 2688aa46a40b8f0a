//! Gathering what the checklist looks at.

mod apis;
mod lists;
mod rights;
mod trials;
mod values;

use futures::future::join3;
use futures::stream::{self, StreamExt as _};

use super::{Options, Prepared, Seams};
use crate::chart::{Location, locate};
use crate::checks::apis::KubeVersion;
use crate::checks::snapshot::{BadRevision, ChartReference, Known, Objects, Owner, Place};
use crate::checks::trial::Trials;
use crate::checks::{Findings, Proposal, Snapshot};
use crate::cluster::Cluster;
use crate::command::upgrade::Request;
use crate::helm::Helm;
use crate::manifest::document::Object;
use crate::record::{Judged, shown};
use crate::release::Release;
use crate::release::retention::DEFAULT_KEEP;
use crate::upgrade::next::OnFailure;

/// So many bad revisions are compared, the newest. Each is read whole.
const MOST_BAD: usize = 10;

/// So many requests are made at the same time.
const AT_ONCE: usize = 16;

/// What the checklist is told by the user.
#[derive(Clone, Debug)]
pub struct Told {
    /// `--kube-version`: the version of Kubernetes that the API versions of the manifests are held against, beside the server's.
    pub kube_version: Option<KubeVersion>,
    /// How many revisions a Helm leaves that is run by hand: `HELM_MAX_HISTORY`; 0 is all.
    pub helm_keeps: u32,
}

impl Default for Told {
    fn default() -> Self {
        Self { kube_version: None, helm_keeps: DEFAULT_KEEP }
    }
}

/// Gathers what the checks look at, beside what was looked at anyway, and has them look. What can't be had is not known.
pub async fn run<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    request: &Request,
    (options, accepted): (&Options, &[String]),
    prepared: &Prepared,
) -> Findings {
    let outcome = &prepared.proposed.outcome;
    let back = back(seams, prepared).await;
    let objects = objects(seams, prepared, &back);
    let proposal = Proposal {
        release: &request.upgrade.release,
        namespace: &outcome.releases.new.namespace,
        is_first: prepared.proposed.is_first,
        objects: &objects,
    };
    let trying = async {
        let upgrade = trials::of_upgrade(seams, options, prepared).await;
        (upgrade, rehearsal(seams, options, prepared, &back).await)
    };
    let ((bad, rights, lists), apis, (trials, rehearsal)) = join3(
        join3(bad(seams, prepared), rights::ask(seams, options, prepared), lists::read(seams.cluster, &proposal)),
        apis::ask(seams.cluster, &objects, options.told.kube_version),
        trying,
    )
    .await;
    let values = values::given(seams, request, prepared).await;
    let snapshot = Snapshot {
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
        objects: &objects,
        lists: &lists,
        diff: &outcome.diff,
        chart: reference(request),
        owner: owner(prepared),
        bad,
        rights,
        trials,
        rehearsal,
        apis,
        values: &values,
    };
    Findings::of(&snapshot, accepted)
}

/// The revision to go back to, where it is another than the one that the upgrade starts from.
async fn back<C: Cluster, H: Helm>(seams: &Seams<'_, C, H>, prepared: &Prepared) -> Known<Option<Release>> {
    let releases = &prepared.proposed.outcome.releases;
    match prepared.target.filter(|target| *target != releases.old.revision) {
        None => Ok(None),
        Some(target) => match seams.storage.read(&releases.new.name, target).await {
            Ok(release) => Ok(Some(release)),
            Err(error) => Err(error.message),
        },
    }
}

/// The objects of the revisions.
fn objects<C, H>(seams: &Seams<'_, C, H>, prepared: &Prepared, back: &Known<Option<Release>>) -> Objects {
    let releases = &prepared.proposed.outcome.releases;
    let open = |release: &Release| -> Vec<Object> {
        release.documents().iter().flat_map(|document| seams.masker.open(document)).collect()
    };
    let old = if prepared.proposed.is_first { Vec::new() } else { open(&releases.old) };
    let back = back.as_ref().map(|release| release.as_ref().map(open)).map_err(Clone::clone);
    Objects { old, new: open(&releases.new), back }
}

/// The dry runs of the revision to go back to.
async fn rehearsal<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    options: &Options,
    prepared: &Prepared,
    back: &Known<Option<Release>>,
) -> Known<Option<Trials>> {
    let old = &prepared.proposed.outcome.releases.old;
    let target = match back {
        Err(reason) => return Err(reason.clone()),
        Ok(Some(release)) => Some(release),
        Ok(None) => prepared.target.map(|_| old),
    };
    trials::of_way_back(seams, options, prepared, target).await
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

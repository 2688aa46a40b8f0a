//! Gathering what the checklist looks at.

mod apis;
mod lists;
mod rights;

use futures::future::{join, join3};
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
    let objects = objects(seams, prepared).await;
    let proposal = Proposal {
        release: &request.upgrade.release,
        namespace: &outcome.releases.new.namespace,
        is_first: prepared.proposed.is_first,
        objects: &objects,
    };
    let ((bad, rights, lists), apis) = join(
        join3(bad(seams, prepared), rights::ask(seams, options, prepared), lists::read(seams.cluster, &proposal)),
        apis::ask(seams.cluster, &objects, options.told.kube_version),
    )
    .await;
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
        trials: Ok(Trials::default()),
        rehearsal: Ok(None),
        apis,
    };
    Findings::of(&snapshot, accepted)
}

/// The objects of the revisions. Those of the one to go back to are read where they are not at hand.
async fn objects<C: Cluster, H: Helm>(seams: &Seams<'_, C, H>, prepared: &Prepared) -> Objects {
    let releases = &prepared.proposed.outcome.releases;
    let open = |release: &Release| -> Vec<Object> {
        release.documents().iter().flat_map(|document| seams.masker.open(document)).collect()
    };
    let old = if prepared.proposed.is_first { Vec::new() } else { open(&releases.old) };
    let back = match prepared.target.filter(|target| *target != releases.old.revision) {
        None => Ok(None),
        Some(target) => match seams.storage.read(&releases.new.name, target).await {
            Ok(release) => Ok(Some(open(&release))),
            Err(error) => Err(error.message),
        },
    };
    Objects { old, new: open(&releases.new), back }
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

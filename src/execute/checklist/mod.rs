//! Gathering what the checklist looks at.

mod apis;
mod chart;
pub mod elsewhere;
mod escalation;
mod left_over;
mod lists;
mod lives;
mod needs;
mod parsed;
mod rights;
mod trials;
mod values;

use futures::future::{join, join3, join4};
use futures::stream::{self, StreamExt as _};

use self::lives::Lives;
use self::parsed::Parsed;
use super::{Options, Prepared, Seams};
use crate::chart::{Location, locate};
use crate::checks::apis::{Apis, KubeVersion};
use crate::checks::canary::{Canary, unfinished};
use crate::checks::escalation::Grants;
use crate::checks::release::{LeftBehind, Live};
use crate::checks::snapshot::{BadRevision, ChartReference, Known, Objects, Owner, Place};
use crate::checks::trial::Trials;
use crate::checks::window::Window;
use crate::checks::{Findings, Proposal, Snapshot, Terms};
use crate::cluster::Cluster;
use crate::command::evidence::Secrets;
use crate::command::upgrade::{Proposed, Request};
use crate::helm::Helm;
use crate::manifest::document::Object;
use crate::manifest::mask::Masker;
use crate::record::{Judged, shown};
use crate::release::Release;
use crate::release::retention::DEFAULT_KEEP;
use crate::storage::Storage;
use crate::upgrade::next::OnFailure;

/// So many bad revisions are compared, the newest. Each is read whole.
const MOST_BAD: usize = 10;

/// So many requests are made at the same time.
const AT_ONCE: usize = 16;

/// A record of so many bytes fits, whatever the limit is exactly: it need not be known better.
const FITS: usize = 600 * 1024;

/// What the checklist is told by the user.
#[derive(Clone, Debug)]
pub struct Told {
    /// `--kube-version`: the version of Kubernetes that the API versions of the manifests are held against, beside the server's.
    pub kube_version: Option<KubeVersion>,
    /// How many revisions a Helm leaves that is run by hand: `HELM_MAX_HISTORY`; 0 is all.
    pub helm_keeps: u32,
    /// What is made of what checks find.
    pub terms: Terms,
    /// When upgrades may be made.
    pub window: Window,
    /// The step of a canary that it is.
    pub canary: Option<Canary>,
}

impl Default for Told {
    fn default() -> Self {
        let (terms, window) = (Terms::default(), Window::default());
        Self { kube_version: None, helm_keeps: DEFAULT_KEEP, terms, window, canary: None }
    }
}

/// Gathers what the checks look at, beside what was looked at anyway, and has them look. What can't be had is not known.
pub async fn run<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    request: &Request,
    options: &Options,
    (prepared, place): (&Prepared, Option<&elsewhere::Place<C, H>>),
) -> Findings {
    let outcome = &prepared.proposed.outcome;
    let back = back(seams, prepared).await;
    let objects = objects(seams, prepared, &back);
    let proposal = proposal(request, options, prepared, &objects);
    let reference = reference(request);
    let ((bad, rights, lists), release, (trials, rehearsal), chart_seen) = join4(
        join3(
            bad(seams, prepared),
            rights::ask(seams, options, (prepared, &objects)),
            lists::read(seams.cluster, &proposal),
        ),
        of_the_release(seams, options, (prepared, &objects)),
        tried(seams, options, prepared, &back),
        chart::look(seams.helm, (request, options), prepared, &reference),
    )
    .await;
    let (values, elsewhere) = join(values::given(seams, request, prepared), elsewhere::look(place, prepared)).await;
    let OfTheRelease { apis, grants, left_over, record_size } = release;
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
        chart: reference,
        chart_seen,
        no_hooks: options.apply.waiting.no_hooks,
        owner: owner(prepared),
        bad,
        rights,
        trials,
        rehearsal,
        apis,
        values: &values,
        live: live(prepared),
        helm_keeps: options.told.helm_keeps,
        record_size,
        left_over,
        grants,
        window: &options.told.window,
        elsewhere: elsewhere.as_ref(),
        canary: options.told.canary.as_ref(),
    };
    let back = back.as_ref().ok().and_then(Option::as_ref);
    let releases = [&outcome.releases.old, &outcome.releases.new].into_iter().chain(back);
    masked(Findings::of(&snapshot, &options.told.terms), seams.masker, &releases.collect::<Vec<_>>())
}

/// What speaks against calling a release proven that needs no change: a canary may be in the middle of it.
pub async fn of_unchanged<C: Cluster, H: Helm>(seams: &Seams<'_, C, H>, release: &str, terms: &Terms) -> Findings {
    let namespace = seams.storage.namespace();
    let seen = lists::known(seams.cluster, &unfinished::wanted(release, namespace)).await;
    let seen = seen.as_deref().map_err(String::as_str);
    Findings { accepted: terms.accepted.clone(), ..Findings::default() }
        .and(vec![unfinished::told(seen, (release, namespace))], terms)
}

/// What checks look at when they say what they want to see.
fn proposal<'a>(
    request: &'a Request,
    options: &'a Options,
    prepared: &'a Prepared,
    objects: &'a Objects,
) -> Proposal<'a> {
    let outcome = &prepared.proposed.outcome;
    Proposal {
        release: &request.upgrade.release,
        namespace: &outcome.releases.new.namespace,
        is_first: prepared.proposed.is_first,
        no_hooks: options.apply.waiting.no_hooks,
        objects,
        crds: outcome.diff.crds.as_ref(),
        canary: options.told.canary.as_ref(),
    }
}

/// Without the content of the releases' Secrets, wherever else a chart writes it, and whoever quotes it.
fn masked(findings: Findings, masker: &Masker, releases: &[&Release]) -> Findings {
    if !masker.masks() {
        return findings;
    }
    let secrets = Secrets::of(releases, masker);
    findings.rewritten(|text| secrets.mask(text))
}

/// What runs of the deployed revision, as it was compared already.
fn live(prepared: &Prepared) -> Option<Known<Live<'_>>> {
    prepared.live.as_ref().map(|live| match live {
        Ok(compared) => Ok(Live { diff: &compared.diff, managed: &compared.managed }),
        Err(reason) => Err(reason.clone()),
    })
}

/// What is looked at of the release beside its objects.
struct OfTheRelease {
    apis: Known<Apis>,
    grants: Known<Vec<Grants>>,
    left_over: Known<LeftBehind>,
    record_size: Known<Option<usize>>,
}

async fn of_the_release<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    options: &Options,
    (prepared, objects): (&Prepared, &Objects),
) -> OfTheRelease {
    let namespace = prepared.proposed.outcome.releases.new.namespace.as_str();
    let goes_back = prepared.target.is_some() && options.on_failure != OnFailure::Keep;
    let question = escalation::Question { objects, namespace, goes_back };
    let (apis, grants, left_over, record_size) = join4(
        apis::ask(seams.cluster, objects, options.told.kube_version),
        escalation::ask(seams.cluster, &question),
        left_over::find(seams, prepared, objects),
        record_size(seams, prepared),
    )
    .await;
    OfTheRelease { apis, grants, left_over, record_size }
}

/// About how many bytes the revision takes where Helm stores it. Compressing it takes a core for a while.
async fn record_size<C: Cluster, H: Helm>(seams: &Seams<'_, C, H>, prepared: &Prepared) -> Known<Option<usize>> {
    if matches!(seams.storage, Storage::Helm { .. }) {
        return Ok(None);
    }
    let record = prepared.proposed.record.clone().ok_or("it was rendered without its chart")?;
    let size = tokio::task::spawn_blocking(move || record.size(FITS)).await;
    size.map(Some).map_err(|_| "it could not be compressed".to_owned())
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

/// The dry runs of the upgrade, and of the revision to go back to.
async fn tried<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    options: &Options,
    prepared: &Prepared,
    back: &Known<Option<Release>>,
) -> (Known<Trials>, Known<Option<Trials>>) {
    let Proposed { outcome, is_first, last, .. } = &prepared.proposed;
    let new = Parsed::of(&outcome.releases.new);
    let old = (!is_first).then(|| Parsed::of(&outcome.releases.old));
    let other = back.as_ref().map(|back| back.as_ref().map(Parsed::of)).map_err(Clone::clone);
    let target = match &other {
        Err(reason) => Err(reason.clone()),
        Ok(Some(other)) => Ok(Some(other)),
        Ok(None) => Ok(prepared.target.and(old.as_ref())),
    };
    let lives = Lives::new(seams.cluster);
    let upgrade = trials::of_upgrade((seams, &lives), options, (&new, old.as_ref()), *last);
    join(upgrade, trials::of_way_back((seams, &lives), options, (&new, target))).await
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

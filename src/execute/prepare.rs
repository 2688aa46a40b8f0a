//! Looking before anything is done: what the upgrade would change, how the release stands, and where a failure would lead back to.

use futures::future::{join, try_join};

use super::autoscaled;
use super::cut_off::was_cut_off;
use super::patience::{AWAY, patiently};
use super::watching::look_once;
use super::{Options, Seams};
use crate::cluster::{Cluster, ClusterError};
use crate::command::Stages;
use crate::command::live;
use crate::command::revdiff::{self, Outcome};
use crate::command::upgrade::{self, Proposed};
use crate::diff::live::report::Compare;
use crate::diff::live::tools::Managed;
use crate::diff::resources::ManifestDiff;
use crate::diff::select::Selection;
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::record::{self, Judged, Seen, judge_lease, shown};
use crate::release::history::History;
use crate::report::view::Subject;
use crate::upgrade::event::{Event, Report};
use crate::upgrade::judge::{Patience, Verdict};
use crate::upgrade::next::Ending;
use crate::upgrade::target::{Known, candidates, unchanged};

/// The oldest Helm that works: what is asked of it is there since then.
const OLDEST: (u32, u32) = (3, 14);

/// What was found before anything is done.
#[derive(Debug)]
pub struct Prepared {
    /// The upgrade, and what it would change.
    pub proposed: Proposed,
    /// The revisions there are.
    pub history: History,
    /// The deployed revision, if there is one.
    pub deployed: Option<u32>,
    /// Whether it was ready and as its manifest says.
    pub deployed_seen_good: bool,
    /// What of it was not, a sentence each.
    pub deployed_troubles: Vec<String>,
    /// What runs of it, beside what its manifest says, or why that can't be told; `None` where no revision is deployed.
    pub live: Option<Result<Compared, String>>,
    /// The revision to go back to where the upgrade fails.
    pub target: Option<u32>,
    /// The last revision, if it is pending and its owner is proven to be gone.
    pub abandoned: Option<u32>,
    /// Why nobody may work on it now: somebody does, or it is pending and nothing proves that its owner is gone.
    pub locked: Option<Error>,
    /// The lease, or why it can't be seen.
    pub lease: Result<Option<Seen>, String>,
    /// Whether there is nothing to change, and what runs is ready and as it should be.
    pub nothing_to_do: bool,
    /// Whether the deployed revision is marked as proven.
    pub deployed_proven: bool,
    /// Whether a run has made the deployed revision, and was cut off a short while ago, before it knew whether that is good.
    pub is_unfinished: bool,
}

impl Prepared {
    /// What there is to say where there is nothing to do.
    #[must_use]
    pub fn nothing_to_do_report(&self) -> Report {
        let release = &self.proposed.outcome.releases.old;
        let (name, revision) = (&release.name, release.revision);
        let summary = match self.deployed_proven {
            true => {
                format!(
                    "{name}: nothing to do; revision {revision} is deployed, ready, as its manifest says, and proven"
                )
            }
            false if self.goes_on() => format!(
                "{name}: nothing to change; the run that made revision {revision} was cut off before it knew whether that is good: \
                 --yes goes on with it"
            ),
            false => format!(
                "{name}: nothing to do; revision {revision} is deployed, ready and as its manifest says; not proven: \
                 --yes proves it"
            ),
        };
        Report::unchanged((name, &release.namespace), revision, Ending::Nothing, summary)
    }
}

/// Looks at the release, renders the upgrade and compares. Changes nothing.
///
/// # Errors
/// If the release can't be read, or Helm can't render. That somebody else is at work on it is told by [`Prepared::locked`].
pub async fn prepare<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    request: &upgrade::Request,
    options: (&Options, &revdiff::Options),
    stages: &dyn Stages,
) -> Result<Prepared, Error> {
    let (options, compare) = options;
    let from = upgrade::Seams { storage: seams.storage, helm: seams.helm, cluster: seams.cluster };
    let proposing = upgrade::propose(from, request, seams.masker, compare, stages);
    prepared(seams, (&request.upgrade.release, options), proposing, stages).await
}

/// Looks at the release as it stands, as at an upgrade that changes nothing: no chart is needed. Changes nothing.
///
/// # Errors
/// As [`prepare`].
pub(super) async fn prepare_standing<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    request: &upgrade::Request,
    (options, compare): (&Options, &revdiff::Options),
) -> Result<Prepared, Error> {
    let from = upgrade::Seams { storage: seams.storage, helm: seams.helm, cluster: seams.cluster };
    let standing = upgrade::standing(from, request, seams.masker, compare);
    prepared(seams, (&request.upgrade.release, options), standing, &()).await
}

async fn prepared<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    (name, options): (&String, &Options),
    proposing: impl Future<Output = Result<Proposed, Error>>,
    stages: &dyn Stages,
) -> Result<Prepared, Error> {
    let ((history, lease), proposed) = try_join(
        async {
            check_version(seams.helm).await?;
            let lease = async { Ok(record::look(seams.cluster, seams.storage.namespace(), name).await) };
            try_join(seams.storage.history(name), lease).await
        },
        proposing,
    )
    .await?;
    let Owned { abandoned, locked, lease } = owned((name, "upgrade", seams.storage.namespace()), &history, lease)?;
    let old = &proposed.outcome.releases.old;
    let is_deployed = !proposed.is_first && old.info.status == "deployed";
    let deployed = is_deployed.then_some(old.revision);
    stages.stage("looking at what runs");
    let (deployed_troubles, live) = match is_deployed {
        true => seen_good(seams, &proposed, options).await,
        false => (Vec::new(), None),
    };
    let deployed_seen_good = is_deployed && deployed_troubles.is_empty();
    let proven = |revision| history.entries().iter().any(|entry| entry.revision == revision && entry.marks.is_proven());
    let seen = lease.as_ref().ok().and_then(Option::as_ref);
    let mut prepared = Prepared {
        deployed_proven: deployed.is_some_and(proven),
        nothing_to_do: is_deployed && deployed_seen_good && !proposed.changes && deployed == Some(proposed.last),
        is_unfinished: match deployed {
            Some(revision) => was_cut_off(seams, (name, &history), (revision, seen)).await,
            None => false,
        },
        target: None,
        proposed,
        history,
        deployed,
        deployed_seen_good,
        deployed_troubles,
        live,
        abandoned,
        locked,
        lease,
    };
    prepared.target = match &options.stage {
        Some(stage) => stage.target,
        None => target(seams, name, &prepared).await?,
    };
    seams.listener.hear(&observed(seams, name, &prepared));
    Ok(prepared)
}

/// Helm 3.14 or newer.
async fn check_version<H: Helm>(helm: &H) -> Result<(), Error> {
    let version = helm.version().await?;
    let mut numbers = version.trim_start_matches('v').split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    let found = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    if found < OLDEST {
        let message = format!("helm {version} is too old for a guarded upgrade: it takes 3.14 or newer");
        return Err(Error::new(Kind::Unsupported, message).hint("install a newer Helm, or set HELM_BIN to its path"));
    }
    Ok(())
}

/// Who holds the release's lease, if anyone, and if we may know.
///
/// # Errors
/// If somebody is at work on it.
pub(super) async fn observe_owner<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    name: &str,
) -> Result<Option<Seen>, Error> {
    match record::look(seams.cluster, seams.storage.namespace(), name).await {
        Ok(seen) => match seen.as_ref().and_then(busy) {
            Some((holder, since)) => Err(locked(name, &holder, since)),
            None => Ok(seen),
        },
        Err(ClusterError::Forbidden(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What follows from the lease.
struct Owned {
    /// The revision of a dead owner.
    abandoned: Option<u32>,
    /// Why nobody may work on the release.
    locked: Option<Error>,
    lease: Result<Option<Seen>, String>,
}

fn owned(
    about: (&str, &str, &str),
    history: &History,
    lease: Result<Option<Seen>, ClusterError>,
) -> Result<Owned, Error> {
    let lease = match lease {
        Ok(lease) => Ok(lease),
        Err(error @ ClusterError::Forbidden(_)) => Err(error.to_string()),
        Err(error) => return Err(error.into()),
    };
    let seen = lease.as_ref().ok().and_then(Option::as_ref);
    let (revision, locked) = match seen.and_then(busy) {
        Some((holder, since)) => (None, Some(locked(about.0, &holder, since))),
        None => match abandoned(about, history, seen) {
            Ok(revision) => (revision, None),
            Err(error) => (None, Some(error)),
        },
    };
    Ok(Owned { abandoned: revision, locked, lease })
}

pub(super) fn judged(seen: &Seen) -> Judged {
    let now = jiff::Timestamp::now();
    judge_lease(seen, &record::Holder::of_this_process(""), now, record::Holder::is_alive(&seen.holder, &seen.process))
}

fn busy(seen: &Seen) -> Option<(String, Option<jiff::Timestamp>)> {
    matches!(judged(seen), Judged::Live).then(|| (seen.holder.clone(), seen.since))
}

/// The error where somebody else is at work.
pub(super) fn locked(name: &str, holder: &str, since: Option<jiff::Timestamp>) -> Error {
    let since = since.map(|since| format!(" since {since:.0}")).unwrap_or_default();
    let message = format!("cannot work on release \"{name}\": {} is at work on it{since}", shown(holder));
    Error::new(Kind::Locked, message).hint(format!("wait for it; helm safe-upgrade status {name} shows what it is at"))
}

/// The last revision, if it is pending and nobody works on it any more. Only a lease that names it proves that.
pub(super) fn abandoned(
    (name, doing, namespace): (&str, &str, &str),
    history: &History,
    lease: Option<&Seen>,
) -> Result<Option<u32>, Error> {
    let Some(last) = history.entries().last() else { return Ok(None) };
    if !last.status_hint.starts_with("pending-") {
        return Ok(None);
    }
    let (revision, status) = (last.revision, &last.status_hint);
    let proof = lease
        .filter(|seen| seen.revision == Some(revision) && matches!(judged(seen), Judged::Free | Judged::Silent(_)));
    match proof {
        Some(_) => Ok(Some(revision)),
        None => {
            let message = format!("cannot {doing} release \"{name}\": status is {status} (revision {revision})");
            Err(Error::new(Kind::Locked, message).hint(format!("helm safe-upgrade unlock {name} -n {namespace}")))
        }
    }
}

/// What of the deployed revision is not ready, or does not run as it says; and what runs beside what it says.
async fn seen_good<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    proposed: &Proposed,
    options: &Options,
) -> (Vec<String>, Option<Result<Compared, String>>) {
    let old = &proposed.outcome.releases.old;
    let ready = look_once(seams.cluster, old, options.patience.clone());
    let (ready, drift) = join(ready, differing(seams, &old.name, old.revision)).await;
    let mut troubles = Vec::new();
    match ready {
        Ok(judgement) if judgement.verdict == Verdict::Ready => {}
        Ok(judgement) => {
            troubles.extend(super::watching::waited_for(&judgement));
            if troubles.is_empty() {
                troubles.push("it is not ready".to_owned());
            }
        }
        Err(error) => troubles.push(error.message),
    }
    // It names each object on a line of its own, and becomes part of a line.
    let live = drift.map_err(|error| error.message.lines().map(str::trim).collect::<Vec<_>>().join("; "));
    match &live {
        Ok(compared) => {
            troubles.extend(compared.differing.iter().map(|name| format!("{name}: not as its manifest says")))
        }
        Err(message) => troubles.push(message.clone()),
    }
    (troubles, Some(live))
}

/// What runs, compared with what a revision says.
#[derive(Debug)]
pub struct Compared {
    pub(super) objects: usize,
    pub(super) differing: Vec<String>,
    /// What differs: the manifest is the old side, the cluster the new one.
    pub(super) diff: ManifestDiff,
    /// The objects that another tool manages.
    pub(super) managed: Vec<Managed>,
}

/// Compares what runs with what a revision says. Replicas that an autoscaler sets are no difference.
pub(super) async fn differing<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    name: &str,
    revision: u32,
) -> Result<Compared, Error> {
    let options = live::Options {
        release: name.to_owned(),
        revision: Some(revision),
        compare: Compare::Auto,
        selection: Selection::default(),
        ignore: autoscaled::replicas(seams.cluster, seams.storage.namespace()).await,
    };
    let found = live::run(seams.storage, seams.cluster, seams.masker, &options, &()).await?;
    if let Some(error) = found.incomplete {
        return Err(error);
    }
    let Outcome { diff, subject, .. } = found.outcome;
    let managed = if let Subject::Live(report) = subject { report.managed } else { Vec::new() };
    let differing = diff
        .manifest
        .resources
        .iter()
        .map(|resource| resource.object().map(|object| object.id.to_string()).unwrap_or_default())
        .collect();
    Ok(Compared { objects: diff.manifest.parsed, differing, diff: diff.manifest, managed })
}

/// The revision to go back to: the first candidate whose manifest is another one; the deployed one itself where it is good, and
/// the upgrade leaves the manifest as it is.
async fn target<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    name: &str,
    prepared: &Prepared,
) -> Result<Option<u32>, Error> {
    let known: Vec<Known> = prepared.history.entries().iter().map(|entry| known(entry, prepared.deployed)).collect();
    let releases = &prepared.proposed.outcome.releases;
    let is_unchanged = releases.old.manifest.is_same_as(&releases.new.manifest);
    let stays = unchanged(&known, prepared.deployed_seen_good).filter(|_| is_unchanged);
    if stays.is_some() && !prepared.is_unfinished {
        return Ok(stays);
    }
    for revision in candidates(&known, prepared.deployed_seen_good) {
        let same = if revision == releases.old.revision {
            is_unchanged
        } else {
            match seams.storage.read(name, revision).await {
                Ok(release) => release.manifest.is_same_as(&releases.new.manifest),
                Err(error) if error.kind == Kind::Damaged => true,
                // Most likely it is another one. What can't be known of it, the checklist says.
                Err(error) if error.kind == Kind::Forbidden => false,
                Err(error) => return Err(error),
            }
        };
        if !same {
            return Ok(Some(revision));
        }
    }
    Ok(stays)
}

fn known(entry: &crate::release::history::Entry, deployed: Option<u32>) -> Known {
    Known {
        revision: entry.revision,
        proven: entry.marks.is_proven(),
        bad: entry.marks.is_bad(),
        deployed: deployed == Some(entry.revision),
    }
}

fn observed<C: Cluster, H: Helm>(seams: &Seams<'_, C, H>, name: &str, prepared: &Prepared) -> Event {
    let namespace = seams.storage.namespace().to_owned();
    let entries = prepared.history.entries();
    let rollback = prepared.target.map(|target| format!("helm safe-upgrade rollback {name} {target} -n {namespace}"));
    Event::Observed {
        release: name.to_owned(),
        namespace,
        deployed: prepared.deployed,
        last: entries.last().map(|entry| (entry.revision, entry.status_hint.clone())),
        proven: entries.iter().filter(|entry| entry.marks.is_proven()).map(|entry| entry.revision).collect(),
        target: prepared.target,
        rollback,
        nothing_to_do: prepared.nothing_to_do,
    }
}

/// Why what is deployed of a release is not ready, if it is not. A server that is away for a while is waited for.
///
/// # Errors
/// If it can't be looked at.
pub async fn trouble<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    name: &str,
    patience: &Patience,
) -> Result<Option<String>, Error> {
    patiently(AWAY, || trouble_now(seams, name, patience.clone())).await
}

async fn trouble_now<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    name: &str,
    patience: Patience,
) -> Result<Option<String>, Error> {
    let history = seams.storage.history(name).await?;
    let Some(deployed) = history.entries().iter().rev().find(|entry| entry.status_hint == "deployed") else {
        return Ok(Some("no revision of it is deployed".to_owned()));
    };
    let release = seams.storage.read(name, deployed.revision).await?;
    let judgement = look_once(seams.cluster, &release, patience).await?;
    if judgement.verdict == Verdict::Ready {
        return Ok(None);
    }
    let troubles = super::watching::waited_for(&judgement);
    Ok(Some(if troubles.is_empty() { "it is not ready".to_owned() } else { troubles.join("; ") }))
}

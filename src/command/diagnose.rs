//! `helm safe-upgrade diagnose`: what is wrong with a release now, and what to do.

use jiff::Timestamp;

use crate::cluster::{Cluster, ObjectRef};
use crate::command::Stages;
use crate::command::evidence::{self, Gathered, Place, Subject};
use crate::error::Error;
use crate::helm::Helm;
use crate::manifest::mask::Masker;
use crate::record;
use crate::release::Release;
use crate::release::history::History;
use crate::storage::Storage;
use crate::upgrade::diagnosis::evidence::{Owner, Revision};

/// What to look at.
#[derive(Clone, Debug)]
pub struct Options {
    /// The release's name.
    pub release: String,
    /// The revision; the newest if not named.
    pub revision: Option<u32>,
    /// Where to keep the evidence, if it is wanted.
    pub place: Option<Place>,
}

/// Looks at a release once, and says what is wrong with it.
///
/// # Errors
/// If the release can't be read, or evidence that was asked for can't be written. What of the cluster can't be read is said in
/// what is returned.
pub async fn run<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    cluster: &impl Cluster,
    masker: &Masker,
    options: &Options,
    stages: &dyn Stages,
) -> Result<Gathered, Error> {
    let name = &options.release;
    super::revdiff::validate_name(name)?;
    stages.stage(&format!("reading the release {name}"));
    let history = storage.history(name).await?;
    let Some(newest) = history.revisions().last().copied() else { return Err(storage.no_release(name).await) };
    let revision = options.revision.unwrap_or(newest);
    let release = storage.read_one(name, revision).await?;
    let before = history.revisions().into_iter().rev().find(|one| *one < revision);
    let previous = match before {
        // What changed is told where it can be; one that is damaged tells nothing.
        Some(before) => storage.read(name, before).await.ok(),
        None => None,
    };
    stages.stage("looking at its objects, events and logs");
    let subject = Subject {
        previous: previous.as_ref(),
        history: revisions(&history, &release, size(storage, &release).await),
        owner: owner(cluster, &release).await,
        ..Subject::new(&release)
    };
    let mut gathered = evidence::gather(cluster, masker, subject, Timestamp::now).await;
    if let Some(place) = &options.place {
        evidence::write(&mut gathered, place, Timestamp::now())?;
    }
    Ok(gathered)
}

/// The revisions as far as their metadata tells; of the one looked at, what its record says.
fn revisions(history: &History, release: &Release, bytes: Option<usize>) -> Vec<Revision> {
    let mut revisions = evidence::revisions(history);
    if let Some(own) = revisions.iter_mut().find(|one| one.revision == release.revision) {
        own.status.clone_from(&release.info.status);
        own.bytes = bytes;
    }
    revisions
}

/// How large the record of a revision is, in bytes, as near as its object tells; not known where it is kept elsewhere.
async fn size<C: Cluster, H: Helm>(storage: &Storage<C, H>, release: &Release) -> Option<usize> {
    let Storage::Objects { cluster, resource } = storage else { return None };
    let at = ObjectRef {
        resource: resource.clone(),
        namespace: Some(cluster.namespace().to_owned()),
        name: format!("sh.helm.release.v1.{}.v{}", release.name, release.revision),
    };
    let body = cluster.get(&at).await.ok()?.len();
    // A Secret's content is base64 in the answer, of four bytes for three.
    Some(if resource.plural == "secrets" { body / 4 * 3 } else { body })
}

/// Who holds the release's lease.
async fn owner(cluster: &impl Cluster, release: &Release) -> Option<Owner> {
    let seen = record::look(cluster, &release.namespace, &release.name).await.ok().flatten()?;
    let alive = record::Holder::is_alive(&seen.holder, &seen.process);
    let me = record::Holder::of_this_process("");
    let live = record::judge_lease(&seen, &me, Timestamp::now(), alive) == record::Judged::Live;
    (live && !seen.holder.is_empty()).then(|| Owner {
        holder: record::shown(&seen.holder),
        since: seen.since.map(|since| since.strftime("%H:%M:%S UTC").to_string()).unwrap_or_default(),
    })
}

//! `helm safe-upgrade status`: where a release stands, and what can be done next.

use futures::future::join;
use jiff::Timestamp;

use crate::cluster::Cluster;
use crate::command::{Stages, history};
use crate::error::Error;
use crate::helm::Helm;
use crate::record::canary::Store;
use crate::record::{Holder, Judged, Seen, judge_lease, look, shown};
use crate::release::history::{Entry, History};
use crate::release::retention::rollback_target;
use crate::report::releases::history::Row;
use crate::report::releases::status::{Canary, Standing, StatusView, Target};
use crate::report::releases::{Command, Owner};
use crate::storage::Storage;
use crate::upgrade::canary::kept::Kept;

/// So many records are read to find the deployed one, where no label says which it is.
const MOST_READ: usize = 20;

/// So many proven revisions are compared with the last one.
const MOST_COMPARED: usize = 10;

/// Looks at a release.
///
/// # Errors
/// If there is no such release, or it can't be read. Without the right to read leases, that is told instead.
pub async fn run<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    cluster: &impl Cluster,
    name: &str,
    now: Timestamp,
    stages: &dyn Stages,
) -> Result<StatusView, Error> {
    super::revdiff::validate_name(name)?;
    stages.stage(&format!("reading the release {name}"));
    let history = storage.history(name).await?;
    let Some(last) = history.entries().last() else { return Err(storage.no_release(name).await) };
    let namespace = storage.namespace().to_owned();
    let last = history::row(storage, name, last).await?;
    let deployed =
        if last.status == "deployed" { Some(last.clone()) } else { deployed(storage, name, &history).await? };
    let marked = |which: fn(&Entry) -> bool| -> Vec<u32> {
        history.entries().iter().rev().filter(|entry| which(entry)).map(|entry| entry.revision).collect()
    };
    let (lease, canary) = join(look(cluster, &namespace, name), canary(storage, cluster, name)).await;
    let (owner, owner_unknown) = match lease {
        Ok(seen) => (seen.map(|seen| owner(&seen, now)), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let rollback = target(storage, name, &history).await?;
    let standing = Standing { release: name.to_owned(), namespace, last, observed: now };
    let mut view = StatusView::new(standing);
    view.deployed = deployed;
    view.proven = marked(|entry| entry.marks.is_proven());
    view.bad = marked(|entry| entry.marks.is_bad());
    view.owner = owner;
    view.owner_unknown = owner_unknown;
    match canary {
        Ok(canary) => view.canary = canary,
        Err(reason) => view.canary_unknown = Some(reason),
    }
    view.rollback = rollback;
    view.commands = commands(&view);
    Ok(view)
}

/// The canary that is under way. Of releases in a database there is none.
async fn canary<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    cluster: &impl Cluster,
    name: &str,
) -> Result<Option<Canary>, String> {
    if matches!(storage, Storage::Helm { .. }) {
        return Ok(None);
    }
    let store = Store::of(cluster, storage.namespace(), name);
    let Some(bytes) = store.read().await.map_err(|error| error.message)? else { return Ok(None) };
    let kept = Kept::read(&bytes).map_err(|cause| format!("what is kept of a canary can't be read: {cause}"))?;
    Ok(Some(Canary::of(&kept)))
}

async fn deployed<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    name: &str,
    history: &History,
) -> Result<Option<Row>, Error> {
    for revision in history.deployed_candidates().into_iter().take(MOST_READ) {
        let Some(entry) = history.entries().iter().find(|entry| entry.revision == revision) else { continue };
        let row = history::row(storage, name, entry).await?;
        if row.status == "deployed" {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// What a rollback goes back to: the newest proven revision whose manifest is another than the last one's, else what Helm would
/// take.
async fn target<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    name: &str,
    history: &History,
) -> Result<Option<Target>, Error> {
    let entries = history.entries();
    let Some((last, before)) = entries.split_last() else { return Ok(None) };
    let proven: Vec<u32> =
        before.iter().rev().filter(|entry| entry.marks.is_proven()).map(|entry| entry.revision).collect();
    let newest = match proven.is_empty() {
        true => None,
        // A last record that can't be read differs from all others.
        false => storage.read(name, last.revision).await.ok(),
    };
    for &revision in proven.iter().take(MOST_COMPARED) {
        match (&newest, storage.read(name, revision).await) {
            (_, Err(_)) => {}
            (Some(newest), Ok(release)) if newest.manifest == release.manifest => {}
            _ => return Ok(Some(Target { revision, proven: true })),
        }
    }
    let unproven: Vec<Entry> = entries.iter().filter(|entry| !entry.marks.is_proven()).cloned().collect();
    let fallback = if proven.is_empty() { rollback_target(&unproven) } else { None };
    Ok(fallback.map(|revision| Target { revision, proven: false }))
}

/// The holder of a lease for a reader.
pub(super) fn owner(seen: &Seen, now: Timestamp) -> Owner {
    let nobody = Holder { identity: String::new(), process: None };
    let alive = match judge_lease(seen, &nobody, now, Holder::is_alive(&seen.holder, &seen.process)) {
        Judged::Free => Some(false),
        Judged::Live | Judged::Mine => Some(true),
        Judged::Silent(_) => None,
    };
    Owner {
        holder: shown(&seen.holder),
        since: seen.since,
        last_sign: seen.last_sign,
        phase: Some(crate::release::rewrite::one_line(&seen.phase)).filter(|phase| !phase.is_empty()),
        revision: seen.revision,
        alive,
    }
}

/// Commands to copy.
fn commands(view: &StatusView) -> Vec<Command> {
    let at = format!("{} -n {}", view.release, view.namespace);
    let mut commands = Vec::new();
    let mut add = |line: String, does: String| commands.push(Command { line, does });
    let pending = view.last.status.starts_with("pending");
    if pending {
        add(
            format!("helm safe-upgrade unlock {at}"),
            "shows whether anybody is at work, and unlocks the release".to_owned(),
        );
    }
    if view.canary.is_some() {
        for (word, does) in
            [("status", "shows how far the canary is"), ("promote", "goes on with it"), ("abort", "goes back")]
        {
            add(format!("helm safe-upgrade canary {word} {at}"), does.to_owned());
        }
    }
    if let Some(Target { revision, .. }) = view.rollback.filter(|_| !pending) {
        let (name, namespace) = (&view.release, &view.namespace);
        add(
            format!("helm safe-upgrade rollback {name} {revision} -n {namespace}"),
            format!("goes back to revision {revision}"),
        );
        add(
            format!("helm revdiff rollback {name} {revision} -n {namespace}"),
            "shows what that would change".to_owned(),
        );
    }
    if view.deployed.is_some() {
        add(format!("helm revdiff live {at}"), "shows what was changed by hand".to_owned());
    }
    commands
}

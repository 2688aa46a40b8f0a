//! `helm safe-upgrade prune`: deletes old revisions, and none that is still needed.
//!
//! What may go is decided by metadata. Before anything is deleted, the record of the revision that the label calls deployed is
//! asked whether it is, and the lease is taken, so that nobody upgrades the release meanwhile.

use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt as _;
use futures::stream;
use jiff::Timestamp;

use crate::cluster::Cluster;
use crate::command::Stages;
use crate::error::{Error, Kind};
use crate::fleet::{self, Listing, Narrow, Place, Scope};
use crate::helm::Helm;
use crate::record::canary::Store as Canary;
use crate::record::{self, Acquired, Holder, Records, shown};
use crate::release::history::Entry;
use crate::release::retention::{self, Keep, rollback_target};
use crate::report::releases::prune::{PruneView, Pruned, Row};
use crate::storage::Storage;

/// So many releases are looked at at the same time.
const AT_ONCE: usize = 8;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The release's name; all that there are if not named.
    pub release: Option<String>,
    /// Whether releases of all namespaces are meant.
    pub all_namespaces: bool,
    /// What stays.
    pub keep: Keeping,
    /// Whether nothing is to be deleted.
    pub dry_run: bool,
}

/// What stays of a release, by its name and its namespace.
#[derive(Clone)]
pub struct Keeping(pub Arc<KeepOf>);

/// Says what stays of a release, by its name and its namespace.
pub type KeepOf = dyn Fn(&str, &str) -> Keep + Send + Sync;

impl std::fmt::Debug for Keeping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keeping")
    }
}

/// What is to go.
#[derive(Debug)]
pub struct Plan {
    /// For a reader.
    pub view: PruneView,
    /// The metadata of the revisions that go, release by release.
    going: Vec<Vec<Entry>>,
}

/// Decides what goes.
///
/// # Errors
/// If the revisions can't be listed, or there is no such release; of kind [`Kind::Unsupported`] for `HELM_DRIVER=sql`.
pub async fn plan<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    options: &Options,
    now: Timestamp,
    stages: &dyn Stages,
) -> Result<Plan, Error> {
    let records = Records::of(storage)?;
    if let Some(name) = &options.release {
        super::revdiff::validate_name(name)?;
    }
    stages.stage("listing revisions");
    let Listing { releases, unreadable, .. } = listed(&records, storage.namespace(), options).await?;
    if let (true, Some(name)) = (releases.is_empty(), &options.release) {
        return Err(storage.no_release(name).await);
    }
    stages.stage("looking for those that are in use");
    let decided = stream::iter(releases).map(|((namespace, name), entries)| {
        let records = records.in_namespace(&namespace);
        let keep = (options.keep.0)(&name, &namespace);
        async move {
            let pruned = decided(&records, (namespace, name), &entries, (keep, now)).await;
            let going = pruned.going();
            (pruned, entries.into_iter().filter(|entry| going.contains(&entry.revision)).collect())
        }
    });
    let (view, going): (Vec<Pruned>, Vec<Vec<Entry>>) =
        decided.buffered(AT_ONCE).collect::<Vec<_>>().await.into_iter().unzip();
    Ok(Plan { view: PruneView::new(options.dry_run, view, unreadable), going })
}

/// Deletes what the plan says, oldest first.
///
/// # Errors
/// The first one, after all has been tried that could be: who may delete in one namespace may do so although they may not in
/// another.
pub async fn carry_out<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    plan: &mut Plan,
    (me, now): (&Holder, fn() -> Timestamp),
    stages: &dyn Stages,
) -> Result<(), Error> {
    let records = Records::of(storage)?;
    let mut first = None;
    for (pruned, entries) in plan.view.releases.iter_mut().zip(&plan.going) {
        if entries.is_empty() {
            continue;
        }
        stages.stage(&format!("deleting revisions of {}", pruned.release));
        let records = records.in_namespace(&pruned.namespace);
        if let Err(error) = delete(&records, pruned, entries, (me, now)).await {
            pruned.failed = Some(error.message.clone());
            let fatal = matches!(error.kind, Kind::Unreachable | Kind::Unauthorized);
            first = first.or(Some(error));
            if fatal {
                break;
            }
        }
    }
    first.map_or(Ok(()), Err)
}

/// All revisions there are, by namespace and release, and what could not be listed.
async fn listed<C: Cluster>(records: &Records<'_, C>, namespace: &str, options: &Options) -> Result<Listing, Error> {
    let place = Place { cluster: records.cluster(), resource: records.resource() };
    let scope = if options.all_namespaces { Scope::All } else { Scope::Namespaces(vec![namespace.to_owned()]) };
    fleet::list(place, &scope, Narrow { release: options.release.as_deref(), selector: None }).await
}

async fn decided<C: Cluster>(
    records: &Records<'_, C>,
    (namespace, release): (String, String),
    entries: &[Entry],
    (keep, now): (Keep, Timestamp),
) -> Pruned {
    let fates = retention::decide(entries, keep, rollback_target(entries), now);
    let row = |(entry, fate): (&Entry, &retention::Fate)| Row {
        revision: entry.revision,
        status: entry.status_hint.clone(),
        stays: fate.stays.map(|reason| reason.name().to_owned()),
        deleted: false,
    };
    let revisions = entries.iter().zip(&fates).map(row).collect();
    let mut pruned = Pruned { release, namespace, revisions, ..Pruned::default() };
    if !pruned.going().is_empty() {
        pruned.skipped = in_use(records, (&pruned.namespace, &pruned.release), entries).await;
    }
    pruned
}

/// Why a release must be left alone.
async fn in_use<C: Cluster>(
    records: &Records<'_, C>,
    (namespace, name): (&str, &str),
    entries: &[Entry],
) -> Option<String> {
    if let Some(pending) = entries.iter().rev().find(|entry| entry.status_hint.starts_with("pending")) {
        return Some(format!("revision {} is {}", pending.revision, pending.status_hint));
    }
    match record::look(records.cluster(), namespace, name).await {
        Ok(Some(seen)) if !seen.holder.is_empty() => {
            return Some(format!("{} is at work on it, or has left it unfinished", shown(&seen.holder)));
        }
        // Who may not read leases can't hold one either: the records decide.
        _ => {}
    }
    // The revision from before a canary is its way back, and looks old.
    match Canary::of(records.cluster(), namespace, name).read().await {
        Ok(None) => {}
        Ok(Some(_)) => return Some("a canary is under way".to_owned()),
        // Whoever may not see it can't tell.
        Err(error) if error.kind == Kind::Forbidden => {}
        Err(error) => return Some(error.message),
    }
    // A label may lie, and then others do as well.
    let deployed = entries.iter().rev().find(|entry| entry.status_hint == "deployed")?;
    match records.status(name, deployed.revision).await {
        Ok(status) if status == "deployed" => None,
        Ok(status) => {
            let revision = deployed.revision;
            Some(format!("the label of revision {revision} says deployed, and its record says {status}"))
        }
        Err(error) => Some(error.message),
    }
}

async fn delete<C: Cluster>(
    records: &Records<'_, C>,
    pruned: &mut Pruned,
    entries: &[Entry],
    (me, now): (&Holder, fn() -> Timestamp),
) -> Result<(), Error> {
    let lease = match record::acquire(records.cluster(), &pruned.namespace, &pruned.release, me, now).await? {
        Acquired::Held(lease) => Some(lease),
        Acquired::NoRight(_) => None,
        Acquired::Busy { holder, .. } => {
            pruned.skipped = Some(format!("{} is at work on it", shown(&holder)));
            return Ok(());
        }
    };
    // Where no label says which revision is deployed, each record is asked.
    let labelled = pruned.revisions.iter().any(|row| row.status == "deployed");
    let mut renewed = Instant::now();
    let mut result = Ok(());
    for entry in entries {
        result = one(records, &pruned.release, entry, labelled).await;
        if let Some(lease) = lease.as_ref().filter(|_| result.is_ok() && renewed.elapsed() > record::RENEW_EVERY) {
            renewed = Instant::now();
            if let Ok(record::Renewal::Lost(_)) = lease.renew().await {
                let message = format!(
                    "stopped deleting revisions of release \"{}\": somebody else took its lease",
                    pruned.release
                );
                result = Err(Error::new(Kind::Locked, message));
            }
        }
        if result.is_err() {
            break;
        }
        if let Some(row) = pruned.revisions.iter_mut().find(|row| row.revision == entry.revision) {
            row.deleted = true;
        }
    }
    if let Some(lease) = lease {
        // What could not be deleted ends by itself in a quarter of a minute.
        _ = lease.release().await;
    }
    result
}

async fn one<C: Cluster>(records: &Records<'_, C>, name: &str, entry: &Entry, labelled: bool) -> Result<(), Error> {
    let revision = entry.revision;
    if !labelled && records.status(name, revision).await? == "deployed" {
        let message = format!("will not delete revision {revision} of release \"{name}\": its record says deployed");
        return Err(Error::new(Kind::Refused, message));
    }
    records.delete(name, revision, &entry.resource_version).await
}

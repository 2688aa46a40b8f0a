//! The way back of a canary: the release gets the pods again that ran before, which its manifest may not know of.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::steps::Release;
use super::work::At;
use crate::error::{Error, Kind};
use crate::execute::canary::{Made, Steps as _};
use crate::execute::scale::{Scaled, replicas, scale};
use crate::execute::{self, AWAY, Listener as _, patiently};
use crate::upgrade::canary::event::CanaryEvent;
use crate::upgrade::canary::kept::{Kept, Workload};
use crate::upgrade::event::{Event, Report};
use crate::upgrade::next::Ending;

/// How often it is looked whether the release is ready again.
const BETWEEN: Duration = Duration::from_millis(500);

/// Upgrades the release itself. Where that fails it is back, and has its pods again.
pub(super) async fn make(release: &Release<'_, '_>, kept: &Kept, step: At<'_>) -> Result<Made, Error> {
    let made = release.make(kept, step).await?;
    let Made::Ended(mut report) = made else { return Ok(made) };
    // The manifest may say fewer pods than there were: somebody had scaled it.
    if report.ending == Ending::RolledBack
        && has_more(kept)
        && let Err(error) = restore(release, kept).await
    {
        report.ending = Ending::NotRolledBack;
        report.summary = format!("{}, and {} is NOT as it was: {}", report.summary, kept.release, error.message);
        report.next.clear();
    }
    Ok(Made::Ended(report))
}

/// Goes back to the revision from before, with its pods.
pub(super) async fn go_back(release: &Release<'_, '_>, kept: &Kept) -> Result<Report, Error> {
    let is_unchanged = release.newest().await? == kept.before;
    let mut report = match is_unchanged {
        true => nothing(kept),
        false => release.roll_back(kept).await?,
    };
    // A release that no second one runs beside has lost pods only by what the canary has made of it, and is given none where it is not back.
    let is_back = matches!(report.ending, Ending::WentBack | Ending::RolledBack | Ending::Unproven);
    if kept.stable.is_none() && (is_unchanged || !is_back || !has_more(kept)) {
        return Ok(report);
    }
    if let Err(error) = restore(release, kept).await {
        report.ending = Ending::NotRolledBack;
        report.summary = format!("{} is NOT as it was: {}", kept.release, error.message);
    }
    Ok(report)
}

/// Whether the release ran with other pods than its manifest says, or than are left of it.
fn has_more(kept: &Kept) -> bool {
    kept.stable.is_some() || !kept.scaled.is_empty()
}

/// The report where the release itself was not changed.
fn nothing(kept: &Kept) -> Report {
    let summary = format!("{} is at revision {}, as before the canary", kept.release, kept.before);
    Report::unchanged((&kept.release, &kept.namespace), kept.before, Ending::WentBack, summary)
}

/// Leaves the release to somebody else: what they have deployed has its pods as soon as it is ready, and what they have not, or have
/// brought back to what was there before, is given them back.
pub(super) async fn leave(release: &Release<'_, '_>, kept: &Kept, is_back: bool) -> Result<(), Error> {
    if kept.stable.is_none() {
        return if is_back { restore(release, kept).await } else { Ok(()) };
    }
    let history = patiently(AWAY, || release.work.storage.history(&kept.release)).await?;
    let status = history.entries().last().map(|entry| entry.status_hint.as_str()).unwrap_or("uninstalled");
    match status {
        _ if status.starts_with("uninstall") => Ok(()),
        "deployed" if !is_back => await_ready(release, kept).await,
        _ => restore(release, kept).await,
    }
}

/// Scales the workloads up to what they had, and waits until they are ready.
pub(super) async fn restore(release: &Release<'_, '_>, kept: &Kept) -> Result<(), Error> {
    for workload in kept.stable.as_ref().map_or(&kept.scaled, |stable| &stable.workloads) {
        let named = (workload.kind.as_str(), workload.name.as_str());
        let live = replicas(&release.work.cluster, &kept.namespace, named).await?;
        // Within the release nothing was scaled down: whoever has scaled it further up meanwhile knows why.
        if kept.stable.is_none() && live >= workload.replicas {
            continue;
        }
        tell_scaled_down(release, kept, workload, live);
        set(release, kept, named, workload.replicas).await?;
    }
    // Those that an earlier run has scaled up may not be ready yet.
    await_ready(release, kept).await
}

/// Tells that somebody else has scaled a workload of the stable release down, further than the canary did: why, only they know.
fn tell_scaled_down(release: &Release<'_, '_>, kept: &Kept, workload: &Workload, live: u32) {
    // Before the first step nothing is scaled down.
    let begun = kept.done.iter().map(|done| done.step).max();
    let step = begun.and_then(|step| kept.steps.get(step)).and_then(|step| step.replicas).unwrap_or_default();
    let least = workload.left_beside(step);
    if kept.stable.is_none() || live >= least {
        return;
    }
    let (kind, name, had) = (workload.kind.to_lowercase(), &workload.name, workload.replicas);
    let pods = if live == 1 { "1 pod".to_owned() } else { format!("{live} pods") };
    let text = format!(
        "somebody else has scaled {kind}/{name} down to {pods}, while the canary left it {least}: it gets {had} again, as before the canary"
    );
    let work = release.work;
    work.console(work.telling, &kept.release, None).hear(&Event::Warning { text });
}

/// Waits until the release is ready.
async fn await_ready(release: &Release<'_, '_>, kept: &Kept) -> Result<(), Error> {
    let work = release.work;
    let console = work.console(crate::cli::console::Telling::Nothing, "", None);
    let end = Instant::now() + work.options.rollback_timeout;
    loop {
        let trouble = execute::trouble(&work.seams(&console), &kept.release, &work.options.patience).await?;
        let Some(trouble) = trouble else { return Ok(()) };
        if Instant::now() >= end || work.interrupts.twice() {
            return Err(Error::new(Kind::NotRolledBack, format!("its pods are not ready again: {trouble}")));
        }
        sleep(BETWEEN).await;
    }
}

/// Sets the pods of a workload.
pub(super) async fn set(
    release: &Release<'_, '_>,
    kept: &Kept,
    (kind, name): (&str, &str),
    replicas: u32,
) -> Result<(), Error> {
    let scaled = scale(&release.work.cluster, &kept.namespace, (kind, name), replicas).await?;
    let workload = format!("{}/{name}", kind.to_lowercase());
    if scaled == Scaled::Set {
        release.hear(&CanaryEvent::CanaryScaled { workload, replicas });
    }
    Ok(())
}

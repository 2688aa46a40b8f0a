//! A canary as a second release beside the stable one: it grows, the stable one is scaled down, and in the end the stable release is
//! upgraded and the second one removed.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::steps::Release;
use super::work::At;
use crate::error::{Error, Kind};
use crate::execute;
use crate::execute::canary::{Made, Steps as _};
use crate::execute::scale::{Scaled, scale};
use crate::helm::Helm as _;
use crate::upgrade::canary::event::CanaryEvent;
use crate::upgrade::canary::kept::{Kept, Stable};
use crate::upgrade::event::{Event, Report};
use crate::upgrade::next::Ending;

/// How often it is looked whether the stable release is ready again.
const BETWEEN: Duration = Duration::from_millis(500);

/// Makes a step of the second release, and scales the stable one down by as many pods.
pub(super) async fn grow(
    release: &Release<'_, '_>,
    kept: &Kept,
    (step, stable): (At<'_>, &Stable),
) -> Result<Made, Error> {
    let made = release.make(kept, step).await?;
    let Made::Ended(mut report) = made else { return Ok(made) };
    match report.ending {
        // Somebody has upgraded the stable release meanwhile: its pods are not the canary's to scale down any more.
        Ending::Passed | Ending::Upgraded | Ending::Nothing if release.newest().await? != kept.before => {
            report.ending = Ending::Overtaken;
            report.summary = format!("{} was changed by somebody else during the step", kept.release);
            report.next.clear();
        }
        Ending::Passed | Ending::Upgraded | Ending::Nothing => {
            let count = step.steps[step.at].replicas.unwrap_or_default();
            for workload in &stable.workloads {
                // One of the stable pods stays, so that there is something to compare with.
                let left = workload.replicas.saturating_sub(count).max(1).min(workload.replicas);
                set(release, kept, (&workload.kind, &workload.name), left).await?;
            }
            report.ending = Ending::Passed;
        }
        Ending::Unproven => {}
        _ => {
            let failed = report.summary.clone();
            let back = restore(release, kept, stable).await;
            report.ending = if back.is_ok() { Ending::RolledBack } else { Ending::NotRolledBack };
            report.summary = match back {
                Ok(()) => format!("{failed}; {} has all of its pods again", kept.release),
                Err(error) => format!("{failed}, and {} is NOT as it was: {}", kept.release, error.message),
            };
            report.next.clear();
        }
    }
    Ok(Made::Ended(report))
}

/// The last step: the stable release is upgraded itself, while the second one takes its share.
pub(super) async fn finish(
    release: &Release<'_, '_>,
    kept: &Kept,
    (step, stable): (At<'_>, &Stable),
) -> Result<Made, Error> {
    let made = release.make(kept, step).await?;
    let Made::Ended(mut report) = made else { return Ok(made) };
    // The manifest may say fewer pods than there were: somebody had scaled it.
    if report.ending == Ending::RolledBack
        && let Err(error) = restore(release, kept, stable).await
    {
        report.ending = Ending::NotRolledBack;
        report.summary = format!("{}, and {} is NOT as it was: {}", report.summary, kept.release, error.message);
        report.next.clear();
    }
    Ok(Made::Ended(report))
}

/// Gives the stable release its pods back, and then removes the second one.
pub(super) async fn go_back(release: &Release<'_, '_>, kept: &Kept, stable: &Stable) -> Result<Report, Error> {
    let mut report = match release.newest().await? == kept.before {
        true => nothing(kept),
        false => release.roll_back(kept).await?,
    };
    if let Err(error) = restore(release, kept, stable).await {
        report.ending = Ending::NotRolledBack;
        report.summary = format!("{} is NOT as it was: {}", kept.release, error.message);
    }
    Ok(report)
}

/// The report where the release itself was not changed.
pub(super) fn nothing(kept: &Kept) -> Report {
    let summary = format!("{} is at revision {}, as before the canary", kept.release, kept.before);
    Report::unchanged((&kept.release, &kept.namespace), kept.before, Ending::WentBack, summary)
}

/// Leaves the stable release to somebody else: what they have deployed has its pods as soon as it is ready, and what they have not,
/// or have brought back to what was there before, is given them back.
pub(super) async fn leave(
    release: &Release<'_, '_>,
    kept: &Kept,
    (stable, is_back): (&Stable, bool),
) -> Result<(), Error> {
    let history = release.work.storage.history(&kept.release).await?;
    let status = history.entries().last().map(|entry| entry.status_hint.as_str()).unwrap_or("uninstalled");
    match status {
        _ if status.starts_with("uninstall") => Ok(()),
        "deployed" if !is_back => await_ready(release, kept).await,
        _ => restore(release, kept, stable).await,
    }
}

/// Scales the stable workloads up to what they had, and waits until they are ready.
async fn restore(release: &Release<'_, '_>, kept: &Kept, stable: &Stable) -> Result<(), Error> {
    for workload in &stable.workloads {
        set(release, kept, (&workload.kind, &workload.name), workload.replicas).await?;
    }
    // Those that an earlier run has scaled up may not be ready yet.
    await_ready(release, kept).await
}

/// Waits until the release is ready.
pub(super) async fn await_ready(release: &Release<'_, '_>, kept: &Kept) -> Result<(), Error> {
    let work = release.work;
    let console = work.console(crate::cli::console::Telling::Nothing, "", None);
    let end = Instant::now() + work.options.rollback_timeout;
    loop {
        let trouble = execute::trouble(&work.seams(&console), &kept.release, work.options.patience.clone()).await?;
        let Some(trouble) = trouble else { return Ok(()) };
        if Instant::now() >= end || work.interrupts.twice() {
            return Err(Error::new(Kind::NotRolledBack, format!("its pods are not ready again: {trouble}")));
        }
        sleep(BETWEEN).await;
    }
}

/// Sets the pods of a stable workload.
async fn set(release: &Release<'_, '_>, kept: &Kept, (kind, name): (&str, &str), replicas: u32) -> Result<(), Error> {
    let scaled = scale(&release.work.cluster, &kept.namespace, (kind, name), replicas).await?;
    let workload = format!("{}/{name}", kind.to_lowercase());
    if scaled == Scaled::Set {
        release.hear(&CanaryEvent::CanaryScaled { workload, replicas });
    }
    Ok(())
}

/// Removes the second release, if it is there.
pub(super) async fn remove(release: &Release<'_, '_>, kept: &Kept, stable: &Stable) -> Result<(), Error> {
    let work = release.work;
    if work.storage.history(&stable.canary).await?.is_empty() {
        return Ok(());
    }
    let mut running = work.helm.uninstall(&stable.canary, work.options.rollback_timeout).await?;
    let ended = running.wait().await;
    if ended.success {
        let text = format!("the release {} is removed", stable.canary);
        crate::execute::Listener::hear(&work.console(work.telling, &kept.release, None), &Event::Notice { text });
        return Ok(());
    }
    let message = format!("the release {} stays: {}", stable.canary, ended.message);
    Err(Error::new(Kind::Helm, message).hint(format!("helm uninstall {} -n {}", stable.canary, kept.namespace)))
}

//! A canary as a second release beside the stable one: it grows, the stable one is scaled down, and in the end the stable release is
//! upgraded and the second one removed.

use super::back::{restore, set};
use super::steps::Release;
use super::work::At;
use crate::error::{Error, Kind};
use crate::execute::canary::Made;
use crate::helm::Helm as _;
use crate::upgrade::canary::kept::{Kept, Stable};
use crate::upgrade::event::Event;
use crate::upgrade::next::Ending;

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
                set(release, kept, (&workload.kind, &workload.name), workload.left_beside(count)).await?;
            }
            report.ending = Ending::Passed;
        }
        Ending::Unproven => {}
        _ => {
            let failed = report.summary.clone();
            let back = restore(release, kept).await;
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

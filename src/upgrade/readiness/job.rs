//! What runs to an end: Jobs and Pods; and CronJobs, which start Jobs.

use super::{Readiness, Subject, said};
use crate::manifest::observed::Condition;

/// It is complete, or, where Jobs are not waited for, has started. (kstatus: `jobConditions`)
pub(super) fn job(subject: &Subject<'_>) -> Readiness {
    let object = subject.object;
    let says = |name| object.condition(name).filter(|condition| condition.is_true());
    if says("Complete").is_some() {
        return Readiness::Ready;
    }
    if let Some(failed) = says("Failed").or_else(|| says("FailureTarget")) {
        let text = said("failed", failed.text("message"));
        // What had failed before does not become ready by waiting, and says nothing of this upgrade.
        return match (subject.world.is_changed(object), subject.patience.wait_for_jobs) {
            (true, _) => Readiness::Failed(text),
            (false, true) => Readiness::Waiting(format!("{text} (before the upgrade)")),
            (false, false) => Readiness::Unverified(format!("{text} (before the upgrade)")),
        };
    }
    if says("Suspended").is_some() {
        return Readiness::Unverified("is suspended".to_owned());
    }
    if object.text(&["status", "startTime"]).is_empty() {
        return Readiness::Waiting("has not started yet".to_owned());
    }
    if subject.patience.wait_for_jobs { Readiness::Waiting("is not complete yet".to_owned()) } else { Readiness::Ready }
}

/// It runs and is ready, or has succeeded. (kstatus: `podConditions`; there a Pod that has failed is current)
pub(super) fn pod(subject: &Subject<'_>) -> Readiness {
    let object = subject.object;
    match object.text(&["status", "phase"]) {
        "Succeeded" => Readiness::Ready,
        "Failed" => Readiness::Failed(said("failed", object.text(&["status", "message"]))),
        "Running" if object.condition("Ready").is_some_and(Condition::is_true) => Readiness::Ready,
        "Running" => Readiness::Waiting("runs, but is not ready".to_owned()),
        "Pending" if object.condition("PodScheduled").is_some_and(Condition::is_false) => {
            Readiness::Waiting("is not scheduled yet".to_owned())
        }
        "Pending" => Readiness::Waiting("is starting".to_owned()),
        _ => Readiness::Waiting("its phase is not known yet".to_owned()),
    }
}

/// Always. (kstatus: `alwaysReady`)
pub(super) fn cron_job(_: &Subject<'_>) -> Readiness {
    Readiness::Ready
}

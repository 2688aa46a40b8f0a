//! Objects that steer workloads: disruption budgets and autoscalers. They never keep a release from being ready for long.

use super::{Readiness, Subject, said};

/// Its controller has looked at it. (kstatus: `pdbConditions`)
pub(super) fn disruption_budget(subject: &Subject<'_>) -> Readiness {
    match subject.object.number(&["status", "observedGeneration"]) {
        Some(_) => Readiness::Ready,
        None => Readiness::Waiting("its controller has not seen it yet".to_owned()),
    }
}

/// It can scale; where it says that it can't, as no metrics are there, the workload runs none the less. (kstatus has no rule)
pub(super) fn autoscaler(subject: &Subject<'_>) -> Readiness {
    let held = ["AbleToScale", "ScalingActive"]
        .into_iter()
        .find_map(|name| subject.object.condition(name).filter(|condition| condition.is_false()));
    match held {
        Some(condition) => Readiness::Unverified(said("does not scale", condition.text("message"))),
        None => Readiness::Ready,
    }
}

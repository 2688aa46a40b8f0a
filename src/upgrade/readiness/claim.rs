//! Storage: claims and volumes.

use super::super::world::World;
use super::{Readiness, Subject, said};
use crate::manifest::observed::Observed;

/// It is bound. (kstatus: `pvcConditions`)
///
/// One whose class binds when a pod needs it, and which no pod uses, is not waited for.
pub(super) fn claim(subject: &Subject<'_>) -> Readiness {
    match subject.object.text(&["status", "phase"]) {
        "Bound" => Readiness::Ready,
        "Lost" => Readiness::Waiting("has lost its volume".to_owned()),
        _ if waits_for_consumer(subject.world, subject.object) => {
            Readiness::Unverified("is bound when a pod uses it".to_owned())
        }
        _ => Readiness::Waiting("is not bound yet".to_owned()),
    }
}

/// Whether a claim waits for a pod to use it, and none does. That its class has the mode `WaitForFirstConsumer` is told by the
/// event of that name. (k8s.io/kubernetes, pkg/controller/volume/persistentvolume/pv_controller.go: `syncUnboundClaim`)
pub(in super::super) fn waits_for_consumer(world: &World, claim: &Observed) -> bool {
    let waits = world.events_of(claim).iter().any(|event| event.reason == "WaitForFirstConsumer");
    waits && !world.is_used(claim)
}

/// It is available or bound.
pub(super) fn volume(subject: &Subject<'_>) -> Readiness {
    match subject.object.text(&["status", "phase"]) {
        "Available" | "Bound" | "Released" => Readiness::Ready,
        "Failed" => Readiness::Waiting(said("has failed", subject.object.text(&["status", "message"]))),
        _ => Readiness::Waiting("is not available yet".to_owned()),
    }
}

//! `unbound-claim`: a volume cannot be had, be it that a claim is not bound or that a volume is not mounted.
//!
//! Looks at claims of the release that are not bound, but for those that wait for a pod that uses them; at the claims of its pods; and at
//! events `FailedMount` and `FailedAttachVolume` of pods that have not started (k8s.io/kubernetes, pkg/kubelet/events/event.go;
//! pkg/controller/volume/persistentvolume/pv_controller.go).
//!
//! Grace: `--fail-fast-after`, as volumes are often made, and let go of by the old pod, only then.

use super::{Found, Suspect, because};
use crate::manifest::observed::Observed;
use crate::upgrade::readiness::Readiness;
use crate::upgrade::world::{Event, Key, PodRef};

pub(super) const RULE: &str = "unbound-claim";

pub(super) fn find<'a>(suspect: &Suspect<'a>, found: &mut Vec<Found<'a>>) {
    let grace = suspect.patience.fail_fast_after;
    if suspect.key.is("", "PersistentVolumeClaim") {
        if matches!(suspect.readiness, Readiness::Waiting(_)) && !suspect.object.is_deleting() {
            let message = because("claim is not bound".to_owned(), cause(suspect, suspect.object));
            found.push(Found::of_object(RULE, message, grace));
        }
        return;
    }
    for pod in suspect.pods.iter().filter(|pod| pod.facts.phase == "Pending") {
        let message = unbound(suspect, *pod).or_else(|| not_mounted(suspect, *pod));
        if let Some(message) = message {
            found.push(Found::of_pod(RULE, *pod, message, grace));
        }
    }
}

/// The first claim of the pod that is not bound.
fn unbound(suspect: &Suspect<'_>, pod: PodRef<'_>) -> Option<String> {
    pod.facts.claims.iter().find_map(|name| {
        let namespace = pod.object.namespace().to_owned();
        let kind = "PersistentVolumeClaim".to_owned();
        let key = Key { group: String::new(), kind, namespace, name: name.clone() };
        let claim = suspect.world.object(&key)?;
        let pending = matches!(claim.text(&["status", "phase"]), "Pending" | "Lost");
        pending.then(|| because(format!("claim {name:?} is not bound"), cause(suspect, claim)))
    })
}

/// What the newest event of a claim says, if it is a warning.
fn cause<'a>(suspect: &Suspect<'a>, claim: &Observed) -> &'a str {
    let warning = |event: &&Event| event.warning || event.reason == "FailedBinding";
    suspect.world.events_of(claim).iter().rev().find(warning).map_or("", |event| &event.message)
}

/// A pod whose volumes are the newest thing that is said of it, and none of whose containers has begun.
fn not_mounted(suspect: &Suspect<'_>, pod: PodRef<'_>) -> Option<String> {
    let begun = |c: &crate::upgrade::world::ContainerFacts| c.running || c.ended.is_some();
    if pod.facts.containers.iter().any(begun) {
        return None;
    }
    let newest = suspect.world.events_of(pod.object).last().filter(|event| event.fresh)?;
    let what = match &*newest.reason {
        "FailedMount" => "cannot mount a volume",
        "FailedAttachVolume" | "FailedMapVolume" => "cannot attach a volume",
        _ => return None,
    };
    Some(because(what.to_owned(), &newest.message))
}

//! `probe`: a container runs and does not become ready.
//!
//! Looks at containers that run and are not ready, sidecars too, in pods that live on. Events `Unhealthy` give the cause, where there are any.
//!
//! Grace: `--fail-fast-after`, or what the container's own probes allow if that is longer: `initialDelaySeconds + periodSeconds ×
//! failureThreshold` of the startup probe, and then of the readiness or the liveness probe, whichever is longer (Configure Liveness,
//! Readiness and Startup Probes). So an application that says by its probes how slowly it starts is given the time. The grace begins
//! anew each time that the container was seen ready, or not running.

use jiff::SignedDuration;

use super::{Found, Suspect, because, named};

pub(super) const RULE: &str = "probe";

pub(super) fn find<'a>(suspect: &Suspect<'a>, found: &mut Vec<Found<'a>>) {
    for (pod, container) in suspect.containers() {
        let counts = pod.facts.lives_on && (!container.init || container.sidecar);
        if !counts || !container.running || container.ready {
            continue;
        }
        let events = suspect.world.events_of(pod.object).iter().rev();
        let told = events.filter(|event| event.fresh).find(|event| event.reason == "Unhealthy");
        let message = because(format!("{} runs, but is not ready", named(container)), told.map_or("", |e| &e.message));
        let allowance = SignedDuration::from_secs(container.allowance.min(YEAR));
        let grace = suspect.patience.fail_fast_after.max(allowance);
        found.push(Found::of_container(RULE, (pod, container), message, grace));
    }
}

/// In seconds: longer than anybody waits, and short enough to be added to any time.
const YEAR: i64 = 365 * 24 * 3600;

//! `unschedulable`: no node takes a pod.
//!
//! Looks at the condition `PodScheduled` with the reason `Unschedulable` (k8s.io/kubernetes, pkg/scheduler/schedule_one.go).
//!
//! Grace: `--fail-fast-after`, which does not begin as long as an autoscaler is at work on the pod. Cluster Autoscaler says so by
//! the event `TriggeredScaleUp`, and that it can't help by `NotTriggerScaleUp` (kubernetes/autoscaler,
//! cluster-autoscaler/processors/status/eventing_scale_up_processor.go); Karpenter by `Nominated`, and by a `FailedScheduling` of
//! its own (kubernetes-sigs/karpenter, pkg/controllers/provisioning/scheduling/events.go). Without either it begins at once; where
//! events may not be seen, nobody knows what an autoscaler does, and it does not begin.

use super::{Found, Suspect, because};
use crate::upgrade::world::Event;

pub(super) const RULE: &str = "unschedulable";

pub(super) fn find<'a>(suspect: &Suspect<'a>, found: &mut Vec<Found<'a>>) {
    let untold = suspect.world.unseen("", "Event").is_some();
    for pod in &suspect.pods {
        let Some(told) = &pod.facts.unschedulable else { continue };
        let message = because("no node takes the pod".to_owned(), told);
        let paused = untold || is_scaling_up(suspect.world.events_of(pod.object));
        let sign = Found::of_pod(RULE, *pod, message, suspect.patience.fail_fast_after);
        found.push(Found { paused, ..sign });
    }
}

/// Whether the last word of an autoscaler is that it acts.
fn is_scaling_up(events: &[Event]) -> bool {
    let word = |event: &Event| match &*event.reason {
        "TriggeredScaleUp" | "Nominated" => Some(true),
        "NotTriggerScaleUp" => Some(false),
        "FailedScheduling" if event.message.starts_with("Failed to schedule pod") => Some(false),
        _ => None,
    };
    events.iter().rev().find_map(word).unwrap_or(false)
}

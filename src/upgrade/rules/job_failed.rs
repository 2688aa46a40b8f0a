//! `job-failed`: a Job of the release or of a hook has failed, or a Pod that stands by itself.
//!
//! Looks at the Job's conditions `Failed` and `FailureTarget`, which its controller sets when it tries no more (k8s.io/kubernetes,
//! pkg/controller/job/job_controller.go), and at the phase `Failed` of a Pod. That one pod of a Job fails is no sign: the Job tries again as
//! often as its `backoffLimit` says.
//!
//! Grace: 2 s, in which a Job of the same name from an earlier attempt may be replaced.

use jiff::SignedDuration;

use super::crash_loop::how;
use super::{Found, Suspect, because};
use crate::manifest::observed::Condition;
use crate::upgrade::world::PodRef;

pub(super) const RULE: &str = "job-failed";
const GRACE: SignedDuration = SignedDuration::from_secs(2);

pub(super) fn find<'a>(suspect: &Suspect<'a>, found: &mut Vec<Found<'a>>) {
    let what = if suspect.hook { "hook" } else { "job" };
    if suspect.key.is("batch", "Job") {
        let failed = ["Failed", "FailureTarget"]
            .into_iter()
            .filter_map(|name| suspect.object.condition(name))
            .find(|condition: &Condition<'_>| condition.is_true());
        if let Some(condition) = failed {
            let told = because(format!("{what} failed"), &reason(condition.text("reason"), condition.text("message")));
            let message = match suspect.pods.iter().rev().find_map(|pod| ending(*pod)) {
                Some(ending) => format!("{told}; last {ending}"),
                None => told,
            };
            found.push(Found::of_object(RULE, message, GRACE));
        }
    } else if suspect.key.is("", "Pod") {
        for pod in suspect.pods.iter().filter(|pod| pod.facts.phase == "Failed") {
            let what = if suspect.hook { "hook failed" } else { "pod failed" };
            let facts = pod.facts;
            let cause = ending(*pod).unwrap_or_else(|| reason(&facts.reason, &facts.message));
            found.push(Found::of_pod(RULE, *pod, because(what.to_owned(), &cause), GRACE));
        }
    }
}

/// `BackoffLimitExceeded (Job has reached the specified backoff limit)`.
fn reason(reason: &str, message: &str) -> String {
    match (reason, message) {
        ("", message) => message.to_owned(),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason} ({message})"),
    }
}

/// `container "main": exit code 1`, of the container that ended badly.
fn ending(pod: PodRef<'_>) -> Option<String> {
    let bad = pod.facts.containers.iter().find(|c| c.ended.as_ref().is_some_and(|ended| ended.exit_code != 0))?;
    Some(format!("{}: {}", super::named(bad), how(bad.ended.as_ref()?)))
}

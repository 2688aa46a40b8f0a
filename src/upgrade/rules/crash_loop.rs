//! `crash-loop`: a container ends again and again.
//!
//! Looks at containers, init containers and sidecars that wait in `CrashLoopBackOff` and were restarted at least `--max-restarts` times.
//! The kubelet starts a container again at once, then after 10 s, 20 s, 40 s and so on (k8s.io/kubernetes,
//! pkg/kubelet/kuberuntime/kuberuntime_manager.go: `doBackOff`; Pod Lifecycle, Container restarts). A container that runs again is no
//! sign, however often it was restarted. Pods that run to an end are left out: how often those are tried is for their Job to say.
//!
//! Grace: 10 s without a break, the shortest back-off.

use jiff::SignedDuration;

use super::{Found, Suspect, because, named};
use crate::upgrade::world::{ContainerFacts, Ended};

pub(super) const RULE: &str = "crash-loop";

pub(super) fn find<'a>(suspect: &Suspect<'a>, found: &mut Vec<Found<'a>>) {
    for (pod, container) in suspect.containers() {
        let often = container.restarts >= i64::from(suspect.patience.max_restarts);
        if pod.facts.lives_on && container.waiting == "CrashLoopBackOff" && often {
            let grace = SignedDuration::from_secs(10);
            found.push(Found::of_container(RULE, (pod, container), message(container), grace));
        }
    }
}

/// `container "app" crashed, was restarted 3 times: exit code 1`.
fn message(container: &ContainerFacts) -> String {
    let times = match container.restarts {
        1 => "once".to_owned(),
        times => format!("{times} times"),
    };
    let what = format!("{} keeps crashing, was restarted {times}", named(container));
    because(what, &container.ended.as_ref().map(how).unwrap_or_default())
}

/// `out of memory (OOMKilled, exit code 137)`, `exit code 1: cannot open file`.
pub(super) fn how(ended: &Ended) -> String {
    let code = format!("exit code {}", ended.exit_code);
    let what = match &*ended.reason {
        "OOMKilled" => format!("out of memory (OOMKilled, {code})"),
        "" | "Error" => code,
        reason => format!("{reason}, {code}"),
    };
    because(what, &ended.message)
}

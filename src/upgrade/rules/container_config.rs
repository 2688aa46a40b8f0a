//! `container-config`: a container cannot be made or started, as a ConfigMap is missing or its command is not in the image.
//!
//! Looks at the reason for which a container waits (k8s.io/kubernetes, pkg/kubelet/kuberuntime/kuberuntime_container.go and
//! pkg/kubelet/container/sync_result.go). The kubelet tries again with each sync, and a ConfigMap or a Secret may come later than the pod.
//!
//! Grace: 30 s without a break, or `--fail-fast-after` if that is shorter.

use jiff::SignedDuration;

use super::{Found, Suspect, because, named};

pub(super) const RULE: &str = "container-config";

const REASONS: [&str; 6] = [
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "PreCreateHookError",
    "PreStartHookError",
    "PostStartHookError",
];

pub(super) fn find<'a>(suspect: &Suspect<'a>, found: &mut Vec<Found<'a>>) {
    for (pod, container) in suspect.containers() {
        if REASONS.contains(&&*container.waiting) {
            let message = because(format!("{} cannot be started", named(container)), &container.message);
            let grace = suspect.patience.fail_fast_after.min(SignedDuration::from_secs(30));
            found.push(Found::of_container(RULE, (pod, container), message, grace));
        }
    }
}

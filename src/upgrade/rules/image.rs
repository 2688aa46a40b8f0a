//! `image`: the image of a container cannot be had.
//!
//! Looks at the reason for which a container waits. The kubelet shows `ErrImagePull` when a pull has failed, then `ImagePullBackOff` until
//! it tries again, after 10 s at first and twice as long each time (k8s.io/kubernetes, pkg/kubelet/images/image_manager.go;
//! reasons in pkg/kubelet/images/types.go). A registry may be away for a moment, so the first back-off is no failure.
//!
//! Grace: none from the second back-off of a container on; else 30 s without a break, by which time the kubelet has tried a second
//! time. An image name that is none, or one that may not be pulled and is not there, fails after 2 s: nothing is tried again that
//! could help.

use jiff::SignedDuration;

use super::{Found, Suspect, because};

pub(super) const RULE: &str = "image";

pub(super) fn find<'a>(suspect: &Suspect<'a>, found: &mut Vec<Found<'a>>) {
    for (pod, container) in suspect.containers() {
        let grace = match &*container.waiting {
            "InvalidImageName" | "ErrImageNeverPull" => SignedDuration::from_secs(2),
            _ if !container.image_trouble => continue,
            _ if container.back_offs >= 2 => SignedDuration::ZERO,
            _ => SignedDuration::from_secs(30),
        };
        let cause = if container.pull_error.is_empty() { &container.message } else { &container.pull_error };
        let message = because(format!("cannot pull image {:?}", container.image), cause);
        found.push(Found::of_container(RULE, (pod, container), message, grace));
    }
}

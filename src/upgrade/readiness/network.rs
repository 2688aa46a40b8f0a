//! Services and Ingresses.

use super::{Readiness, Subject};
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

/// A Service of type `LoadBalancer` has its cluster IP (kstatus: `serviceConditions`) and an address that leads in from outside, as
/// Helm 3 asks for. One that had none before the upgrade is not waited for: there may be nobody who gives addresses.
pub(super) fn service(subject: &Subject<'_>) -> Readiness {
    let object = subject.object;
    if object.text(&["spec", "type"]) != "LoadBalancer" {
        return Readiness::Ready;
    }
    if object.text(&["spec", "clusterIP"]).is_empty() {
        return Readiness::Waiting("has no cluster IP yet".to_owned());
    }
    let external = object.at(&["spec", "externalIPs"]).and_then(Node::as_list).is_some_and(|ips| !ips.is_empty());
    if external || has_address(object) {
        return Readiness::Ready;
    }
    if subject.world.is_new(object) {
        return Readiness::Waiting("has no external address yet".to_owned());
    }
    Readiness::Unverified("has no external address, as before the upgrade".to_owned())
}

/// Ready with an address; without one nobody can tell, as not every controller says it. (kstatus has no rule)
pub(super) fn ingress(subject: &Subject<'_>) -> Readiness {
    if has_address(subject.object) { Readiness::Ready } else { Readiness::Unverified("has no address".to_owned()) }
}

fn has_address(object: &Observed) -> bool {
    object.at(&["status", "loadBalancer", "ingress"]).and_then(Node::as_list).is_some_and(|list| !list.is_empty())
}

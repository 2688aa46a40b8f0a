//! What a pod takes: the effective requests and limits by which it is scheduled.
//!
//! Source: `PodRequests` and `PodLimits` (k8s.io/component-helpers, resource/helpers.go) and the defaults of requests
//! (k8s.io/kubernetes, pkg/apis/core/v1/defaults.go: `SetDefaults_Pod`). Of init containers, which run one after another, the
//! largest counts, together with the sidecars started before it; sidecars (`restartPolicy: Always`) run on, and add to the
//! others. What the pod as a whole says counts instead of the sum for cpu, memory and huge pages. The overhead comes on top.

use super::{Amounts, Bound, add, larger};
use crate::diff::workload;
use crate::manifest::node::Node;
use crate::manifest::quantity::Quantity;

/// What one pod takes, of its specification. Amounts that can't be read are left out.
pub(super) fn amounts(spec: &Node) -> Amounts {
    let (mut running, mut sidecars, mut starting) = (Amounts::new(), Amounts::new(), Amounts::new());
    for container in workload::containers(spec) {
        let takes = of_container(container.node);
        if !container.init {
            add(&mut running, &takes);
        } else if container.node.find(&["restartPolicy"]).and_then(Node::as_str) == Some("Always") {
            add(&mut sidecars, &takes);
            starting = larger(starting, &sidecars);
        } else {
            let mut at_start = sidecars.clone();
            add(&mut at_start, &takes);
            starting = larger(starting, &at_start);
        }
    }
    add(&mut running, &sidecars);
    let mut pod = larger(running, &starting);
    of_pod(spec, &mut pod);
    let overhead = listed(spec, &["overhead"]);
    for (name, amount) in overhead {
        let request = pod.entry((Bound::Request, name.clone())).or_insert(Quantity::ZERO);
        *request = request.plus(amount).unwrap_or(*request);
        // A limit that is not there is not made by the overhead.
        if let Some(limit) = pod.get_mut(&(Bound::Limit, name)).filter(|limit| !limit.is_zero()) {
            *limit = limit.plus(amount).unwrap_or(*limit);
        }
    }
    pod
}

/// The requests and limits of a container. Where it requests nothing, its limit is what it requests.
fn of_container(container: &Node) -> Amounts {
    let mut amounts = Amounts::new();
    for (name, limit) in listed(container, &["resources", "limits"]) {
        amounts.insert((Bound::Request, name.clone()), limit);
        amounts.insert((Bound::Limit, name), limit);
    }
    for (name, request) in listed(container, &["resources", "requests"]) {
        amounts.insert((Bound::Request, name), request);
    }
    amounts
}

/// Puts in what the pod as a whole says.
fn of_pod(spec: &Node, pod: &mut Amounts) {
    let supported = |name: &str| name == "cpu" || name == "memory" || name.starts_with("hugepages-");
    for (name, limit) in listed(spec, &["resources", "limits"]).into_iter().filter(|(name, _)| supported(name)) {
        // Without a request of the pod, those of its containers stay, or the limit takes their place.
        pod.entry((Bound::Request, name.clone())).or_insert(limit);
        pod.insert((Bound::Limit, name), limit);
    }
    for (name, request) in listed(spec, &["resources", "requests"]).into_iter().filter(|(name, _)| supported(name)) {
        pod.insert((Bound::Request, name), request);
    }
}

/// The amounts that a map of a node lists by the name of the resource.
fn listed(node: &Node, path: &[&str]) -> Vec<(String, Quantity)> {
    let entries = node.find(path).and_then(Node::as_map).unwrap_or_default();
    entries.iter().filter_map(|(name, amount)| Some((name.to_string(), Quantity::of(amount)?))).collect()
}

//! What a quota counts, by the name of its resource.
//!
//! Sources: Kubernetes documentation, "Resource Quotas"; k8s.io/kubernetes, pkg/quota/v1/evaluator/core (`pods.go`, `services.go`,
//! `persistent_volume_claims.go`).

use crate::checks::demand::Pod;
use crate::checks::scene::{items, string};
use crate::checks::selector::meets;
use crate::diff::impact::Bound;
use crate::diff::workload;
use crate::manifest::document::Object;
use crate::manifest::identity::ObjectId;
use crate::manifest::node::Node;
use crate::manifest::quantity::Quantity;

/// Resources that, where a quota is on them, each container must name.
const WANTED_OF_ALL: [(&str, &str, Bound); 6] = [
    ("cpu", "cpu", Bound::Request),
    ("memory", "memory", Bound::Request),
    ("requests.cpu", "cpu", Bound::Request),
    ("requests.memory", "memory", Bound::Request),
    ("limits.cpu", "cpu", Bound::Limit),
    ("limits.memory", "memory", Bound::Limit),
];

/// What one pod adds to a resource of a quota.
pub(super) fn of_pod(resource: &str, pod: &Pod<'_>) -> Quantity {
    let request = |name: &str| pod.amount(Bound::Request, name);
    match resource {
        "pods" | "count/pods" => Quantity::whole(1),
        "cpu" | "memory" | "ephemeral-storage" => request(resource),
        // Claims are counted by themselves.
        "requests.storage" => Quantity::ZERO,
        _ if resource.starts_with("hugepages-") => request(resource),
        _ => match (resource.strip_prefix("requests."), resource.strip_prefix("limits.")) {
            (Some(name), _) => request(name),
            (_, Some(name)) => pod.amount(Bound::Limit, name),
            _ => Quantity::ZERO,
        },
    }
}

/// Whether pods count for a resource of a quota, and nothing else does.
pub(super) fn is_of_pods(resource: &str) -> bool {
    match resource {
        "pods" | "count/pods" | "cpu" | "memory" | "ephemeral-storage" => true,
        "requests.storage" => false,
        _ => ["requests.", "limits.", "hugepages-"].iter().any(|start| resource.starts_with(start)),
    }
}

/// What an object other than a pod adds to a resource of a quota.
pub(super) fn of_object(resource: &str, object: &Object) -> Quantity {
    let one = |counts: bool| Quantity::whole(u64::from(counts));
    if let Some(counted) = resource.strip_prefix("count/") {
        return one(counted == counted_as(&object.id));
    }
    let kind = (object.id.group.as_str(), object.id.kind.as_str());
    match (resource, kind) {
        ("configmaps", ("", "ConfigMap"))
        | ("secrets", ("", "Secret"))
        | ("services", ("", "Service"))
        | ("replicationcontrollers", ("", "ReplicationController"))
        | ("resourcequotas", ("", "ResourceQuota")) => one(true),
        ("services.loadbalancers", ("", "Service")) => one(kind_of(&object.node) == "LoadBalancer"),
        ("services.nodeports", ("", "Service")) => Quantity::whole(node_ports(&object.node)),
        (_, ("", "PersistentVolumeClaim")) => of_claim(resource, &object.node),
        _ => Quantity::ZERO,
    }
}

/// What a claim adds.
pub(super) fn of_claim(resource: &str, claim: &Node) -> Quantity {
    let size =
        || claim.find(&["spec", "resources", "requests", "storage"]).and_then(Quantity::of).unwrap_or(Quantity::ZERO);
    match resource {
        "persistentvolumeclaims" | "count/persistentvolumeclaims" => Quantity::whole(1),
        "requests.storage" => size(),
        _ => match resource.split_once(".storageclass.storage.k8s.io/") {
            Some((class, rest)) if string(claim, &["spec", "storageClassName"]) == Some(class) => of_claim(rest, claim),
            _ => Quantity::ZERO,
        },
    }
}

/// `deployments.apps`, as `count/` names it.
fn counted_as(id: &ObjectId) -> String {
    let kind = id.kind.to_ascii_lowercase();
    let plural = match kind.as_bytes() {
        _ if kind == "endpoints" => kind,
        [.., b's' | b'x'] | [.., b'c' | b's', b'h'] => format!("{kind}es"),
        [.., b'y'] if !kind.ends_with("ey") => format!("{}ies", kind.trim_end_matches('y')),
        _ => format!("{kind}s"),
    };
    if id.group.is_empty() { plural } else { format!("{plural}.{}", id.group) }
}

fn kind_of(service: &Node) -> &str {
    string(service, &["spec", "type"]).unwrap_or("ClusterIP")
}

fn node_ports(service: &Node) -> u64 {
    let ports = items(service, &["spec", "ports"]);
    let without = service.find(&["spec", "allocateLoadBalancerNodePorts"]).and_then(Node::as_bool) == Some(false);
    let counted = match kind_of(service) {
        "NodePort" => ports.len(),
        "LoadBalancer" if without => ports.iter().filter(|port| port.find(&["nodePort"]).is_some()).count(),
        "LoadBalancer" => ports.len(),
        _ => 0,
    };
    counted as u64
}

/// Whether a quota counts a pod: all of its scopes must be met. One that is not known is not.
pub(super) fn is_in_scope(quota: &Node, pod: &Pod<'_>) -> bool {
    let named = items(quota, &["spec", "scopes"]).iter().filter_map(Node::as_str);
    let selected = items(quota, &["spec", "scopeSelector", "matchExpressions"]);
    let simple = |scope: &str| match scope {
        "Terminating" => Some(is_terminating(pod)),
        "NotTerminating" => Some(!is_terminating(pod)),
        "BestEffort" => Some(pod.amounts.is_empty()),
        "NotBestEffort" => Some(!pod.amounts.is_empty()),
        "PriorityClass" => string(&pod.spec, &["priorityClassName"]).map(|_| true),
        _ => None,
    };
    let by_expression = |one: &Node| match string(one, &["scopeName"]) {
        Some("PriorityClass") => {
            meets(&keyed(one), &|_: &str| string(&pod.spec, &["priorityClassName"]).filter(|class| !class.is_empty()))
        }
        Some(scope) => simple(scope).unwrap_or(false),
        None => false,
    };
    named.into_iter().all(|scope| simple(scope).unwrap_or(false)) && selected.iter().all(by_expression)
}

/// A requirement of a scope, shaped as one of labels.
fn keyed(requirement: &Node) -> Node {
    use crate::manifest::node::Value;
    let entries = requirement.as_map().unwrap_or_default().iter().cloned();
    Node::new(Value::Map(entries.chain([("key".into(), Node::string("priority"))]).collect()))
}

fn is_terminating(pod: &Pod<'_>) -> bool {
    pod.spec.find(&["activeDeadlineSeconds"]).is_some()
}

/// What containers must name and do not, as in `limits.cpu of main`.
pub(super) fn unsaid(hard: &[(String, Quantity)], pod: &Pod<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (resource, name, bound) in
        WANTED_OF_ALL.iter().filter(|(resource, ..)| hard.iter().any(|(hard, _)| hard == resource))
    {
        // What is limited is requested.
        let keys: &[&str] = if *bound == Bound::Limit { &["limits"] } else { &["requests", "limits"] };
        let says = |node: &Node| keys.iter().any(|key| node.find(&["resources", key, name]).is_some());
        let lacking = workload::containers(&pod.spec).filter(|container| !says(&pod.spec) && !says(container.node));
        found.extend(lacking.map(|container| format!("{resource} of container {}", container.name)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted_by_their_plural() {
        for (group, kind, counted) in [
            ("apps", "Deployment", "deployments.apps"),
            ("networking.k8s.io", "Ingress", "ingresses.networking.k8s.io"),
            ("networking.k8s.io", "NetworkPolicy", "networkpolicies.networking.k8s.io"),
            ("", "Endpoints", "endpoints"),
            ("", "ConfigMap", "configmaps"),
        ] {
            let id = ObjectId { group: group.into(), kind: kind.into(), ..ObjectId::default() };
            assert_eq!(counted_as(&id), counted);
        }
    }
}

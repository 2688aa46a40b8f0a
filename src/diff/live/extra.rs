//! What others added to an object beside the fields that the manifest sets: fields and list items that someone wrote by
//! hand. What the API server fills in and what controllers add is no drift.

use crate::manifest::emit;
use crate::manifest::managed_fields::{Held, Writer};
use crate::manifest::node::{Node, Value};

/// Field managers of programs that a person runs. Their names are those that the programs send, or what the API server
/// makes of the user agent of those that send none.
const BY_HAND: [&str; 9] = ["k9s", "Lens", "OpenLens", "freelens", "headlamp", "node-fetch", "Mozilla", "curl", "oc"];

/// Annotations in which programs keep their own books.
const BOOKKEEPING: [&str; 5] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
    "app.kubernetes.io/managed-by",
];

/// What the API server fills in where nobody says anything. A field that has this value is as Helm would leave it,
/// whoever is recorded as its writer: who makes an object anew is recorded for its defaults too. From the defaults of
/// the API's types (k8s.io/kubernetes, `pkg/apis/*/v1/defaults.go`).
const DEFAULTS: [(&str, &[&str]); 42] = [
    ("allowPrivilegeEscalation", &["true"]),
    ("apiVersion", &["v1"]),
    ("backoffLimit", &["6"]),
    ("completionMode", &["NonIndexed"]),
    ("completions", &["1"]),
    ("concurrencyPolicy", &["Allow"]),
    ("defaultMode", &["420"]),
    ("divisor", &["0"]),
    ("dnsPolicy", &["ClusterFirst"]),
    ("enableServiceLinks", &["true"]),
    ("expirationSeconds", &["3600"]),
    ("failedJobsHistoryLimit", &["1"]),
    ("failureThreshold", &["3"]),
    ("imagePullPolicy", &["IfNotPresent", "Always"]),
    ("internalTrafficPolicy", &["Cluster"]),
    ("ipFamilyPolicy", &["SingleStack"]),
    ("kind", &["PersistentVolumeClaim"]),
    ("maxSurge", &["25%"]),
    ("maxUnavailable", &["25%"]),
    ("parallelism", &["1"]),
    ("periodSeconds", &["10"]),
    ("podManagementPolicy", &["OrderedReady"]),
    ("podReplacementPolicy", &["TerminatingOrFailed"]),
    ("progressDeadlineSeconds", &["600"]),
    ("protocol", &["TCP"]),
    ("replicas", &["1"]),
    ("restartPolicy", &["Always"]),
    ("revisionHistoryLimit", &["10"]),
    ("schedulerName", &["default-scheduler"]),
    ("scheme", &["HTTP"]),
    ("sessionAffinity", &["None"]),
    ("successThreshold", &["1"]),
    ("successfulJobsHistoryLimit", &["3"]),
    ("suspend", &["false"]),
    ("terminationGracePeriodSeconds", &["30"]),
    ("terminationMessagePath", &["/dev/termination-log"]),
    ("terminationMessagePolicy", &["File"]),
    ("timeoutSeconds", &["1"]),
    ("type", &["ClusterIP", "RollingUpdate", "Opaque"]),
    ("volumeMode", &["Filesystem"]),
    ("whenDeleted", &["Retain"]),
    ("whenScaled", &["Retain"]),
];

/// Whether a writer is a person at a tool, or an apply of Helm's own, of which a later manifest has let go.
pub(super) fn counts(writer: &Writer) -> bool {
    is_by_hand(&writer.manager) || (writer.manager == "helm" && writer.operation == "Apply")
}

/// Whether a field manager is a program that a person runs, such as `kubectl-edit`.
#[must_use]
pub(super) fn is_by_hand(manager: &str) -> bool {
    manager.starts_with("kubectl") || BY_HAND.iter().any(|name| manager.eq_ignore_ascii_case(name))
}

/// Fields whose content is the user's own, and has no defaults.
const FREE: [&str; 5] = ["data", "stringData", "binaryData", "labels", "annotations"];

/// The part of a field that was written by hand; `None` if there is none, or nothing but what is there anyway. `free`
/// is the content of a map whose keys the API does not name.
pub(super) fn part(key: &str, node: &Node, held: &Held<'_>, free: bool) -> Option<Node> {
    if held.only(counts).is_empty() || BOOKKEEPING.contains(&key) || (!free && is_default(key, node)) {
        return None;
    }
    let whole = held.is_whole();
    let free = free || FREE.contains(&key);
    let part = match node.value() {
        Value::Map(entries) => {
            let parts = entries.iter().filter_map(|(key, value)| {
                let held = if whole { held.clone() } else { held.field(key) };
                Some((key.clone(), part(key, value, &held, free)?))
            });
            Value::Map(parts.collect())
        }
        Value::List(items) => {
            let parts = items.iter().enumerate().filter_map(|(index, item)| {
                let held = if whole { held.clone() } else { held.item(item, index) };
                part("", item, &held, free)
            });
            Value::List(parts.collect())
        }
        _ => return Some(node.clone()),
    };
    let part = Node::new(part);
    // An empty map that somebody set is as good as none.
    (!part.is_empty()).then_some(part)
}

/// Whether the map below this key has keys that the API does not name.
pub(super) fn is_free(key: &str) -> bool {
    FREE.contains(&key)
}

/// Whether a field has the value that the API server would give it.
pub(super) fn is_default(key: &str, node: &Node) -> bool {
    match node.value() {
        // A claim template has a status of its own.
        Value::List(_) | Value::Map(_) | Value::Null => node.is_empty() || key == "status",
        _ => DEFAULTS.iter().any(|(name, values)| *name == key && values.contains(&&*emit::scalar(node))),
    }
}

#[cfg(test)]
mod tests {
    use super::is_by_hand;

    #[test]
    fn people_are_told_from_controllers() {
        for tool in ["kubectl-edit", "kubectl-client-side-apply", "kubectl", "k9s", "Lens", "Mozilla"] {
            assert!(is_by_hand(tool), "{tool}");
        }
        for other in ["kube-controller-manager", "helm", "argocd-controller", "istio-discovery", "", "octopus"] {
            assert!(!is_by_hand(other), "{other}");
        }
    }
}

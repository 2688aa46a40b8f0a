//! Fields that can't be changed in place: the API server refuses, and the upgrade fails, unless the object is deleted first.
//!
//! Hooks are left out: Helm deletes them before it makes them again, unless their delete policy says otherwise. Of each
//! rule the source is named; paths are those of k8s.io/kubernetes.

use super::scene::Scene;
use super::{Finding, Findings, Severity, Turn, text};
use crate::diff::workload::is_hook;
use crate::diff::workload::same::{same, same_at};
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::manifest::quantity::Quantity;

/// Fields that must stay as they are: group, kind, path, and the value that the server puts where none is.
const FIELDS: &[(&str, &str, &[&str], &str)] = &[
    // pkg/apis/apps/validation: ValidateDeploymentUpdate (through the registry's strategy), ValidateDaemonSetUpdate,
    // ValidateReplicaSetUpdate
    ("apps", "Deployment", &["spec", "selector"], ""),
    ("apps", "DaemonSet", &["spec", "selector"], ""),
    ("apps", "ReplicaSet", &["spec", "selector"], ""),
    // pkg/apis/batch/validation: ValidateJobSpecUpdate. The template is below.
    ("batch", "Job", &["spec", "selector"], ""),
    ("batch", "Job", &["spec", "completionMode"], "NonIndexed"),
    ("batch", "Job", &["spec", "podFailurePolicy"], ""),
    ("batch", "Job", &["spec", "backoffLimitPerIndex"], ""),
    ("batch", "Job", &["spec", "managedBy"], ""),
    ("batch", "Job", &["spec", "successPolicy"], ""),
    // pkg/apis/rbac/validation: ValidateRoleBindingUpdate, ValidateClusterRoleBindingUpdate
    ("rbac.authorization.k8s.io", "RoleBinding", &["roleRef", "kind"], ""),
    ("rbac.authorization.k8s.io", "RoleBinding", &["roleRef", "name"], ""),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", &["roleRef", "kind"], ""),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", &["roleRef", "name"], ""),
    // k8s.io/apiextensions-apiserver, pkg/apis/apiextensions/validation: ValidateCustomResourceDefinitionSpecUpdate
    ("apiextensions.k8s.io", "CustomResourceDefinition", &["spec", "group"], ""),
    ("apiextensions.k8s.io", "CustomResourceDefinition", &["spec", "scope"], ""),
    ("apiextensions.k8s.io", "CustomResourceDefinition", &["spec", "names", "plural"], ""),
    ("apiextensions.k8s.io", "CustomResourceDefinition", &["spec", "names", "kind"], ""),
    // pkg/apis/storage/validation: ValidateStorageClassUpdate, ValidateCSIDriverUpdate
    ("storage.k8s.io", "StorageClass", &["provisioner"], ""),
    ("storage.k8s.io", "StorageClass", &["parameters"], ""),
    ("storage.k8s.io", "StorageClass", &["reclaimPolicy"], "Delete"),
    ("storage.k8s.io", "StorageClass", &["volumeBindingMode"], "Immediate"),
    ("storage.k8s.io", "CSIDriver", &["spec", "attachRequired"], "true"),
    // pkg/apis/networking/validation: ValidateIngressClassUpdate
    ("networking.k8s.io", "IngressClass", &["spec", "controller"], ""),
    // pkg/apis/scheduling/validation: ValidatePriorityClassUpdate
    ("scheduling.k8s.io", "PriorityClass", &["value"], "0"),
    ("scheduling.k8s.io", "PriorityClass", &["preemptionPolicy"], "PreemptLowerPriority"),
    // pkg/apis/node/validation: ValidateRuntimeClassUpdate
    ("node.k8s.io", "RuntimeClass", &["handler"], ""),
    // pkg/apis/core/validation: ValidateSecretUpdate, ValidateResourceQuotaUpdate
    ("", "Secret", &["type"], "Opaque"),
    ("", "ResourceQuota", &["spec", "scopes"], ""),
];

/// What may change in the spec of a StatefulSet (pkg/apis/apps/validation: ValidateStatefulSetUpdate).
const OF_STATEFUL_SETS: [&str; 7] = [
    "replicas",
    "template",
    "updateStrategy",
    "minReadySeconds",
    "ordinals",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
];

/// What may change in the spec of a PersistentVolumeClaim, its size apart (pkg/apis/core/validation:
/// ValidatePersistentVolumeClaimUpdate). A volume may be named once.
const OF_CLAIMS: [&str; 3] = ["resources", "volumeAttributesClassName", "volumeName"];

/// What may change in the spec of a PersistentVolume (pkg/apis/core/validation: ValidatePersistentVolumeUpdate).
const OF_VOLUMES: [&str; 8] = [
    "capacity",
    "accessModes",
    "persistentVolumeReclaimPolicy",
    "mountOptions",
    "claimRef",
    "storageClassName",
    "nodeAffinity",
    "volumeAttributesClassName",
];

/// What may change in the spec of a Pod, images apart (pkg/apis/core/validation: ValidatePodUpdate).
const OF_PODS: [&str; 6] = [
    "containers",
    "initContainers",
    "activeDeadlineSeconds",
    "tolerations",
    "terminationGracePeriodSeconds",
    "schedulingGates",
];

/// What the server puts into fields of a spec that are left out.
const DEFAULTS: &[(&str, &str)] =
    &[("podManagementPolicy", "OrderedReady"), ("volumeMode", "Filesystem"), ("serviceName", "")];

pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    for (old, new) in scene.pairs().filter(|(old, new)| !is_hook(new) && old.id.name == new.id.name) {
        let mut refused = fields(old, new);
        let spec = |object: &Object| object.node.find(&["spec"]).cloned();
        match (new.id.group.as_str(), new.id.kind.as_str()) {
            ("apps", "StatefulSet") => refused.extend(others(spec(old), spec(new), &OF_STATEFUL_SETS)),
            ("", "PersistentVolume") => refused.extend(others(spec(old), spec(new), &OF_VOLUMES)),
            ("", "PersistentVolumeClaim") => {
                refused.extend(others(spec(old), spec(new), &OF_CLAIMS));
                refused.extend(shrunk(old, new));
            }
            ("batch", "Job") => refused.extend(job(old, new)),
            ("", "Service") => refused.extend(cluster_ip(old, new)),
            ("", "Pod") => refused.extend(pod(old, new)),
            ("", "ConfigMap" | "Secret") => refused.extend(frozen(old, new)),
            _ => {}
        }
        if !refused.is_empty() {
            let note = "can't be changed: the upgrade fails unless the object is deleted first";
            findings.push(Finding::new(Severity::Danger, &new.id).turns(refused).note(note));
        }
    }
}

/// A field that the server refuses to change; values of many parts are left out.
fn turn(path: &str, old: Option<&Node>, new: Option<&Node>) -> Turn {
    let scalar = |node: Option<&Node>| node.is_none_or(|node| node.as_map().is_none() && node.as_list().is_none());
    match scalar(old) && scalar(new) {
        true => Turn::new(path, old.map(text), new.map(text)),
        false => Turn::new(path, None, None),
    }
}

fn fields(old: &Object, new: &Object) -> Vec<Turn> {
    let of_kind = FIELDS.iter().filter(|(group, kind, ..)| *group == new.id.group && *kind == new.id.kind);
    let refused = of_kind.filter_map(|(_, _, path, default)| {
        let (was, is) = (old.node.find(path), new.node.find(path));
        let defaulted = |node: Option<&Node>| node.map_or_else(|| (*default).to_owned(), text);
        // A selector that the old manifest left to the server is unknown.
        let unknown = was.is_none() && path.last() == Some(&"selector");
        let equal = same(was, is) || (!default.is_empty() && defaulted(was) == defaulted(is));
        (!equal && !unknown).then(|| turn(&path.join("."), was, is))
    });
    refused.collect()
}

/// Fields of a spec that differ, but for those that may.
fn others(old: Option<Node>, new: Option<Node>, mutable: &[&str]) -> Vec<Turn> {
    let (Some(old), Some(new)) = (old, new) else { return Vec::new() };
    let keys = |node: &Node| -> Vec<String> {
        node.as_map().unwrap_or_default().iter().map(|(key, _)| key.to_string()).collect()
    };
    let (before, after) = (keys(&old), keys(&new));
    let known: std::collections::HashSet<&str> = before.iter().map(String::as_str).collect();
    let all = before.iter().chain(after.iter().filter(|key| !known.contains(key.as_str())));
    let refused = all.filter(|key| !mutable.contains(&key.as_str())).filter_map(|key| {
        let (was, is) = (old.find(&[key]), new.find(&[key]));
        let default = DEFAULTS.iter().find(|(name, _)| name == key).map(|(_, default)| *default);
        let defaulted = |node: Option<&Node>| node.map_or_else(|| default.unwrap_or_default().to_owned(), text);
        let equal = match key.as_str() {
            "volumeClaimTemplates" => same_claims(was, is),
            _ => same_at(key, was, is) || (default.is_some() && defaulted(was) == defaulted(is)),
        };
        (!equal).then(|| turn(&format!("spec.{key}"), was, is))
    });
    refused.collect()
}

/// Claim templates are the same without what the server adds to them.
fn same_claims(old: Option<&Node>, new: Option<&Node>) -> bool {
    let list = |node: Option<&Node>| node.and_then(Node::as_list).map(<[Node]>::to_vec).unwrap_or_default();
    let (old, new) = (list(old), list(new));
    let same_one = |(old, new): (&Node, &Node)| {
        let metadata = ["name", "labels", "annotations"];
        metadata.iter().all(|key| same(old.find(&["metadata", key]), new.find(&["metadata", key])))
            && others(old.find(&["spec"]).cloned(), new.find(&["spec"]).cloned(), &[]).is_empty()
    };
    old.len() == new.len() && old.iter().zip(&new).all(same_one)
}

/// A claim grows, if its class lets it, and never shrinks (ValidatePersistentVolumeClaimUpdate).
fn shrunk(old: &Object, new: &Object) -> Option<Turn> {
    let path = ["spec", "resources", "requests", "storage"];
    let (was, is) = (old.node.find(&path)?, new.node.find(&path)?);
    (Quantity::of(is)? < Quantity::of(was)?).then(|| turn(&path.join("."), Some(was), Some(is)))
}

/// The template of a Job that is not suspended, and its number of completions, unless it is indexed
/// (pkg/apis/batch/validation: validatePodTemplateUpdate, validateCompletions).
fn job(old: &Object, new: &Object) -> Vec<Turn> {
    let mut refused = Vec::new();
    let suspended = old.node.find(&["spec", "suspend"]).and_then(Node::as_bool) == Some(true);
    let path = ["spec", "template"];
    let (was, is) = (old.node.find(&path), new.node.find(&path));
    if !suspended && !same(was, is) {
        refused.push(Turn::new("spec.template", None, None));
    }
    let path = ["spec", "completions"];
    let indexed = new.node.find(&["spec", "completionMode"]).and_then(Node::as_str) == Some("Indexed");
    let (was, is) = (old.node.find(&path), new.node.find(&path));
    // One, where neither is said and parallelism is not either (SetDefaults_Job).
    let count = |node: Option<&Node>| node.map_or_else(|| "1".to_owned(), text);
    if !indexed && count(was) != count(is) {
        refused.push(turn("spec.completions", was, is));
    }
    refused
}

/// An address once set stays, unless the type says that there is none. Left out, the old one is kept
/// (pkg/apis/core/validation: ValidateServiceUpdate; pkg/registry/core/service/storage: patchAllocatedValues).
fn cluster_ip(old: &Object, new: &Object) -> Option<Turn> {
    let address = |object: &Object| object.node.find(&["spec", "clusterIP"]).map(text).filter(|ip| !ip.is_empty());
    let external = |object: &Object| object.node.find(&["spec", "type"]).and_then(Node::as_str) == Some("ExternalName");
    let (was, is) = (address(old), address(new)?);
    (was.as_ref() != Some(&is) && !external(old) && !external(new))
        .then(|| Turn::new("spec.clusterIP", was.or_else(|| Some("assigned".to_owned())), Some(is)))
}

/// Of a Pod only images and a few more may change.
fn pod(old: &Object, new: &Object) -> Vec<Turn> {
    let spec = |object: &Object| object.node.find(&["spec"]).cloned();
    let mut refused = others(spec(old), spec(new), &OF_PODS);
    for key in ["containers", "initContainers"] {
        let containers = |object: &Object| -> Vec<Vec<(String, Node)>> {
            let list = object.node.find(&["spec", key]).and_then(Node::as_list).unwrap_or_default();
            let fields = |item: &Node| {
                let map = item.as_map().unwrap_or_default().iter().filter(|(key, _)| &**key != "image");
                map.map(|(key, node)| (key.to_string(), node.clone())).collect()
            };
            list.iter().map(fields).collect()
        };
        let (mut was, mut is) = (containers(old), containers(new));
        was.iter_mut().chain(&mut is).for_each(|fields| fields.sort_by(|a, b| a.0.cmp(&b.0)));
        if was != is {
            refused.push(Turn::new(format!("spec.{key}"), None, None));
        }
    }
    refused
}

/// What says that it is immutable is (pkg/apis/core/validation: ValidateConfigMapUpdate, ValidateSecretUpdate).
fn frozen(old: &Object, new: &Object) -> Vec<Turn> {
    let immutable = |object: &Object| object.node.find(&["immutable"]).and_then(Node::as_bool) == Some(true);
    if !immutable(old) {
        return Vec::new();
    }
    let mut refused: Vec<Turn> = ["data", "binaryData", "stringData"]
        .into_iter()
        .filter(|key| !same(old.node.find(&[key]), new.node.find(&[key])))
        .map(|key| Turn::new(key, None, None))
        .collect();
    if !immutable(new) {
        refused.push(Turn::new("immutable", Some("true".to_owned()), Some("false".to_owned())));
    }
    refused
}

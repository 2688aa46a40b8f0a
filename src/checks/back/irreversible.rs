//! What of the upgrade a rollback can't take back, by rules: the server refuses the reverse of it, or what is lost stays lost.
//!
//! The rules are those of Kubernetes' validation of updates (`pkg/apis/*/validation`) and, for definitions of custom resources, of
//! `k8s.io/apiextensions-apiserver`.

use super::{Step, gravity, migrations, named, steps};
use crate::checks::disruption::deletions;
use crate::checks::objects::{Found, folded};
use crate::checks::scene::{Pair, items, string};
use crate::checks::snapshot::Revision;
use crate::checks::trial::{Outcome, Trial, Trials};
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::manifest::document::Object;
use crate::manifest::hook;
use crate::manifest::node::Node;
use crate::manifest::quantity::Quantity;

const NAME: &str = "irreversible";

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "what of the upgrade a rollback would be refused, or could not bring back", run)
        .worst(Severity::Blocker)
        .rights("get Helm's storage");

/// Fields that may not change, by kind. That of `Service` may, but for an address that it has.
const FIXED: &[(&str, &str, &[&[&str]])] = &[
    ("apps", "Deployment", &[&["spec", "selector"]]),
    ("apps", "DaemonSet", &[&["spec", "selector"]]),
    ("apps", "ReplicaSet", &[&["spec", "selector"]]),
    (
        "apps",
        "StatefulSet",
        &[
            &["spec", "selector"],
            &["spec", "serviceName"],
            &["spec", "podManagementPolicy"],
            &["spec", "volumeClaimTemplates"],
        ],
    ),
    ("batch", "Job", &[&["spec", "template"], &["spec", "selector"], &["spec", "completionMode"]]),
    (
        "",
        "PersistentVolumeClaim",
        &[&["spec", "storageClassName"], &["spec", "accessModes"], &["spec", "volumeName"], &["spec", "volumeMode"]],
    ),
    ("", "Service", &[&["spec", "clusterIP"]]),
    ("", "Secret", &[&["type"]]),
    ("rbac.authorization.k8s.io", "RoleBinding", &[&["roleRef"]]),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", &[&["roleRef"]]),
    (
        "storage.k8s.io",
        "StorageClass",
        &[&["provisioner"], &["parameters"], &["reclaimPolicy"], &["volumeBindingMode"]],
    ),
    ("scheduling.k8s.io", "PriorityClass", &[&["value"], &["preemptionPolicy"]]),
    ("networking.k8s.io", "IngressClass", &[&["spec", "controller"]]),
    ("apiextensions.k8s.io", "CustomResourceDefinition", &[&["spec", "scope"], &["spec", "names", "kind"]]),
];

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let target = match snapshot.way_back() {
        Ok(Some(target)) => target,
        Ok(None) => return vec![Finding::new(NAME, Severity::Pass, "there is no revision to go back to")],
        Err(reason) => {
            let message = format!("what the revision to go back to changes: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let (mut refused, mut lost, mut told): (Vec<Found>, Vec<Found>, Vec<Found>) = <_>::default();
    for step in steps(snapshot, &target) {
        match step {
            Step::Change(pair) => {
                let name = named(snapshot, &pair.new.id);
                let hint = format!("go on without a way back to revision {}: --accept {NAME}", target.revision);
                let mut found = refusals(&pair);
                if !is_refused_anyway(snapshot, &pair) {
                    found.extend(fixed(&pair).into_iter().filter(|_| !is_taken(snapshot, &pair)));
                }
                let found = found.into_iter();
                refused.extend(found.map(|message| (name.clone(), message, Vec::new(), Some(hint.clone()))));
                told.extend(left_behind(&pair).map(|message| (name, message, Vec::new(), None)));
            }
            Step::Create(object) if deletions::is_kept(snapshot, object) => {}
            Step::Create(object) => lost.extend(anew(object).map(|message| found(snapshot, object, message))),
            Step::Delete(object) => lost.extend(deleted(object).map(|message| found(snapshot, object, message))),
        }
    }
    lost.extend(migrations::between(snapshot, &target));
    let mut findings = folded(NAME, gravity(snapshot), refused);
    findings.extend(folded(NAME, Severity::Warning, lost));
    findings.extend(folded(NAME, Severity::Info, told));
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, pass(&target)));
    }
    findings
}

fn pass(target: &Revision<'_>) -> String {
    format!("no rule speaks against going back to revision {}", target.revision)
}

fn found(snapshot: &Snapshot<'_>, object: &Object, message: &str) -> Found {
    (named(snapshot, &object.id), message.to_owned(), Vec::new(), None)
}

/// What the server would refuse. `old` is what the upgrade makes, `new` what a rollback would make of it.
fn refusals(pair: &Pair<'_>) -> Vec<String> {
    let (Some(after), back) = (pair.old, pair.new) else { return Vec::new() };
    let mut found = Vec::new();
    found.extend(shrinks(after, back));
    found.extend(is_frozen(after, back));
    found.extend(loses_a_version(after, back));
    found
}

/// The fields that may not change, and do.
fn fixed(pair: &Pair<'_>) -> Vec<String> {
    let (Some(after), back) = (pair.old, pair.new) else { return Vec::new() };
    let mut found = Vec::new();
    let fixed = FIXED.iter().find(|(group, kind, _)| *group == back.id.group && *kind == back.id.kind);
    for path in fixed.map(|(.., paths)| *paths).unwrap_or_default() {
        let (there, wanted) = (after.node.find(path), back.node.find(path));
        // What the manifest does not say, the server has a value for, and that one stays.
        if there != wanted && there.is_some() && wanted.is_some() {
            found.push(format!("{} is set anew, and may not change back: a rollback would fail", path.join(".")));
        }
    }
    found
}

/// Whether the server says so itself, of the upgrade or of the way back: another check tells it.
fn is_refused_anyway(snapshot: &Snapshot<'_>, pair: &Pair<'_>) -> bool {
    let upgrade = snapshot.trials.as_ref().ok();
    let back = snapshot.rehearsal.as_ref().ok().and_then(Option::as_ref);
    let mut refused = upgrade.into_iter().chain(back).flat_map(Trials::refused);
    let key = pair.new.id.key(snapshot.namespace);
    refused.any(|(trial, _)| trial.id.key(snapshot.namespace) == key)
}

/// Whether the server takes the upgrade of an object that is there: then no field changes that may not.
fn is_taken(snapshot: &Snapshot<'_>, pair: &Pair<'_>) -> bool {
    let trials = snapshot.trials.as_ref().map(|trials| trials.objects.as_slice()).unwrap_or_default();
    let key = pair.new.id.key(snapshot.namespace);
    let is_it = |trial: &&Trial| !trial.is_new && trial.id.key(snapshot.namespace) == key;
    trials.iter().find(is_it).is_some_and(|trial| trial.outcome == Outcome::Accepted)
}

/// A claim that has grown can't shrink.
fn shrinks(after: &Object, back: &Object) -> Option<String> {
    const STORAGE: [&str; 4] = ["spec", "resources", "requests", "storage"];
    if back.id.kind != "PersistentVolumeClaim" {
        return None;
    }
    let size = |object: &Object| object.node.find(&STORAGE).and_then(Quantity::of);
    (size(after)?.nanos() > size(back)?.nanos())
        .then(|| "it grows, and a claim can't shrink: a rollback would fail".to_owned())
}

/// What becomes immutable stays as it is.
fn is_frozen(after: &Object, back: &Object) -> Option<String> {
    if !matches!(back.id.kind.as_str(), "Secret" | "ConfigMap") || !back.id.group.is_empty() {
        return None;
    }
    let immutable = |object: &Object| object.node.get("immutable").and_then(Node::as_bool) == Some(true);
    let content = |object: &Object| ["data", "stringData", "binaryData"].map(|key| object.node.get(key).cloned());
    let differs = !immutable(back) || content(after) != content(back);
    (immutable(after) && differs)
        .then(|| "it becomes immutable, and can't be changed back: a rollback would fail".to_owned())
}

/// A version of which objects are stored can't be taken out of a definition.
fn loses_a_version(after: &Object, back: &Object) -> Option<String> {
    if back.id.kind != "CustomResourceDefinition" {
        return None;
    }
    let stores = |version: &&Node| version.get("storage").and_then(Node::as_bool) == Some(true);
    let stored = items(&after.node, &["spec", "versions"]).iter().find(stores)?;
    let name = string(stored, &["name"])?;
    let has = items(&back.node, &["spec", "versions"]).iter().any(|version| string(version, &["name"]) == Some(name));
    (!has)
        .then(|| format!("it stores objects in version {name}, which can't be taken out again: a rollback would fail"))
}

/// What a rollback leaves behind.
fn left_behind(pair: &Pair<'_>) -> Option<String> {
    let after = pair.old?;
    let replicas = |object: &Object| object.node.find(&["spec", "replicas"]).and_then(Node::as_count).unwrap_or(1);
    let is_set = after.id.kind == "StatefulSet" && !items(&after.node, &["spec", "volumeClaimTemplates"]).is_empty();
    let kept = string(&after.node, &["spec", "persistentVolumeClaimRetentionPolicy", "whenScaled"]) != Some("Delete");
    (is_set && kept && replicas(after) > replicas(pair.new))
        .then(|| "it gets more pods: their claims stay when it goes back".to_owned())
}

/// What a rollback makes anew and can't make as it was.
fn anew(object: &Object) -> Option<&'static str> {
    Some(match (object.id.group.as_str(), object.id.kind.as_str()) {
        ("", "PersistentVolumeClaim") => "the upgrade deletes it: going back makes an empty one",
        ("", "Namespace") => "the upgrade deletes it with all that is in it: going back makes an empty one",
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            "the upgrade deletes it with every object of its kind: going back makes the definition alone"
        }
        ("", "Service") if has_address(object) => "the upgrade deletes it: going back gives it another address",
        _ => return None,
    })
}

/// What goes with an object that a rollback deletes.
fn deleted(object: &Object) -> Option<&'static str> {
    Some(match (object.id.group.as_str(), object.id.kind.as_str()) {
        // It is made with the annotation that its manifest has.
        _ if hook::is_kept(&object.node) => return None,
        ("", "PersistentVolumeClaim") => "it is new: going back deletes it, with what was written to it meanwhile",
        ("", "Namespace") => "it is new: going back deletes it, with all that is in it by then",
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            "it is new: going back deletes it, with every object of its kind by then"
        }
        _ => return None,
    })
}

/// Whether the server gives it an address, which others may have written down.
fn has_address(object: &Object) -> bool {
    matches!(string(&object.node, &["spec", "type"]), Some("LoadBalancer"))
}

//! Which workloads restart and why, which change and don't, and which should: those that use a ConfigMap or a Secret that
//! changes while their pod template does not.

use std::collections::{HashMap, HashSet};

use super::scene::Scene;
use super::{Finding, Findings, Severity, Turn, short, string};
use crate::diff::changes::{Change, changes};
use crate::diff::structure;
use crate::diff::workload::references::{self, Config, Use};
use crate::diff::workload::same::{same, same_at};
use crate::diff::workload::{self, Kind};
use crate::manifest::document::Object;
use crate::manifest::identity::ObjectId;
use crate::manifest::node::Node;

/// So many changed places of a pod template are named.
const MOST_PLACES: usize = 4;

/// Annotations of a controller that restarts workloads when what they use changes.
const RELOADER: &str = "reloader.stakater.com/";

/// Configuration of the new side whose content differs.
type Touched<'a> = HashMap<(Config, Option<&'a str>, &'a str), &'a ObjectId>;

pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    let touched = touched(scene);
    for (old, new) in scene.pairs().filter(|(_, new)| !workload::is_hook(new)) {
        let Some(kind) = Kind::of(&new.id) else { continue };
        if !(kind.rolls_out() || matches!(kind, Kind::ReplicaSet | Kind::ReplicationController)) {
            continue;
        }
        let reasons = reasons(workload::template(old), workload::template(new));
        if !reasons.is_empty() {
            let (severity, note) = manner(kind, new);
            let turns = reasons.into_iter().map(|reason| Turn::new(reason, None, None)).collect();
            findings.push(Finding::new(severity, &new.id).turns(turns).note(note));
        } else if !should(new, scene, &touched, findings) {
            findings
                .push(Finding::new(Severity::Info, &new.id).note("does not restart: the pod template stays the same"));
        }
    }
    for object in scene.related {
        if Kind::of(&object.id).is_some_and(|kind| kind.rolls_out()) {
            should(object, scene, &touched, findings);
        }
    }
}

/// ConfigMaps and Secrets whose content differs, and not only their labels.
fn touched<'a>(scene: &'a Scene<'_>) -> Touched<'a> {
    let content = |object: &'a Object| ["data", "binaryData", "stringData"].map(|key| object.node.find(&[key]));
    let pairs = scene.pairs().filter_map(|(old, new)| Some((Config::of(&new.id)?, old, new)));
    pairs
        .filter(|(_, old, new)| content(old).into_iter().zip(content(new)).any(|(old, new)| !same(old, new)))
        .map(|(config, _, new)| ((config, scene.namespace(&new.id), new.id.name.as_str()), &new.id))
        .collect()
}

/// Reports a workload whose pods keep what changed. Whether there is something to report.
fn should(object: &Object, scene: &Scene<'_>, touched: &Touched<'_>, findings: &mut Findings) -> bool {
    let Some(spec) = workload::pod_spec(object) else { return false };
    let namespace = scene.namespace(&object.id);
    let mut uses: Vec<(String, Use)> = Vec::new();
    for reference in references::of_pod(spec) {
        let Some(id) = touched.get(&(reference.config, namespace, reference.name)) else { continue };
        let name = format!("{}/{}", id.kind, short(&id.name));
        match uses.iter_mut().find(|(known, _)| *known == name) {
            Some((_, how)) => *how = (*how).max(reference.how),
            None => uses.push((name, reference.how)),
        }
    }
    let Some(worst) = uses.iter().map(|(_, how)| *how).max() else { return false };
    let names: Vec<String> = uses.into_iter().map(|(name, _)| name).collect();
    let (verb, what) = (if names.len() == 1 { "changes" } else { "change" }, names.join(" and "));
    let annotations = object.node.find(&["metadata", "annotations"]).and_then(Node::as_map).unwrap_or_default();
    let (severity, note) = if annotations.iter().any(|(key, _)| key.contains(RELOADER)) {
        (Severity::Info, format!("{what} {verb}; Reloader restarts it, if it is installed"))
    } else {
        match worst {
            Use::Volume => (
                Severity::Notice,
                format!("does not restart, and {what} {verb}: the files are updated, the process must notice"),
            ),
            Use::SubPath => (
                Severity::Warning,
                format!(
                    "should restart, and does not: {what} {verb}, and files mounted with subPath are never updated"
                ),
            ),
            Use::Environment => (
                Severity::Warning,
                format!("should restart, and does not: {what} {verb}, and environment variables are never updated"),
            ),
        }
    };
    findings.push(Finding::new(severity, &object.id).note(note));
    true
}

/// How the pods of a workload with a new template are replaced, if they are.
///
/// Sources: API reference of `updateStrategy`, `strategy` and `paused`; a ReplicaSet and a ReplicationController use their
/// template for new pods only.
fn manner(kind: Kind, object: &Object) -> (Severity, &'static str) {
    let field = |path: &[&str]| string(&object.node, path);
    let set = |path: &[&str]| object.node.find(path);
    let no_pods = kind.has_replicas() && set(&["spec", "replicas"]).and_then(Node::as_count) == Some(0);
    match kind {
        _ if no_pods => (Severity::Info, "it has no pods"),
        Kind::ReplicaSet | Kind::ReplicationController => {
            (Severity::Warning, "does not restart by itself: only new pods get the new template")
        }
        Kind::StatefulSet | Kind::DaemonSet if field(&["spec", "updateStrategy", "type"]) == Some("OnDelete") => {
            (Severity::Warning, "does not restart by itself: its updateStrategy is OnDelete")
        }
        Kind::StatefulSet
            if set(&["spec", "updateStrategy", "rollingUpdate", "partition"]).and_then(Node::as_count) > Some(0) =>
        {
            (Severity::Warning, "restarts in part: its updateStrategy has a partition")
        }
        Kind::Deployment if set(&["spec", "paused"]).and_then(Node::as_bool) == Some(true) => {
            (Severity::Warning, "restarts once it is resumed: it is paused")
        }
        Kind::Deployment if field(&["spec", "strategy", "type"]) == Some("Recreate") => {
            (Severity::Warning, "restarts with a gap: all pods stop before new ones start")
        }
        _ => (Severity::Notice, ""),
    }
}

/// Why the pods are replaced: the changed places of the template, shortened. None if it means the same as before.
fn reasons(old: Option<&Node>, new: Option<&Node>) -> Vec<String> {
    let (Some(old), Some(new)) = (old, new) else { return Vec::new() };
    if same(Some(old), Some(new)) {
        return Vec::new();
    }
    let delta = structure::compare(old, new);
    let mut known = HashSet::new();
    let all = changes(&delta);
    let mut reasons: Vec<String> = all.iter().filter(|change| matters(change)).map(shortened).collect();
    reasons.retain(|reason| known.insert(reason.clone()));
    reasons.sort_by_key(|reason| weight(reason));
    let more = reasons.len().saturating_sub(MOST_PLACES);
    // One place more takes no more room than the number of places left out.
    if more > 1 {
        reasons.truncate(MOST_PLACES);
        reasons.push(format!("{more} more"));
    }
    reasons
}

/// Images come first, labels last: they mostly repeat a version.
fn weight(reason: &str) -> u8 {
    match reason {
        image if image.ends_with(" image") => 0,
        label if label.starts_with("label") => 3,
        annotation if annotation.starts_with("annotation") => 2,
        _ => 1,
    }
}

fn matters(change: &Change<'_>) -> bool {
    // Below requests and limits every value is a quantity.
    let amount = change.path.split('/').any(|key| key == "requests" || key == "limits");
    let key = if amount { "requests" } else { "" };
    change.from.is_some() || !same_at(key, change.old, change.new) || single_amounts(change, amount)
}

/// Whether one amount became another.
fn single_amounts(change: &Change<'_>, amount: bool) -> bool {
    amount && (change.old.is_none() || change.new.is_none())
}

/// `spec.containers[name=web].image` is `web image`, `spec.volumes[2]` is `volumes`, `metadata.annotations.checksum/config` is `annotation checksum/config`.
fn shortened(change: &Change<'_>) -> String {
    let place = change.location.as_str();
    for (start, word) in [("metadata.annotations", "annotation"), ("metadata.labels", "label")] {
        if let Some(rest) = place.strip_prefix(start) {
            let key = rest.trim_start_matches(['.', '[', '"']).trim_end_matches([']', '"']);
            return if key.is_empty() { format!("{word}s") } else { format!("{word} {}", short(key)) };
        }
    }
    let place = place.strip_prefix("spec.").unwrap_or(place);
    for list in ["containers[name=", "initContainers[name="] {
        if let Some((name, rest)) = place.strip_prefix(list).and_then(|rest| rest.split_once(']')) {
            // What follows the first key says too much, such as the place in a list of arguments.
            let field = rest.trim_start_matches('.').split(['.', '[']).next().unwrap_or_default();
            return short(format!("{name} {field}").trim_end());
        }
    }
    short(place.split(['.', '[']).next().unwrap_or_default())
}

//! Storage: claims and their sizes and classes, those of StatefulSets too, and what becomes of released volumes.

use std::collections::HashMap;

use super::scene::Scene;
use super::{Finding, Findings, Severity, Turn, items, short, string, text};
use crate::diff::workload;
use crate::manifest::node::Node;
use crate::manifest::quantity::Quantity;

/// The annotation that makes a StorageClass the one for claims that name none.
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    for changed in scene.of_kind("", "PersistentVolumeClaim") {
        let turns = claim(changed.old.map(|object| &object.node), changed.new.map(|object| &object.node));
        if changed.new.is_some() && !turns.is_empty() {
            let severity = if changed.old.is_none() { Severity::Info } else { Severity::Notice };
            findings.push(Finding::new(severity, changed.id()).turns(turns));
        }
    }
    for changed in scene.of_kind("apps", "StatefulSet") {
        let (Some(old), Some(new)) = (changed.old, changed.new) else { continue };
        let path = ["spec", "volumeClaimTemplates"];
        let mut before: HashMap<&str, &Node> =
            items(&old.node, &path).iter().filter_map(|claim| Some((name(claim)?, claim))).collect();
        for template in items(&new.node, &path) {
            let Some(name) = name(template) else { continue };
            let turns = claim(before.remove(name), Some(template));
            if !turns.is_empty() {
                findings.push(
                    Finding::new(Severity::Notice, changed.id()).place(format!("claim {}", short(name))).turns(turns),
                );
            }
        }
        for gone in items(&old.node, &path).iter().filter_map(name).filter(|name| before.contains_key(name)) {
            let finding = Finding::new(Severity::Warning, changed.id()).place(format!("claim {}", short(gone)));
            findings.push(finding.note("no longer made"));
        }
    }
    mounted(scene, findings);
    for changed in scene.of_kind("storage.k8s.io", "StorageClass") {
        let both = changed.field(&["metadata", "annotations", DEFAULT_CLASS]);
        if both.old != both.new && changed.new.is_some() {
            let is = both.new.and_then(Node::as_str) == Some("true");
            let note = if is { "becomes the default class" } else { "is no longer the default class" };
            findings.push(Finding::new(Severity::Notice, changed.id()).note(note));
        }
    }
    for changed in scene.of_kind("", "PersistentVolume") {
        let both = changed.field(&["spec", "persistentVolumeReclaimPolicy"]);
        if changed.new.is_some() && changed.old.is_some() && both.old != both.new {
            let deletes = both.new.and_then(Node::as_str) == Some("Delete");
            let severity = if deletes { Severity::Warning } else { Severity::Notice };
            let turn = Turn::new("reclaim policy", both.old.map(text), both.new.map(text));
            findings.push(Finding::new(severity, changed.id()).turns(vec![turn]));
        }
    }
}

/// Pods that get another claim than before have other data.
fn mounted(scene: &Scene<'_>, findings: &mut Findings) {
    for (old, new) in scene.pairs() {
        let (Some(before), Some(after)) = (workload::pod_spec(old), workload::pod_spec(new)) else { continue };
        let claims = |spec: &Node| -> HashMap<String, String> {
            let volumes = items(spec, &["volumes"]).iter();
            let named = volumes.filter_map(|volume| {
                let claim = string(volume, &["persistentVolumeClaim", "claimName"])?;
                Some((string(volume, &["name"])?.to_owned(), claim.to_owned()))
            });
            named.collect()
        };
        let (was, is) = (claims(before), claims(after));
        for volume in items(after, &["volumes"]).iter().filter_map(|volume| string(volume, &["name"])) {
            if let (Some(old), Some(claim)) = (was.get(volume), is.get(volume))
                && old != claim
            {
                let turn = Turn::new("claim", Some(short(old)), Some(short(claim)));
                let finding = Finding::new(Severity::Warning, &new.id).place(format!("volume {}", short(volume)));
                findings.push(finding.turns(vec![turn]).note("other data"));
            }
        }
    }
}

fn name(claim: &Node) -> Option<&str> {
    string(claim, &["metadata", "name"])
}

/// What changes of a claim: its size, its class, how it is accessed.
fn claim(old: Option<&Node>, new: Option<&Node>) -> Vec<Turn> {
    let field = |claim: Option<&'_ Node>, path: &[&str]| claim.and_then(|claim| claim.find(path)).cloned();
    let mut turns = Vec::new();
    let size = ["spec", "resources", "requests", "storage"];
    let (was, is) = (field(old, &size), field(new, &size));
    let amount = |node: &Option<Node>| node.as_ref().and_then(Quantity::of);
    if was != is && (amount(&was).is_none() || amount(&was) != amount(&is)) {
        turns.push(Turn::new("size", was.as_ref().map(text), is.as_ref().map(text)));
    }
    let class = ["spec", "storageClassName"];
    let (was, is) = (field(old, &class), field(new, &class));
    if was != is {
        turns.push(Turn::new("class", was.as_ref().map(text), is.as_ref().map(text)));
    }
    let modes = |claim: Option<&Node>| {
        let modes: Vec<String> =
            claim.into_iter().flat_map(|claim| items(claim, &["spec", "accessModes"])).map(text).collect();
        (!modes.is_empty()).then(|| modes.join("+"))
    };
    let (was, is) = (modes(old), modes(new));
    if was != is && old.is_some() {
        turns.push(Turn::new("access", was, is));
    }
    turns
}

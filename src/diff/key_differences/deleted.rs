//! What the upgrade deletes. Helm deletes what the old manifest has and the new one has not, hooks excepted, and keeps what
//! carries the annotation `helm.sh/resource-policy: keep` (helm.sh/helm, pkg/kube/client.go, `Update`).

use super::scene::Scene;
use super::{Finding, Findings, Severity, string};
use crate::diff::workload;
use crate::manifest::document::Object;
use crate::manifest::hook;

pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    for changed in &scene.changed {
        let Some(old) = changed.old.filter(|old| !workload::is_hook(old)) else { continue };
        // What got another name is deleted under the old one. (`--find-renames` shows the two as one.)
        let renamed = changed.new.is_some_and(|new| new.id.name != old.id.name);
        if changed.new.is_some() && !renamed {
            continue;
        }
        // Exactly this word: Helm compares it as it is.
        if hook::is_kept(&old.node) {
            let note = "Helm keeps it, and forgets it: helm.sh/resource-policy is keep";
            findings.push(Finding::new(Severity::Info, &old.id).note(note));
            continue;
        }
        let (severity, note) = judge(old);
        findings.push(Finding::new(severity, &old.id).note(note));
    }
}

/// How much the deletion of an object matters, and why.
fn judge(object: &Object) -> (Severity, &'static str) {
    match (object.id.group.as_str(), object.id.kind.as_str()) {
        ("", "PersistentVolumeClaim") => (Severity::Danger, "with the data on it, unless its volume is retained"),
        ("", "PersistentVolume") => (Severity::Danger, "with the data on it, unless it is retained"),
        ("", "Namespace") => (Severity::Danger, "with everything in it"),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => (Severity::Danger, "with every object of its kind"),
        ("apps", "StatefulSet") => stateful(object),
        ("", "Secret") => (Severity::Warning, "what still uses it fails"),
        ("", "Service") | (_, "Ingress" | "HTTPRoute" | "Gateway") => (Severity::Warning, "no longer reachable"),
        ("batch", "Job") => (Severity::Info, ""),
        _ if workload::Kind::of(&object.id).is_some() => (Severity::Warning, "its pods stop"),
        _ => (Severity::Info, ""),
    }
}

/// Claims of a StatefulSet stay unless it says otherwise. (API reference, `persistentVolumeClaimRetentionPolicy`.)
fn stateful(object: &Object) -> (Severity, &'static str) {
    match string(&object.node, &["spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"]) {
        Some("Delete") => (Severity::Danger, "its pods stop, and its claims go with the data on them"),
        _ => (Severity::Warning, "its pods stop; its claims stay"),
    }
}

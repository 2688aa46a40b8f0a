//! What the upgrade deletes and nothing brings back: claims and volumes with their data, namespaces and definitions with everything
//! in them, Secrets.
//!
//! Helm deletes what the old manifest has and the new one has not, unless it carries `helm.sh/resource-policy: keep`
//! (helm.sh/helm, pkg/kube/client.go, `Update`). What becomes of the data is said by the volume's reclaim policy.

use crate::checks::scene::{Scene, items, string};
use crate::checks::wanted::{ListedKind, Wanted};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot};
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

const NAME: &str = "deletions";

pub(crate) const CHECK: Check =
    Check::new(NAME, "claims, volumes, namespaces, definitions and Secrets that the upgrade deletes", run)
        .worst(Severity::Blocker)
        .rights("get the claims, list persistentvolumes and the custom resources that would go with them")
        .wants(wants);

const CLAIMS: ListedKind = ListedKind::new("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim");
const VOLUMES: ListedKind = ListedKind::new("", "v1", "persistentvolumes", "PersistentVolume");

/// What the deletion of an object takes away.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    Claim,
    Volume,
    Namespace,
    Definition,
    Secret,
    /// A StatefulSet whose claims go with it.
    Claims,
}

impl Loss {
    fn of(object: &Object) -> Option<Self> {
        let when_deleted = ["spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"];
        match (object.id.group.as_str(), object.id.kind.as_str()) {
            ("", "PersistentVolumeClaim") => Some(Self::Claim),
            ("", "PersistentVolume") => Some(Self::Volume),
            ("", "Namespace") => Some(Self::Namespace),
            ("", "Secret") => Some(Self::Secret),
            ("apiextensions.k8s.io", "CustomResourceDefinition") => Some(Self::Definition),
            ("apps", "StatefulSet") if string(&object.node, &when_deleted) == Some("Delete") => Some(Self::Claims),
            _ => None,
        }
    }
}

/// What is deleted for good. Exactly this word keeps it: Helm compares it as it is.
fn lost<'a>(scene: &Scene<'a>) -> Vec<(Loss, &'a Object)> {
    let kept =
        |object: &Object| string(&object.node, &["metadata", "annotations", "helm.sh/resource-policy"]) == Some("keep");
    let gone = scene.gone.iter().filter(|object| !kept(object));
    gone.filter_map(|object| Some((Loss::of(object)?, *object))).collect()
}

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let scene = Scene::proposed(proposal);
    let mut wanted = Vec::new();
    for (loss, object) in lost(&scene) {
        match loss {
            Loss::Claim => wanted.extend([claim(scene.namespace_of(object), object), Wanted::all(VOLUMES)]),
            Loss::Volume => wanted.push(Wanted::all(VOLUMES)),
            Loss::Definition => wanted.extend(defined(object)),
            Loss::Namespace | Loss::Secret | Loss::Claims => {}
        }
    }
    wanted
}

fn claim(namespace: &str, object: &Object) -> Wanted {
    Wanted { kind: CLAIMS, namespace: Some(namespace.to_owned()), name: Some(object.id.name.clone()) }
}

/// The objects of a definition, in the version that is stored.
fn defined(definition: &Object) -> Option<Wanted> {
    let text = |path: &[&str]| string(&definition.node, path).map(str::to_owned);
    let versions = items(&definition.node, &["spec", "versions"]);
    let stored = versions.iter().find(|one| one.find(&["storage"]).and_then(Node::as_bool) == Some(true));
    let kind = ListedKind {
        group: text(&["spec", "group"])?.into(),
        version: string(stored?, &["name"])?.to_owned().into(),
        plural: text(&["spec", "names", "plural"])?.into(),
        kind: text(&["spec", "names", "kind"])?.into(),
        metadata_only: true,
    };
    Some(Wanted::all(kind))
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let mut findings: Vec<Finding> =
        lost(&scene).into_iter().filter_map(|(loss, object)| judge(snapshot, &scene, loss, object)).collect();
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "nothing is deleted that could not be made again"));
    }
    findings
}

fn judge(snapshot: &Snapshot<'_>, scene: &Scene<'_>, loss: Loss, object: &Object) -> Option<Finding> {
    let (severity, message) = match loss {
        Loss::Claim => of_claim(snapshot, scene, object)?,
        Loss::Volume => of_volume(snapshot, &object.id.name)?,
        Loss::Namespace => (Severity::Blocker, "it is deleted, with everything in it".to_owned()),
        Loss::Definition => of_definition(snapshot, object),
        Loss::Claims => (Severity::Blocker, "it is deleted, and its claims with it, with the data on them".to_owned()),
        Loss::Secret => (Severity::Warning, "it is deleted: whatever else uses it fails".to_owned()),
    };
    let hint = "to keep it: the annotation helm.sh/resource-policy: keep in the chart that is deployed now, before this upgrade";
    Some(Finding::new(NAME, severity, message).about(object.id.to_string()).hint(hint))
}

fn of_claim(snapshot: &Snapshot<'_>, scene: &Scene<'_>, object: &Object) -> Option<(Severity, String)> {
    let live = match snapshot.lists.get(&claim(scene.namespace_of(object), object)) {
        Ok(live) => live.first()?,
        Err(reason) => {
            return Some((Severity::Unknown, format!("it is deleted, and whether data goes with it: {reason}")));
        }
    };
    let volume = live.text(&["spec", "volumeName"]);
    if volume.is_empty() {
        return Some((Severity::Info, "it is deleted; no volume is bound to it".to_owned()));
    }
    Some(of_policy(snapshot, volume, "it is deleted"))
}

fn of_volume(snapshot: &Snapshot<'_>, name: &str) -> Option<(Severity, String)> {
    match snapshot.lists.get(&Wanted::all(VOLUMES)) {
        Ok(volumes) if !volumes.iter().any(|one| one.name() == name) => None,
        _ => Some(of_policy(snapshot, name, "it is deleted")),
    }
}

/// What becomes of the data on a volume that is released.
fn of_policy(snapshot: &Snapshot<'_>, volume: &str, what: &str) -> (Severity, String) {
    let volumes = match snapshot.lists.get(&Wanted::all(VOLUMES)) {
        Ok(volumes) => volumes,
        Err(reason) => return (Severity::Unknown, format!("{what}, and whether data goes with it: {reason}")),
    };
    let policy = |one: &Observed| one.text(&["spec", "persistentVolumeReclaimPolicy"]).to_owned();
    match volumes.iter().find(|one| one.name() == volume).map(policy).as_deref() {
        Some("Retain") => (
            Severity::Warning,
            format!("{what}; the data stay on PersistentVolume/{volume}, and must be bound again by hand"),
        ),
        _ => (Severity::Blocker, format!("{what}, and the data on PersistentVolume/{volume} with it")),
    }
}

fn of_definition(snapshot: &Snapshot<'_>, object: &Object) -> (Severity, String) {
    let there = defined(object).map(|wanted| snapshot.lists.get(&wanted));
    match there {
        Some(Ok([])) => (Severity::Warning, "it is deleted; there are no objects of its kind".to_owned()),
        Some(Ok(objects)) => {
            (Severity::Blocker, format!("it is deleted, and the {} objects of its kind with it", objects.len()))
        }
        Some(Err(reason)) => {
            (Severity::Blocker, format!("it is deleted, and every object of its kind with it ({reason})"))
        }
        None => (Severity::Blocker, "it is deleted, and every object of its kind with it".to_owned()),
    }
}

//! What the upgrade deletes and nothing brings back: claims and volumes with their data, namespaces and definitions with everything
//! in them, Secrets.
//!
//! Helm deletes what the old manifest has and the new one has not, unless the object in the cluster carries
//! `helm.sh/resource-policy: keep` (helm.sh/helm, pkg/kube/client.go, `Update`). What becomes of the data is said by the volume's
//! reclaim policy.

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
        .rights("get the objects, list persistentvolumes and the custom resources that would go with them")
        .wants(wants);

const NAMESPACES: ListedKind = ListedKind::new("", "v1", "namespaces", "Namespace");
const SECRETS: ListedKind = ListedKind::new("", "v1", "secrets", "Secret");
const SETS: ListedKind = ListedKind::new("apps", "v1", "statefulsets", "StatefulSet");
const DEFINITIONS: ListedKind =
    ListedKind::new("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition");
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

    /// The object as the cluster has it. Helm asks that one whether it is to stay.
    fn live(self, namespace: &str, object: &Object) -> Wanted {
        let (kind, namespaced) = match self {
            Self::Claim => (CLAIMS, true),
            Self::Volume => (VOLUMES, false),
            Self::Namespace => (NAMESPACES, false),
            Self::Definition => (DEFINITIONS, false),
            Self::Secret => (SECRETS, true),
            Self::Claims => (SETS, true),
        };
        let namespace = namespaced.then(|| namespace.to_owned());
        Wanted { kind, namespace, name: Some(object.id.name.clone()) }
    }
}

/// What is deleted for good, where it is there and nobody keeps it.
fn lost<'a>(scene: &Scene<'a>) -> Vec<(Loss, &'a Object)> {
    scene.gone.iter().filter_map(|object| Some((Loss::of(object)?, *object))).collect()
}

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let scene = Scene::proposed(proposal);
    let mut wanted = Vec::new();
    for (loss, object) in lost(&scene) {
        wanted.push(loss.live(scene.namespace_of(object), object));
        match loss {
            Loss::Claim | Loss::Volume => wanted.push(Wanted::all(VOLUMES)),
            Loss::Definition => wanted.extend(defined(object)),
            Loss::Namespace | Loss::Secret | Loss::Claims => {}
        }
    }
    wanted
}

/// The objects of a definition, in the version that is stored, or the first that is served.
fn defined(definition: &Object) -> Option<Wanted> {
    let text = |path: &[&str]| string(&definition.node, path).map(str::to_owned);
    let is = |version: &Node, key: &str| version.find(&[key]).and_then(Node::as_bool) == Some(true);
    let versions = items(&definition.node, &["spec", "versions"]).iter();
    let served = versions.filter(|one| is(one, "served")).rev().max_by_key(|one| is(one, "storage"));
    let kind = ListedKind {
        group: text(&["spec", "group"])?.into(),
        version: string(served?, &["name"])?.to_owned().into(),
        plural: text(&["spec", "names", "plural"])?.into(),
        kind: text(&["spec", "names", "kind"])?.into(),
        metadata_only: true,
    };
    Some(Wanted::all(kind))
}

/// Whether an object that the upgrade would delete is kept in the cluster.
pub(in crate::checks) fn is_kept(snapshot: &Snapshot<'_>, object: &Object) -> bool {
    let namespace = object.id.namespace.as_deref().unwrap_or(snapshot.namespace);
    let live = Loss::of(object).map(|loss| loss.live(namespace, object));
    let live = live.and_then(|wanted| snapshot.lists.get(&wanted).ok()?.first());
    live.is_some_and(Observed::is_kept)
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
    let about = object.id.to_string();
    let namespace = scene.namespace_of(object);
    let wanted = loss.live(namespace, object);
    let live = match snapshot.lists.get(&wanted) {
        Ok(live) => live.first()?,
        // What helm can't read either, it does not delete.
        Err(reason) => {
            let message = format!("the new revision does not have it, and whether it is deleted: {reason}");
            return Some(Finding::new(NAME, Severity::Unknown, message).about(about));
        }
    };
    if live.is_kept() {
        return None;
    }
    let (severity, message) = match loss {
        Loss::Claim => of_claim(snapshot, live),
        Loss::Volume => of_policy(snapshot, &object.id.name, "it is deleted"),
        Loss::Namespace => (Severity::Blocker, "it is deleted, with everything in it".to_owned()),
        Loss::Definition => of_definition(snapshot, object),
        Loss::Claims => (Severity::Blocker, "it is deleted, and its claims with it, with the data on them".to_owned()),
        Loss::Secret => (Severity::Warning, "it is deleted: whatever else uses it fails".to_owned()),
    };
    let place = wanted.namespace.map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
    let (kind, name) = (&wanted.kind.plural, &object.id.name);
    let hint = format!("to keep it: kubectl annotate {kind} {name}{place} helm.sh/resource-policy=keep");
    Some(Finding::new(NAME, severity, message).about(about).hint(hint))
}

fn of_claim(snapshot: &Snapshot<'_>, live: &Observed) -> (Severity, String) {
    match live.text(&["spec", "volumeName"]) {
        "" => (Severity::Info, "it is deleted; no volume is bound to it".to_owned()),
        volume => of_policy(snapshot, volume, "it is deleted"),
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
        Some(_) => (Severity::Blocker, format!("{what}, and the data on PersistentVolume/{volume} with it")),
        None => {
            (Severity::Warning, format!("{what}, and PersistentVolume/{volume}, which is bound to it, is not there"))
        }
    }
}

fn of_definition(snapshot: &Snapshot<'_>, object: &Object) -> (Severity, String) {
    let there = defined(object)
        .ok_or("no version of it is served")
        .and_then(|wanted| snapshot.lists.get(&wanted).map(<[Observed]>::len));
    match there {
        Ok(0) => (Severity::Warning, "it is deleted; there are no objects of its kind".to_owned()),
        Ok(1) => (Severity::Blocker, "it is deleted, and the one object of its kind with it".to_owned()),
        Ok(many) => (Severity::Blocker, format!("it is deleted, and the {many} objects of its kind with it")),
        Err(reason) => {
            (Severity::Unknown, format!("it is deleted, and whether objects of its kind go with it: {reason}"))
        }
    }
}

//! Whether claims that grow may grow: the API server refuses it where their class does not allow it, and refuses that they shrink.
//!
//! Sources: plugin/pkg/admission/storage/persistentvolume/resize and pkg/apis/core/validation (ValidatePersistentVolumeClaimUpdate)
//! of k8s.io/kubernetes.

use crate::checks::scene::{Pair, Scene};
use crate::checks::wanted::{ListedKind, Wanted};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot};
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::manifest::quantity::Quantity;

const NAME: &str = "volume-growth";

pub(crate) const CHECK: Check = Check::new(NAME, "whether the storage class of claims that grow lets them", run)
    .worst(Severity::Blocker)
    .rights("get the claims, list storageclasses")
    .wants(wants);

const CLASSES: ListedKind = ListedKind::new("storage.k8s.io", "v1", "storageclasses", "StorageClass");
const CLAIMS: ListedKind = ListedKind::new("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim");

const SIZE: [&str; 4] = ["spec", "resources", "requests", "storage"];

/// A claim whose size changes, and its size after.
struct Resized<'a> {
    pair: Pair<'a>,
    size: Quantity,
}

fn resized<'a>(scene: &Scene<'a>) -> Vec<Resized<'a>> {
    let claims = scene.of_kind("", "PersistentVolumeClaim");
    let all = claims.filter_map(|pair| {
        let (old, new) = (pair.old?.node.find(&SIZE)?, pair.new.node.find(&SIZE)?);
        let size = Quantity::of(new)?;
        (Quantity::of(old) != Some(size)).then_some(Resized { pair, size })
    });
    all.collect()
}

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let scene = Scene::proposed(proposal);
    let resized = resized(&scene);
    let classes = (!resized.is_empty()).then(|| Wanted::all(CLASSES));
    resized.iter().map(|one| claim(&one.pair)).chain(classes).collect()
}

fn claim(pair: &Pair<'_>) -> Wanted {
    Wanted { kind: CLAIMS, namespace: Some(pair.namespace.to_owned()), name: Some(pair.new.id.name.clone()) }
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let resized = resized(&scene);
    let mut findings: Vec<Finding> = resized.iter().filter_map(|one| judge(snapshot, one)).collect();
    if findings.is_empty() {
        let message = match resized.len() {
            0 => "no claim changes its size",
            _ => "the storage class of each claim that grows lets it",
        };
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

fn judge(snapshot: &Snapshot<'_>, one: &Resized<'_>) -> Option<Finding> {
    let about = |severity, message: String| Finding::new(NAME, severity, message).about(one.pair.new.id.to_string());
    let live = match snapshot.lists.get(&claim(&one.pair)) {
        Ok(live) => live.first()?,
        Err(reason) => return Some(about(Severity::Unknown, format!("whether it may grow to {}: {reason}", one.size))),
    };
    let size = |path: &[&str]| live.at(path).and_then(Quantity::of);
    let now = size(&SIZE)?;
    if one.size == now {
        return None;
    }
    // A claim whose growth has not come to its end yet may take back what of it is missing.
    if one.size < now {
        let refused = one.size <= size(&["status", "capacity", "storage"]).unwrap_or(now);
        let message = format!("it asks for {now} and would shrink to {}: the server refuses that", one.size);
        let hint = "leave the size as it is; a smaller volume takes a new claim and a copy";
        return refused.then(|| about(Severity::Blocker, message).hint(hint));
    }
    if live.text(&["status", "phase"]) != "Bound" {
        let message = format!("no volume is bound to it, and until then its size can't change to {}", one.size);
        return Some(about(Severity::Blocker, message));
    }
    let class = live.text(&["spec", "storageClassName"]);
    let allows = |class: &Observed| class.at(&["allowVolumeExpansion"]).and_then(Node::as_bool) == Some(true);
    match snapshot.lists.get(&Wanted::all(CLASSES)) {
        Err(reason) => Some(about(
            Severity::Unknown,
            format!("whether StorageClass/{class} lets it grow to {}: {reason}", one.size),
        )),
        Ok(classes) if classes.iter().any(|one| one.name() == class && allows(one)) => None,
        Ok(_) => {
            let who = if class.is_empty() {
                "it has no storage class, which".to_owned()
            } else {
                format!("StorageClass/{class}")
            };
            let message = format!("{who} does not let it grow from {now} to {}: the server refuses that", one.size);
            Some(
                about(Severity::Blocker, message)
                    .hint("leave the size as it is, or have allowVolumeExpansion set in the class, if its driver can"),
            )
        }
    }
}

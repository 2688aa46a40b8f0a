//! Tools that manage releases or their objects by themselves, and the signs by which they are known: labels and annotations that
//! they set, and the names under which they write.

use crate::manifest::identity::ObjectId;
use crate::manifest::live::Opened;

/// An object that another tool manages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managed {
    /// Which object.
    pub object: ObjectId,
    /// The tool: `Argo CD`.
    pub tool: &'static str,
    /// What it is known by: `annotation argocd.argoproj.io/tracking-id`.
    pub sign: String,
}

/// Keys of labels and annotations (Argo CD: resource tracking; Flux: the labels of helm-controller and kustomize-controller;
/// Fleet: wrangler's object sets).
const KEYS: [(&str, &str); 6] = [
    ("argocd.argoproj.io/tracking-id", "Argo CD"),
    ("argocd.argoproj.io/instance", "Argo CD"),
    ("helm.toolkit.fluxcd.io/name", "Flux"),
    ("kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("objectset.rio.cattle.io/id", "Fleet"),
    ("fleet.cattle.io/bundle-id", "Fleet"),
];

/// What the names of field managers begin with.
const WRITERS: [(&str, &str); 8] = [
    ("argocd-controller", "Argo CD"),
    ("argocd-application-controller", "Argo CD"),
    ("helm-controller", "Flux"),
    ("kustomize-controller", "Flux"),
    ("fleetagent", "Fleet"),
    ("fleet-agent", "Fleet"),
    ("terraform-provider-helm", "Terraform"),
    ("pulumi-", "Pulumi"),
];

/// The tool that writes under this name.
#[must_use]
pub fn of_writer(manager: &str) -> Option<&'static str> {
    WRITERS.iter().find(|(name, _)| manager.starts_with(name)).map(|(_, tool)| *tool)
}

/// The tool that manages an object in the cluster.
#[must_use]
pub fn of(opened: &Opened) -> Option<Managed> {
    let metadata = opened.live.as_ref()?.get("metadata")?;
    let managed = |tool, sign: String| Some(Managed { object: opened.declared.id.clone(), tool, sign });
    for (what, map) in [("annotation", "annotations"), ("label", "labels")] {
        let Some(map) = metadata.get(map) else { continue };
        if let Some((key, tool)) = KEYS.iter().find(|(key, _)| map.get(key).is_some()) {
            return managed(tool, format!("{what} {key}"));
        }
    }
    let writers = opened.managed.writers();
    let (name, tool) =
        writers.iter().find_map(|writer| Some((writer.manager.as_str(), of_writer(&writer.manager)?)))?;
    managed(tool, format!("written by {name}"))
}

//! What becomes of custom resource definitions, and of the objects of their kinds that are in the cluster.

pub(super) mod change;
mod compare;
pub(super) mod fit;
pub(super) mod objects;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::scene::{items, string};
use super::snapshot::{ChartReference, Objects, Place};
use super::wanted::{ListedKind, Lists, Wanted};
use crate::diff::live::crd::CrdDiff;
use crate::diff::resources::Change;
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

/// Where definitions are in the cluster.
const DEFINITIONS: ListedKind =
    ListedKind::new("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition");

/// How to apply all definitions of the folders `crds/`, those of subcharts too. Helm owns the fields of what it has installed, so that
/// applying them as somebody else is refused unless it is forced.
pub(super) fn by_hand(chart: &ChartReference) -> String {
    let repo = if chart.place == Place::Repository && !chart.named.contains('/') { " --repo URL" } else { "" };
    let version = chart.version.as_ref().map(|version| format!(" --version {version}")).unwrap_or_default();
    format!("helm show crds {}{repo}{version} | kubectl apply --server-side --force-conflicts -f -", chart.named)
}

/// A definition that the chart has otherwise than the cluster, or than the revision that runs.
struct Definition<'a> {
    /// As it was; none if it is new.
    old: Option<&'a Node>,
    /// As the chart has it.
    new: &'a Object,
    /// Whether Helm applies it: it is in the templates, and not in the folder `crds/`.
    applied: bool,
    /// Whether the revision that runs does not have it. It may be in the cluster all the same: from the folder `crds/`, or as somebody
    /// else's.
    is_new: bool,
}

/// Every definition that changes. What is new to the templates is held against the cluster, once that was looked at.
fn definitions<'a>(objects: &'a Objects, folder: Option<&'a CrdDiff>, lists: Option<&'a Lists>) -> Vec<Definition<'a>> {
    let is_one = |object: &&Object| object.id.kind == "CustomResourceDefinition" && object.problem.is_none();
    let old: HashMap<&str, &Object> =
        objects.old.iter().filter(is_one).map(|object| (object.id.name.as_str(), object)).collect();
    let templates = objects.new.iter().filter(is_one).filter_map(|new| {
        let old = old.get(new.id.name.as_str()).copied();
        let live = || lists?.get(&live(new)).ok()?.first().map(Observed::node);
        let changes = old.is_none_or(|old| old.node != new.node);
        let before = old.map(|old| &old.node);
        changes.then(|| Definition { old: before.or_else(live), new, applied: true, is_new: old.is_none() })
    });
    let resources = folder.map(|crds| crds.definitions.resources.iter()).into_iter().flatten();
    let folder = resources.filter(|resource| resource.change != Change::Removed).filter_map(|resource| {
        let old = resource.old.as_ref().map(|old| &old.node);
        Some(Definition { old, new: resource.new.as_ref()?, applied: false, is_new: false })
    });
    templates.chain(folder).collect()
}

/// The definition as the cluster has it, with its status.
fn live(definition: &Object) -> Wanted {
    Wanted::one(DEFINITIONS, &definition.id.name)
}

impl Definition<'_> {
    /// The objects of its kind, in a version that both have: that of storage, or the first one served. Of one that is new, what there is
    /// may not be known yet, and the version is that of the chart.
    fn kept(&self) -> Option<(Wanted, &str)> {
        let before = if self.is_new { &self.new.node } else { self.old? };
        let new: Vec<&str> = versions(&self.new.node).filter(|one| serves(one)).filter_map(name).collect();
        let shared = |one: &&Node| serves(one) && name(one).is_some_and(|name| new.contains(&name));
        let version = versions(before).filter(shared).max_by_key(|one| stores(one)).and_then(name)?;
        let text = |path: &[&str]| string(before, path).map(str::to_owned);
        let kind = ListedKind {
            group: text(&["spec", "group"])?.into(),
            version: version.to_owned().into(),
            plural: text(&["spec", "names", "plural"])?.into(),
            kind: text(&["spec", "names", "kind"])?.into(),
            metadata_only: false,
        };
        Some((Wanted::all(kind), version))
    }

    /// What becomes of each of its versions that stays.
    fn changes(&self) -> Vec<(&str, Vec<compare::SchemaChange>)> {
        let Some(old) = self.old else { return Vec::new() };
        let mut found = Vec::new();
        for version in versions(&self.new.node) {
            let Some(name) = name(version) else { continue };
            if let (Some(before), Some(after)) = (schema_of(old, name), schema_of(&self.new.node, name)) {
                found.push((name, compare::schemas(before, after)));
            }
        }
        found
    }
}

fn versions(definition: &Node) -> impl Iterator<Item = &Node> {
    items(definition, &["spec", "versions"]).iter()
}

fn name(version: &Node) -> Option<&str> {
    string(version, &["name"])
}

fn serves(version: &Node) -> bool {
    version.get("served").and_then(Node::as_bool) == Some(true)
}

fn stores(version: &Node) -> bool {
    version.get("storage").and_then(Node::as_bool) == Some(true)
}

/// The schema of a version.
fn schema_of<'a>(definition: &'a Node, version: &str) -> Option<&'a Node> {
    let version = versions(definition).find(|one| name(one) == Some(version))?;
    version.find(&["schema", "openAPIV3Schema"])
}

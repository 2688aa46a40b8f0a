//! What speaks against a step of a canary, and against an upgrade beside one. Of the former an upgrade that is no step has passed.

pub(crate) mod autoscaler;
pub(crate) mod replicas;
pub(crate) mod service;
#[cfg(test)]
mod tests;
pub(crate) mod unfinished;

use super::scene::texts;
use crate::diff::workload;
use crate::manifest::document::Object;
use crate::manifest::node::Node;

/// The step of a canary that an upgrade is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Canary {
    /// Which; 1 is the first.
    pub number: usize,
    /// Whether the steps set the number of pods.
    pub scales: bool,
    /// Whether it runs as a second release beside the stable one.
    pub beside: bool,
    /// The workloads of the stable release that are scaled down meanwhile: kind and name.
    pub stable: Vec<(String, String)>,
    /// The Services by which traffic reaches the stable release, where a second one is to be reached by them too.
    pub services: Option<Vec<Service>>,
}

/// A Service, and which pods it selects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// The labels that it selects.
    pub selector: Vec<(String, String)>,
}

impl Service {
    /// The Services among these objects that select any of their pods.
    #[must_use]
    pub fn of(objects: &[Object]) -> Vec<Self> {
        let services = objects.iter().filter(|object| object.id.group.is_empty() && object.id.kind == "Service");
        let all = services
            .map(|object| Self { name: object.id.name.clone(), selector: pairs(&object.node, &["spec", "selector"]) });
        all.filter(|service| objects.iter().any(|object| service.selects(object))).collect()
    }

    /// Whether it selects the pods of a workload.
    fn selects(&self, object: &Object) -> bool {
        let Some(template) = workload::template(object) else { return false };
        let labels = pairs(template, &["metadata", "labels"]);
        !self.selector.is_empty() && self.selector.iter().all(|pair| labels.contains(pair))
    }
}

fn pairs(node: &Node, path: &[&str]) -> Vec<(String, String)> {
    texts(node, path).into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

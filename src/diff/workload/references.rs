//! Which ConfigMaps and Secrets a pod uses, and how.

use std::collections::HashSet;

use crate::manifest::identity::ObjectId;
use crate::manifest::node::Node;

/// An object that holds configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Config {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

impl Config {
    /// What an object is, if it holds configuration.
    #[must_use]
    pub fn of(id: &ObjectId) -> Option<Self> {
        match (id.group.as_str(), id.kind.as_str()) {
            ("", "ConfigMap") => Some(Self::ConfigMap),
            ("", "Secret") => Some(Self::Secret),
            _ => None,
        }
    }
}

/// How a pod gets at configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// As a volume: the kubelet updates the files of a running pod.
    Volume,
    /// As a volume mounted with `subPath`: its files are never updated.
    SubPath,
    /// As environment variables, which are never updated.
    Environment,
}

/// A use of configuration by a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// What kind of object.
    pub config: Config,
    /// Its name; it is in the pod's namespace.
    pub name: &'a str,
    /// How it is used.
    pub how: Use,
}

/// All uses of configuration by a pod, of its specification.
#[must_use]
pub fn of_pod(spec: &Node) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    let containers: Vec<&Node> = super::containers(spec).map(|container| container.node).collect();
    for container in &containers {
        for source in items(container, "envFrom") {
            push(&mut found, source.find(&["configMapRef", "name"]), Config::ConfigMap, Use::Environment);
            push(&mut found, source.find(&["secretRef", "name"]), Config::Secret, Use::Environment);
        }
        for variable in items(container, "env") {
            let from = |key| variable.find(&["valueFrom", key, "name"]);
            push(&mut found, from("configMapKeyRef"), Config::ConfigMap, Use::Environment);
            push(&mut found, from("secretKeyRef"), Config::Secret, Use::Environment);
        }
    }
    let with_sub_path: HashSet<&str> = containers
        .iter()
        .flat_map(|container| items(container, "volumeMounts"))
        .filter(|mount| mount.get("subPath").is_some() || mount.get("subPathExpr").is_some())
        .filter_map(|mount| mount.get("name")?.as_str())
        .collect();
    for volume in items(spec, "volumes") {
        let name = volume.get("name").and_then(Node::as_str).unwrap_or_default();
        let how = if with_sub_path.contains(name) { Use::SubPath } else { Use::Volume };
        push(&mut found, volume.find(&["configMap", "name"]), Config::ConfigMap, how);
        push(&mut found, volume.find(&["secret", "secretName"]), Config::Secret, how);
        for source in volume.find(&["projected"]).into_iter().flat_map(|projected| items(projected, "sources")) {
            push(&mut found, source.find(&["configMap", "name"]), Config::ConfigMap, how);
            push(&mut found, source.find(&["secret", "name"]), Config::Secret, how);
        }
    }
    found
}

fn items<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    node.get(key).and_then(Node::as_list).unwrap_or_default()
}

fn push<'a>(found: &mut Vec<Reference<'a>>, name: Option<&'a Node>, config: Config, how: Use) {
    if let Some(name) = name.and_then(Node::as_str) {
        found.push(Reference { config, name, how });
    }
}

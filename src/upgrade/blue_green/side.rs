//! One of the two releases, as what leads traffic sees it: the labels of its pods, and its Services.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::diff::workload::{self, CONTROLLERS, Kind};
use crate::manifest::document::Object;
use crate::manifest::node::Node;

/// Labels, or the selector of a Service.
pub type Labels = BTreeMap<String, String>;

/// The objects of a release.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The release's name.
    pub release: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// What it has, masked.
    pub objects: &'a [Object],
}

/// An object that runs pods which go on.
#[derive(Clone, Debug)]
pub struct Pods<'a> {
    /// The object.
    pub object: &'a Object,
    /// The labels of its pods.
    pub labels: Labels,
    /// What they are.
    pub spec: &'a Node,
}

impl<'a> Side<'a> {
    /// The objects that are no hooks, and could be read.
    pub fn own(&self) -> impl Iterator<Item = &'a Object> {
        self.objects.iter().filter(|object| object.problem.is_none() && !workload::is_hook(object))
    }

    /// The namespace of an object.
    #[must_use]
    pub fn namespace_of(&self, object: &'a Object) -> &'a str {
        object.id.namespace.as_deref().unwrap_or(self.namespace)
    }

    /// What runs pods in its namespace that go on, such as a Deployment.
    pub fn pods(&self) -> impl Iterator<Item = Pods<'a>> {
        let here = *self;
        self.own().filter_map(move |object| {
            let lasts = CONTROLLERS.contains(&object.id.kind.as_str()) || object.id.kind == "Pod";
            Kind::of(&object.id).filter(|_| lasts && here.namespace_of(object) == here.namespace)?;
            let template = workload::template(object)?;
            let labels = labels(template.find(&["metadata", "labels"]));
            Some(Pods { object, labels, spec: template.find(&["spec"])? })
        })
    }

    /// Its Services in its namespace.
    pub fn services(&self) -> impl Iterator<Item = &'a Object> {
        self.of_kind("", "Service")
    }

    /// Its objects of a kind in its namespace.
    pub fn of_kind(&self, group: &'static str, kind: &'static str) -> impl Iterator<Item = &'a Object> {
        let here = *self;
        let is = move |object: &&Object| object.id.group == group && object.id.kind == kind;
        self.own().filter(move |object| is(object) && here.namespace_of(object) == here.namespace)
    }

    /// Whether a selector chooses pods of it.
    #[must_use]
    pub fn is_chosen_by(&self, selector: &Labels) -> bool {
        self.pods().any(|pods| chooses(selector, &pods.labels))
    }
}

/// The texts of a map.
#[must_use]
pub fn labels(node: Option<&Node>) -> Labels {
    let entries = node.and_then(Node::as_map).unwrap_or_default().iter();
    entries.filter_map(|(key, value)| Some((key.to_string(), value.as_str()?.to_owned()))).collect()
}

/// Whether a Service with this selector chooses a pod with these labels. Without a selector it chooses none.
#[must_use]
pub fn chooses(selector: &Labels, labels: &Labels) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// The ports of pods that a Service names: its `targetPort`s that are no numbers.
#[must_use]
pub fn named_targets(service: &Value) -> BTreeSet<String> {
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    ports.filter_map(|port| Some(port["targetPort"].as_str()?.to_owned())).collect()
}

/// Whether a container of a pod has a port of this name: one that goes on, or one that runs before and stays.
#[must_use]
pub fn has_port(spec: &Node, name: &str) -> bool {
    let says = |node: &Node, key: &str, value: &str| node.get(key).and_then(Node::as_str) == Some(value);
    let lasts =
        |container: &workload::Container<'_>| !container.init || says(container.node, "restartPolicy", "Always");
    workload::containers(spec).filter(lasts).any(|container| {
        let ports = container.node.get("ports").and_then(Node::as_list).unwrap_or_default();
        ports.iter().any(|port| says(port, "name", name))
    })
}

/// `app=web,tier=front`, as `kubectl get -l` takes it.
#[must_use]
pub fn shown(selector: &Labels) -> String {
    selector.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest::yaml;

    #[test]
    fn a_port_that_a_service_names_is_one_of_a_container_that_goes_on() {
        let service = json!({"spec": {"ports": [{"port": 80, "targetPort": "http"}, {"port": 81, "targetPort": 81}, {"port": 82}]}});
        assert_eq!(named_targets(&service), ["http".to_owned()].into());
        assert!(named_targets(&json!({"spec": {"ports": 5}})).is_empty());
        let spec = |text: &str| yaml::parse(text).unwrap();
        for (text, expected) in [
            ("containers: [{name: a}, {name: b, ports: [{containerPort: 80, name: http}]}]", true),
            ("containers: [{name: a, ports: [{containerPort: 80, name: web}]}]", false),
            ("initContainers: [{name: a, ports: [{name: http}]}]", false),
            ("initContainers: [{name: a, restartPolicy: Always, ports: [{name: http}]}]", true),
            ("containers: 5", false),
        ] {
            assert_eq!(has_port(&spec(text), "http"), expected, "{text}");
        }
    }
}

//! Objects that run pods: which kinds there are, where their pod template stands, and the containers in it.

pub mod image;
pub mod references;
pub mod same;

use crate::manifest::document::Object;
use crate::manifest::identity::ObjectId;
use crate::manifest::node::Node;

/// A kind of object that runs pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `apps/Deployment`.
    Deployment,
    /// `apps/StatefulSet`.
    StatefulSet,
    /// `apps/DaemonSet`.
    DaemonSet,
    /// `apps/ReplicaSet`.
    ReplicaSet,
    /// `v1/ReplicationController`.
    ReplicationController,
    /// `argoproj.io/Rollout`, which is shaped like a Deployment.
    Rollout,
    /// `v1/Pod`.
    Pod,
    /// `batch/Job`.
    Job,
    /// `batch/CronJob`.
    CronJob,
}

/// Group, kind as written, and what it is. Old groups stand beside the new ones: a manifest may hold either.
const KINDS: &[(&str, &str, Kind)] = &[
    ("apps", "Deployment", Kind::Deployment),
    ("extensions", "Deployment", Kind::Deployment),
    ("apps", "StatefulSet", Kind::StatefulSet),
    ("apps", "DaemonSet", Kind::DaemonSet),
    ("extensions", "DaemonSet", Kind::DaemonSet),
    ("apps", "ReplicaSet", Kind::ReplicaSet),
    ("extensions", "ReplicaSet", Kind::ReplicaSet),
    ("", "ReplicationController", Kind::ReplicationController),
    ("argoproj.io", "Rollout", Kind::Rollout),
    ("", "Pod", Kind::Pod),
    ("batch", "Job", Kind::Job),
    ("batch", "CronJob", Kind::CronJob),
];

/// The kinds, as written, whose pods live on and are replaced when their template changes.
pub const CONTROLLERS: &[&str] =
    &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Rollout"];

/// The kind of an autoscaler.
pub const AUTOSCALER: &str = "HorizontalPodAutoscaler";

/// Whether the object is an autoscaler.
#[must_use]
pub fn is_autoscaler(id: &ObjectId) -> bool {
    id.group == "autoscaling" && id.kind == AUTOSCALER
}

/// Kind and name of what an autoscaler scales.
#[must_use]
pub fn target(autoscaler: &Object) -> Option<(&str, &str)> {
    let target = autoscaler.node.find(&["spec", "scaleTargetRef"])?;
    Some((target.get("kind")?.as_str()?, target.get("name")?.as_str()?))
}

/// Whether Helm runs the object as a hook. In the output of `helm template` only an annotation says so.
#[must_use]
pub fn is_hook(object: &Object) -> bool {
    object.hook || object.node.find(&["metadata", "annotations", "helm.sh/hook"]).is_some()
}

impl Kind {
    /// The kind of an object, if it runs pods.
    #[must_use]
    pub fn of(id: &ObjectId) -> Option<Self> {
        KINDS.iter().find(|(group, kind, _)| *group == id.group && *kind == id.kind).map(|(_, _, kind)| *kind)
    }

    /// The keys that lead to the pod template. A Pod is its own.
    #[must_use]
    pub fn template_path(self) -> &'static [&'static str] {
        match self {
            Self::Pod => &[],
            Self::CronJob => &["spec", "jobTemplate", "spec", "template"],
            _ => &["spec", "template"],
        }
    }

    /// Whether `spec.replicas` says how many pods there are.
    #[must_use]
    pub fn has_replicas(self) -> bool {
        !matches!(self, Self::DaemonSet | Self::Pod | Self::Job | Self::CronJob)
    }

    /// Whether its controller replaces the pods when the template changes.
    #[must_use]
    pub fn rolls_out(self) -> bool {
        matches!(self, Self::Deployment | Self::StatefulSet | Self::DaemonSet | Self::Rollout)
    }
}

/// The pod template of an object, with `metadata` and `spec`.
#[must_use]
pub fn template(object: &Object) -> Option<&Node> {
    object.node.find(Kind::of(&object.id)?.template_path())
}

/// The pod's specification in an object.
#[must_use]
pub fn pod_spec(object: &Object) -> Option<&Node> {
    template(object)?.find(&["spec"])
}

/// A container of a pod.
#[derive(Clone, Copy)]
pub struct Container<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it is one that runs before the others (a sidecar too).
    pub init: bool,
    /// All of it.
    pub node: &'a Node,
}

/// The containers of a pod, those that run first being first. What has no name is none.
pub fn containers(spec: &Node) -> impl Iterator<Item = Container<'_>> {
    [("initContainers", true), ("containers", false)].into_iter().flat_map(move |(key, init)| {
        let items = spec.get(key).and_then(Node::as_list).unwrap_or_default();
        items.iter().filter_map(move |node| Some(Container { name: node.get("name")?.as_str()?, init, node }))
    })
}

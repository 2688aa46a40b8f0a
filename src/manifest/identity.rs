//! What names an object: group, version, kind, namespace and name.

use std::fmt;

use crate::manifest::node::Node;

/// The groups that a Kubernetes API server serves by itself. (k8s.io/kubernetes, pkg/controlplane/instance.go)
const BUILT_IN: [&str; 24] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Whether a group belongs to custom resources.
#[must_use]
pub fn is_custom(group: &str) -> bool {
    !BUILT_IN.contains(&group)
}

/// The identity of an object in a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    /// The API group; empty for the core group.
    pub group: String,
    /// The API version within the group.
    pub version: String,
    /// The kind; empty if the document has none.
    pub kind: String,
    /// The namespace, if the manifest says one.
    pub namespace: Option<String>,
    /// The name; of an object with `generateName`, that with a `*` behind it.
    pub name: String,
}

impl ObjectId {
    /// Reads the identity of an object.
    #[must_use]
    pub fn of(object: &Node) -> Self {
        let text = |node: Option<&Node>| node.and_then(Node::as_str).unwrap_or_default().to_owned();
        let api_version = text(object.get("apiVersion"));
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", &api_version));
        let metadata = object.get("metadata");
        let field = |key: &str| metadata.and_then(|m| m.get(key)).map(plain).filter(|value| !value.is_empty());
        let name = field("name").or_else(|| field("generateName").map(|prefix| format!("{prefix}*")));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: text(object.get("kind")),
            namespace: field("namespace"),
            name: name.unwrap_or_default(),
        }
    }

    /// `apps/v1`, or `v1` in the core group.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether it is a custom resource: of a kind that Kubernetes itself does not have.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        is_custom(&self.group)
    }

    /// What makes two objects the same: all but the version. The release's own namespace counts as none, whether an object
    /// says it or not, so that releases of two namespaces can be compared.
    #[must_use]
    pub fn key(&self, release_namespace: &str) -> (String, String, Option<String>, String) {
        let namespace = self.namespace.clone().filter(|namespace| namespace != release_namespace);
        (self.group.clone(), self.kind.clone(), namespace, self.name.clone())
    }
}

impl fmt::Display for ObjectId {
    /// `Deployment/web`, or `Deployment/shop/web` where the manifest says the namespace.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind.is_empty() { "document" } else { &self.kind };
        let name = if self.name.is_empty() { "(no name)" } else { &self.name };
        match &self.namespace {
            Some(namespace) => write!(f, "{kind}/{namespace}/{name}"),
            None => write!(f, "{kind}/{name}"),
        }
    }
}

/// A scalar's text. A name that YAML reads as a number is still a name to a reader.
fn plain(node: &Node) -> String {
    node.as_str().map_or_else(|| crate::manifest::emit::scalar(node).into_owned(), str::to_owned)
}

//! What names a watched object.

use std::fmt;

use crate::manifest::identity::ObjectId;
use crate::manifest::observed::Observed;

/// What names an object of the cluster, whatever version it is read in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind, as in `Deployment`.
    pub kind: String,
    /// The namespace; empty for a kind that has none.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl Key {
    /// The key of a watched object.
    #[must_use]
    pub fn of(object: &Observed) -> Self {
        let group = object.text(&["apiVersion"]).rsplit_once('/').map_or("", |(group, _)| group);
        let [group, kind, namespace, name] =
            [group, object.text(&["kind"]), object.namespace(), object.name()].map(str::to_owned);
        Self { group, kind, namespace, name }
    }

    /// The key of a declared object. `namespace` is where it is when the manifest does not say so; empty for a kind without
    /// namespaces.
    #[must_use]
    pub fn declared(id: &ObjectId, namespace: &str) -> Self {
        Self {
            group: id.group.clone(),
            kind: id.kind.clone(),
            namespace: id.namespace.clone().unwrap_or_else(|| namespace.to_owned()),
            name: id.name.clone(),
        }
    }

    /// Whether it is of this kind.
    #[must_use]
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.kind == kind && self.group == group
    }
}

impl fmt::Display for Key {
    /// `deployment/web`; of a custom resource with its group: `backup.example.com/nightly`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.to_lowercase();
        if self.group.contains('.') && !self.group.ends_with(".k8s.io") {
            write!(f, "{kind}.{}/{}", self.group, self.name)
        } else {
            write!(f, "{kind}/{}", self.name)
        }
    }
}

/// What the release consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its key.
    pub key: Key,
    /// Whether it is the object of a hook, as a Job or a Pod. Helm waits for hooks by itself: they never keep a release from being
    /// ready, but that they fail is said.
    pub hook: bool,
    /// The replicas that its manifest names, if it names any.
    pub replicas: Option<i64>,
    /// Whether it is a Job that its manifest lets be removed once it has finished.
    pub expires: bool,
}

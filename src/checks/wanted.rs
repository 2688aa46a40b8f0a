//! What checks want to see of the cluster beside the release: they say so by what is proposed, it is read in one go, and they
//! find it in the [`Lists`] of the snapshot.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::canary::Canary;
use super::snapshot::{Known, Objects};
use crate::diff::live::crd::CrdDiff;
use crate::manifest::hook;
use crate::manifest::observed::{Kept, Observed};

/// What is kept of a pod: a cluster has many, and of each little is of use.
const OF_POD: Kept = Kept::Only(&[
    ("metadata", Kept::Only(&[("name", Kept::All), ("namespace", Kept::All), ("labels", Kept::All)])),
    (
        "spec",
        Kept::Only(&[
            ("nodeName", Kept::All),
            ("containers", OF_CONTAINER),
            ("initContainers", OF_CONTAINER),
            ("resources", Kept::All),
            ("overhead", Kept::All),
            ("priorityClassName", Kept::All),
            ("activeDeadlineSeconds", Kept::All),
        ]),
    ),
    ("status", Kept::Only(&[("phase", Kept::All)])),
]);
const OF_CONTAINER: Kept = Kept::Only(&[
    ("name", Kept::All),
    ("restartPolicy", Kept::All),
    ("resources", Kept::Only(&[("requests", Kept::All), ("limits", Kept::All)])),
]);

/// A kind of objects, as the server names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListedKind {
    /// The API group; empty for the core group.
    pub group: Cow<'static, str>,
    /// The version.
    pub version: Cow<'static, str>,
    /// The kind in the URL: `storageclasses`.
    pub plural: Cow<'static, str>,
    /// The kind.
    pub kind: Cow<'static, str>,
    /// Whether the metadata is all that is read of them.
    pub metadata_only: bool,
}

impl ListedKind {
    /// A kind that is read whole, but for the content of Secrets.
    #[must_use]
    pub const fn new(group: &'static str, version: &'static str, plural: &'static str, kind: &'static str) -> Self {
        Self {
            group: Cow::Borrowed(group),
            version: Cow::Borrowed(version),
            plural: Cow::Borrowed(plural),
            kind: Cow::Borrowed(kind),
            metadata_only: false,
        }
    }

    /// What is kept of each of them.
    #[must_use]
    pub fn kept(&self) -> Kept {
        if self.group.is_empty() && self.kind == "Pod" { OF_POD } else { Kept::All }
    }

    /// The same, with nothing but the metadata.
    #[must_use]
    pub const fn metadata(mut self) -> Self {
        self.metadata_only = true;
        self
    }
}

/// Something to be read: all objects of a kind, or one of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wanted {
    /// Of which kind.
    pub kind: ListedKind,
    /// In which namespace; `None` for all, and for kinds without namespaces.
    pub namespace: Option<String>,
    /// The one object of this name; `None` for all.
    pub name: Option<String>,
}

impl Wanted {
    /// All objects of a kind, in all namespaces.
    #[must_use]
    pub fn all(kind: ListedKind) -> Self {
        Self { kind, namespace: None, name: None }
    }

    /// All objects of a kind in a namespace.
    #[must_use]
    pub fn within(kind: ListedKind, namespace: &str) -> Self {
        Self { kind, namespace: Some(namespace.to_owned()), name: None }
    }

    /// One object of a kind without namespaces.
    #[must_use]
    pub fn one(kind: ListedKind, name: &str) -> Self {
        Self { kind, namespace: None, name: Some(name.to_owned()) }
    }
}

/// What a check may look at when it says what it wants.
#[derive(Clone, Copy, Debug)]
pub struct Proposal<'a> {
    /// The release's name.
    pub release: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Whether it is installed by this.
    pub is_first: bool,
    /// `--no-hooks`: whether the user wants no hook to run.
    pub no_hooks: bool,
    /// The objects of the revisions.
    pub objects: &'a Objects,
    /// The definitions of the chart's folder `crds/` beside the cluster's.
    pub crds: Option<&'a CrdDiff>,
    /// The step of a canary that it is.
    pub canary: Option<&'a Canary>,
}

impl Proposal<'_> {
    /// The points at which this upgrade runs hooks.
    #[must_use]
    pub fn points(&self) -> &'static [&'static str] {
        hook::points_of_upgrade(self.is_first, self.no_hooks)
    }
}

/// What was read of what was wanted.
#[derive(Clone, Debug, Default)]
pub struct Lists(BTreeMap<Wanted, Known<Vec<Observed>>>);

impl Lists {
    /// What was read.
    #[must_use]
    pub fn new(read: impl IntoIterator<Item = (Wanted, Known<Vec<Observed>>)>) -> Self {
        Self(read.into_iter().collect())
    }

    /// The objects that were wanted: none if there are none, or the server does not know the kind.
    ///
    /// # Errors
    /// Why they could not be read, as a sentence.
    pub fn get(&self, wanted: &Wanted) -> Result<&[Observed], &str> {
        match self.0.get(wanted) {
            Some(Ok(objects)) => Ok(objects),
            Some(Err(reason)) => Err(reason),
            None => Err("it was not looked at"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_pods_nothing_is_kept_that_is_of_no_use() {
        let text = r#"{"metadata": {"name": "a", "namespace": "shop", "labels": {"app": "web"}, "uid": "1"},
            "spec": {"nodeName": "one", "volumes": [{"name": "files"}],
                "containers": [{"name": "main", "image": "a", "env": [{"name": "A"}], "resources": {"requests": {"cpu": "1"}}}]},
            "status": {"phase": "Running", "podIP": "10.0.0.1"}}"#;
        let pod = Observed::new(serde_json::from_str(text).unwrap(), "v1", "Pod").unwrap();
        let kind = ListedKind::new("", "v1", "pods", "Pod");
        let kept = pod.clone().keeping(kind.kept());
        let left = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop", "labels": {"app": "web"}},
            "spec": {"nodeName": "one", "containers": [{"name": "main", "resources": {"requests": {"cpu": "1"}}}]},
            "status": {"phase": "Running"}}"#;
        assert!(*kept.node() == serde_json::from_str(left).unwrap());
        let other = ListedKind::new("apps", "v1", "deployments", "Deployment");
        assert!(pod.clone().keeping(other.kept()).node() == pod.node());
    }
}

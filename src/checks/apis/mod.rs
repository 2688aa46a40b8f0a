//! The API versions that manifests are written in: which of them the server serves, and what is to become of them.

pub(super) mod deprecated;
mod lifecycle;
pub(super) mod removed;
pub(super) mod rollback;
pub(super) mod target;

use std::collections::{BTreeMap, BTreeSet};

pub use lifecycle::KubeVersion;

use super::snapshot::Revision;
use super::{Finding, Snapshot, capped};
use crate::manifest::document::Object;
use lifecycle::Lifecycle;

/// So many objects are named for a kind.
const MOST_NAMED: usize = 10;

/// What the server says of the API versions of the manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Apis {
    /// The server's version as it says it: `v1.36.3`.
    pub server: String,
    /// `--kube-version`: the version that is asked about too.
    pub target: Option<KubeVersion>,
    /// What the server does not serve.
    pub unserved: BTreeSet<Api>,
}

impl Apis {
    fn version(&self) -> Option<KubeVersion> {
        self.server.parse().ok()
    }
}

/// The newest version of Kubernetes of which it is known what it removes.
#[must_use]
pub fn newest_known() -> Option<KubeVersion> {
    lifecycle::newest()
}

/// What is to become of a kind of an API version that does not stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The first version of Kubernetes that calls it deprecated.
    pub deprecated: Option<KubeVersion>,
    /// The first that does not serve it.
    pub removed: Option<KubeVersion>,
    /// What to use instead: its API version, and its kind where that is another one.
    pub replacement: Option<String>,
}

/// A kind in one of its API versions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Api {
    /// As in `apps/v1`.
    pub api_version: String,
    /// As in `Deployment`.
    pub kind: String,
}

impl Api {
    /// That of an object; `None` if it does not say what it is.
    #[must_use]
    pub fn of(object: &Object) -> Option<Self> {
        let id = &object.id;
        let is_known = object.problem.is_none() && !id.kind.is_empty() && !id.version.is_empty();
        is_known.then(|| Self { api_version: id.api_version(), kind: id.kind.clone() })
    }

    /// What is to become of it, if that is known and it does not stay.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        let lifecycle = self.lifecycle()?;
        let is_ending = lifecycle.deprecated.is_some() || lifecycle.removed.is_some();
        is_ending.then(|| End {
            deprecated: lifecycle.deprecated,
            removed: lifecycle.removed,
            replacement: self.replacement(),
        })
    }

    /// Whether it is, or was, one of Kubernetes' own.
    pub(super) fn is_of_kubernetes(&self) -> bool {
        self.lifecycle().is_some()
    }

    fn lifecycle(&self) -> Option<&'static Lifecycle> {
        lifecycle::of(&self.api_version, &self.kind)
    }

    /// `Kubernetes 1.25 removed it`, if that is known.
    fn removal(&self) -> String {
        let removed = self.lifecycle().and_then(|lifecycle| lifecycle.removed);
        removed.map(|removed| format!(": Kubernetes {removed} removed it")).unwrap_or_default()
    }

    /// What to use instead, if that is known.
    fn replacement(&self) -> Option<String> {
        let other = self.lifecycle()?.replacement.as_ref()?;
        Some(match other.kind == self.kind {
            true => other.api_version.clone(),
            false => format!("{} {}", other.api_version, other.kind),
        })
    }
}

/// The revision that the upgrade starts from, as Helm reads it: without its hooks.
fn deployed<'a>(snapshot: &Snapshot<'a>) -> Option<Revision<'a>> {
    let revision = snapshot.releases.old.revision;
    (!snapshot.is_first).then_some(Revision { revision, objects: &snapshot.objects.old })
}

/// The objects by their API version and kind, hooks among them where they are wanted.
fn by_api(objects: &[Object], wanted: impl Fn(&Object) -> bool) -> BTreeMap<Api, Vec<&Object>> {
    let mut found: BTreeMap<Api, Vec<&Object>> = BTreeMap::new();
    for object in objects.iter().filter(|object| wanted(object)) {
        if let Some(api) = Api::of(object) {
            found.entry(api).or_default().push(object);
        }
    }
    found
}

fn is_plain(object: &Object) -> bool {
    !object.hook
}

impl Finding {
    /// A finding about objects of one kind: the one that there is, or all of them.
    fn about_all(self, api: &Api, objects: &[&Object]) -> Self {
        if let [one] = objects {
            return self.about(one.id.to_string());
        }
        let all = objects.iter().map(|object| object.id.to_string()).collect();
        self.about(format!("{} {}s", objects.len(), api.kind)).seen_by(capped(all, MOST_NAMED))
    }
}

#[cfg(test)]
mod tests;

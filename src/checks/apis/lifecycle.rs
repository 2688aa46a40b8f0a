//! When Kubernetes introduced, deprecated and removed each kind of its API versions. The table is written by
//! `tools/api-lifecycle` out of what Kubernetes publishes.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer};

/// A minor version of Kubernetes: `1.25`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KubeVersion {
    /// 1.
    pub major: u32,
    /// 25.
    pub minor: u32,
}

impl FromStr for KubeVersion {
    type Err = String;

    /// Reads `1.25`, `v1.25.3`, `v1.25.3-gke.100`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no version of Kubernetes, as in 1.25 or v1.25.3");
        let mut parts = text.trim().trim_start_matches('v').splitn(3, '.');
        let mut number = |is_last: bool| {
            let part = parts.next()?;
            // `25+` is how some providers write a minor version.
            let part = if is_last { part.split(['+', '-']).next()? } else { part };
            let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| part.parse().ok()).flatten()
        };
        let (major, minor) = (number(false).ok_or_else(wrong)?, number(true).ok_or_else(wrong)?);
        Ok(Self { major, minor })
    }
}

impl fmt::Display for KubeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl<'de> Deserialize<'de> for KubeVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What becomes of a kind of an API version.
#[derive(Debug, Deserialize)]
pub(super) struct Lifecycle {
    #[serde(rename = "apiVersion")]
    api_version: String,
    kind: String,
    /// The first version of Kubernetes that has it.
    #[serde(default)]
    pub(super) introduced: Option<KubeVersion>,
    /// The first that calls it deprecated.
    #[serde(default)]
    pub(super) deprecated: Option<KubeVersion>,
    /// The first that does not serve it.
    #[serde(default)]
    pub(super) removed: Option<KubeVersion>,
    /// What to use instead.
    #[serde(default)]
    pub(super) replacement: Option<Replacement>,
}

impl Lifecycle {
    /// Whether that version calls it deprecated.
    pub(super) fn is_deprecated_in(&self, version: KubeVersion) -> bool {
        self.deprecated.is_some_and(|deprecated| deprecated <= version)
    }

    /// Whether that version does not serve it any more.
    pub(super) fn is_removed_in(&self, version: KubeVersion) -> bool {
        self.removed.is_some_and(|removed| removed <= version)
    }

    /// `since 1.21, and removed in 1.25`.
    pub(super) fn since(&self) -> String {
        let since = self.deprecated.map(|deprecated| format!(" since Kubernetes {deprecated}")).unwrap_or_default();
        let removed = self.removed.map(|removed| format!(", and removed in {removed}")).unwrap_or_default();
        format!("{since}{removed}")
    }
}

/// The kind that takes the place of another.
#[derive(Debug, Deserialize)]
pub(super) struct Replacement {
    #[serde(rename = "apiVersion")]
    pub(super) api_version: String,
    pub(super) kind: String,
}

#[derive(Debug, Default, Deserialize)]
struct File {
    /// As in `k8s.io/api v0.37.2`.
    modules: Vec<String>,
    kinds: Vec<Lifecycle>,
}

struct Table {
    newest: Option<KubeVersion>,
    kinds: HashMap<(String, String), Lifecycle>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // That the file can be read is tested.
    let File { modules, kinds } = serde_json::from_str(include_str!("lifecycle.json")).unwrap_or_default();
    let newest = modules.iter().filter_map(|module| minor_of(module)).max();
    let newest = newest.map(|minor| KubeVersion { major: 1, minor });
    Table {
        newest,
        kinds: kinds.into_iter().map(|kind| ((kind.api_version.clone(), kind.kind.clone()), kind)).collect(),
    }
});

/// 37 of `k8s.io/api v0.37.2`, which is of Kubernetes 1.37.
fn minor_of(module: &str) -> Option<u32> {
    module.rsplit_once(" v0.")?.1.split('.').next()?.parse().ok()
}

/// What becomes of a kind; `None` if it is none of Kubernetes, or nothing is known of it.
pub(super) fn of(api_version: &str, kind: &str) -> Option<&'static Lifecycle> {
    TABLE.kinds.get(&(api_version.to_owned(), kind.to_owned()))
}

/// The newest version of Kubernetes that is known.
pub(super) fn newest() -> Option<KubeVersion> {
    TABLE.newest
}

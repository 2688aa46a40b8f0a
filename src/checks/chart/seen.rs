//! What was seen of the chart, beside what it renders.

use jiff::Timestamp;

use super::super::snapshot::Known;
use crate::manifest::node::Node;

/// What was seen of the chart.
#[derive(Clone, Debug, Default)]
pub struct ChartSeen {
    /// What the index of its repository says of it; `None` where it is of no repository.
    pub index: Option<Known<Index>>,
    /// The newest version that Helm finds, where it keeps no index; `None` where nobody asked it.
    pub newest: Option<Known<String>>,
    /// What its files say to readers.
    pub notes: Vec<Note>,
    /// Why its files could not be read, where that is so.
    pub unreadable: Option<String>,
    /// The charts in it.
    pub subcharts: Vec<Subchart>,
    /// Its archive; `None` if it is in a folder.
    pub archive: Option<Archive>,
    /// `--verify`: whether Helm has verified its signature.
    pub verified: bool,
    /// Whether the defaults of the chart that was used before are kept (`--reuse-values`).
    pub reuses_values: bool,
}

/// What the index of a repository says of a chart.
#[derive(Clone, Debug)]
pub struct Index {
    /// The repository's name.
    pub repository: String,
    /// When Helm fetched the index.
    pub fetched: Timestamp,
    /// The versions there are.
    pub versions: Vec<Published>,
}

/// A version of a chart in a repository.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// The version, as it is written.
    pub version: String,
    /// Whether it is marked as deprecated.
    pub deprecated: bool,
    /// The annotation `artifacthub.io/changes`.
    pub changes: Option<String>,
    /// The SHA-256 of its archive, in hex.
    pub digest: Option<String>,
}

impl Published {
    /// A version, of its entry in the index. `None` for what has no version.
    #[must_use]
    pub fn of(entry: &Node) -> Option<Self> {
        let text = |key: &str| entry.get(key).and_then(Node::as_str).map(str::to_owned);
        Some(Self {
            version: text("version")?,
            deprecated: entry.get("deprecated").and_then(Node::as_bool).unwrap_or_default(),
            changes: entry.find(&["annotations", CHANGES]).and_then(Node::as_str).map(str::to_owned),
            digest: text("digest").map(|digest| digest.trim_start_matches("sha256:").to_ascii_lowercase()),
        })
    }
}

/// The annotation that tells what changed in a version.
/// Source: <https://artifacthub.io/docs/topics/annotations/helm/>.
pub const CHANGES: &str = "artifacthub.io/changes";

/// A file of the chart for readers.
#[derive(Clone, Debug)]
pub struct Note {
    /// Its path in the chart: `CHANGELOG.md`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A chart in the chart.
#[derive(Clone, Debug, Default)]
pub struct Subchart {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `kubeVersion`: the versions of Kubernetes that it is for; empty where it does not say.
    pub kube_version: String,
    /// Whether it is marked as deprecated.
    pub deprecated: bool,
}

impl Subchart {
    /// A chart, of its `Chart.yaml`.
    #[must_use]
    pub fn of(metadata: &Node) -> Self {
        let text = |key: &str| metadata.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
        Self {
            name: text("name"),
            version: text("version"),
            kube_version: text("kubeVersion"),
            deprecated: metadata.get("deprecated").and_then(Node::as_bool).unwrap_or_default(),
        }
    }
}

/// The archive of a chart.
#[derive(Clone, Debug)]
pub struct Archive {
    /// Its SHA-256 in hex.
    pub digest: Known<String>,
    /// Its provenance file, where there is one.
    pub provenance: Option<Known<String>>,
}

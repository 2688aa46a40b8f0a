//! Releases as Helm stores them: decoding a record, its history, its values. Pure.

pub mod behind;
pub mod content;
pub mod decode;
pub mod encode;
pub mod fleet;
pub mod head;
pub mod history;
pub mod marks;
pub mod record;
pub mod retention;
pub mod rewrite;
pub mod set;
pub mod supplied;
pub mod values;

use crate::manifest::document::{Document, Manifest};
use crate::manifest::node::{Node, Value};
use crate::manifest::printed::Printed;

/// One revision of a release, as far as this program needs it: templates and files are not kept.
#[derive(Clone, Debug)]
pub struct Release {
    /// The release's name.
    pub name: String,
    /// The namespace it is installed in.
    pub namespace: String,
    /// The revision; 1 is the first.
    pub revision: u32,
    /// Status, times and texts.
    pub info: Info,
    /// The chart's `Chart.yaml`.
    pub chart: Chart,
    /// The values the user supplied. May hold secrets.
    pub config: Node,
    /// The values that the templates saw, where Helm has told them; else they are computed from the chart's.
    pub computed: Option<Node>,
    /// The rendered objects without hooks.
    pub manifest: Manifest,
    /// The rendered hooks.
    pub hooks: Vec<Hook>,
    /// How Helm 4 applies the release: `ssa` or `csa`. Helm 3 does not say.
    pub apply_method: Option<String>,
}

impl Release {
    /// A manifest that belongs to no stored release.
    #[must_use]
    pub fn of_manifest(text: String) -> Self {
        let nothing = || Node::new(Value::Null);
        Self {
            name: String::new(),
            namespace: String::new(),
            revision: 0,
            info: Info::default(),
            chart: Chart { metadata: nothing(), values: nothing(), lock: nothing(), files: Vec::new(), content: None },
            config: nothing(),
            computed: None,
            manifest: Manifest::new(text),
            hooks: Vec::new(),
            apply_method: None,
        }
    }

    /// What `helm template` printed of a chart, its hooks told apart. The custom resource definitions come first, where they are
    /// wanted.
    #[must_use]
    pub fn of_template(text: String, definitions: bool) -> Self {
        let Printed { definitions: first, mut objects, hooks } = Printed::of(text);
        if definitions {
            objects = first.followed_by(objects);
        }
        let hooks = hooks.into_iter().map(|(path, manifest)| Hook { path, manifest }).collect();
        Self { manifest: objects, hooks, ..Self::of_manifest(String::new()) }
    }

    /// Whether Helm applies it at the server. Helm 3 never does.
    #[must_use]
    pub fn is_applied_by_server(&self) -> bool {
        self.apply_method.as_deref() == Some("ssa")
    }

    /// The values that the templates saw. May hold secrets.
    #[must_use]
    pub fn computed_values(&self) -> Node {
        self.computed.clone().unwrap_or_else(|| values::computed(&self.chart.values, &self.config))
    }

    /// Every document of the release: those of the manifest, then those of the hooks.
    #[must_use]
    pub fn documents(&self) -> Vec<Document<'_>> {
        let hooks = self.hooks.iter().flat_map(|hook| {
            hook.manifest.documents(true).into_iter().map(|document| document.rendered_from(&hook.path))
        });
        self.manifest.documents(false).into_iter().chain(hooks).collect()
    }
}

/// What Helm notes about a revision.
#[derive(Clone, Debug, Default)]
pub struct Info {
    /// The status, as Helm spells it: `deployed`, `pending-upgrade`.
    pub status: String,
    /// When this revision was made; RFC 3339.
    pub last_deployed: String,
    /// What happened: `Upgrade complete`.
    pub description: String,
    /// The rendered NOTES.txt. May hold secrets.
    pub notes: String,
}

/// The chart of a revision.
#[derive(Clone, Debug)]
pub struct Chart {
    /// `Chart.yaml` as a tree.
    pub metadata: Node,
    /// The chart's default values.
    pub values: Node,
    /// `Chart.lock`, as far as Helm stores it.
    pub lock: Node,
    /// The chart's own files, as far as they are known; those of the charts in it are in no record.
    pub files: Vec<ChartFile>,
    /// The digest of its content, where it was asked for.
    pub content: Option<String>,
}

/// A file of a chart in a record. Its content is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartFile {
    /// Its path in the chart: `templates/service.yaml`.
    pub name: String,
    /// The SHA-256 of its content, as it is stored.
    pub digest: [u8; 32],
}

impl Chart {
    /// The chart's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// The chart's version.
    #[must_use]
    pub fn version(&self) -> &str {
        self.text("version")
    }

    /// The version of what the chart installs; empty if the chart does not say.
    #[must_use]
    pub fn app_version(&self) -> &str {
        self.text("appVersion")
    }

    fn text(&self, key: &str) -> &str {
        self.metadata.get(key).and_then(Node::as_str).unwrap_or_default()
    }
}

/// A hook of a revision.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The template it was rendered from: `web/templates/migrate.yaml`.
    pub path: String,
    /// Its manifest.
    pub manifest: Manifest,
}

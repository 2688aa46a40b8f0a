//! The seam to Helm: what this program asks the `helm` binary to do.

mod child;
pub mod flags;
pub mod guard;
pub mod process;
pub mod refused;
mod running;

pub use running::{Ended, Loss, Running};

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Error;
use crate::helm::flags::{ChartFlags, RenderFlags, ValueFlags};
use crate::manifest::node::Node;
use crate::release::Release;
use crate::release::history::Entry;
use crate::release::record::Record;

/// What this program needs of Helm.
pub trait Helm: Send + Sync {
    /// One revision of a release, whole, as Helm's own storage driver reads it.
    ///
    /// # Errors
    /// If there is no such revision, or Helm fails.
    fn release(&self, name: &str, revision: u32) -> impl Future<Output = Result<Release, Error>> + Send;

    /// The revisions of a release; empty if there is no such release.
    ///
    /// # Errors
    /// If Helm fails.
    fn history(&self, name: &str) -> impl Future<Output = Result<Vec<Entry>, Error>> + Send;

    /// The names of the releases in the namespace.
    ///
    /// # Errors
    /// If Helm fails.
    fn names(&self) -> impl Future<Output = Result<Vec<String>, Error>> + Send;

    /// The last revision of every release of a namespace, or of all of them, whatever its status.
    ///
    /// # Errors
    /// If Helm fails.
    fn list(&self, namespace: Option<&str>) -> impl Future<Output = Result<Vec<Listed>, Error>> + Send;

    /// Renders what `helm upgrade` would apply. `stored` is the release as it is, as Helm's storage would hold it
    /// ([`crate::release::encode`]); Helm starts while it is still being read.
    ///
    /// # Errors
    /// If Helm fails, or the error of `stored`.
    fn upgrade_dry_run<S>(
        &self,
        upgrade: &Upgrade,
        stored: S,
    ) -> impl Future<Output = Result<Rendered<Release>, Error>> + Send
    where
        S: Future<Output = Result<Vec<u8>, Error>> + Send;

    /// Renders a chart by `helm template`: the manifest, hooks after it.
    ///
    /// # Errors
    /// If Helm fails.
    fn template(&self, template: &Template) -> impl Future<Output = Result<Rendered<String>, Error>> + Send;

    /// Fetches a chart into an empty folder and returns the archive's path.
    ///
    /// # Errors
    /// If Helm fails.
    fn pull(
        &self,
        chart: &str,
        flags: &ChartFlags,
        folder: &Path,
    ) -> impl Future<Output = Result<PathBuf, Error>> + Send;

    /// The values that these flags supply, merged as Helm merges them. `stdin` is what the user gave for `-f -`.
    ///
    /// # Errors
    /// If Helm can't read them.
    fn supplied_values(
        &self,
        flags: &ValueFlags,
        stdin: Option<&[u8]>,
    ) -> impl Future<Output = Result<Node, Error>> + Send;

    /// Fetches what a chart in a folder depends on into its folder `charts/`. `named` is the chart's name in messages.
    ///
    /// # Errors
    /// If Helm fails.
    fn fetch_dependencies(
        &self,
        folder: &Path,
        named: &str,
        fetch: Fetch,
        flags: &ChartFlags,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Helm's major version.
    ///
    /// # Errors
    /// If Helm fails.
    fn major_version(&self) -> impl Future<Output = Result<u32, Error>> + Send;

    /// Helm's version, as it says it: `v3.22.0`.
    ///
    /// # Errors
    /// If Helm fails.
    fn version(&self) -> impl Future<Output = Result<String, Error>> + Send;

    /// Starts an upgrade.
    ///
    /// # Errors
    /// If Helm can't be started.
    fn upgrade(&self, apply: &Apply) -> impl Future<Output = Result<Running, Error>> + Send;

    /// Starts a rollback.
    ///
    /// # Errors
    /// If Helm can't be started.
    fn rollback(&self, back: &Back) -> impl Future<Output = Result<Running, Error>> + Send;

    /// Starts the tests of a release.
    ///
    /// # Errors
    /// If Helm can't be started.
    fn test(&self, test: &Test) -> impl Future<Output = Result<Running, Error>> + Send;

    /// Starts to uninstall a release.
    ///
    /// # Errors
    /// If Helm can't be started.
    fn uninstall(&self, release: &str, timeout: Duration) -> impl Future<Output = Result<Running, Error>> + Send;
}

/// A release as `helm list` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its last revision.
    pub revision: u32,
    /// When that was made; RFC 3339.
    pub updated: String,
    /// Its status, as Helm spells it.
    pub status: String,
    /// Name and version of its chart, with a dash in between.
    pub chart: String,
    /// The version of what the chart installs.
    pub app_version: String,
}

/// How Helm waits, and what it does while it applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// `--timeout`.
    pub timeout: Duration,
    /// `--wait`.
    pub until_ready: bool,
    /// `--wait-for-jobs`.
    pub wait_for_jobs: bool,
    /// `--no-hooks`.
    pub no_hooks: bool,
    /// `--force`, which Helm 4 calls `--force-replace`.
    pub force: bool,
}

/// An upgrade to make.
#[derive(Clone, Debug)]
pub struct Apply {
    /// The upgrade, as it was rendered.
    pub upgrade: Upgrade,
    /// `--install`.
    pub install: bool,
    /// `--create-namespace`.
    pub create_namespace: bool,
    /// `--skip-crds`.
    pub skip_crds: bool,
    /// `--take-ownership`.
    pub take_ownership: bool,
    /// `--disable-openapi-validation`.
    pub disable_openapi_validation: bool,
    /// Helm 4's `--force-conflicts`.
    pub force_conflicts: bool,
    /// `--description`.
    pub description: Option<String>,
    /// `--labels`.
    pub labels: Vec<String>,
    /// How it waits.
    pub waiting: Waiting,
}

/// A rollback to make.
#[derive(Clone, Debug)]
pub struct Back {
    /// The release's name.
    pub release: String,
    /// The revision to go back to.
    pub revision: u32,
    /// `--cleanup-on-fail`.
    pub cleanup_on_fail: bool,
    /// Helm 4's `--force-conflicts`, which only a server-side apply takes.
    pub force_conflicts: bool,
    /// How it waits.
    pub waiting: Waiting,
}

/// Tests to run.
#[derive(Clone, Debug)]
pub struct Test {
    /// The release's name.
    pub release: String,
    /// `--timeout`.
    pub timeout: Duration,
    /// `--filter`.
    pub filter: Vec<String>,
}

/// Which versions of a chart's dependencies are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// Those of `Chart.lock`; the newest that `Chart.yaml` allows where there is none.
    Locked,
    /// The newest that `Chart.yaml` allows.
    Newest,
}

/// What Helm rendered.
#[derive(Clone, Debug)]
pub struct Rendered<T> {
    /// The result.
    pub result: T,
    /// What Helm warned of, a line each.
    pub warnings: Vec<String>,
    /// The whole release as Helm would store it, where it was rendered as an upgrade.
    pub record: Option<Record>,
}

/// An upgrade to render.
#[derive(Clone, Debug)]
pub struct Upgrade {
    /// The release's name.
    pub release: String,
    /// The chart: a path, or whatever Helm finds one by.
    pub chart: String,
    /// Helm's flags.
    pub flags: RenderFlags,
    /// Helm 4's `--server-side`.
    pub server_side: Option<String>,
    /// What the user gave on standard input for `-f -`.
    pub stdin: Option<Vec<u8>>,
}

/// Where `helm template` takes from what the chart asks of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capabilities {
    /// The API server: its version, its API versions, and lookups.
    Server,
    /// Nothing but what is told: a Kubernetes version, if not Helm's own, and API versions besides Helm's own.
    Told {
        /// `--kube-version`.
        kube_version: Option<String>,
        /// `--api-versions`.
        api_versions: Vec<String>,
        /// Whether lookups go to the API server all the same. Helm 4 can't do that: they find nothing.
        lookups: bool,
    },
}

/// A chart to render by `helm template`.
#[derive(Clone, Debug)]
pub struct Template {
    /// The release's name.
    pub release: String,
    /// The release's namespace; `None` is Helm's choice.
    pub namespace: Option<String>,
    /// The chart: a path, or whatever Helm finds one by.
    pub chart: String,
    /// The chart's name in messages.
    pub named: String,
    /// Helm's flags.
    pub flags: RenderFlags,
    /// Whether `.Release.IsUpgrade` is set, and not `.Release.IsInstall`.
    pub is_upgrade: bool,
    /// What the chart sees of the cluster.
    pub capabilities: Capabilities,
    /// Whether the custom resource definitions are printed too.
    pub include_crds: bool,
    /// What the user gave on standard input for `-f -`.
    pub stdin: Option<Vec<u8>>,
}

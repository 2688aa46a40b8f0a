//! An upgrade rendered by `helm template`, where the user says what Kubernetes it is for, or wants custom resource
//! definitions: `helm upgrade` has no flags for that.
//!
//! `helm template` does not know the release. So Helm first plans the upgrade of the chart without its templates, which
//! tells the values as Helm merges them, the settled dependencies and the revision. Those values are what the
//! chart is then rendered with. For `--reuse-values`, Helm takes the computed values of the release as the defaults of the new chart:
//! a copy of the chart has them in place of its own. (Helm: `action.Upgrade.reuseValues`.)

use std::path::PathBuf;

use futures::future::{join, try_join};
use tempfile::TempDir;

use super::{Base, Made, Told};
use crate::chart::{copy, description, skeleton};
use crate::cluster::Cluster;
use crate::command::source::{Source, temporary_folder};
use crate::error::{Error, Kind};
use crate::helm::flags::{ChartFlags, RenderFlags, Reuse, ValueFlags};
use crate::helm::{Capabilities, Fetch, Helm, Rendered, Template, Upgrade};
use crate::manifest::node::Node;
use crate::release::Release;

/// What an upgrade is rendered from.
pub(super) struct Templating<'a, C, H> {
    pub(super) helm: &'a H,
    pub(super) cluster: &'a C,
    pub(super) source: &'a Source,
    pub(super) upgrade: &'a Upgrade,
    pub(super) told: &'a Told,
}

/// The values that a chart is rendered with.
struct Values {
    flags: ValueFlags,
    stdin: Option<Vec<u8>>,
}

impl<C: Cluster, H: Helm> Templating<'_, C, H> {
    /// Renders the upgrade. `stored` is the release for Helm's storage; `base` is there once that is read.
    pub(super) async fn render<S>(&self, stored: S, base: impl Fn() -> Result<Base, Error>) -> Result<Made, Error>
    where
        S: Future<Output = Result<Vec<u8>, Error>> + Send,
    {
        let (planned, capabilities) = try_join(self.plan(stored), self.capabilities()).await?;
        let Rendered { result: mut release, mut warnings, .. } = planned;
        let base = base()?;
        let values = self.values(&release.config, base.release.as_ref());
        let (_copy, chart) = self.chart(base.release.as_ref()).await?;
        let mut template = Template {
            release: self.upgrade.release.clone(),
            namespace: None,
            chart: chart.to_string_lossy().into_owned(),
            named: self.upgrade.chart.clone(),
            flags: RenderFlags { values: values.flags, dependency_update: false, ..self.upgrade.flags.clone() },
            is_upgrade: base.release.is_some(),
            capabilities,
            include_crds: self.told.include_crds,
            stdin: values.stdin,
        };
        let first = match self.helm.template(&template).await {
            // The chart's own definitions may be what the server lacks.
            Err(error) if template.capabilities == Capabilities::Server && lacks_kind(&error) => {
                template.capabilities = self.as_the_server().await?;
                self.helm.template(&template).await?
            }
            rendered => rendered?,
        };
        let again = match self.source.regenerates().await {
            true => Some(self.helm.template(&template).await?),
            false => None,
        };
        warnings.extend(first.warnings);
        warnings.dedup();
        release.info.notes = base.release.as_ref().map(|old| old.info.notes.clone()).unwrap_or_default();
        let metadata = description::metadata(self.source.files().await);
        if let Some(version) = metadata.get("kubeVersion") {
            release.chart.metadata = description::with(&release.chart.metadata, "kubeVersion", version.clone());
        }
        let again = again.map(|again| with_objects(release.clone(), again.result));
        let release = with_objects(release, first.result);
        let notices = self.notices(&template).await?;
        let rendered = Rendered { result: release, warnings, record: None };
        Ok(Made { rendered, again, notices, refused_values: None, base })
    }

    /// Helm's own plan of the upgrade, of a chart without templates.
    async fn plan<S>(&self, stored: S) -> Result<Rendered<Release>, Error>
    where
        S: Future<Output = Result<Vec<u8>, Error>> + Send,
    {
        let folder = temporary_folder()?;
        skeleton::write(self.source.files().await, folder.path()).map_err(|error| unwritable(&error))?;
        let flags = &self.upgrade.flags;
        let upgrade = Upgrade {
            chart: folder.path().to_string_lossy().into_owned(),
            flags: RenderFlags { values: flags.values.clone(), reuse: flags.reuse, ..RenderFlags::default() },
            ..self.upgrade.clone()
        };
        let planned = self.helm.upgrade_dry_run(&upgrade, stored).await;
        planned.map_err(|error| {
            let message = error.message.replace(&upgrade.chart, &self.upgrade.chart);
            Error { message, ..error }
        })
    }

    /// The values to render with, so that the chart sees those that Helm has planned with.
    fn values(&self, config: &Node, old: Option<&Release>) -> Values {
        let flags = &self.upgrade.flags.values;
        let kept = match (self.upgrade.flags.reuse, old) {
            (_, None) | (Reuse::Reset, _) => false,
            // Files may supply nothing, too.
            (Reuse::IfNoneSupplied, Some(old)) => flags.is_empty() || *config == old.config,
            (Reuse::Reuse | Reuse::ResetThenReuse, Some(_)) => true,
        };
        if !kept {
            let stdin = self.upgrade.stdin.clone().filter(|_| flags.use_stdin());
            return Values { flags: flags.clone(), stdin };
        }
        // Through a pipe, so that it is on no disk.
        let mut flags = ValueFlags { files: vec!["-".to_owned()], ..flags.clone() };
        // Whole numbers that are set stay whole numbers when they are set once more. But what is set to null would take
        // the chart's default away, where among values that are kept it does not.
        if flags.any_set(|text| text.contains("null")) {
            flags = ValueFlags { files: flags.files, ..ValueFlags::default() };
        }
        Values { flags, stdin: Some(serde_json::to_vec(config).unwrap_or_default()) }
    }

    /// The chart to render: the user's, or a copy with the computed values of the release as its defaults.
    async fn chart(&self, old: Option<&Release>) -> Result<(Option<TempDir>, PathBuf), Error> {
        let (Reuse::Reuse, Some(old)) = (self.upgrade.flags.reuse, old) else {
            return Ok((None, self.source.path.clone()));
        };
        let folder = temporary_folder()?;
        let (from, to) = (self.source.path.clone(), folder.path().join("chart"));
        let defaults = serde_json::to_vec(&old.computed_values()).unwrap_or_default();
        let copying = move || {
            copy::copy(&from, &to)?;
            std::fs::write(to.join("values.yaml"), defaults).map(|()| to)
        };
        let copied = tokio::task::spawn_blocking(copying).await.map_err(|error| unwritable(&error))?;
        Ok((Some(folder), copied.map_err(|error| unwritable(&error))?))
    }

    async fn capabilities(&self) -> Result<Capabilities, Error> {
        match self.told.says_nothing_of_kubernetes() {
            true => Ok(Capabilities::Server),
            false => self.as_the_server().await,
        }
    }

    /// What the server has, but for what the user says.
    async fn as_the_server(&self) -> Result<Capabilities, Error> {
        let version = async {
            match &self.told.kube_version {
                Some(version) => Ok(version.clone()),
                None => self.cluster.version().await,
            }
        };
        let (version, mut api_versions) = try_join(version, self.cluster.api_versions()).await?;
        api_versions.extend(self.told.api_versions.iter().cloned());
        Ok(Capabilities::Told { kube_version: Some(version), api_versions, lookups: true })
    }

    async fn notices(&self, template: &Template) -> Result<Vec<String>, Error> {
        let flags = self.told.flags();
        let (flags, are) = match flags.as_slice() {
            [flag] => ((*flag).to_owned(), "is no flag"),
            [first @ .., last] => (format!("{} and {last}", first.join(", ")), "are no flags"),
            [] => return Ok(Vec::new()),
        };
        let mut notices = vec![format!(
            "{flags} {are} of helm upgrade: rendered by helm template, where .Release.Revision is 1 and no notes are rendered"
        )];
        let told = matches!(template.capabilities, Capabilities::Told { .. });
        let (version, looks_up) = join(self.helm.major_version(), self.source.looks_up()).await;
        if told && looks_up && version? >= 4 {
            notices.push(format!("templates look up objects in the cluster: with {flags}, Helm 4 finds none"));
        }
        Ok(notices)
    }
}

/// Fetches the newest dependencies into the user's own folder, as `helm upgrade --dependency-update` does.
pub(super) async fn update_dependencies<H: Helm>(helm: &H, upgrade: &Upgrade, source: &Source) -> Result<(), Error> {
    if !upgrade.flags.dependency_update || !source.path.is_dir() {
        return Ok(());
    }
    let flags = ChartFlags { version: None, ..upgrade.flags.chart.clone() };
    helm.fetch_dependencies(&source.path, &upgrade.chart, Fetch::Newest, &flags).await
}

/// The release with these objects. The definitions are compared with the cluster's, and not with nothing.
fn with_objects(release: Release, printed: String) -> Release {
    let Release { manifest, hooks, .. } = Release::of_template(printed, false);
    Release { manifest, hooks, ..release }
}

fn lacks_kind(error: &Error) -> bool {
    error.message.contains("no matches for kind")
}

fn unwritable(error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Output, format!("cannot make a copy of the chart: {error}"))
}

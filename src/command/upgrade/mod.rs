//! `helm revdiff upgrade`: what an upgrade would change.
//!
//! Helm renders the upgrade, and starts while the release is still being read from the cluster. It gets the release as
//! it is from us, so a release that Helm would refuse to upgrade now (pending, or removed but kept in the history) is rendered as well.

mod base;
mod template;

use std::sync::Mutex;

use futures::FutureExt as _;
use futures::future::try_join;

use crate::chart::files::ChartFile;
use crate::chart::{Location, locate};
use crate::cluster::Cluster;
use crate::command::crds::compare_crds;
use crate::command::revdiff::{Options, Outcome, Render, outcome, outcome_of_render, validate_name};
use crate::command::source::Source;
use crate::command::upgrade::base::{Base, base};
use crate::command::upgrade::template::Templating;
use crate::command::{Stages, values};
use crate::diff::live::crd::CrdDiff;
use crate::diff::release::Both;
use crate::error::{Error, Kind};
use crate::helm::flags::ChartFlags;
use crate::helm::{Helm, Rendered, Upgrade};
use crate::manifest::mask::Masker;
use crate::manifest::sensitive::Sensitive;
use crate::release::record::Record;
use crate::release::supplied::{Origins, Supplied};
use crate::release::{Release, encode};
use crate::report::view::Subject;
use crate::storage::Storage;

/// What Helm says first where values do not meet the schema of a chart. (Helm: `chart/common/util.ValidateAgainstSchema`.)
const REFUSED_VALUES: &str = "values don't meet the specifications of the schema";

/// The status of a revision that is not made yet.
pub const PROPOSED: &str = "proposed";

/// What an upgrade would be made of.
#[derive(Clone, Debug)]
pub struct Request {
    /// The upgrade, as Helm is asked for it.
    pub upgrade: Upgrade,
    /// `--install`: whether the release may be missing.
    pub install: bool,
    /// What only `helm template` can be told.
    pub told: Told,
    /// Whether it is rendered although the values do not meet the chart's schema. What Helm says of them is in
    /// [`Proposed::refused_values`] then.
    pub beyond_schema: bool,
}

/// What only `helm template` can be told. With any of it, that renders, and not `helm upgrade`.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// `--kube-version`.
    pub kube_version: Option<String>,
    /// `--api-versions`, besides those of the server.
    pub api_versions: Vec<String>,
    /// `--include-crds`.
    pub include_crds: bool,
}

impl Told {
    /// The flags that were given.
    fn flags(&self) -> Vec<&'static str> {
        let given = [
            ("--kube-version", self.kube_version.is_some()),
            ("--api-versions", !self.api_versions.is_empty()),
            ("--include-crds", self.include_crds),
        ];
        given.into_iter().filter(|(_, is)| *is).map(|(flag, _)| flag).collect()
    }

    fn says_nothing_of_kubernetes(&self) -> bool {
        self.kube_version.is_none() && self.api_versions.is_empty()
    }
}

/// What an upgrade is seen through.
pub struct Seams<'a, C, H> {
    /// Where the releases are.
    pub storage: &'a Storage<C, H>,
    /// Helm.
    pub helm: &'a H,
    /// The cluster.
    pub cluster: &'a C,
}

/// An upgrade, rendered.
struct Made {
    rendered: Rendered<Release>,
    /// The same once more, where the chart makes something anew at each render.
    again: Option<Release>,
    /// What is unusual about how it was rendered.
    notices: Vec<String>,
    /// What Helm says of values that do not meet the chart's schema.
    refused_values: Option<String>,
    /// What it starts from.
    base: Base,
}

/// An upgrade that could be made.
#[derive(Debug)]
pub struct Proposed {
    /// What it would change.
    pub outcome: Outcome,
    /// The upgrade, with the chart that was rendered: it is here for as long as this value lives.
    pub upgrade: Upgrade,
    /// Whether anything at all would change, shown or not.
    pub changes: bool,
    /// The last revision that was there; 0 if there was none.
    pub last: u32,
    /// Whether there is no revision that it goes on from.
    pub is_first: bool,
    /// What each values file and flag supplies.
    pub supplied: Vec<Supplied>,
    /// What Helm says of values that do not meet the chart's schema. It may quote them.
    pub refused_values: Option<String>,
    /// The revision as Helm would store it; not known where it was rendered by `helm template`.
    pub record: Option<Record>,
    source: Source,
}

impl Proposed {
    /// The chart's folder or archive.
    #[must_use]
    pub fn chart(&self) -> &std::path::Path {
        &self.source.path
    }

    /// The chart's templates, schemas, definitions, descriptions and notes; none where it can't be read.
    pub async fn files(&self) -> &[ChartFile] {
        self.source.files().await
    }
}

/// Reads the release, has Helm render the upgrade, and compares.
///
/// # Errors
/// If the release can't be read, or Helm can't render.
pub async fn run<C: Cluster, H: Helm>(
    seams: Seams<'_, C, H>,
    request: &Request,
    masker: &Masker,
    options: &Options,
    stages: &dyn Stages,
) -> Result<Outcome, Error> {
    propose(seams, request, masker, options, stages).await.map(|proposed| proposed.outcome)
}

/// The same, with what is needed to make the upgrade.
///
/// # Errors
/// As [`run`].
pub async fn propose<C: Cluster, H: Helm>(
    seams: Seams<'_, C, H>,
    request: &Request,
    masker: &Masker,
    options: &Options,
    stages: &dyn Stages,
) -> Result<Proposed, Error> {
    validate_name(&request.upgrade.release)?;
    stages.stage(&format!("rendering the upgrade of {}", request.upgrade.release));
    let Seams { storage, helm, cluster } = seams;
    let found = Mutex::new(None);
    let reading = async {
        let base = base(storage, request).await?;
        let record = encode::storage(base.release.as_ref(), base.last);
        if let Ok(mut found) = found.lock() {
            *found = Some(base);
        }
        Ok(record)
    };
    let stored = reading.boxed().shared();
    let base = || {
        let found = found.lock().ok().and_then(|mut found| found.take());
        found.ok_or_else(|| Error::new(Kind::Helm, "helm rendered without having read the release"))
    };
    // A chart that must be fetched first leaves time to read the release.
    let read_early = async {
        let remote = locate(&request.upgrade.chart) == Location::Remote;
        if remote { stored.clone().await.map(|_| ()) } else { Ok(()) }
    };
    let fetching = Source::as_helm_finds_it(helm, &request.upgrade.chart, &request.upgrade.flags.chart);
    let (source, ()) = try_join(fetching, read_early).await?;
    let upgrade = of_source(&request.upgrade, &source);
    let rendering = async {
        if request.told.flags().is_empty() {
            return render(helm, (&source, &upgrade), stored.clone(), (&base, request.beyond_schema)).await;
        }
        template::update_dependencies(helm, &upgrade, &source).await?;
        let templating = Templating { helm, cluster, source: &source, upgrade: &upgrade, told: &request.told };
        templating.render(stored.clone(), base).await
    };
    let (made, definitions) = try_join(rendering, definitions(cluster, &source, masker)).await?;
    stages.stage("comparing");
    let (last, is_first) = (made.base.last, made.base.release.is_none());
    let (refused_values, record) = (made.refused_values.clone(), made.rendered.record.clone());
    let supplied = values::supplied(&request.upgrade.flags.values, request.upgrade.stdin.as_deref());
    let (mut outcome, changes) = compare(made, &supplied, masker, options);
    outcome.diff.crds = definitions;
    if let Some(crds) = &mut outcome.diff.crds {
        options.selection.apply(&mut crds.definitions);
    }
    Ok(Proposed { outcome, upgrade, changes, last, is_first, supplied, refused_values, record, source })
}

/// What stands of a release, as an upgrade that changes nothing. It takes no chart, so that what is only watched or retired does not
/// depend on one.
///
/// # Errors
/// If the release can't be read.
pub async fn standing<C: Cluster, H: Helm>(
    seams: Seams<'_, C, H>,
    request: &Request,
    masker: &Masker,
    options: &Options,
) -> Result<Proposed, Error> {
    let name = &request.upgrade.release;
    validate_name(name)?;
    let history = seams.storage.history(name).await?;
    let Some(&last) = history.revisions().last() else { return Err(seams.storage.no_release(name).await) };
    let old = match seams.storage.deployed(name, &history).await {
        Err(error) if error.kind == Kind::NotFound => seams.storage.read(name, last).await?,
        deployed => deployed?,
    };
    let releases = Both { new: old.clone(), old };
    Ok(Proposed {
        outcome: outcome(Subject::Upgrade, releases, masker, options),
        upgrade: request.upgrade.clone(),
        changes: false,
        last,
        is_first: false,
        supplied: Vec::new(),
        refused_values: None,
        record: None,
        source: Source::none(),
    })
}

/// Has Helm render the upgrade as it would make it.
async fn render<H: Helm, S>(
    helm: &H,
    (source, upgrade): (&Source, &Upgrade),
    stored: S,
    (base, beyond_schema): (&(impl Fn() -> Result<Base, Error> + Sync), bool),
) -> Result<Made, Error>
where
    S: Future<Output = Result<Vec<u8>, Error>> + Clone + Send,
{
    let first = async {
        match helm.upgrade_dry_run(upgrade, stored.clone()).await {
            Err(error) if beyond_schema && error.message.contains(REFUSED_VALUES) => {
                let mut unchecked = upgrade.clone();
                unchecked.flags.skip_schema_validation = true;
                // An older Helm does not know the flag: its first answer says more then.
                let rendered = helm.upgrade_dry_run(&unchecked, stored.clone()).await;
                rendered.map(|rendered| (rendered, Some(error.message.clone()))).map_err(|_| error)
            }
            answer => answer.map(|rendered| (rendered, None)),
        }
    };
    let second = async {
        match source.regenerates().await {
            true => helm.upgrade_dry_run(upgrade, stored.clone()).await.map(Some),
            false => Ok(None),
        }
    };
    let ((rendered, refused_values), again) = try_join(first, second).await?;
    let again = again.map(|again| again.result);
    Ok(Made { rendered, again, notices: Vec::new(), refused_values, base: base()? })
}

/// The chart's custom resource definitions beside the cluster's, which Helm leaves as they are. `None` if it has none.
async fn definitions<C: Cluster>(cluster: &C, source: &Source, masker: &Masker) -> Result<Option<CrdDiff>, Error> {
    let files = source.files().await.iter().filter(|file| file.is_crd());
    let texts = files.map(|file| (file.path.clone(), String::from_utf8_lossy(&file.content).into_owned()));
    let texts: Vec<(String, String)> = texts.collect();
    if texts.is_empty() { Ok(None) } else { compare_crds(cluster, &texts, masker).await.map(Some) }
}

/// The upgrade with the chart that is here, so that all that follows is about the same.
fn of_source(upgrade: &Upgrade, source: &Source) -> Upgrade {
    let mut upgrade = upgrade.clone();
    if source.is_fetched() {
        upgrade.chart = source.path.to_string_lossy().into_owned();
        // They said where to find it, and it is found.
        upgrade.flags.chart = ChartFlags::default();
    }
    upgrade
}

/// What would change of what is to be shown; and whether anything would.
fn compare(made: Made, supplied: &[Supplied], masker: &Masker, options: &Options) -> (Outcome, bool) {
    let Made { rendered, again, notices, base, .. } = made;
    let kept = base.release.as_ref().map(|release| format!("revision {}", release.revision)).unwrap_or_default();
    let render = Render { again, origins: Origins::of(&rendered.result.config, supplied, &kept) };
    let notices = [base.notices, notices, masked(&rendered, masker)].concat();
    let mut new = rendered.result;
    new.info.status = PROPOSED.to_owned();
    new.info.description = String::new();
    let (subject, old) = match base.release {
        Some(old) => (Subject::Upgrade, old),
        None => (Subject::Install, Release::of_manifest(String::new())),
    };
    let outcome = outcome_of_render(subject, Both { old, new }, &render, masker, options);
    let changes = outcome.diff.changed() || {
        let all =
            outcome_of_render(outcome.subject.clone(), outcome.releases.clone(), &render, masker, &Options::default());
        all.diff.changed()
    };
    (Outcome { notices, ..outcome }, changes)
}

/// Helm's warnings. They may quote values, so what is secret in them is masked.
fn masked(rendered: &Rendered<Release>, masker: &Masker) -> Vec<String> {
    if rendered.warnings.is_empty() {
        return Vec::new();
    }
    let mut sensitive = Sensitive::of(rendered.result.documents().iter());
    sensitive.gather_values(&rendered.result.computed_values());
    rendered.warnings.iter().map(|line| format!("helm: {}", sensitive.mask_text(line, masker))).collect()
}

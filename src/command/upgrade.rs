//! `helm revdiff upgrade`: what an upgrade would change.
//!
//! Helm renders the upgrade, and starts while the release is still being read from the cluster. It gets the release as
//! it is from us, so a release that Helm would refuse to upgrade now (pending, or removed but kept in the history) is rendered as well.

use std::sync::Mutex;

use futures::FutureExt as _;
use futures::future::try_join;

use crate::chart::{Location, locate};
use crate::cluster::Cluster;
use crate::command::revdiff::{Options, Outcome, Render, outcome_of_render, validate_name};
use crate::command::source::Source;
use crate::command::{Stages, values};
use crate::diff::release::Both;
use crate::error::{Error, Kind};
use crate::helm::flags::ChartFlags;
use crate::helm::{Helm, Rendered, Upgrade};
use crate::manifest::mask::Masker;
use crate::manifest::sensitive::Sensitive;
use crate::release::supplied::Origins;
use crate::release::{Release, encode};
use crate::report::view::Subject;
use crate::storage::Storage;

/// The status of a revision that is not made yet.
pub const PROPOSED: &str = "proposed";

/// What an upgrade would be made of.
#[derive(Clone, Debug)]
pub struct Request {
    /// The upgrade, as Helm is asked for it.
    pub upgrade: Upgrade,
    /// `--install`: whether the release may be missing.
    pub install: bool,
}

/// Where an upgrade would start from.
struct Base {
    /// The release that the diff is against; `None` if nothing is installed.
    release: Option<Release>,
    /// The number of the last revision.
    last: u32,
    /// What is unusual about it.
    notices: Vec<String>,
}

/// Reads the release, has Helm render the upgrade, and compares.
///
/// # Errors
/// If the release can't be read, or Helm can't render.
pub async fn run<C: Cluster, H: Helm>(
    (storage, helm): (&Storage<C, H>, &H),
    request: &Request,
    masker: &Masker,
    options: &Options,
    stages: &dyn Stages,
) -> Result<Outcome, Error> {
    validate_name(&request.upgrade.release)?;
    stages.stage(&format!("rendering the upgrade of {}", request.upgrade.release));
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
    // A chart that must be fetched first leaves time to read the release.
    let read_early = async {
        let remote = locate(&request.upgrade.chart) == Location::Remote;
        if remote { stored.clone().await.map(|_| ()) } else { Ok(()) }
    };
    let fetching = Source::as_helm_finds_it(helm, &request.upgrade.chart, &request.upgrade.flags.chart);
    let (source, ()) = try_join(fetching, read_early).await?;
    let upgrade = &of_source(&request.upgrade, &source);
    let first = helm.upgrade_dry_run(upgrade, stored.clone());
    let second = async {
        if source.regenerates().await {
            helm.upgrade_dry_run(upgrade, stored.clone()).await.map(Some)
        } else {
            Ok(None)
        }
    };
    let (rendered, again) = try_join(first, second).await?;
    drop(stored);
    let base = found.into_inner().ok().flatten();
    let base = base.ok_or_else(|| Error::new(Kind::Helm, "helm rendered without having read the release"))?;
    stages.stage("comparing");
    let kept = base.release.as_ref().map(|release| format!("revision {}", release.revision)).unwrap_or_default();
    let supplied = values::supplied(&request.upgrade.flags.values, request.upgrade.stdin.as_deref());
    let origins = Origins::of(&rendered.result.config, &supplied, &kept);
    let render = Render { again: again.map(|again| again.result), origins };
    Ok(compare(base, rendered, &render, masker, options))
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

fn compare(base: Base, rendered: Rendered<Release>, render: &Render, masker: &Masker, options: &Options) -> Outcome {
    let mut notices = base.notices;
    notices.extend(masked(&rendered, masker));
    let mut new = rendered.result;
    new.info.status = PROPOSED.to_owned();
    new.info.description = String::new();
    let (subject, old) = match base.release {
        Some(old) => (Subject::Upgrade, old),
        None => (Subject::Install, Release::of_manifest(String::new())),
    };
    let outcome = outcome_of_render(subject, Both { old, new }, render, masker, options);
    Outcome { notices, ..outcome }
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

/// Finds the release that an upgrade would start from.
async fn base<C: Cluster, H: Helm>(storage: &Storage<C, H>, request: &Request) -> Result<Base, Error> {
    let name = &request.upgrade.release;
    let history = storage.history(name).await?;
    let Some(&last) = history.revisions().last() else {
        if request.install {
            return Ok(Base { release: None, last: 0, notices: Vec::new() });
        }
        let error = storage.no_release(name).await;
        let hint = error.hint.clone().unwrap_or_default();
        return Err(error.hint(format!("--install shows what installing it would create; {hint}")));
    };
    // Most often the last revision is the deployed one, and one read is enough.
    let newest = storage.read(name, last).await?;
    if newest.info.status == "deployed" {
        return Ok(Base { release: Some(newest), last, notices: Vec::new() });
    }
    match storage.deployed(name, &history).await {
        Ok(deployed) => Ok(Base { notices: vec![beside(&newest, &deployed)], release: Some(deployed), last }),
        Err(error) if error.kind == Kind::NotFound => Ok(undeployed(newest, request.install)),
        Err(error) => Err(error),
    }
}

/// What to say where the last revision is not the deployed one.
fn beside(newest: &Release, deployed: &Release) -> String {
    let (last, status, base) = (newest.revision, &newest.info.status, deployed.revision);
    let compared = format!("compared with revision {base}, which is deployed");
    match status.as_str() {
        "failed" => format!("revision {last} failed; {compared}"),
        pending if pending.starts_with("pending-") => {
            format!("revision {last} is {pending}, and helm upgrade refuses until that has ended; {compared}")
        }
        other => format!("revision {last} is {other}; {compared}"),
    }
}

/// Where no revision is deployed, Helm starts from the last one, if it failed; an uninstalled release starts anew.
fn undeployed(newest: Release, install: bool) -> Base {
    let (last, status) = (newest.revision, newest.info.status.clone());
    if matches!(status.as_str(), "uninstalled" | "uninstalling") {
        let refused = if install { "" } else { ", and helm upgrade needs --install for it" };
        let notice = format!("the release is {status} (revision {last}){refused}; everything is shown as new");
        return Base { release: None, last: 0, notices: vec![notice] };
    }
    let refuses = match status.starts_with("pending-") {
        true => ", and helm upgrade refuses until that has ended",
        false => "",
    };
    let notice = format!("no revision is deployed; compared with revision {last}, which is {status}{refuses}");
    Base { release: Some(newest), last, notices: vec![notice] }
}

//! The release that an upgrade starts from, whatever state it is in.

use super::Request;
use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::release::Release;
use crate::storage::Storage;

/// Where an upgrade would start from.
pub(super) struct Base {
    /// The release that the diff is against; `None` if nothing is installed.
    pub(super) release: Option<Release>,
    /// The number of the last revision.
    pub(super) last: u32,
    /// What is unusual about it.
    pub(super) notices: Vec<String>,
}

/// Finds the release that an upgrade would start from.
pub(super) async fn base<C: Cluster, H: Helm>(storage: &Storage<C, H>, request: &Request) -> Result<Base, Error> {
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

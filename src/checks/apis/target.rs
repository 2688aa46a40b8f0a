//! Whether the manifests would do in another version of Kubernetes: the one that the cluster is to be upgraded to.

use super::{Api, KubeVersion, by_api, deployed, is_plain, lifecycle, removed};
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::manifest::document::Object;

const NAME: &str = "target-api";

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "the API versions of the manifests in the version that --kube-version names", run)
        .worst(Severity::Blocker)
        .rights("get Helm's storage");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let target = match &snapshot.apis {
        Ok(apis) => apis.target,
        Err(reason) => {
            return vec![Finding::new(NAME, Severity::Unknown, format!("the API versions of the manifests: {reason}"))];
        }
    };
    let Some(target) = target else {
        return vec![Finding::new(NAME, Severity::Pass, "no other version of Kubernetes is asked about")];
    };
    let new = by_api(&snapshot.objects.new, |_| true);
    let mut findings: Vec<Finding> = new.iter().filter_map(|(api, objects)| applied((api, objects), target)).collect();
    let back = snapshot.way_back();
    let starts_from = deployed(snapshot);
    let same = |revision| matches!(&back, Ok(Some(back)) if back.revision == revision);
    for stored in starts_from.into_iter().filter(|stored| !same(stored.revision)) {
        let all = by_api(stored.objects, is_plain);
        findings.extend(all.iter().filter_map(|(api, objects)| kept(stored.revision, (api, objects), target)));
    }
    match back {
        Ok(Some(back)) => {
            let all = by_api(back.objects, is_plain);
            findings.extend(all.iter().filter_map(|(api, objects)| kept(back.revision, (api, objects), target)));
        }
        Ok(None) => {}
        Err(reason) => {
            let message = format!("the revision to go back to could not be read: {reason}");
            findings.push(Finding::new(NAME, Severity::Unknown, message));
        }
    }
    if let Some(newest) = lifecycle::newest().filter(|newest| *newest < target) {
        let message = format!("what Kubernetes {target} removes: this program knows versions up to {newest}");
        findings.push(Finding::new(NAME, Severity::Unknown, message).hint("a newer helm-safe-upgrade may know"));
    }
    if findings.is_empty() {
        let message = format!("all API versions of the manifests are there in Kubernetes {target}");
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

/// What the chart would meet there.
fn applied((api, objects): (&Api, &[&Object]), target: KubeVersion) -> Option<Finding> {
    let lifecycle = api.lifecycle()?;
    let (severity, message) = match (lifecycle.introduced, lifecycle.removed) {
        (_, Some(removed)) if removed <= target => {
            (Severity::Blocker, format!("Kubernetes {target} does not serve {}: {removed} removed it", api.api_version))
        }
        (Some(introduced), _) if introduced > target => {
            let what = &api.api_version;
            (Severity::Blocker, format!("Kubernetes {target} does not serve {what}: it is new in {introduced}"))
        }
        _ if lifecycle.is_deprecated_in(target) => {
            (Severity::Info, format!("{} is deprecated{}", api.api_version, lifecycle.since()))
        }
        _ => return None,
    };
    Some(Finding::new(NAME, severity, message).about_all(api, objects).hint(removed::instead(api)))
}

/// What a stored revision would meet there: helm can't go back to it any more.
fn kept(revision: u32, (api, objects): (&Api, &[&Object]), target: KubeVersion) -> Option<Finding> {
    let lifecycle = api.lifecycle()?;
    if !lifecycle.is_removed_in(target) {
        return None;
    }
    let message = format!(
        "in Kubernetes {target} there is no way back to revision {revision}: {} is not served{}",
        api.api_version,
        api.removal()
    );
    let hint = "prove the new revision before the cluster is upgraded";
    Some(Finding::new(NAME, Severity::Warning, message).about_all(api, objects).hint(hint))
}

//! Whether the server still serves the API versions that Helm has to read for the upgrade.

use super::{Api, Apis, by_api, deployed, is_plain, lifecycle};
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::manifest::document::Object;
use crate::manifest::hook;

const NAME: &str = "removed-api";

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "whether the server serves the API versions of the new and the deployed manifest", run)
        .worst(Severity::Blocker);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let apis = match &snapshot.apis {
        Ok(apis) => apis,
        Err(reason) => {
            let message = format!("whether the server serves the API versions of the manifests: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let mut findings = new(snapshot, apis);
    if let Some(deployed) = deployed(snapshot) {
        for (api, objects) in by_api(deployed.objects, is_plain) {
            if apis.unserved.contains(&api) {
                findings.push(stored(snapshot, deployed.revision, (&api, &objects), apis));
            }
        }
    }
    if findings.is_empty() {
        let message = format!("the server, {}, serves all API versions of the manifests", apis.server);
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

/// What the upgrade would apply or run. Kinds that are none of Kubernetes wait for their definition: that is another check.
fn new(snapshot: &Snapshot<'_>, apis: &Apis) -> Vec<Finding> {
    let points = snapshot.points();
    let is_known = |api: &Api| api.lifecycle().is_some();
    let at_work = by_api(&snapshot.objects.new, |object| !object.hook || hook::runs_at(&object.node, points));
    let later = by_api(&snapshot.objects.new, |object| object.hook && !hook::runs_at(&object.node, points));
    let gone = |(api, _): &(Api, Vec<&Object>)| apis.unserved.contains(api) && is_known(api);
    let mut findings = Vec::new();
    for (api, objects) in at_work.into_iter().filter(gone) {
        let message = format!("the server, {}, does not serve {}{}", apis.server, api.api_version, why(&api, apis));
        let finding = Finding::new(NAME, Severity::Blocker, message).about_all(&api, &objects);
        findings.push(finding.hint(instead(&api)));
    }
    for (api, objects) in later.into_iter().filter(gone) {
        let message =
            format!("the hook can't run when its time comes: {} is not served{}", api.api_version, why(&api, apis));
        let finding = Finding::new(NAME, Severity::Warning, message).about_all(&api, &objects);
        findings.push(finding.hint(instead(&api)));
    }
    findings
}

/// What Helm would have to read of the revision that it starts from. It builds those objects before it changes any, and fails on a
/// kind that the server does not serve (`Upgrade.releasingUpgrade` in Helm's `pkg/action/upgrade.go`).
fn stored(snapshot: &Snapshot<'_>, revision: u32, (api, objects): (&Api, &[&Object]), apis: &Apis) -> Finding {
    let message = format!(
        "helm can't read the manifest of revision {revision}: the server, {}, does not serve {}{}",
        apis.server,
        api.api_version,
        why(api, apis)
    );
    let hint = format!(
        "rewrite what is stored, as with the plugin mapkubeapis: helm mapkubeapis {} -n {}",
        snapshot.release, snapshot.namespace
    );
    Finding::new(NAME, Severity::Blocker, message).about_all(api, objects).hint(hint)
}

/// Why it is not served, as far as the table knows.
pub(super) fn why(api: &Api, apis: &Apis) -> String {
    let Some(lifecycle) = api.lifecycle() else { return String::new() };
    match (apis.version(), lifecycle.introduced, lifecycle.removed) {
        (Some(server), _, Some(removed)) if removed <= server => format!(": Kubernetes {removed} removed it"),
        (Some(server), Some(introduced), _) if introduced > server => format!(": it is new in Kubernetes {introduced}"),
        _ => String::new(),
    }
}

/// What to do about an API version of the chart.
pub(super) fn instead(api: &Api) -> String {
    match api.replacement().filter(|_| lifecycle::newest().is_some()) {
        Some(other) => format!("a chart that has {other}"),
        None => "a chart that does without".to_owned(),
    }
}

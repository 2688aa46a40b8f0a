//! Whether the server still serves the API versions of the revision that a failure leads back to.

use super::by_api;
use super::removed::why;
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::manifest::hook;

const NAME: &str = "rollback-api";

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "whether the server serves the API versions of the revision to go back to", run)
        .worst(Severity::Blocker)
        .rights("get Helm's storage");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let back = match snapshot.way_back() {
        Ok(Some(back)) => back,
        Ok(None) => return vec![Finding::new(NAME, Severity::Pass, "there is no revision to go back to")],
        Err(reason) => {
            let message = format!("the revision to go back to could not be read: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let apis = match &snapshot.apis {
        Ok(apis) => apis,
        Err(reason) => {
            let message = format!("whether the server serves the API versions of revision {}: {reason}", back.revision);
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let matters = by_api(back.objects, |object| !object.hook || hook::runs_at(&object.node, snapshot.points_back()));
    let mut findings = Vec::new();
    for (api, objects) in matters.into_iter().filter(|(api, _)| apis.unserved.contains(api)) {
        let severity = if snapshot.goes_back { Severity::Blocker } else { Severity::Warning };
        let message = format!(
            "there is no way back to revision {}: the server, {}, does not serve its {}{}",
            back.revision,
            apis.server,
            api.api_version,
            why(&api, apis)
        );
        let finding = Finding::new(NAME, severity, message).about_all(&api, &objects);
        let hint = "prove a revision that the server can take, or go on without a way back: --accept rollback-api";
        findings.push(finding.hint(hint));
    }
    if findings.is_empty() {
        let message = format!("the server serves all API versions of revision {}", back.revision);
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

//! Which API versions the server will not serve for ever.

use std::collections::{BTreeMap, BTreeSet};

use super::{Api, Apis, KubeVersion, MOST_NAMED, by_api, lifecycle, removed};
use crate::checks::scene::listed;
use crate::checks::{Check, Finding, Severity, Snapshot, capped};
use crate::manifest::document::Object;

const NAME: &str = "deprecated-api";

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "API versions of the manifests that Kubernetes is about to remove", run);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let unknown = |message: String| vec![Finding::new(NAME, Severity::Unknown, message)];
    let apis = match &snapshot.apis {
        Ok(apis) => apis,
        Err(reason) => return unknown(format!("which API versions are deprecated: {reason}")),
    };
    let Some(server) = apis.version() else {
        return unknown(format!("the server's version says nothing: {:?}", apis.server));
    };
    let before: BTreeSet<Api> = snapshot.objects.old.iter().filter_map(Api::of).collect();
    let new = by_api(&snapshot.objects.new, |_| true);
    let mut findings = Vec::new();
    for (api, objects) in &new {
        let severity = if before.contains(api) { Severity::Info } else { Severity::Warning };
        findings.extend(deprecated(severity, (api, objects), (apis, server)));
    }
    if let Ok(Some(back)) = snapshot.way_back() {
        for (api, objects) in by_api(back.objects, |_| true).iter().filter(|(api, _)| !new.contains_key(api)) {
            let finding = deprecated(Severity::Info, (api, objects), (apis, server));
            findings.extend(finding.map(|mut finding| {
                finding.message = format!("of revision {}, to go back to: {}", back.revision, finding.message);
                finding.hint = None;
                finding
            }));
        }
    }
    findings.extend(warned(snapshot));
    findings.extend(unheard(snapshot));
    if let Some(newest) = lifecycle::newest().filter(|newest| *newest < server) {
        let message = format!("what is deprecated since Kubernetes {newest}: this program is older than the server");
        findings.push(Finding::new(NAME, Severity::Unknown, message).hint("a newer helm-safe-upgrade knows"));
    }
    if findings.is_empty() {
        let message = format!("no API version of the manifests is deprecated in Kubernetes {server}");
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

fn deprecated(
    severity: Severity,
    (api, objects): (&Api, &[&Object]),
    (apis, server): (&Apis, KubeVersion),
) -> Option<Finding> {
    let lifecycle = api.lifecycle()?;
    // What is not served any more is worse, and said elsewhere.
    if !lifecycle.is_deprecated_in(server) || apis.unserved.contains(api) {
        return None;
    }
    let message = format!("{} is deprecated{}", api.api_version, lifecycle.since());
    Some(Finding::new(NAME, severity, message).about_all(api, objects).hint(removed::instead(api)))
}

/// What the server itself calls deprecated of the objects that were tried: fields too, which the table knows nothing of.
fn warned(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let mut by_warning: BTreeMap<&str, (bool, Vec<String>)> = BTreeMap::new();
    for trial in snapshot.trials.iter().flat_map(|trials| &trials.objects) {
        // The version as a whole is in the table.
        let is_told = |warning: &str| {
            lifecycle::of(&trial.id.api_version(), &trial.id.kind).is_some_and(|known| {
                known.deprecated.is_some() && warning.starts_with(&format!("{} ", trial.id.api_version()))
            })
        };
        for warning in trial.warnings.iter().filter(|warning| warning.contains("deprecated") && !is_told(warning)) {
            let (is_new, objects) = by_warning.entry(warning).or_default();
            *is_new |= trial.is_new;
            objects.push(trial.id.to_string());
        }
    }
    let found = by_warning.into_iter().map(|(warning, (is_new, objects))| {
        // Of an object that was there, it was most likely so before.
        let severity = if is_new { Severity::Warning } else { Severity::Info };
        let finding = Finding::new(NAME, severity, format!("the server warns: {warning}"));
        match <[String; 1]>::try_from(objects) {
            Ok([one]) => finding.about(one),
            Err(objects) => finding.about(format!("{} objects", objects.len())).seen_by(capped(objects, MOST_NAMED)),
        }
    });
    found.collect()
}

/// Of which objects the server has said nothing, as they could not be tried.
fn unheard(snapshot: &Snapshot<'_>) -> Option<Finding> {
    let message = |reason: &str| format!("whether the server calls more of it deprecated, fields among it: {reason}");
    let trials = match &snapshot.trials {
        Ok(trials) => trials,
        Err(reason) => return Some(Finding::new(NAME, Severity::Unknown, message(reason))),
    };
    let mut lines = Vec::new();
    for (reason, objects) in trials.untried() {
        let names: Vec<String> = objects.iter().map(|trial| trial.id.to_string()).collect();
        lines.push(format!("{}: {reason}", listed(&names)));
    }
    let message = message("not all objects could be tried");
    (!lines.is_empty()).then(|| Finding::new(NAME, Severity::Unknown, message).seen_by(capped(lines, MOST_NAMED)))
}

//! Whether the server knows the kind of every object that is none of Kubernetes' own.

use super::{definition_of, folded, named, trials};
use crate::checks::apis::Api;
use crate::checks::crds::by_hand;
use crate::checks::trial::{Outcome, Trial};
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::diff::resources::{Change, ResourceDiff};
use crate::manifest::document::Object;

const NAME: &str = "definition";

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "whether the server knows the kind of every custom resource", run).worst(Severity::Blocker);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let trials = match trials(NAME, snapshot) {
        Ok(trials) => trials,
        Err(findings) => return findings,
    };
    let unserved = trials.objects.iter().filter(|trial| trial.outcome == Outcome::Unserved);
    let found = unserved.filter_map(|trial| {
        let (message, hint) = missing(snapshot, trial, trials.applies_crds)?;
        Some((named(snapshot, trial), message, Vec::new(), Some(hint)))
    });
    let mut findings = folded(NAME, Severity::Blocker, found.collect());
    if findings.is_empty() {
        let message = "the server knows the kind of every custom resource, or is told of it first";
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

/// Why helm fails, and what to do. Nothing where the definition is applied first: at an installation, from the folder `crds/`.
fn missing(snapshot: &Snapshot<'_>, trial: &Trial, applies_crds: bool) -> Option<(String, String)> {
    // What Kubernetes has removed is told by another check.
    let api = Api { api_version: trial.id.api_version(), kind: trial.id.kind.clone() };
    if api.is_of_kubernetes() {
        return None;
    }
    let kind = format!("{} of {}", trial.id.kind, trial.id.api_version());
    if let Some(definition) = in_folder(snapshot, trial) {
        if applies_crds {
            return None;
        }
        let file = definition.source.as_deref().unwrap_or("crds/");
        let message =
            format!("the server does not know {kind}: its definition is in the chart's {file}, and is not applied");
        return Some((message, format!("before the upgrade: {}", by_hand(&snapshot.chart))));
    }
    if let Some(definition) = definition_of(&snapshot.objects.new, &trial.id) {
        // Helm asks for the kind of a hook only when the hook runs.
        if trial.hook {
            return None;
        }
        let message = format!(
            "the server does not know {kind}: its definition comes with the same templates, and helm asks for all kinds before it applies any"
        );
        return Some((
            message,
            format!("apply {} before the upgrade, or move it to the chart's folder crds/", definition.id),
        ));
    }
    let hint = "install what defines the kind, or use a version that the server knows: kubectl api-resources";
    Some((format!("the server does not know {kind}: helm would fail"), hint.to_owned()))
}

/// The definition in the chart's folder `crds/`, where the cluster does not have it.
fn in_folder<'a>(snapshot: &'a Snapshot<'_>, trial: &Trial) -> Option<&'a Object> {
    let missing = |resource: &&ResourceDiff| resource.change == Change::Added;
    let definitions = snapshot.diff.crds.as_ref()?.definitions.resources.iter().filter(missing);
    let mut definitions = definitions.filter_map(|resource| resource.new.as_ref());
    definitions.find(|definition| super::defines(&definition.node, &trial.id))
}

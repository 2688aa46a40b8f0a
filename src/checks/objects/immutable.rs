//! Whether a field changes that may not change in an object that is there.

use super::special::{Special, told_by};
use super::{Class, class, concluded, excuse, folded, is_immutable, named, trials};
use crate::checks::trial::Trial;
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::manifest::refusal::Cause;

const NAME: &str = "immutable";

/// So many fields of an object are told.
const MOST: usize = 10;

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "fields that change and may not change in an object that is there, by a dry run", run)
        .worst(Severity::Blocker)
        .rights(super::RIGHTS);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let trials = match trials(NAME, snapshot) {
        Ok(trials) => trials,
        Err(findings) => return findings,
    };
    let special = Special::new(snapshot);
    let (mut found, mut elsewhere) = (Vec::new(), Vec::new());
    for (trial, refusal) in trials.refused() {
        let causes: Vec<&Cause> = refusal.causes.iter().filter(|cause| is_immutable(cause)).collect();
        if class(refusal) != Class::Content || causes.is_empty() || excuse(snapshot, trial, refusal).is_some() {
            continue;
        }
        if let Some(other) = special.tells(trial, refusal) {
            elsewhere.push(other);
            continue;
        }
        let mut fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
        fields.dedup();
        let fields = fields.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
        let message = format!("{fields} may not change in an object that is there: helm would fail");
        let evidence = causes.iter().take(MOST).map(ToString::to_string).collect();
        found.push((named(snapshot, trial), message, evidence, Some(recreating(trial, trials.replaces))));
    }
    let mut findings = folded(NAME, Severity::Blocker, found);
    findings.extend(told_by(NAME, &elsewhere));
    let pass = "no field changes that may not";
    concluded((NAME, pass), snapshot, (trials, |trial: &Trial| !trial.is_new && !trial.hook), findings)
}

/// What it means to make the object anew. Helm's `--force` replaces an object (an HTTP PUT), and the server refuses that too.
fn recreating(trial: &Trial, replaces: bool) -> String {
    let (consequence, option) = match trial.id.kind.as_str() {
        "Deployment" | "DaemonSet" | "ReplicaSet" => ("stops all its pods until the new ones are ready", ""),
        "StatefulSet" => ("leaves its pods and volumes in place", " --cascade=orphan"),
        "Job" => ("runs it once more", ""),
        "Service" => ("gives it another address, and breaks connections", ""),
        "PersistentVolumeClaim" | "PersistentVolume" => ("can destroy its data: back it up first", ""),
        "RoleBinding" | "ClusterRoleBinding" => ("takes its rights away for a moment", ""),
        "CustomResourceDefinition" => ("deletes every object of its kind in the cluster", ""),
        "Secret" | "ConfigMap" => ("leaves pods that start meanwhile without it", ""),
        _ => ("loses what only the cluster knows of it", ""),
    };
    let dot = if trial.id.group.is_empty() { "" } else { "." };
    let kind = format!("{}{dot}{}", trial.id.kind.to_lowercase(), trial.id.group);
    let name = &trial.id.name;
    let place = trial.id.namespace.as_deref().map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
    let force = if replaces { "--force does not help: it replaces, and makes nothing anew; " } else { "" };
    format!(
        "{force}give it another name, or delete it first, which {consequence}: kubectl delete {kind} {name}{place}{option}"
    )
}

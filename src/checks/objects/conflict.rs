//! Whether others own fields that the upgrade sets, which stops an apply at the server.

use super::{Class, class, concluded, folded, named, trials};
use crate::checks::trial::Trial;
use crate::checks::{Check, Finding, Severity, Snapshot, capped};
use crate::manifest::refusal::Refusal;

const NAME: &str = "field-conflict";

/// So many fields of an object are told.
const MOST: usize = 10;

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "fields that others own, where helm applies at the server, by a dry run", run)
        .worst(Severity::Blocker)
        .rights(super::RIGHTS);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let trials = match trials(NAME, snapshot) {
        Ok(trials) => trials,
        Err(findings) => return findings,
    };
    if !trials.by_server {
        let message = "helm sends patches of its own, which ask for no field's owner";
        return vec![Finding::new(NAME, Severity::Pass, message)];
    }
    if trials.replaces {
        let message =
            "--force replaces objects, and helm applies this release at the server: helm refuses both together";
        let finding = Finding::new(NAME, Severity::Blocker, message);
        return vec![finding.hint("leave --force out; --force-conflicts takes over fields that others own")];
    }
    let refused = trials.refused().filter(|(_, refusal)| class(refusal) == Class::Conflict);
    let found = refused.map(|(trial, refusal)| {
        let (message, evidence) = owners(refusal);
        let hint =
            "--force-conflicts takes the fields over; else leave them out of the chart, as an autoscaler's replicas";
        (named(snapshot, trial), message, evidence, Some(hint.to_owned()))
    });
    let findings = folded(NAME, Severity::Blocker, found.collect());
    let pass = "nobody else owns a field that the chart sets";
    concluded((NAME, pass), snapshot, (trials, |trial: &Trial| !trial.is_new && !trial.hook), findings)
}

/// Who owns what.
fn owners(refusal: &Refusal) -> (String, Vec<String>) {
    let mut managers: Vec<&str> = Vec::new();
    let mut evidence = Vec::new();
    for cause in &refusal.causes {
        // `conflict with "kubectl-edit" with subresource "scale" using apps/v1` (`NewConflictError` of k8s.io/apimachinery).
        let manager = cause.message.split('"').nth(1).unwrap_or("another manager");
        if !managers.contains(&manager) {
            managers.push(manager);
        }
        evidence.push(format!("{}: {manager}", cause.field.trim_start_matches('.')));
    }
    let fields = if refusal.causes.len() == 1 { "a field" } else { "fields" };
    (format!("{} owns {fields} that the chart sets: helm would fail", managers.join(", ")), capped(evidence, MOST))
}

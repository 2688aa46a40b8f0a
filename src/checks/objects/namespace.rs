//! Whether the namespaces are there, and stay.

use std::collections::{BTreeMap, BTreeSet};

use super::{Class, class, excuse, named, some, trials};
use crate::checks::trial::Outcome;
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::manifest::refusal::Refusal;

const NAME: &str = "namespace";

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "whether the namespaces are there and not on their way out, by a dry run", run)
        .worst(Severity::Blocker)
        .rights("create the objects and Helm's storage");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let trials = match trials(NAME, snapshot) {
        Ok(trials) => trials,
        Err(findings) => return findings,
    };
    let mut gone: BTreeMap<(String, bool), Vec<String>> = BTreeMap::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut unseen: BTreeMap<&str, &str> = BTreeMap::new();
    for trial in &trials.objects {
        let Some(namespace) = trial.id.namespace.as_deref() else { continue };
        match &trial.outcome {
            Outcome::Refused(refusal) if class(refusal) == Class::Namespace => {
                seen.insert(namespace);
                if excuse(snapshot, trial, refusal).is_none() {
                    gone.entry((namespace.to_owned(), is_missing(refusal))).or_default().push(named(snapshot, trial));
                }
            }
            Outcome::Accepted | Outcome::Refused(_) => _ = seen.insert(namespace),
            Outcome::Untried(reason) => _ = unseen.insert(namespace, reason),
            Outcome::Unserved => {}
        }
    }
    match &trials.record {
        Some(Outcome::Refused(refusal)) if class(refusal) == Class::Namespace && !trials.creates_namespace => {
            let revision = gone.entry((snapshot.namespace.to_owned(), is_missing(refusal))).or_default();
            revision.insert(0, "the new revision".to_owned());
        }
        Some(Outcome::Untried(reason)) => _ = unseen.insert(snapshot.namespace, reason),
        Some(Outcome::Refused(_) | Outcome::Accepted | Outcome::Unserved) => _ = seen.insert(snapshot.namespace),
        None => {}
    }
    let mut findings: Vec<Finding> = gone.iter().map(|(at, names)| missing(at, names)).collect();
    unseen.retain(|namespace, _| !seen.contains(namespace));
    for (namespace, reason) in unseen {
        let message = format!("whether it is there is not known: {reason}");
        findings.push(Finding::new(NAME, Severity::Unknown, message).about(format!("Namespace/{namespace}")));
    }
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "every namespace is there, or comes with the upgrade"));
    }
    findings
}

fn is_missing(refusal: &Refusal) -> bool {
    refusal.code == 404
}

fn missing((namespace, is_missing): &(String, bool), names: &[String]) -> Finding {
    let (message, hint) = match is_missing {
        true => ("it is not there: helm would fail", format!("kubectl create namespace {namespace}")),
        false => (
            "it is on its way out, and takes nothing new: helm would fail",
            "wait until it is gone; what holds it up is in its status".to_owned(),
        ),
    };
    let finding = Finding::new(NAME, Severity::Blocker, message).about(format!("Namespace/{namespace}"));
    finding.seen_by(vec![format!("needed for {}", some(names))]).hint(hint)
}

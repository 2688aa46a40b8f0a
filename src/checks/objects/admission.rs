//! Whether admission lets every object in: quotas, policies, webhooks, Pod Security.

use super::special::{Special, told_by};
use super::{Class, class, concluded, excuse, folded, named, trials};
use crate::checks::trial::Outcome;
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::manifest::refusal::Refusal;

const NAME: &str = "admission";

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "whether quotas, policies and webhooks let every object in, by a dry run", run)
        .worst(Severity::Blocker)
        .rights(super::RIGHTS);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let trials = match trials(NAME, snapshot) {
        Ok(trials) => trials,
        Err(findings) => return findings,
    };
    let special = Special::new(snapshot);
    let (mut denied, mut failed, mut elsewhere) = (Vec::new(), Vec::new(), Vec::new());
    for (trial, refusal) in trials.refused() {
        if excuse(snapshot, trial, refusal).is_some() {
            continue;
        }
        let name = named(snapshot, trial);
        match (class(refusal), special.tells(trial, refusal)) {
            (Class::Denied, Some(other)) => elsewhere.push(other),
            (Class::Denied, None) => {
                denied.push((name, format!("the server denies it: {}", words(refusal)), Vec::new(), hint(refusal)))
            }
            (Class::Other, _) => {
                let message = format!("the server answered {}: {}", refusal.code, words(refusal));
                failed.push((name, message, Vec::new(), None));
            }
            (Class::Namespace | Class::Conflict | Class::Content, _) => {}
        }
    }
    if let Some(Outcome::Refused(refusal)) = &trials.record
        && class(refusal) == Class::Denied
    {
        let message = format!("helm could not store it: {}", words(refusal));
        denied.push(("the new revision".to_owned(), message, Vec::new(), hint(refusal)));
    }
    let mut findings = folded(NAME, Severity::Blocker, denied);
    findings.extend(folded(NAME, Severity::Warning, failed));
    findings.extend(told_by(NAME, &elsewhere));
    let pass = match trials.objects.len() {
        0 => "no object changes",
        _ => "the server lets every object in that changes",
    };
    concluded((NAME, pass), snapshot, (trials, |_| true), findings)
}

/// What the server says, without which object it says it of.
fn words(refusal: &Refusal) -> String {
    let message = refusal.message.as_str();
    let behind = ["is forbidden: ", "Internal error occurred: "].iter().find_map(|before| message.split_once(before));
    match behind.map_or(message, |(_, words)| words) {
        "" => "its words may repeat what is secret, and are not shown".to_owned(),
        words => words.to_owned(),
    }
}

fn hint(refusal: &Refusal) -> Option<String> {
    let says = |text: &str| refusal.message.contains(text);
    let hint = match () {
        () if says("exceeded quota") => "ask for less, or raise the quota",
        () if says("failed calling webhook") => {
            "the webhook must answer before the upgrade: see to the service behind it"
        }
        () if says("violates PodSecurity") => {
            "set the securityContext that is asked for, or label the namespace with another level"
        }
        () if says("denied the request") || says("ValidatingAdmissionPolicy") => {
            "change what the policy does not let in"
        }
        () => return None,
    };
    Some(hint.to_owned())
}

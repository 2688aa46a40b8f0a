//! Whether the server takes the objects of the revision to go back to, today.

use super::{gravity, named};
use crate::checks::objects::{Class, Found, class, definition_of, folded, some};
use crate::checks::trial::{Outcome, Trial, Trials};
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::manifest::refusal::{Cause, Refusal};

const NAME: &str = "rehearsal";

/// So many fields of an object are told.
const MOST: usize = 10;

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "whether the server takes the objects of the revision to go back to, by a dry run", run)
        .worst(Severity::Blocker)
        .rights("get, patch, create the objects");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let target = match snapshot.way_back() {
        Ok(Some(target)) => target,
        Ok(None) => return vec![Finding::new(NAME, Severity::Pass, "there is no revision to go back to")],
        Err(reason) => return unknown(reason),
    };
    let trials = match &snapshot.rehearsal {
        Ok(Some(trials)) => trials,
        Ok(None) => return unknown("it was not tried"),
        Err(reason) => return unknown(reason),
    };
    let mut found = Vec::new();
    let mut untried: Vec<(String, Vec<String>)> = Vec::new();
    for trial in &trials.objects {
        let name = about(snapshot, trial);
        let reason = match &trial.outcome {
            // Kinds that are not served are told by another check.
            Outcome::Accepted | Outcome::Unserved => continue,
            Outcome::Untried(reason) => reason.clone(),
            Outcome::Refused(refusal) => match excuse(snapshot, (trial, refusal), trials) {
                Some(reason) => reason,
                None => {
                    found.push(refused(name, target.revision, refusal));
                    continue;
                }
            },
        };
        match untried.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(name),
            None => untried.push((reason, vec![name])),
        }
    }
    let mut findings = folded(NAME, gravity(snapshot), found);
    if !untried.is_empty() {
        let evidence = untried.iter().take(MOST).map(|(reason, names)| format!("{}: {reason}", some(names)));
        let message = format!("whether the server takes all of revision {} can't be told", target.revision);
        findings.push(Finding::new(NAME, Severity::Unknown, message).seen_by(evidence.collect()));
    }
    if findings.is_empty() {
        let message = format!("the server takes what differs in revision {}", target.revision);
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

fn unknown(reason: &str) -> Vec<Finding> {
    let message = format!("whether the server takes the revision to go back to: {reason}");
    vec![Finding::new(NAME, Severity::Unknown, message)]
}

fn about(snapshot: &Snapshot<'_>, trial: &Trial) -> String {
    let name = named(snapshot, &trial.id);
    if trial.hook { format!("hook {name}") } else { name }
}

fn refused(name: String, revision: u32, refusal: &Refusal) -> Found {
    let words = match &refusal.causes[..] {
        [] if refusal.message.is_empty() => "the server refuses it".to_owned(),
        [] => refusal.message.clone(),
        [cause] => cause.to_string(),
        causes => format!("{} of its fields are refused", causes.len()),
    };
    let evidence = match &refusal.causes[..] {
        causes @ [_, _, ..] => causes.iter().take(MOST).map(Cause::to_string).collect(),
        _ => Vec::new(),
    };
    let hint = "change what the server refuses, prove a revision that it takes, or go on without a way back: --accept rehearsal";
    let message = format!("going back to revision {revision} would fail: {words}");
    (name, message, evidence, Some(hint.to_owned()))
}

/// Why a refusal today says nothing of the way back.
fn excuse(snapshot: &Snapshot<'_>, (trial, refusal): (&Trial, &Refusal), trials: &Trials) -> Option<String> {
    let comes = |kind: &str, name: &str| {
        let mut others = trials.objects.iter().map(|other| &other.id);
        others.any(|id| id.kind == kind && id.name == name)
    };
    match class(refusal) {
        Class::Namespace if refusal.code == 404 && comes("Namespace", &refusal.name) => {
            Some(format!("namespace {:?} is made on the way back", refusal.name))
        }
        Class::Content if definition_of(&snapshot.objects.new, &trial.id).is_some() => {
            Some("its definition is part of the release".to_owned())
        }
        Class::Denied if refusal.message.contains("error looking up service account") => {
            Some("its ServiceAccount is not there today".to_owned())
        }
        Class::Conflict => Some("others own fields that it sets".to_owned()),
        Class::Other => Some(format!("the server answered {}: {}", refusal.code, refusal.message)),
        Class::Namespace | Class::Content | Class::Denied => None,
    }
}

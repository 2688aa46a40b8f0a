//! Whether the server takes every object for valid, and knows every field of it.

use super::special::{Special, told_by};
use super::{Class, Found, class, concluded, excuse, folded, is_immutable, named, trials};
use crate::checks::trial::Trial;
use crate::checks::{Check, Finding, Severity, Snapshot, capped};
use crate::manifest::node::Node;
use crate::manifest::refusal::{Cause, Refusal};

const NAME: &str = "invalid";

/// So many fields of an object are told.
const MOST: usize = 10;

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "whether the server takes every object for valid and knows its fields, by a dry run", run)
        .worst(Severity::Blocker)
        .rights(super::RIGHTS);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let trials = match trials(NAME, snapshot) {
        Ok(trials) => trials,
        Err(findings) => return findings,
    };
    let refused = trials
        .refused()
        .filter(|(trial, refusal)| class(refusal) == Class::Content && excuse(snapshot, trial, refusal).is_none());
    let special = Special::new(snapshot);
    let (mut invalid, mut elsewhere) = (Vec::new(), Vec::new());
    for (trial, refusal) in refused {
        match (refused_for(named(snapshot, trial), refusal), special.tells(trial, refusal)) {
            (Some(_), Some(other)) => elsewhere.push(other),
            (found, _) => invalid.extend(found),
        }
    }
    let mut findings = folded(NAME, Severity::Blocker, invalid);
    findings.extend(told_by(NAME, &elsewhere));
    let mut new = Vec::new();
    let mut known = Vec::new();
    for trial in &trials.objects {
        let dropped: Vec<&str> = trial.warnings.iter().filter_map(|warning| dropped(warning)).collect();
        if dropped.is_empty() {
            continue;
        }
        let is_old = dropped.iter().all(|field| was_there(snapshot, trial, field));
        let evidence = dropped.iter().take(MOST).map(|field| (*field).to_owned()).collect();
        let message = "it has fields that the server does not know, or twice: it drops them".to_owned();
        let hint = Some("look for a misspelled name, or a field of another version".to_owned());
        if is_old { &mut known } else { &mut new }.push((named(snapshot, trial), message, evidence, hint));
    }
    findings.extend(folded(NAME, Severity::Warning, new));
    findings.extend(folded(NAME, Severity::Info, known));
    let pass = match trials.objects.len() {
        0 => "no object changes",
        _ => "the server takes every object that changes for valid",
    };
    concluded((NAME, pass), snapshot, (trials, |_| true), findings)
}

fn refused_for(name: String, refusal: &Refusal) -> Option<Found> {
    let causes: Vec<&Cause> = refusal.causes.iter().filter(|cause| !is_immutable(cause)).collect();
    let (message, evidence) = match causes[..] {
        // All that is wrong is told by another check.
        [] if !refusal.causes.is_empty() => return None,
        [] if refusal.message.is_empty() => ("it is not valid".to_owned(), Vec::new()),
        [] => (format!("it is not valid: {}", refusal.message), Vec::new()),
        [cause] => (format!("it is not valid: {cause}"), Vec::new()),
        _ => {
            let evidence = capped(causes.iter().map(ToString::to_string).collect(), MOST);
            (format!("{} of its fields are not valid", causes.len()), evidence)
        }
    };
    Some((name, message, evidence, None))
}

/// The field of a warning that it is unknown, or stands twice, and so is dropped (`fieldValidation=Warn`).
fn dropped(warning: &str) -> Option<&str> {
    let field = ["unknown field ", "duplicate field "].iter().find_map(|before| warning.strip_prefix(before))?;
    Some(field.trim_matches('"'))
}

/// Whether the revision that runs has the field already.
fn was_there(snapshot: &Snapshot<'_>, trial: &Trial, path: &str) -> bool {
    let key = trial.id.key(snapshot.namespace);
    let mut old = snapshot.objects.old.iter().filter(|old| old.hook == trial.hook);
    old.any(|old| old.id.key(snapshot.namespace) == key && has(&old.node, path))
}

/// Whether an object has something at `spec.containers[0].name`.
fn has(object: &Node, path: &str) -> bool {
    let mut node = object;
    for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
        let index = step.strip_suffix(']').and_then(|index| index.parse::<usize>().ok());
        let below = match index {
            Some(index) => node.as_list().and_then(|items| items.get(index)),
            None => node.get(step),
        };
        let Some(below) = below else { return false };
        node = below;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_the_servers_path() {
        let object: Node = serde_json::from_str(r#"{"spec":{"containers":[{"foo":1}]}}"#).unwrap();
        assert!(has(&object, "spec.containers[0].foo"));
        for none in ["spec.containers[1].foo", "spec.containers[0].bar", "spec.containers.foo", "[0]"] {
            assert!(!has(&object, none), "{none}");
        }
        assert_eq!(dropped("unknown field \"spec.replica\""), Some("spec.replica"));
        assert_eq!(dropped("v1 Endpoints is deprecated"), None);
    }
}

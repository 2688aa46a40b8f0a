//! What the API server itself says of the objects, read from their dry runs: [`Trials`].
//!
//! A refusal is of one class, and each class is a check of its own, so that accepting one danger does not accept another.

pub(super) mod admission;
pub(super) mod conflict;
pub(super) mod definition;
pub(super) mod immutable;
pub(super) mod invalid;
pub(super) mod namespace;
pub(super) mod ownership;
mod special;
#[cfg(test)]
mod tests;

use super::snapshot::Snapshot;
use super::trial::{Outcome, Trial, Trials};
use super::{Finding, Severity, capped};
use crate::manifest::identity::ObjectId;
use crate::manifest::node::Node;
use crate::manifest::observed::at;
use crate::manifest::refusal::{Cause, Refusal};

/// What dry runs need, for the documents.
pub(super) const RIGHTS: &str = "get, patch, create the objects";

/// So many objects, and so many lines, are named.
const MOST_NAMED: usize = 10;

/// What kind of refusal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// The namespace is not there, or on its way out.
    Namespace,
    /// Others own fields that it sets.
    Conflict,
    /// What it says is not valid, or may not change.
    Content,
    /// Admission does not let it in.
    Denied,
    /// Anything else.
    Other,
}

/// The class of a refusal.
pub(super) fn class(refusal: &Refusal) -> Class {
    let caused_by = |reason: &str| refusal.causes.iter().any(|cause| cause.reason == reason);
    let says = |text: &str| refusal.message.contains(text);
    match refusal.code {
        404 if refusal.kind == "namespaces" => Class::Namespace,
        _ if caused_by("NamespaceTerminating") => Class::Namespace,
        409 if caused_by("FieldManagerConflict") => Class::Conflict,
        // Webhooks choose the code, policies say 422, and a webhook that can't be reached is an error of the server.
        _ if says("denied the request") || says("ValidatingAdmissionPolicy") || says("failed calling webhook") => {
            Class::Denied
        }
        403 => Class::Denied,
        400 | 413 | 422 => Class::Content,
        _ if !refusal.causes.is_empty() => Class::Content,
        _ => Class::Other,
    }
}

/// Whether the server says that the field may not change in an object that is there. It has no code for that, so its words are
/// looked at: those of `ValidateImmutableField` and of the kinds' own rules in `pkg/apis/*/validation` of Kubernetes.
pub(super) fn is_immutable(cause: &Cause) -> bool {
    const WORDS: [&str; 9] = [
        "immutable",
        "updates to ",
        "may not change",
        "may not be changed",
        "must not be changed",
        "cannot change",
        "cannot be changed",
        "can not be less than",
        "pod updates may not",
    ];
    let message = cause.message.to_lowercase();
    WORDS.iter().any(|word| message.contains(word))
}

/// Why a refusal today says nothing of the upgrade: what it misses comes with it.
pub(super) fn excuse(snapshot: &Snapshot<'_>, trial: &Trial, refusal: &Refusal) -> Option<String> {
    let new = |kind: &str, name: &str| {
        let mut objects = snapshot.objects.new.iter();
        objects.any(|object| object.id.kind == kind && object.id.name == name)
    };
    match class(refusal) {
        Class::Namespace if refusal.code == 404 => {
            let comes = new("Namespace", &refusal.name)
                || (snapshot.trials.as_ref().is_ok_and(|trials| trials.creates_namespace)
                    && refusal.name == snapshot.namespace);
            comes.then(|| format!("namespace {:?} comes with the upgrade", refusal.name))
        }
        Class::Denied => {
            let account = refusal.message.split_once("serviceaccount \"").and_then(|(_, rest)| rest.split_once('"'));
            if let Some((account, _)) = account.filter(|(account, _)| new("ServiceAccount", account)) {
                return Some(format!("ServiceAccount {account:?} comes with the upgrade"));
            }
            let quota = refusal.message.split_once("exceeded quota: ").map(|(_, rest)| rest);
            let quota = quota.and_then(|rest| rest.split(',').next())?;
            changes(snapshot, "ResourceQuota", |id| id.name == quota)
                .then(|| format!("ResourceQuota {quota:?} changes with the upgrade"))
        }
        Class::Content => definition_of(&snapshot.objects.new, &trial.id).and_then(|definition| {
            let same = |object: &&crate::manifest::document::Object| object.id.name == definition.id.name;
            let before = definition_of(&snapshot.objects.old, &trial.id).filter(same);
            let is_as_before = before.is_some_and(|before| before.node == definition.node);
            (!is_as_before).then(|| format!("its definition {} changes with the upgrade", definition.id.name))
        }),
        // What a binding refers to, for one.
        Class::Other if refusal.code == 404 => Some("it refers to something that is not there yet".to_owned()),
        Class::Namespace | Class::Conflict | Class::Other => None,
    }
}

/// Whether an object of this kind is new or another one with the upgrade.
fn changes(snapshot: &Snapshot<'_>, kind: &str, is_it: impl Fn(&ObjectId) -> bool) -> bool {
    let mut new = snapshot.objects.new.iter().filter(|object| object.id.kind == kind && is_it(&object.id));
    new.any(|object| !snapshot.objects.old.iter().any(|old| old.id == object.id && old.node == object.node))
}

/// The custom resource definition of an object's kind.
pub(super) fn definition_of<'a>(
    objects: &'a [crate::manifest::document::Object],
    id: &ObjectId,
) -> Option<&'a crate::manifest::document::Object> {
    objects.iter().find(|object| object.id.kind == "CustomResourceDefinition" && defines(&object.node, id))
}

/// Whether a custom resource definition is the one of an object's kind.
pub(super) fn defines(definition: &Node, id: &ObjectId) -> bool {
    let text = |keys: &[&str]| at(definition, keys).and_then(Node::as_str).unwrap_or_default();
    text(&["spec", "group"]) == id.group && text(&["spec", "names", "kind"]) == id.kind
}

/// The object for a reader: its namespace is named where it is not the release's.
pub(super) fn named(snapshot: &Snapshot<'_>, trial: &Trial) -> String {
    let namespace = trial.id.namespace.clone().filter(|namespace| namespace != snapshot.namespace);
    let id = ObjectId { namespace, ..trial.id.clone() };
    if trial.hook { format!("hook {id}") } else { id.to_string() }
}

/// Something found of an object: its name, the message, what it was seen by, and what to do.
pub(super) type Found = (String, String, Vec<String>, Option<String>);

/// The findings. Objects of which the same is found are told together.
pub(super) fn folded(check: &'static str, severity: Severity, found: Vec<Found>) -> Vec<Finding> {
    let mut groups: Vec<(Vec<String>, Found)> = Vec::new();
    let mut known = std::collections::HashMap::new();
    for one in found {
        let place = *known.entry((one.1.clone(), one.2.clone())).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((names, _)) => names.push(one.0),
            None => groups.push((vec![one.0.clone()], one)),
        }
    }
    let finding = |(names, (first, message, mut evidence, hint)): (Vec<String>, Found)| {
        if names.len() > 1 {
            evidence.push(format!("the same of {}", some(&names[1..])));
        }
        let finding = Finding::new(check, severity, message).about(first).seen_by(evidence);
        Finding { hint, ..finding }
    };
    groups.into_iter().map(finding).collect()
}

/// The first of these names, and how many more there are.
pub(super) fn some(names: &[String]) -> String {
    let rest = names.len().saturating_sub(MOST_NAMED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{more}", names[..names.len().min(MOST_NAMED)].join(", "))
}

/// The trials; or the finding that there are none.
pub(super) fn trials<'a>(check: &'static str, snapshot: &'a Snapshot<'_>) -> Result<&'a Trials, Vec<Finding>> {
    snapshot.trials.as_ref().map_err(|reason| {
        vec![Finding::new(check, Severity::Unknown, format!("the objects could not be tried at the server: {reason}"))]
    })
}

/// Adds that some of the objects were not tried, or that all is well where nothing was found.
pub(super) fn concluded(
    (check, pass): (&'static str, &str),
    snapshot: &Snapshot<'_>,
    (trials, matters): (&Trials, impl Fn(&Trial) -> bool),
    mut findings: Vec<Finding>,
) -> Vec<Finding> {
    let mut untried: Vec<(String, Vec<String>)> = Vec::new();
    let mut add = |reason: String, trial: &Trial| match untried.iter_mut().find(|(known, _)| *known == reason) {
        Some((_, names)) => names.push(named(snapshot, trial)),
        None => untried.push((reason, vec![named(snapshot, trial)])),
    };
    for trial in trials.objects.iter().filter(|trial| matters(trial)) {
        match &trial.outcome {
            Outcome::Untried(reason) => add(reason.clone(), trial),
            Outcome::Refused(refusal) => {
                if let Some(reason) = excuse(snapshot, trial, refusal) {
                    add(reason, trial);
                }
            }
            Outcome::Accepted | Outcome::Unserved => {}
        }
    }
    if !untried.is_empty() {
        let count: usize = untried.iter().map(|(_, names)| names.len()).sum();
        let objects = if count == 1 { "one object".to_owned() } else { format!("{count} objects") };
        let message = format!("whether the server takes {objects} can't be told before the upgrade");
        let evidence = untried.iter().map(|(reason, names)| format!("{}: {reason}", some(names))).collect();
        findings.push(Finding::new(check, Severity::Unknown, message).seen_by(capped(evidence, MOST_NAMED)));
    }
    if findings.is_empty() {
        findings.push(Finding::new(check, Severity::Pass, pass));
    }
    findings
}

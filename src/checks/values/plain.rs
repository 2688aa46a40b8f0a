//! Secrets that are given in plain text.

use super::{MOST, at, leaves, named};
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::manifest::document::Object;
use crate::manifest::node::{Node, Value};
use crate::manifest::sensitive::{may_be_secret, named_like_a_secret};

const NAME: &str = "plain-secret";

/// Shorter values are not looked for in objects: they stand everywhere.
const SHORTEST: usize = 6;

/// A key of this name often holds the name of a key in a Secret, which is short.
const SHORTEST_KEY: usize = 16;

/// What refers to a secret somewhere else is none.
const REFERENCES: [&str; 8] = ["{{", "ref+", "vault:", "$(", "${", "ENC[", "op://", "arn:"];

pub(super) const CHECK: Check = Check::new(NAME, "passwords, tokens and keys that your values hold in plain text", run);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let (old, new) = (&snapshot.releases.old, &snapshot.releases.new);
    let (mut found, mut known) = (Vec::new(), 0);
    for steps in leaves(&new.config) {
        let Some(value) = at(&new.config, &steps).filter(|value| is_plain(&steps, value)) else { continue };
        let before = if snapshot.is_first { None } else { at(&old.config, &steps) };
        let shows = |objects: &[Object], value: Option<&Node>| value.map(|value| places(objects, value));
        let exposed = shows(&snapshot.objects.new, Some(value)).unwrap_or_default();
        let was_exposed = shows(&snapshot.objects.old, before).is_some_and(|places| !places.is_empty());
        if before.is_some() && (exposed.is_empty() || was_exposed) {
            known += 1;
            continue;
        }
        let mut evidence = vec![snapshot.values.place(&steps)];
        evidence.extend(exposed.iter().take(3).map(|object| format!("stands in {object}, for whoever may read that")));
        let stored = snapshot.values.stored_in;
        evidence.extend((stored == "ConfigMap").then(|| "stored with the revision in a ConfigMap".to_owned()));
        let message = match exposed.is_empty() {
            true => "a secret in plain text: whoever may read the values file, or the release, has it",
            false => "a secret in plain text, which ends up in an object that is no Secret",
        };
        found.push(Finding::new(NAME, Severity::Warning, message).about(named(&steps)).seen_by(evidence));
    }
    found.truncate(MOST);
    if let Some(last) = found.last_mut() {
        last.hint = Some("name a Secret that exists (most charts take existingSecret), or encrypt the file".to_owned());
        return found;
    }
    let message = match known {
        0 => "no secret is given in plain text",
        _ => "no secret is newly given in plain text",
    };
    vec![Finding::new(NAME, Severity::Pass, message)]
}

fn is_plain(steps: &[String], value: &Node) -> bool {
    let Some(key) = steps.last().filter(|key| named_like_a_secret(key) && may_be_secret(value)) else { return false };
    let Some(text) = value.as_str() else { return true };
    let may_name_a_key = key.to_ascii_lowercase().replace('_', "").ends_with("secretkey");
    let is_short = may_name_a_key && text.len() < SHORTEST_KEY;
    !is_short && !REFERENCES.iter().any(|start| text.trim_start().starts_with(start))
}

/// The objects beside Secrets that a text stands in.
fn places(objects: &[Object], value: &Node) -> Vec<String> {
    let Some(text) = value.as_str().filter(|text| text.len() >= SHORTEST) else { return Vec::new() };
    let finder = memchr::memmem::Finder::new(text.as_bytes());
    let others = objects.iter().filter(|object| object.id.kind != "Secret");
    others.filter(|object| stands_in(&object.node, &finder)).map(|object| object.id.to_string()).collect()
}

fn stands_in(node: &Node, finder: &memchr::memmem::Finder<'_>) -> bool {
    match node.value() {
        Value::String(text) => finder.find(text.as_bytes()).is_some(),
        Value::List(items) => items.iter().any(|item| stands_in(item, finder)),
        Value::Map(entries) => entries.iter().any(|(_, value)| stands_in(value, finder)),
        _ => false,
    }
}

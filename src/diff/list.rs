//! Compares two lists: items are matched by the key that identifies them in Kubernetes, where they have one, else by
//! equal content. What identifies them says the schema of a custom resource, the field's name, or the look of the items.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write as _;

use crate::diff::sequence::{Stretch, align, longest_increasing};
use crate::diff::structure::{Item, Pair, Rules, compare_by};
use crate::manifest::node::{Node, Value};

/// What identifies the items of a list under this field, in Kubernetes' own types: the merge keys of the API
/// (`x-kubernetes-list-map-keys` and `x-kubernetes-patch-merge-key` of its OpenAPI document). Not `ports`: a port whose
/// number changes is still the same port if it has a name.
const FIELDS: &[(&str, &[&str])] = &[
    ("allocatedResourcesStatus", &["name"]),
    ("claims", &["name"]),
    ("conditions", &["type"]),
    ("containers", &["name"]),
    ("env", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("hostAliases", &["ip"]),
    ("hostIPs", &["ip"]),
    ("imagePullSecrets", &["name"]),
    ("initContainers", &["name"]),
    ("matchConditions", &["name"]),
    ("ownerReferences", &["uid"]),
    ("podIPs", &["ip"]),
    ("resourceClaims", &["name"]),
    ("schedulingGates", &["name"]),
    ("secrets", &["name"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("variables", &["name"]),
    ("volumeDevices", &["devicePath"]),
    ("volumeMounts", &["mountPath"]),
    ("volumes", &["name"]),
    ("webhooks", &["name"]),
    ("x-kubernetes-validations", &["rule"]),
];

/// What identifies the items of any other list, tried in this order; only where no two items share it.
const KEYS: &[&[&str]] = &[
    &["name"],
    &["kind", "namespace", "name"],
    &["containerPort", "protocol"],
    &["port", "protocol"],
    &["mountPath"],
    &["devicePath"],
    &["key"],
    &["key", "effect"],
    &["topologyKey", "whenUnsatisfiable"],
    &["host"],
    &["path"],
    &["path", "pathType"],
    &["ip"],
    &["alert"],
    &["record"],
    &["job_name"],
    &["type"],
    &["uid"],
    &["id"],
    &["refId"],
];

/// Keys that may be absent, and what the API server then takes.
const DEFAULTS: &[(&str, &str)] = &[("protocol", "TCP"), ("namespace", ""), ("effect", "")];

/// The longest scalar that stands for itself in a path, in bytes.
const LONGEST_LABEL: usize = 40;

/// Two items that belong together.
type Match = (usize, usize, Option<String>);

/// A field that identifies an item, alone or with others, and what is taken if it is absent.
type Key<'k> = (&'k str, Option<&'k str>);

/// Compares two lists item by item.
#[must_use]
pub fn compare<'a>(old: &'a [Node], new: &'a [Node], rules: Rules<'_>) -> Vec<Item<'a>> {
    let matches = match_by_key(old, new, rules).unwrap_or_else(|| match_by_content(old, new));
    merge(old, new, matches, rules.items())
}

fn match_by_key(old: &[Node], new: &[Node], rules: Rules<'_>) -> Option<Vec<Match>> {
    if old.is_empty() || new.is_empty() {
        return None;
    }
    if let Some(schema) = rules.schema.filter(|schema| !schema.keys().is_empty()) {
        let keys: Vec<Key<'_>> = schema.keys().iter().map(|key| (&*key.name, key.default.as_deref())).collect();
        if let Some(matches) = match_by(old, new, &keys, true) {
            return Some(matches);
        }
    }
    let of_field = FIELDS.iter().find(|(field, _)| *field == rules.field);
    let known = of_field.and_then(|(_, keys)| match_by(old, new, &with_defaults(keys), true));
    known.or_else(|| KEYS.iter().find_map(|keys| match_by(old, new, &with_defaults(keys), false)))
}

fn with_defaults<'k>(keys: &[&'k str]) -> Vec<Key<'k>> {
    let default = |key| DEFAULTS.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    keys.iter().map(|&key| (key, default(key))).collect()
}

/// Matches items that share their keys. None if an item lacks one, or if two share them and may not.
fn match_by(old: &[Node], new: &[Node], keys: &[Key<'_>], repeated: bool) -> Option<Vec<Match>> {
    let old_ids = identities(old, keys, repeated)?;
    let new_ids = identities(new, keys, repeated)?;
    let by_id: HashMap<&str, usize> = old_ids.iter().enumerate().map(|(index, id)| (id.as_str(), index)).collect();
    let pairs = new_ids.iter().enumerate();
    Some(pairs.filter_map(|(n, id)| by_id.get(id.as_str()).map(|&o| (o, n, Some(id.clone())))).collect())
}

/// The identity of every item, or none if one lacks it. The second of two that share it is `name=web#2`, if that may be.
fn identities(items: &[Node], keys: &[Key<'_>], repeated: bool) -> Option<Vec<String>> {
    let mut ids: Vec<String> = items.iter().map(|item| identity_by(item, keys)).collect::<Option<_>>()?;
    let mut times: HashMap<String, usize> = HashMap::with_capacity(ids.len());
    for id in &mut ids {
        let count = times.entry(id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            if !repeated {
                return None;
            }
            _ = write!(id, "#{count}");
        }
    }
    Some(ids)
}

/// The keys by which the items of two lists are told apart by their look, if there are any.
pub(super) fn identities_of(old: &[Node], new: &[Node]) -> Option<&'static [&'static str]> {
    let unique = |items: &[Node], keys: &[&str]| identities(items, &with_defaults(keys), false).is_some();
    KEYS.iter().copied().find(|keys| unique(old, keys) && unique(new, keys))
}

/// What identifies an item by these keys: `name=web`.
pub(super) fn identity(item: &Node, keys: &[&str]) -> Option<String> {
    identity_by(item, &with_defaults(keys))
}

fn identity_by(item: &Node, keys: &[Key<'_>]) -> Option<String> {
    let mut parts = Vec::with_capacity(keys.len());
    for &(key, default) in keys {
        let value = match item.get(key).map(Node::value) {
            Some(Value::String(text)) => text.to_string(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(value)) => value.to_string(),
            None => default?.to_owned(),
            Some(_) => return None,
        };
        if Some(value.as_str()) != default {
            parts.push(format!("{key}={value}"));
        }
    }
    match parts.is_empty() {
        // All of them have their defaults.
        true => keys.first().and_then(|(key, default)| Some(format!("{key}={}", (*default)?))),
        false => Some(parts.join(",")),
    }
}

/// Equal items belong together: first those in the same order, then those that moved. Of the rest of a replaced stretch,
/// the first and the first belong together and so on.
fn match_by_content(old: &[Node], new: &[Node]) -> Vec<Match> {
    let hashes = |items: &[Node]| -> Vec<u64> { items.iter().map(Node::content_hash).collect() };
    let stretches = align(&hashes(old), &hashes(new));
    let (same, differing): (Vec<Stretch>, Vec<Stretch>) = stretches.into_iter().partition(|stretch| stretch.equal);
    let mut matches: Vec<Match> =
        same.into_iter().flat_map(|stretch| stretch.old.zip(stretch.new)).map(|(o, n)| (o, n, None)).collect();
    let mut waiting: HashMap<u64, VecDeque<usize>> = HashMap::new();
    for at in differing.iter().flat_map(|stretch| stretch.old.clone()) {
        waiting.entry(old[at].content_hash()).or_default().push_back(at);
    }
    let (mut old_used, mut new_used) = (HashSet::new(), HashSet::new());
    for at in differing.iter().flat_map(|stretch| stretch.new.clone()) {
        if let Some(from) = waiting.get_mut(&new[at].content_hash()).and_then(VecDeque::pop_front) {
            old_used.insert(from);
            new_used.insert(at);
            matches.push((from, at, itself(&new[at])));
        }
    }
    for stretch in differing {
        let before = stretch.old.filter(|at| !old_used.contains(at));
        let after = stretch.new.filter(|at| !new_used.contains(at));
        matches.extend(before.zip(after).filter(|&(o, n)| alike(&old[o], &new[n])).map(|(o, n)| (o, n, None)));
    }
    matches.sort_unstable_by_key(|&(_, n, _)| n);
    matches
}

/// What stands for a moved item in a path: itself, if it is short.
fn itself(item: &Node) -> Option<String> {
    let text = match item.value() {
        Value::String(text) => text.to_string(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty() && text.len() <= LONGEST_LABEL && !text.contains('\n')).then_some(text)
}

/// Whether a change within the item says more than its removal and addition.
fn alike(old: &Node, new: &Node) -> bool {
    matches!(
        (old.value(), new.value()),
        (Value::Map(_), Value::Map(_))
            | (Value::List(_), Value::List(_))
            | (
                Value::String(_) | Value::Number(_) | Value::Bool(_),
                Value::String(_) | Value::Number(_) | Value::Bool(_)
            )
    )
}

/// Brings both lists into one sequence. `matches` is in the order of the new list.
fn merge<'a>(old: &'a [Node], new: &'a [Node], matches: Vec<Match>, rules: Rules<'_>) -> Vec<Item<'a>> {
    let old_order: Vec<usize> = matches.iter().map(|(o, _, _)| *o).collect();
    let steady = longest_increasing(&old_order);
    let mut moved = vec![false; old.len()];
    let mut matched = vec![false; old.len()];
    let mut of_new: Vec<Option<(usize, Option<String>)>> = vec![None; new.len()];
    for (at, (o, n, label)) in matches.into_iter().enumerate() {
        matched[o] = true;
        moved[o] = !steady[at];
        of_new[n] = Some((o, label));
    }
    let next_steady = next_steady(&of_new, &moved, old.len());
    let mut items = Vec::with_capacity(new.len());
    let mut next_old = 0;
    for (new_index, found) in of_new.into_iter().enumerate() {
        // What is gone stands before what came in its place.
        leave(&mut items, old, &matched, next_old..next_steady[new_index]);
        next_old = next_old.max(next_steady[new_index]);
        let node = &new[new_index];
        let Some((old_index, label)) = found else {
            items.push(Item::Added { new_index, new: node });
            continue;
        };
        let pair = Pair { old_index, new_index, new: node, label, delta: compare_by(&old[old_index], node, rules) };
        if moved[old_index] {
            items.push(Item::MovedHere(pair));
        } else {
            next_old = old_index + 1;
            items.push(Item::Kept(pair));
        }
    }
    leave(&mut items, old, &matched, next_old..old.len());
    items
}

/// For each new item, the old index of the first kept and unmoved item at or after it.
fn next_steady(of_new: &[Option<(usize, Option<String>)>], moved: &[bool], end: usize) -> Vec<usize> {
    let mut next = vec![end; of_new.len()];
    let mut upcoming = end;
    for (at, found) in of_new.iter().enumerate().rev() {
        if let Some((old_index, _)) = found
            && !moved[*old_index]
        {
            upcoming = *old_index;
        }
        next[at] = upcoming;
    }
    next
}

/// Adds the old items of a stretch that holds no kept one: they are gone, or moved away.
fn leave<'a>(items: &mut Vec<Item<'a>>, old: &'a [Node], matched: &[bool], stretch: std::ops::Range<usize>) {
    items.extend(stretch.map(|old_index| match matched[old_index] {
        true => Item::MovedAway { old_index, old: &old[old_index] },
        false => Item::Removed { old_index, old: &old[old_index] },
    }));
}

//! Compares two lists: items are matched by the key that identifies them in Kubernetes, where they have one, else by
//! equal content in the same order.

use std::collections::HashMap;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::diff::structure::{Item, Pair, compare as compare_nodes};
use crate::manifest::node::{Node, Value};

/// What identifies an item among its siblings, tried in this order. From the API conventions' merge keys
/// (`x-kubernetes-list-map-keys`), with `name` first: a container whose port number changes is still the same port.
const KEYS: &[&[&str]] = &[
    &["name"],
    &["kind", "namespace", "name"],
    &["containerPort", "protocol"],
    &["port", "protocol"],
    &["mountPath"],
    &["devicePath"],
    &["key"],
    &["topologyKey", "whenUnsatisfiable"],
    &["host"],
    &["path"],
    &["ip"],
    &["alert"],
    &["record"],
    &["type"],
    &["uid"],
    &["id"],
];

/// Keys that may be absent, and what the API server then takes.
const DEFAULTS: &[(&str, &str)] = &[("protocol", "TCP"), ("namespace", "")];

/// Two items that belong together.
type Match = (usize, usize, Option<String>);

/// Compares two lists item by item.
#[must_use]
pub fn compare<'a>(old: &'a [Node], new: &'a [Node]) -> Vec<Item<'a>> {
    let matches = match_by_key(old, new).unwrap_or_else(|| match_by_content(old, new));
    merge(old, new, matches)
}

fn match_by_key(old: &[Node], new: &[Node]) -> Option<Vec<Match>> {
    if old.is_empty() || new.is_empty() {
        return None;
    }
    KEYS.iter().copied().find_map(|keys| {
        let old_ids = identities(old, keys)?;
        let new_ids = identities(new, keys)?;
        let by_id: HashMap<&str, usize> = old_ids.iter().enumerate().map(|(index, id)| (id.as_str(), index)).collect();
        let pairs = new_ids.iter().enumerate();
        Some(pairs.filter_map(|(n, id)| by_id.get(id.as_str()).map(|&o| (o, n, Some(id.clone())))).collect())
    })
}

/// The keys by which the items of two lists are told apart, if there are any.
pub(super) fn identities_of(old: &[Node], new: &[Node]) -> Option<&'static [&'static str]> {
    KEYS.iter().copied().find(|keys| identities(old, keys).is_some() && identities(new, keys).is_some())
}

/// The identity of every item, or none if one lacks it or two share it.
fn identities(items: &[Node], keys: &[&str]) -> Option<Vec<String>> {
    let ids: Vec<String> = items.iter().map(|item| identity(item, keys)).collect::<Option<_>>()?;
    let unique: std::collections::HashSet<&str> = ids.iter().map(String::as_str).collect();
    (unique.len() == ids.len()).then_some(ids)
}

/// What identifies an item by these keys: `name=web`.
pub(super) fn identity(item: &Node, keys: &[&str]) -> Option<String> {
    let mut parts = Vec::with_capacity(keys.len());
    for key in keys {
        let default = DEFAULTS.iter().find(|(name, _)| name == key).map(|(_, value)| *value);
        let value = match item.get(key).map(Node::value) {
            Some(Value::String(text)) => text.to_string(),
            Some(Value::Number(number)) => number.to_string(),
            None => default?.to_owned(),
            Some(_) => return None,
        };
        if Some(value.as_str()) != default {
            parts.push(format!("{key}={value}"));
        }
    }
    (!parts.is_empty()).then(|| parts.join(","))
}

/// Equal items in the same order belong together; within a replaced stretch, the first with the first and so on.
fn match_by_content(old: &[Node], new: &[Node]) -> Vec<Match> {
    let old_hashes: Vec<u64> = old.iter().map(Node::content_hash).collect();
    let new_hashes: Vec<u64> = new.iter().map(Node::content_hash).collect();
    let mut matches = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &old_hashes, &new_hashes) {
        match op {
            DiffOp::Equal { old_index, new_index, len } => {
                matches.extend((0..len).map(|i| (old_index + i, new_index + i, None)));
            }
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                let pairs = (0..old_len.min(new_len)).map(|i| (old_index + i, new_index + i));
                matches.extend(pairs.filter(|&(o, n)| alike(&old[o], &new[n])).map(|(o, n)| (o, n, None)));
            }
            DiffOp::Delete { .. } | DiffOp::Insert { .. } => {}
        }
    }
    matches
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
fn merge<'a>(old: &'a [Node], new: &'a [Node], matches: Vec<Match>) -> Vec<Item<'a>> {
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
        let pair = Pair { old_index, new_index, new: node, label, delta: compare_nodes(&old[old_index], node) };
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

/// Marks the members of a longest increasing subsequence (patience sorting, O(n log n)).
fn longest_increasing(values: &[usize]) -> Vec<bool> {
    let mut tails: Vec<usize> = Vec::new();
    let mut previous = vec![usize::MAX; values.len()];
    for (at, value) in values.iter().enumerate() {
        let pile = tails.partition_point(|&tail| values[tail] < *value);
        if pile > 0 {
            previous[at] = tails[pile - 1];
        }
        if pile == tails.len() {
            tails.push(at);
        } else {
            tails[pile] = at;
        }
    }
    let mut member = vec![false; values.len()];
    let mut at = tails.last().copied().unwrap_or(usize::MAX);
    while at != usize::MAX {
        member[at] = true;
        at = previous[at];
    }
    member
}

#[cfg(test)]
mod tests {
    use super::longest_increasing;

    #[test]
    fn the_longest_increasing_run_keeps_as_many_as_possible() {
        assert_eq!(longest_increasing(&[2, 0, 1]), [false, true, true]);
        assert_eq!(longest_increasing(&[]), [false; 0]);
        assert_eq!(longest_increasing(&[0, 1, 2]), [true; 3]);
        assert_eq!(longest_increasing(&[2, 1, 0]).iter().filter(|&&kept| kept).count(), 1);
    }
}

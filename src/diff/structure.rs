//! Compares two trees: maps by key, lists by the key that Kubernetes gives their items, all else by value.
//!
//! Every node is compared at most once: equal subtrees are told by their hash and then verified once, and only unequal
//! ones are descended into. The cost is linear in the size of the two trees.

use std::collections::{HashMap, HashSet};

use crate::diff::list;
use crate::manifest::node::{Node, Value};

/// How a node of the old tree became a node of the new one.
pub enum Delta<'a> {
    /// Equal in content. Holds the new node.
    Same(&'a Node),
    /// Another value.
    Replaced {
        /// The node before.
        old: &'a Node,
        /// The node after.
        new: &'a Node,
    },
    /// Both are maps; some entries differ.
    Map(Vec<Entry<'a>>),
    /// Both are lists; some items differ, or their order does.
    List(Vec<Item<'a>>),
}

/// What became of a map's key. Entries come in the order of the new map, removed ones where they were.
pub struct Entry<'a> {
    /// The key.
    pub key: &'a str,
    /// What became of its value.
    pub fate: Fate<'a>,
}

/// What became of a value that has a name (a key).
pub enum Fate<'a> {
    /// It is on both sides.
    Kept(Delta<'a>),
    /// It is new.
    Added(&'a Node),
    /// It is gone.
    Removed(&'a Node),
}

/// A place in the merged sequence of two lists: the order of the new list, removed items where they were.
pub enum Item<'a> {
    /// On both sides, in the same order relative to the other kept items.
    Kept(Pair<'a>),
    /// On both sides; this is the place it moved to.
    MovedHere(Pair<'a>),
    /// On both sides; this is the place it moved away from.
    MovedAway {
        /// Index in the old list.
        old_index: usize,
        /// The item before.
        old: &'a Node,
    },
    /// Only in the new list.
    Added {
        /// Index in the new list.
        new_index: usize,
        /// The item.
        new: &'a Node,
    },
    /// Only in the old list.
    Removed {
        /// Index in the old list.
        old_index: usize,
        /// The item.
        old: &'a Node,
    },
}

/// An item that is in both lists.
pub struct Pair<'a> {
    /// Index in the old list.
    pub old_index: usize,
    /// Index in the new list.
    pub new_index: usize,
    /// The item after.
    pub new: &'a Node,
    /// What identifies the item among its siblings (`name=web`), where something does.
    pub label: Option<String>,
    /// What changed within it.
    pub delta: Delta<'a>,
}

/// Compares two trees.
#[must_use]
pub fn compare<'a>(old: &'a Node, new: &'a Node) -> Delta<'a> {
    if old == new {
        return Delta::Same(new);
    }
    // What comes out of nothing, or turns empty, is another value: `{}` is not a map with all its keys removed.
    if old.is_empty() || new.is_empty() {
        return Delta::Replaced { old, new };
    }
    match (old.value(), new.value()) {
        (Value::Map(a), Value::Map(b)) => Delta::Map(compare_maps(a, b)),
        (Value::List(a), Value::List(b)) => Delta::List(list::compare(a, b)),
        _ => Delta::Replaced { old, new },
    }
}

type MapEntry = (Box<str>, Node);

fn compare_maps<'a>(old: &'a [MapEntry], new: &'a [MapEntry]) -> Vec<Entry<'a>> {
    let old_by_key: HashMap<&str, &Node> = old.iter().map(|(key, node)| (&**key, node)).collect();
    let new_keys: HashSet<&str> = new.iter().map(|(key, _)| &**key).collect();
    let mut gone_after = removed_after(old, &new_keys);
    let mut entries = Vec::with_capacity(new.len());
    entries.extend(gone_after.remove(&None).into_iter().flatten());
    for (key, node) in new {
        let fate = match old_by_key.get(&**key) {
            Some(before) => Fate::Kept(compare(before, node)),
            None => Fate::Added(node),
        };
        entries.push(Entry { key, fate });
        entries.extend(gone_after.remove(&Some(&**key)).into_iter().flatten());
    }
    entries
}

/// The removed entries, by the kept key that they followed in the old map.
fn removed_after<'a>(old: &'a [MapEntry], kept: &HashSet<&str>) -> HashMap<Option<&'a str>, Vec<Entry<'a>>> {
    let mut after: HashMap<Option<&str>, Vec<Entry<'_>>> = HashMap::new();
    let mut previous = None;
    for (key, node) in old {
        if kept.contains(&**key) {
            previous = Some(&**key);
        } else {
            after.entry(previous).or_default().push(Entry { key, fate: Fate::Removed(node) });
        }
    }
    after
}

//! Compares two trees: maps by key, lists by the key that Kubernetes gives their items, all else by value.
//!
//! Every node is compared at most once: equal subtrees are told by their hash and then verified once, and only unequal
//! ones are descended into. The cost is linear in the size of the two trees.

use std::collections::{HashMap, HashSet};

use crate::diff::list;
use crate::diff::schema::Schema;
use crate::manifest::embedded::Format;
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
    /// Both are texts that hold JSON or YAML.
    Within(Box<Within<'a>>),
}

/// How what a text holds became what another one holds.
pub struct Within<'a> {
    /// The text before.
    pub old: &'a Node,
    /// The text after.
    pub new: &'a Node,
    /// What the texts are written in.
    pub format: Format,
    /// What changed in them. [`Delta::Same`] if only the formatting did.
    pub delta: Delta<'a>,
}

impl Within<'_> {
    /// Whether the texts say the same, and only order, blanks or comments differ.
    #[must_use]
    pub fn is_formatting(&self) -> bool {
        matches!(self.delta, Delta::Same(_))
    }
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

/// What is known about the trees beside their content.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules<'s> {
    /// The schema of the node.
    pub schema: Option<&'s Schema>,
    /// The key that the node stands under, of an item that of its list.
    pub field: &'s str,
    /// Whether JSON and YAML in texts are compared as such. Not for what is masked: reading could undo an escape that
    /// hid something from the mask.
    pub texts: bool,
}

impl<'s> Rules<'s> {
    fn below(self, key: &'s str) -> Self {
        Self { schema: self.schema.and_then(|schema| schema.below(key)), field: key, ..self }
    }

    /// The rules for the items of a list.
    pub(super) fn items(self) -> Self {
        Self { schema: self.schema.and_then(Schema::items), ..self }
    }
}

/// Compares two trees, about which nothing is known.
#[must_use]
pub fn compare<'a>(old: &'a Node, new: &'a Node) -> Delta<'a> {
    compare_by(old, new, Rules::default())
}

/// Compares two trees.
#[must_use]
pub fn compare_by<'a>(old: &'a Node, new: &'a Node, rules: Rules<'_>) -> Delta<'a> {
    if old == new {
        return Delta::Same(new);
    }
    // What comes out of nothing, or turns empty, is another value: `{}` is not a map with all its keys removed.
    if old.is_empty() || new.is_empty() {
        return Delta::Replaced { old, new };
    }
    match (old.value(), new.value()) {
        (Value::Map(a), Value::Map(b)) => Delta::Map(compare_maps(a, b, rules)),
        (Value::List(a), Value::List(b)) => Delta::List(list::compare(a, b, rules)),
        (Value::String(_), Value::String(_)) if rules.texts => match compare_texts(old, new) {
            Some(within) => Delta::Within(Box::new(within)),
            None => Delta::Replaced { old, new },
        },
        _ => Delta::Replaced { old, new },
    }
}

/// Compares what two texts hold, if both hold a map or both a list. Texts within those stay texts.
fn compare_texts<'a>(old: &'a Node, new: &'a Node) -> Option<Within<'a>> {
    let (a, b) = (old.embedded()?, new.embedded()?);
    let delta = compare(&a.node, &b.node);
    let format = if a.format == b.format { a.format } else { Format::Yaml };
    (!matches!(delta, Delta::Replaced { .. })).then_some(Within { old, new, format, delta })
}

type MapEntry = (Box<str>, Node);

fn compare_maps<'a>(old: &'a [MapEntry], new: &'a [MapEntry], rules: Rules<'_>) -> Vec<Entry<'a>> {
    let old_by_key: HashMap<&str, &Node> = old.iter().map(|(key, node)| (&**key, node)).collect();
    let new_keys: HashSet<&str> = new.iter().map(|(key, _)| &**key).collect();
    let mut gone_after = removed_after(old, &new_keys);
    let mut entries = Vec::with_capacity(new.len());
    entries.extend(gone_after.remove(&None).into_iter().flatten());
    for (key, node) in new {
        let fate = match old_by_key.get(&**key) {
            Some(before) => Fate::Kept(compare_by(before, node, rules.below(key))),
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

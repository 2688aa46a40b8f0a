//! A delta as a list of JSON Patch operations (RFC 6902): applied in order to the old tree, they give the new one.
//!
//! Within a list come first the removals (last index first), then the moves, then the additions (first index first),
//! and then what changed inside the items that stayed, at their new index.

use std::fmt::Write as _;

use crate::diff::structure::{Delta, Entry, Fate, Item, Pair, Within};
use crate::manifest::embedded::Format;
use crate::manifest::node::Node;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A value is new.
    Add,
    /// A value is gone.
    Remove,
    /// A value has become another.
    Replace,
    /// A list item has another place among its siblings.
    Move,
}

/// One operation.
pub struct Change<'a> {
    /// JSON Pointer (RFC 6901) of the place it changes.
    pub path: String,
    /// The same place for a reader: `spec.containers[name=web].image`.
    pub location: String,
    /// What it does.
    pub op: Op,
    /// Where a moved item was: a JSON Pointer.
    pub from: Option<String>,
    /// The value before, for `Remove` and `Replace`.
    pub old: Option<&'a Node>,
    /// The value after, for `Add` and `Replace`.
    pub new: Option<&'a Node>,
    /// The files or flags that set it, of a user's value.
    pub origins: Vec<String>,
    /// For `Replace` of a text that holds JSON or YAML: what changed in there.
    pub within: Option<Inner<'a>>,
}

/// What changed in the document that a text holds.
pub struct Inner<'a> {
    /// What the text is written in.
    pub format: Format,
    /// The operations on that document, with paths from its root. None if only the formatting changed.
    pub changes: Vec<Change<'a>>,
}

impl Change<'_> {
    /// Whether a text was formatted in another way and says the same.
    #[must_use]
    pub fn is_formatting(&self) -> bool {
        self.within.as_ref().is_some_and(|inner| inner.changes.is_empty())
    }
}

/// The operations that turn the old tree of `delta` into the new one.
#[must_use]
pub fn changes<'a>(delta: &Delta<'a>) -> Vec<Change<'a>> {
    let mut collector = Collector::default();
    collector.delta(delta);
    collector.found
}

/// The one operation that makes a tree appear out of nothing, or vanish.
#[must_use]
pub fn whole<'a>(op: Op, old: Option<&'a Node>, new: Option<&'a Node>) -> Change<'a> {
    Change { path: String::new(), location: String::new(), op, from: None, old, new, origins: Vec::new(), within: None }
}

/// A step from a node to one below it.
#[derive(Clone)]
pub enum Step<'a> {
    /// Into a map.
    Key(&'a str),
    /// Into a list, with what identifies the item.
    Index(usize, Option<String>),
    /// Into the document that a text holds.
    Inside,
}

/// A path for a reader: `spec.containers[name=web].image`.
#[must_use]
pub fn location(steps: &[Step<'_>]) -> String {
    let mut text = String::new();
    for (at, step) in steps.iter().enumerate() {
        let first = at == 0 || matches!(steps[at - 1], Step::Inside);
        match step {
            Step::Inside => text.push_str(" → "),
            Step::Key(key) if plain(key) && first => text.push_str(key),
            Step::Key(key) if plain(key) => _ = write!(text, ".{key}"),
            Step::Key(key) => _ = write!(text, "[{key:?}]"),
            Step::Index(_, Some(label)) => _ = write!(text, "[{label}]"),
            Step::Index(index, None) => _ = write!(text, "[{index}]"),
        }
    }
    text
}

fn plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '$'))
}

fn pointer(steps: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Key(key) => _ = write!(text, "/{}", key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index, _) => _ = write!(text, "/{index}"),
            // The paths within a text start at its own root.
            Step::Inside => text.clear(),
        }
    }
    text
}

#[derive(Default)]
struct Collector<'a> {
    steps: Vec<Step<'a>>,
    found: Vec<Change<'a>>,
}

impl<'a> Collector<'a> {
    fn delta(&mut self, delta: &Delta<'a>) {
        match delta {
            Delta::Same(_) => {}
            Delta::Replaced { old, new } => self.push(Op::Replace, Some(old), Some(new)),
            Delta::Map(entries) => entries.iter().for_each(|entry| self.entry(entry)),
            Delta::List(items) => self.list(items),
            Delta::Within(within) => self.within(within),
        }
    }

    /// The text as a whole is replaced; what changed in it is told beside that.
    fn within(&mut self, within: &Within<'a>) {
        self.push(Op::Replace, Some(within.old), Some(within.new));
        if let Some(change) = self.found.last_mut() {
            change.within = Some(Inner { format: within.format, changes: changes(&within.delta) });
        }
    }

    fn entry(&mut self, entry: &Entry<'a>) {
        self.steps.push(Step::Key(entry.key));
        match &entry.fate {
            Fate::Kept(delta) => self.delta(delta),
            Fate::Added(new) => self.push(Op::Add, None, Some(new)),
            Fate::Removed(old) => self.push(Op::Remove, Some(old), None),
        }
        self.steps.pop();
    }

    fn list(&mut self, items: &[Item<'a>]) {
        for item in items.iter().rev() {
            if let Item::Removed { old_index, old } = item {
                self.at(Step::Index(*old_index, None), |this| this.push(Op::Remove, Some(old), None));
            }
        }
        for (from, to, label) in moves(items) {
            self.steps.push(Step::Index(from, None));
            let from = pointer(&self.steps);
            self.steps.pop();
            self.at(Step::Index(to, label), |this| {
                this.push(Op::Move, None, None);
                if let Some(change) = this.found.last_mut() {
                    change.from = Some(from);
                }
            });
        }
        for item in items {
            if let Item::Added { new_index, new } = item {
                self.at(Step::Index(*new_index, None), |this| this.push(Op::Add, None, Some(new)));
            }
        }
        for item in items {
            if let Item::Kept(pair) | Item::MovedHere(pair) = item {
                self.at(Step::Index(pair.new_index, pair.label.clone()), |this| this.delta(&pair.delta));
            }
        }
    }

    fn at(&mut self, step: Step<'a>, act: impl FnOnce(&mut Self)) {
        self.steps.push(step);
        act(self);
        self.steps.pop();
    }

    fn push(&mut self, op: Op, old: Option<&'a Node>, new: Option<&'a Node>) {
        let (path, location) = (pointer(&self.steps), location(&self.steps));
        self.found.push(Change { path, location, op, from: None, old, new, origins: Vec::new(), within: None });
    }
}

/// The moves as (from, to, label), each index as it is when that move is done: after the removals, before the additions.
///
/// Moved items are placed in the order of the new list, each right behind the one before it there. An item's index is
/// then the number of settled items before it plus the number of those that still wait to be moved; both are counted
/// with Fenwick trees, so that a reversed list costs O(n log n) and not O(n²).
fn moves(items: &[Item<'_>]) -> Vec<(usize, usize, Option<String>)> {
    if !items.iter().any(|item| matches!(item, Item::MovedHere(_))) {
        return Vec::new();
    }
    let stayed: Vec<(&Pair<'_>, bool)> = items
        .iter()
        .filter_map(|item| match item {
            Item::Kept(pair) => Some((pair, false)),
            Item::MovedHere(pair) => Some((pair, true)),
            _ => None,
        })
        .collect();
    let ranks = old_ranks(&stayed);
    let mut waiting = Counts::new(stayed.len());
    let mut settled = Counts::new(stayed.len());
    for (place, (_, moved)) in stayed.iter().enumerate() {
        if *moved { waiting.add(ranks[place], 1) } else { settled.add(place, 1) }
    }
    let steady: Vec<usize> = (0..stayed.len()).filter(|&place| !stayed[place].1).collect();
    let mut moves = Vec::new();
    for (place, (pair, _)) in stayed.iter().enumerate().filter(|(_, (_, moved))| *moved) {
        let rank = ranks[place];
        let later = steady.partition_point(|&s| ranks[s] < rank);
        let before = steady.get(later).map_or(stayed.len(), |&s| s);
        let from = waiting.below(rank) + settled.below(before);
        waiting.add(rank, -1);
        let anchor = steady[..steady.partition_point(|&s| s < place)].last().map_or(0, |&s| ranks[s]);
        let to = waiting.below(anchor) + settled.below(place);
        settled.add(place, 1);
        if from != to {
            moves.push((from, to, pair.label.clone()));
        }
    }
    moves
}

/// The place of each item among those that stayed, in the old order.
fn old_ranks(stayed: &[(&Pair<'_>, bool)]) -> Vec<usize> {
    let mut by_old: Vec<usize> = (0..stayed.len()).collect();
    by_old.sort_by_key(|&place| stayed[place].0.old_index);
    let mut ranks = vec![0; stayed.len()];
    for (rank, place) in by_old.into_iter().enumerate() {
        ranks[place] = rank;
    }
    ranks
}

/// A Fenwick tree: counts at places, and how many there are below a place.
struct Counts(Vec<i64>);

impl Counts {
    fn new(len: usize) -> Self {
        Self(vec![0; len + 1])
    }

    fn add(&mut self, place: usize, amount: i64) {
        let mut at = place + 1;
        while at < self.0.len() {
            self.0[at] += amount;
            at += at & at.wrapping_neg();
        }
    }

    fn below(&self, place: usize) -> usize {
        let mut at = place;
        let mut sum = 0;
        while at > 0 {
            sum += self.0[at];
            at &= at - 1;
        }
        usize::try_from(sum).unwrap_or(0)
    }
}

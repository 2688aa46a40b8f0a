//! The same change in many objects is one change.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::diff::changes::Change;

/// Groups lists of changes that say the same at the same places. Returns the groups as indices, in the order of their
/// first members; an empty list of changes is in a group of its own.
#[must_use]
pub fn groups(all: &[Vec<Change<'_>>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut by_digest: HashMap<u64, Vec<usize>> = HashMap::new();
    for (at, changes) in all.iter().enumerate() {
        let candidates = by_digest.entry(digest(changes)).or_default();
        let same = candidates.iter().find(|&&group| !changes.is_empty() && equal(&all[groups[group][0]], changes));
        match same {
            Some(&group) => groups[group].push(at),
            None => {
                candidates.push(groups.len());
                groups.push(vec![at]);
            }
        }
    }
    groups
}

fn digest(changes: &[Change<'_>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for change in changes {
        change.location.hash(&mut hasher);
        (change.old.map(|n| n.content_hash()), change.new.map(|n| n.content_hash())).hash(&mut hasher);
    }
    hasher.finish()
}

fn equal(a: &[Change<'_>], b: &[Change<'_>]) -> bool {
    let same = |(a, b): (&Change<'_>, &Change<'_>)| {
        a.op == b.op && a.location == b.location && a.old == b.old && a.new == b.new
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}

//! Changes that come with every new version of a chart and say little: labels that repeat the chart's version, and
//! checksums that repeat a change shown elsewhere.

use std::collections::BTreeMap;

use crate::diff::structure::{Delta, Entry, Fate, Item};
use crate::manifest::emit;
use crate::manifest::node::Node;

/// Labels and annotations that repeat the version of the chart or of what it installs.
const VERSIONS: [&str; 4] = ["helm.sh/chart", "app.kubernetes.io/version", "chart", "helm.sh/chart-version"];

/// What is done with noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// It is shown as any other change.
    Show,
    /// It is gathered into one line for each kind of it.
    Fold,
    /// It is left out.
    Hide,
}

/// A noisy change, without the place where it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Muted {
    /// The label or annotation.
    pub key: String,
    /// Its value before; none if it is new, or a checksum.
    pub old: Option<String>,
    /// Its value after; none if it is gone, or a checksum.
    pub new: Option<String>,
}

/// Counts noisy changes of many objects.
#[derive(Debug, Default)]
pub struct Tally {
    /// Each noisy change, and in how many objects it is.
    pub objects: BTreeMap<Muted, usize>,
    /// How many objects differ in nothing else.
    pub alone: usize,
}

impl Tally {
    /// Adds the noise of one object; what it has twice counts once.
    pub fn add(&mut self, mut muted: Vec<Muted>) {
        muted.sort();
        muted.dedup();
        muted.into_iter().for_each(|one| *self.objects.entry(one).or_default() += 1);
    }
}

/// Takes the noise out of a delta and returns it.
#[must_use]
pub fn mute(delta: &mut Delta<'_>) -> Vec<Muted> {
    let mut found = Vec::new();
    walk(delta, [None, None], &mut found);
    found
}

/// Whether nothing is left that differs.
#[must_use]
pub fn is_quiet(delta: &Delta<'_>) -> bool {
    match delta {
        Delta::Same(_) => true,
        Delta::Replaced { .. } | Delta::Within(_) => false,
        Delta::Map(entries) => entries.iter().all(|entry| matches!(&entry.fate, Fate::Kept(delta) if is_quiet(delta))),
        Delta::List(items) => items.iter().all(|item| matches!(item, Item::Kept(pair) if is_quiet(&pair.delta))),
    }
}

/// `above` holds the last two keys on the way down.
fn walk<'a>(delta: &mut Delta<'a>, above: [Option<&'a str>; 2], found: &mut Vec<Muted>) {
    match delta {
        Delta::Same(_) | Delta::Replaced { .. } | Delta::Within(_) => {}
        Delta::Map(entries) => {
            if matches!(above, [Some("metadata"), Some("labels" | "annotations")]) {
                entries.retain_mut(|entry| keep(entry, found));
            }
            for entry in entries {
                if let Fate::Kept(delta) = &mut entry.fate {
                    walk(delta, [above[1], Some(entry.key)], found);
                }
            }
        }
        Delta::List(items) => {
            for item in items {
                if let Item::Kept(pair) | Item::MovedHere(pair) = item {
                    walk(&mut pair.delta, [None, None], found);
                }
            }
        }
    }
}

/// Notes the noise of an entry. Whether the entry stays, as an unchanged one.
fn keep(entry: &mut Entry<'_>, found: &mut Vec<Muted>) -> bool {
    let checksum = entry.key.contains("checksum");
    if !checksum && !VERSIONS.contains(&entry.key) {
        return true;
    }
    let text = |node: &Node| (!checksum).then(|| emit::scalar(node).into_owned());
    let (old, new, after) = match &entry.fate {
        Fate::Kept(Delta::Replaced { old, new }) => (text(old), text(new), Some(*new)),
        Fate::Added(new) => (None, text(new), None),
        Fate::Removed(old) => (text(old), None, None),
        Fate::Kept(_) => return true,
    };
    found.push(Muted { key: entry.key.to_owned(), old, new });
    match after {
        Some(after) => {
            entry.fate = Fate::Kept(Delta::Same(after));
            true
        }
        None => false,
    }
}

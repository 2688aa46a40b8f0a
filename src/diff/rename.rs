//! Objects that got another name, or another API group, and are the same all the same.
//!
//! Only objects that found no partner by identity are looked at: the removed and the added ones of a kind.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use crate::diff::resources::{Change, ManifestDiff, ResourceDiff};
use crate::manifest::document::Object;
use crate::manifest::node::{Node, Value};

/// Groups that an API has moved between. (Kubernetes' deprecation guide; cert-manager's own.)
const MOVED: &[(&str, &[&str])] = &[
    ("Deployment", &["extensions", "apps"]),
    ("DaemonSet", &["extensions", "apps"]),
    ("ReplicaSet", &["extensions", "apps"]),
    ("Ingress", &["extensions", "networking.k8s.io"]),
    ("NetworkPolicy", &["extensions", "networking.k8s.io"]),
    ("PodSecurityPolicy", &["extensions", "policy"]),
    ("Certificate", &["certmanager.k8s.io", "cert-manager.io"]),
    ("Issuer", &["certmanager.k8s.io", "cert-manager.io"]),
    ("ClusterIssuer", &["certmanager.k8s.io", "cert-manager.io"]),
];

/// Of the objects that share a fact, no more than this are looked at.
const COMMON: usize = 64;

/// How many facts of an object are looked up: those that the fewest objects share.
const RAREST: usize = 64;

/// How many objects are compared with an object fact by fact.
const CLOSEST: usize = 8;

/// Joins removed and added objects that belong together: those whose API moved to another group, and, with a
/// `similarity` above 0, those of one kind of which at least that share of the content is equal (1 is all of it).
pub fn join(diff: &mut ManifestDiff, similarity: f64) {
    let mut removed = Vec::new();
    let mut rest = Vec::new();
    for resource in std::mem::take(&mut diff.resources) {
        match resource {
            ResourceDiff { change: Change::Removed, old: Some(old), .. } => removed.push(Some(old)),
            other => rest.push(other),
        }
    }
    let pairs = pairs(&removed, &rest, similarity);
    for (at, resource) in rest.iter_mut().enumerate() {
        if let Some(&from) = pairs.get(&at) {
            resource.old = removed[from].take();
            resource.change = Change::Modified;
        }
    }
    // A move to another group alone changes the identity, never nothing: such pairs stay changes.
    diff.resources = rest;
    let gone = removed.into_iter().flatten();
    diff.resources.extend(gone.map(|old| ResourceDiff {
        change: Change::Removed,
        old: Some(old),
        new: None,
        drift: None,
    }));
}

/// Which removed object (by index) became which added one (by index).
fn pairs(removed: &[Option<Object>], rest: &[ResourceDiff], similarity: f64) -> HashMap<usize, usize> {
    let added: Vec<(usize, &Object)> = rest
        .iter()
        .enumerate()
        .filter(|(_, r)| r.change == Change::Added)
        .filter_map(|(at, r)| Some((at, r.new.as_ref()?)))
        .collect();
    let gone: Vec<(usize, &Object)> =
        removed.iter().enumerate().filter_map(|(at, old)| Some((at, old.as_ref()?))).collect();
    let mut found = HashMap::new();
    let mut taken = vec![false; removed.len()];
    let by_name: HashMap<_, usize> = gone.iter().map(|(at, old)| (moved_key(old), *at)).collect();
    for (to, new) in &added {
        if let Some(&from) = by_name.get(&moved_key(new))
            && moved_key(new).is_some()
            && !taken[from]
        {
            taken[from] = true;
            found.insert(*to, from);
        }
    }
    if similarity > 0.0 {
        let gone: Vec<_> = gone.into_iter().filter(|(at, _)| !taken[*at]).collect();
        let added: Vec<_> = added.into_iter().filter(|(at, _)| !found.contains_key(at)).collect();
        found.extend(similar(&gone, &added, similarity));
    }
    found
}

/// What stays equal when an API moves to another group.
type MovedKey<'a> = (bool, &'static [&'static str], &'a str, Option<&'a str>, &'a str);

/// The key of an object whose API has moved; none for other APIs.
fn moved_key(object: &Object) -> Option<MovedKey<'_>> {
    let id = &object.id;
    let (_, groups) = MOVED.iter().find(|(kind, groups)| *kind == id.kind && groups.contains(&id.group.as_str()))?;
    Some((object.hook, groups, &id.kind, id.namespace.as_deref(), &id.name))
}

/// Pairs objects of one kind by the share of equal facts (path and value of each scalar), best first.
fn similar(gone: &[(usize, &Object)], added: &[(usize, &Object)], least: f64) -> Vec<(usize, usize)> {
    let mut kinds: BTreeMap<(bool, &str), Both> = BTreeMap::new();
    for (at, object) in gone {
        kinds.entry((object.hook, &object.id.kind)).or_default().gone.push((*at, object));
    }
    for (at, object) in added {
        kinds.entry((object.hook, &object.id.kind)).or_default().added.push((*at, object));
    }
    kinds.values().filter(|kind| !kind.gone.is_empty()).flat_map(|kind| kind.pairs(least)).collect()
}

/// Objects of one kind, with their indices: those that are gone and those that are new.
#[derive(Default)]
struct Both<'a> {
    gone: Vec<(usize, &'a Object)>,
    added: Vec<(usize, &'a Object)>,
}

impl Both<'_> {
    /// Pairs of indices (new, old) that share at least this much, best first. Only objects that share rare facts are
    /// compared, and of those only a few with each object: the cost is linear in the number of facts.
    fn pairs(&self, least: f64) -> Vec<(usize, usize)> {
        let old_facts: Vec<Vec<u64>> = self.gone.par_iter().map(|(_, object)| facts(object)).collect();
        let new_facts: Vec<Vec<u64>> = self.added.par_iter().map(|(_, object)| facts(object)).collect();
        let index = Index::of(&old_facts);
        let mut candidates: Vec<(f64, usize, usize)> = new_facts
            .par_iter()
            .enumerate()
            .flat_map_iter(|(to, facts)| {
                let near = index.near(facts, to * old_facts.len() / new_facts.len());
                let shares = near.into_iter().map(|from| (share(&old_facts[from], facts), from, to));
                shares.filter(|(share, ..)| *share >= least).collect::<Vec<_>>()
            })
            .collect();
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)).then(a.1.cmp(&b.1)));
        let (mut used_old, mut used_new) = (vec![false; self.gone.len()], vec![false; self.added.len()]);
        let mut pairs = Vec::new();
        for (_, from, to) in candidates {
            if !used_old[from] && !used_new[to] {
                (used_old[from], used_new[to]) = (true, true);
                pairs.push((self.added[to].0, self.gone[from].0));
            }
        }
        pairs
    }
}

/// In which old objects a fact stands.
struct Index(HashMap<u64, Vec<usize>>);

impl Index {
    fn of(old_facts: &[Vec<u64>]) -> Self {
        let mut index: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, facts) in old_facts.iter().enumerate() {
            facts.iter().for_each(|fact| index.entry(*fact).or_default().push(at));
        }
        Self(index)
    }

    /// The old objects that share the most of an object's rarest facts. Of those that share a common one, the objects
    /// around `place` are looked at: charts tend to keep the order of their objects.
    fn near(&self, facts: &[u64], place: usize) -> Vec<usize> {
        let mut postings: Vec<&Vec<usize>> = facts.iter().filter_map(|fact| self.0.get(fact)).collect();
        postings.sort_by_key(|places| places.len());
        let mut shared: HashMap<usize, usize> = HashMap::new();
        for places in postings.into_iter().take(RAREST) {
            let middle = places.partition_point(|&at| at < place);
            let start = middle.saturating_sub(COMMON / 2).min(places.len().saturating_sub(COMMON));
            places[start..].iter().take(COMMON).for_each(|&at| *shared.entry(at).or_default() += 1);
        }
        let mut near: Vec<(usize, usize)> = shared.into_iter().collect();
        near.sort_by_key(|&(at, count)| (Reverse(count), at.abs_diff(place), at));
        near.into_iter().take(CLOSEST).map(|(at, _)| at).collect()
    }
}

/// The share of facts that two objects have in common; both lists are sorted and without duplicates.
fn share(old: &[u64], new: &[u64]) -> f64 {
    let (mut o, mut n, mut count) = (0, 0, 0_usize);
    while o < old.len() && n < new.len() {
        match old[o].cmp(&new[n]) {
            Ordering::Less => o += 1,
            Ordering::Greater => n += 1,
            Ordering::Equal => (o, n, count) = (o + 1, n + 1, count + 1),
        }
    }
    #[allow(clippy::cast_precision_loss)] // counts of scalars
    let share = 2.0 * count as f64 / (old.len() + new.len()).max(1) as f64;
    share
}

/// Hashes of all scalars with their paths, sorted; the object's own name is left out.
fn facts(object: &Object) -> Vec<u64> {
    let mut found = Vec::new();
    gather(&object.node, 0, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

fn gather(node: &Node, path: u64, found: &mut Vec<u64>) {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let below = |step: &str| {
        let mut hasher = DefaultHasher::new();
        (path, step).hash(&mut hasher);
        hasher.finish()
    };
    match node.value() {
        Value::Map(entries) => entries.iter().for_each(|(key, value)| gather(value, below(key), found)),
        Value::List(items) => items.iter().for_each(|item| gather(item, below("-"), found)),
        Value::String(text) if text.contains('\n') => {
            text.lines().for_each(|line| found.push(below(line)));
        }
        _ => found.push(path ^ node.content_hash()),
    }
}

//! Objects that got another name, or another API group, and are the same all the same.
//!
//! Only objects that found no partner by identity are looked at: the removed and the added ones of a kind.

use std::collections::HashMap;

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

/// A fact that stands in more objects than this tells none of them apart.
const COMMON: usize = 64;

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

/// Pairs objects of one kind by the share of equal facts (path and value of each scalar), best first. Facts are looked up
/// in an index, so that only objects with something in common are compared.
fn similar(gone: &[(usize, &Object)], added: &[(usize, &Object)], least: f64) -> Vec<(usize, usize)> {
    let old_facts: Vec<Vec<u64>> = gone.iter().map(|(_, object)| facts(object)).collect();
    let mut index: HashMap<u64, Vec<usize>> = HashMap::new();
    for (at, facts) in old_facts.iter().enumerate() {
        facts.iter().for_each(|fact| index.entry(*fact).or_default().push(at));
    }
    let mut candidates: Vec<(f64, usize, usize)> = Vec::new();
    for (to, (_, new)) in added.iter().enumerate() {
        let new_facts = facts(new);
        let mut shared: HashMap<usize, usize> = HashMap::new();
        for fact in &new_facts {
            let places = index.get(fact).filter(|places| places.len() <= COMMON);
            places.into_iter().flatten().for_each(|&at| *shared.entry(at).or_default() += 1);
        }
        for (from, count) in shared {
            let same_kind = gone[from].1.hook == new.hook && gone[from].1.id.kind == new.id.kind;
            #[allow(clippy::cast_precision_loss)] // counts of scalars
            let share = 2.0 * count as f64 / (old_facts[from].len() + new_facts.len()) as f64;
            if same_kind && share >= least {
                candidates.push((share, from, to));
            }
        }
    }
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let (mut used_old, mut used_new) = (vec![false; gone.len()], vec![false; added.len()]);
    let mut pairs = Vec::new();
    for (_, from, to) in candidates {
        if !used_old[from] && !used_new[to] {
            used_old[from] = true;
            used_new[to] = true;
            pairs.push((added[to].0, gone[from].0));
        }
    }
    pairs
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

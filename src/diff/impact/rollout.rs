//! What runs at a time while the pods of a workload are replaced.
//!
//! Sources: `ResolveFenceposts` (k8s.io/kubernetes, pkg/controller/deployment/util/deployment_util.go): a percentage of
//! `maxSurge` is rounded up, one of `maxUnavailable` down, and if both are nothing, one pod may be unavailable; the defaults of
//! pkg/apis/apps/v1/defaults.go: 25 % each for a Deployment, no surge and one unavailable for a `DaemonSet`. A `StatefulSet`
//! replaces pods one after another and never runs more than it has. Pods that are still stopping are not counted, as the
//! controllers don't.

use super::{Amounts, Load, Range, Rollout, add, larger, times};
use crate::diff::workload::Kind;
use crate::manifest::document::Object;
use crate::manifest::node::Node;

/// The peak of a roll-out.
pub(super) struct Peak {
    pub(super) rollout: Rollout,
    pub(super) amounts: Range<Amounts>,
}

/// How many pods more, and how many fewer, than wanted.
pub(super) fn fence(kind: Kind, object: &Object, wanted: u64) -> (u64, u64) {
    let strategy = strategy(kind);
    match kind {
        _ if object.node.find(&["spec", strategy, "type"]).and_then(Node::as_str) == Some("Recreate") => (0, wanted),
        Kind::StatefulSet => (0, 1),
        Kind::DaemonSet => fenceposts(object, strategy, wanted, ["0", "1"]),
        _ => fenceposts(object, strategy, wanted, ["25%", "25%"]),
    }
}

/// Where it says how its pods are replaced.
fn strategy(kind: Kind) -> &'static str {
    if kind == Kind::Deployment || kind == Kind::Rollout { "strategy" } else { "updateStrategy" }
}

/// The peak, if the controller replaces the pods by itself.
pub(super) fn peak(kind: Kind, object: &Object, before: &Load, after: &Load) -> Option<Peak> {
    let field = |path: &[&str]| object.node.find(path);
    let strategy = strategy(kind);
    let by_hand = field(&["spec", strategy, "type"]).and_then(Node::as_str) == Some("OnDelete");
    let paused = field(&["spec", "paused"]).and_then(Node::as_bool) == Some(true);
    if !kind.rolls_out() || by_hand || paused {
        return None;
    }
    let recreated = field(&["spec", strategy, "type"]).and_then(Node::as_str) == Some("Recreate");
    let at = |old: u64, new: u64| {
        let (surge, _) = fence(kind, object, new);
        match (kind, recreated) {
            (_, true) => larger(times(&before.each, old), &times(&after.each, new)),
            (Kind::StatefulSet, _) => one_by_one(before, after, old, new),
            _ => overlapping(before, after, (old, new), surge),
        }
    };
    let amounts = Range { least: at(before.pods.least, after.pods.least), most: at(before.pods.most, after.pods.most) };
    let (surge, unavailable) = fence(kind, object, after.pods.most);
    let pods = before.pods.most.max(after.pods.most.saturating_add(surge));
    Some(Peak { rollout: Rollout { surge, unavailable: unavailable.min(after.pods.most), pods }, amounts })
}

/// All wanted pods are of the larger kind, and those beyond of the smaller: so it is at the start where pods shrink, and
/// at the end where they grow.
fn overlapping(before: &Load, after: &Load, (old, new): (u64, u64), surge: u64) -> Amounts {
    let mut peak = times(&larger(before.each.clone(), &after.each), new);
    add(&mut peak, &times(&smaller(&before.each, &after.each), surge));
    larger(peak, &times(&before.each, old))
}

/// All old, all new, or the old ones with the new ones beyond them.
fn one_by_one(before: &Load, after: &Load, old: u64, new: u64) -> Amounts {
    let (all_old, all_new) = (times(&before.each, old), times(&after.each, new));
    let mut grown = times(&before.each, old.min(new));
    add(&mut grown, &times(&after.each, new.saturating_sub(old)));
    larger(larger(all_old, &all_new), &grown)
}

/// The smaller of each two amounts; nothing where one has none.
fn smaller(one: &Amounts, other: &Amounts) -> Amounts {
    one.iter().filter_map(|(key, amount)| Some((key.clone(), (*amount).min(*other.get(key)?)))).collect()
}

/// What a rolling update says of that, or its defaults.
fn fenceposts(object: &Object, strategy: &str, wanted: u64, defaults: [&str; 2]) -> (u64, u64) {
    let value = |key: &str, default: &str, up: bool| {
        let node = object.node.find(&["spec", strategy, "rollingUpdate", key]);
        let said = node.and_then(|node| match node.as_str() {
            Some(text) => share(text, wanted, up),
            None => node.as_count(),
        });
        said.or_else(|| share(default, wanted, up)).unwrap_or(0)
    };
    let (surge, unavailable) = (value("maxSurge", defaults[0], true), value("maxUnavailable", defaults[1], false));
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

/// A number, or a percentage of the wanted pods.
fn share(text: &str, wanted: u64, up: bool) -> Option<u64> {
    let Some(percent) = text.strip_suffix('%') else { return text.parse().ok() };
    let product = u128::from(percent.parse::<u32>().ok()?) * u128::from(wanted);
    u64::try_from(if up { product.div_ceil(100) } else { product / 100 }).ok()
}

//! What a change costs: pods times their requests and limits, before and after, and at the peak of the roll-out.
//!
//! `pod` says what a pod takes, `scale` how many pods there are, `rollout` how many of both kinds run at a time.

mod pod;
mod rollout;
mod scale;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::diff::release::Both;
use crate::diff::resources::ManifestDiff;
use crate::diff::workload::same::same;
use crate::diff::workload::{self, Kind};
use crate::manifest::document::Object;
use crate::manifest::identity::ObjectId;
use crate::manifest::node::Node;
use crate::manifest::quantity::Quantity;

use scale::Autoscalers;

pub use scale::Scale;

/// The least and the most of something; the same where no autoscaler has a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range<T> {
    /// The least.
    pub least: T,
    /// The most.
    pub most: T,
}

/// Whether pods ask for an amount or are held to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// What the scheduler sets aside.
    Request,
    /// What can't be exceeded.
    Limit,
}

/// One resource of a workload, or of all: `cpu`, requested.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The resource: `cpu`, `memory`, `nvidia.com/gpu`.
    pub resource: String,
    /// Requested, or limited.
    pub bound: Bound,
    /// The amount before; none where nothing is said.
    pub before: Option<Range<Quantity>>,
    /// The amount after.
    pub after: Option<Range<Quantity>>,
    /// How many times the amount before the one after is (at most, where they are ranges).
    pub ratio: Option<f64>,
    /// The largest amount at a time while pods are replaced, where they are.
    pub peak: Option<Range<Quantity>>,
}

/// What a workload takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Which object it is.
    pub object: ObjectId,
    /// What its pods are counted by.
    pub scale: Scale,
    /// Its pods before; none if it is new.
    pub pods_before: Option<Range<u64>>,
    /// Its pods after; none if it is gone.
    pub pods_after: Option<Range<u64>>,
    /// How many pods of a Job must succeed, where that is said.
    pub completions: Option<u64>,
    /// How its pods are replaced, if they are.
    pub rollout: Option<Rollout>,
    /// What it takes, resource by resource.
    pub lines: Vec<Line>,
}

/// How the pods of a workload are replaced, at its largest number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// So many pods more than wanted run at a time.
    pub surge: u64,
    /// So many pods fewer than wanted are available at a time.
    pub unavailable: u64,
    /// The largest number of pods at a time.
    pub pods: u64,
}

/// What a change costs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Impact {
    /// The number of nodes, where it is known.
    pub nodes: Option<u64>,
    /// The workloads that change, those of hooks left out.
    pub workloads: Vec<Workload>,
    /// The sum of those that run all the time: Jobs, `CronJobs` and `DaemonSets` on an unknown number of nodes left out. Its peak
    /// is that of all roll-outs at the same time.
    pub total: Vec<Line>,
    /// How many workloads the sum is of.
    pub summed: usize,
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The namespaces of the two releases.
    pub namespaces: Both<&'a str>,
    /// Whether the new side takes the place of the old one. If not, there is no roll-out and no peak.
    pub upgrade: bool,
    /// The number of nodes, where it is known: a `DaemonSet` has a pod on each.
    pub nodes: Option<u64>,
}

/// How many pods more than wanted run at a time while the pods of a workload are replaced, and how many of those wanted may be gone;
/// none of what is not replaced.
#[must_use]
pub fn fence(object: &Object, wanted: u64) -> Option<(u64, u64)> {
    let kind = Kind::of(&object.id).filter(|kind| kind.rolls_out())?;
    let (surge, unavailable) = rollout::fence(kind, object, wanted);
    Some((surge, unavailable.min(wanted)))
}

/// What one pod asks for and is held to, of its specification.
#[must_use]
pub fn of_pod(spec: &Node) -> Amounts {
    pod::amounts(spec)
}

/// Amounts by the name of the resource.
pub type Amounts = BTreeMap<(Bound, String), Quantity>;

impl Impact {
    /// Whether any amount differs, or grows for the time of the roll-out.
    #[must_use]
    pub fn is_telling(&self) -> bool {
        let lines = self.workloads.iter().flat_map(|workload| &workload.lines).chain(&self.total);
        lines.into_iter().any(|line| line.differs() || line.peaks())
    }
}

impl Line {
    /// Whether the amount after is another than before.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.before != self.after
    }

    /// Whether more is taken for the time of the roll-out than before and after.
    #[must_use]
    pub fn peaks(&self) -> bool {
        let most = |range: Option<Range<Quantity>>| range.map(|range| range.most);
        most(self.peak).is_some_and(|peak| Some(peak) > most(self.before).max(most(self.after)))
    }
}

/// Computes what the change costs. Linear in the number of objects.
#[must_use]
pub fn find(diff: &ManifestDiff, setting: Setting<'_>) -> Impact {
    let autoscalers = Autoscalers::of(diff, setting.namespaces);
    let changed = diff.resources.iter().map(|resource| (resource.old.as_ref(), resource.new.as_ref()));
    // Unchanged ones matter where their autoscaler changed.
    let related =
        diff.related.iter().filter(|object| autoscalers.change(object)).map(|object| (Some(object), Some(object)));
    let mut impact = Impact { nodes: setting.nodes, ..Impact::default() };
    let mut sum = Sum::default();
    for (old, new) in changed.chain(related) {
        let Some(object) = new.or(old).filter(|object| !workload::is_hook(object)) else { continue };
        let Some(kind) = Kind::of(&object.id) else { continue };
        let load = |object: Option<&Object>, old: bool| {
            object.map(|object| Load::of(object, kind, &autoscalers, old, setting))
        };
        let (before, after) = (load(old, true), load(new, false));
        let scale = Scale::of(kind, setting.nodes);
        let peak = match (old, new, &before, &after) {
            (Some(old), Some(new), Some(before), Some(after)) if setting.upgrade && replaced(old, new) => {
                rollout::peak(kind, new, before, after)
            }
            _ => None,
        };
        let lines =
            lines(before.as_ref().map(Load::range), after.as_ref().map(Load::range), peak.as_ref().map(|p| &p.amounts));
        if scale.runs_always() {
            let largest = peak.as_ref().map(|peak| peak.amounts.clone());
            sum.add(
                before.as_ref().map(Load::range),
                after.as_ref().map(Load::range),
                largest.filter(|_| setting.upgrade),
            );
        }
        let counted = Workload {
            object: object.id.clone(),
            scale,
            pods_before: before.as_ref().map(|load| load.pods),
            pods_after: after.as_ref().map(|load| load.pods),
            completions: new.or(old).and_then(scale::completions),
            rollout: peak.map(|peak| peak.rollout),
            lines,
        };
        impact.workloads.push(counted);
    }
    impact.summed = sum.workloads;
    impact.total = sum.lines(setting.upgrade);
    impact
}

/// Whether the pods are replaced.
fn replaced(old: &Object, new: &Object) -> bool {
    !same(workload::template(old), workload::template(new))
}

/// What the pods of one side of a workload take.
struct Load {
    pods: Range<u64>,
    /// Of one pod.
    each: Amounts,
}

impl Load {
    fn of(object: &Object, kind: Kind, autoscalers: &Autoscalers<'_>, old: bool, setting: Setting<'_>) -> Self {
        let pods = scale::pods(object, kind, autoscalers.range(object, old), setting.nodes);
        Self { pods, each: workload::pod_spec(object).map(pod::amounts).unwrap_or_default() }
    }

    fn range(&self) -> Range<Amounts> {
        Range { least: times(&self.each, self.pods.least), most: times(&self.each, self.pods.most) }
    }
}

/// So many times these amounts. What is beyond all range is left out.
fn times(amounts: &Amounts, count: u64) -> Amounts {
    amounts.iter().filter_map(|(key, amount)| Some((key.clone(), amount.times(count)?))).collect()
}

/// Adds amounts to others. What is beyond all range stays as it is.
fn add(to: &mut Amounts, amounts: &Amounts) {
    for (key, amount) in amounts {
        let sum = to.entry(key.clone()).or_insert(Quantity::ZERO);
        *sum = sum.plus(*amount).unwrap_or(*sum);
    }
}

/// The larger of each two amounts.
fn larger(mut one: Amounts, other: &Amounts) -> Amounts {
    for (key, amount) in other {
        let most = one.entry(key.clone()).or_insert(*amount);
        *most = (*most).max(*amount);
    }
    one
}

/// The sum of several workloads.
#[derive(Default)]
struct Sum {
    workloads: usize,
    before: [Amounts; 2],
    after: [Amounts; 2],
    peak: [Amounts; 2],
}

impl Sum {
    fn add(&mut self, before: Option<Range<Amounts>>, after: Option<Range<Amounts>>, peak: Option<Range<Amounts>>) {
        let nothing = || Range { least: Amounts::new(), most: Amounts::new() };
        let (before, after) = (before.unwrap_or_else(nothing), after.unwrap_or_else(nothing));
        // Helm deletes last, so that what goes is still there while what comes starts.
        let peak = peak.unwrap_or_else(|| Range {
            least: larger(before.least.clone(), &after.least),
            most: larger(before.most.clone(), &after.most),
        });
        self.workloads += 1;
        for (sums, range) in [(&mut self.before, before), (&mut self.after, after), (&mut self.peak, peak)] {
            add(&mut sums[0], &range.least);
            add(&mut sums[1], &range.most);
        }
    }

    fn lines(self, upgrade: bool) -> Vec<Line> {
        let range = |[least, most]: [Amounts; 2]| Range { least, most };
        let peak = range(self.peak);
        lines(Some(range(self.before)), Some(range(self.after)), upgrade.then_some(&peak))
    }
}

/// The amounts of two sides and of the peak, resource by resource: cpu and memory first.
fn lines(before: Option<Range<Amounts>>, after: Option<Range<Amounts>>, peak: Option<&Range<Amounts>>) -> Vec<Line> {
    let sides = [before.as_ref(), after.as_ref()].into_iter().flatten();
    let mut keys: Vec<(Bound, String)> =
        sides.flat_map(|range| range.most.keys().cloned()).collect::<BTreeSet<_>>().into_iter().collect();
    let rank = |name: &str| ["cpu", "memory", "ephemeral-storage"].iter().position(|known| *known == name).unwrap_or(3);
    keys.sort_by(|(bound, a), (other, b)| (rank(a), a, bound).cmp(&(rank(b), b, other)));
    let amounts = |range: Option<&Range<Amounts>>, key: &(Bound, String)| {
        let (least, most) = (range?.least.get(key)?, range?.most.get(key)?);
        Some(Range { least: *least, most: *most })
    };
    keys.into_iter()
        .map(|key| {
            let (before, after) = (amounts(before.as_ref(), &key), amounts(after.as_ref(), &key));
            let ratio = before.zip(after).and_then(|(before, after)| after.most.ratio_to(before.most));
            let peak = amounts(peak, &key);
            let (bound, resource) = key;
            Line { resource, bound, before, after, ratio, peak }
        })
        .collect()
}

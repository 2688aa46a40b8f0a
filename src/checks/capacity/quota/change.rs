//! What changes in a namespace, held against its quotas.

use std::collections::BTreeSet;

use super::{Bounded, Demand, Finding, LivePods, NAME, Observed, Pod, Quantity, Rule, Severity, Snapshot, usage};
use crate::checks::live_pods;
use crate::checks::scene::string;
use crate::checks::snapshot::Known;
use crate::checks::trial::Trial;
use crate::diff::workload::{self, Kind};
use crate::manifest::document::Object;
use crate::manifest::node::Node;

use super::references;

/// What changes in one namespace.
pub(super) struct Change<'a> {
    pub(super) namespace: &'a str,
    pub(super) demands: Vec<Demand<'a>>,
    /// Objects that are made, and objects that are in both revisions and may count for more.
    pub(super) made: Vec<&'a Object>,
    pub(super) kept: Vec<(&'a Object, &'a Object)>,
    /// All objects of the old revision that stay.
    pub(super) there: Vec<&'a Object>,
    /// Claims that new pods of StatefulSets bring: of which set, and what each counts for.
    pub(super) claims: Vec<(&'a Object, &'a Node)>,
    /// The pods that run, or why nobody knows.
    live: Known<LivePods<'a>>,
    /// Why nobody knows which objects and claims there are.
    unseen: Option<String>,
}

impl<'a> Change<'a> {
    pub(super) fn none(namespace: &'a str) -> Self {
        let (live, unseen) = (Err("they were not looked at".to_owned()), None);
        let (demands, made, kept) = (Vec::new(), Vec::new(), Vec::new());
        Self { namespace, demands, made, kept, there: Vec::new(), claims: Vec::new(), live, unseen }
    }

    /// Takes in what the cluster has: objects and claims that are there are not made once more, and pods are counted as they are.
    pub(super) fn meet(&mut self, snapshot: &Snapshot<'a>) {
        let pods = snapshot.lists.get(&live_pods::within(self.namespace));
        self.live = pods.map(LivePods::of).map_err(str::to_owned);
        self.leave_out_what_is_there(snapshot);
    }

    fn leave_out_what_is_there(&mut self, snapshot: &Snapshot<'_>) {
        match &snapshot.trials {
            Ok(trials) => {
                let there = |trial: &&Trial| matches!(trial.live, Ok(Some(_)));
                let name = |trial: &'_ Trial| (trial.id.kind.clone(), trial.id.name.clone());
                let known: BTreeSet<_> = trials.applied().filter(there).map(name).collect();
                self.made.retain(|object| !known.contains(&(object.id.kind.clone(), object.id.name.clone())));
                let unseen = trials.applied().filter(|trial| trial.is_new).find_map(|trial| trial.live.as_ref().err());
                self.unseen = unseen.cloned();
            }
            Err(reason) if !self.made.is_empty() => self.unseen = Some(reason.clone()),
            Err(_) => {}
        }
        if self.claims.is_empty() {
            return;
        }
        match snapshot.lists.get(&references::claims(self.namespace)) {
            Ok(claims) => {
                let exists = |set: &Object, claim: &Node| {
                    let template = string(claim, &["metadata", "name"]).unwrap_or_default();
                    let start = format!("{template}-{}-", set.id.name);
                    claims.iter().any(|one| one.name().starts_with(&start))
                };
                self.claims.retain(|(set, claim)| !exists(set, claim));
            }
            Err(reason) => self.unseen = Some(reason.to_owned()),
        }
    }

    /// What is used of a resource that the quota does not count yet: of pods those that run, of objects at least the chart's own.
    pub(super) fn used(&self, quota: Rule<'_>, (resource, hard): (&str, Quantity)) -> Known<Quantity> {
        let nanos = if usage::is_of_pods(resource) {
            let live = self.live.as_ref().map_err(Clone::clone)?;
            live.all.iter().map(|pod| of_live(quota, resource, pod)).fold(0, i128::saturating_add)
        } else {
            let own = self.there.iter().map(|object| usage::of_object(resource, object).nanos());
            own.fold(0, i128::saturating_add)
        };
        Ok(Quantity::of_nanos(nanos, hard))
    }

    /// Pods that a quota refuses because their containers leave out what it counts.
    pub(super) fn unsaid(&self, quota: Rule<'_>, hard: &[(String, Quantity)], unseen: Option<&str>) -> Vec<Finding> {
        let new = self.demands.iter().filter(|demand| demand.makes_pods());
        let pods = new.filter_map(|demand| Some((demand, &demand.after.as_ref()?.0)));
        let judged = pods.filter(|(_, pod)| usage::is_in_scope(quota.node, pod)).filter_map(|(demand, pod)| {
            let unsaid = usage::unsaid(hard, pod);
            if unsaid.is_empty() {
                return None;
            }
            let message = format!(
                "ResourceQuota/{} wants each container to set what it counts, and pods without are refused",
                quota.name
            );
            let finding = match unseen {
                None => Finding::new(NAME, Severity::Blocker, message),
                // A LimitRange may set it.
                Some(reason) => {
                    Finding::new(NAME, Severity::Unknown, format!("{message}; whether a LimitRange sets it: {reason}"))
                }
            };
            let evidence = unsaid.into_iter().map(|what| format!("not set: {what}")).collect();
            Some(
                finding
                    .about(demand.object.id.to_string())
                    .seen_by(evidence)
                    .hint("set the requests and limits in the values"),
            )
        });
        judged.collect()
    }

    /// Holds what the upgrade takes of a resource against what is left of it.
    pub(super) fn judge(&self, bounded: &Bounded<'_>) -> Option<Finding> {
        let left = bounded.hard.nanos().saturating_sub(bounded.used.nanos());
        let (objects, for_objects) = self.objects(bounded);
        if objects > left.max(0) {
            return Some(match &self.unseen {
                None => bounded.finding(Severity::Blocker, objects, "it is refused", for_objects),
                Some(reason) => {
                    let what = format!("it is refused, unless it is there already, and whether it is: {reason}");
                    bounded.finding(Severity::Unknown, objects, &what, for_objects)
                }
            });
        }
        let deltas: Vec<i128> = self.demands.iter().map(|one| self.more(one, bounded)).collect();
        let steady = deltas.iter().fold(objects, |sum, delta| sum.saturating_add(*delta));
        let growing = self.demands.iter().zip(&deltas).filter(|(_, delta)| **delta > 0);
        let growing: Vec<String> = growing.map(|(demand, _)| demand.name()).collect();
        if steady > left && !growing.is_empty() {
            return Some(self.of_pods(bounded, steady, "its last pods are never made", growing));
        }
        let freed = deltas.iter().filter(|delta| **delta < 0).fold(0_i128, |sum, delta| sum.saturating_sub(*delta));
        let mut surge = steady;
        let mut slower = Vec::new();
        for demand in self.demands.iter().filter(|demand| demand.restarts && demand.surge > 0) {
            let each = demand.after.as_ref().map_or(0, |(pod, _)| of_pod(bounded, pod));
            if each > 0 && demand.unavailable == 0 && each > left.saturating_add(freed) {
                let what =
                    "no new pod can be made, and no old one may stop first, as maxUnavailable is 0: the roll-out hangs";
                return Some(self.of_pods(bounded, each, what, vec![demand.name()]));
            }
            surge = surge.saturating_add(each.saturating_mul(i128::from(demand.surge)));
            slower.extend((each > 0).then(|| demand.name()));
        }
        (surge > left && !slower.is_empty()).then(|| {
            bounded.finding(Severity::Warning, surge, "pods are replaced more slowly than they should be", slower)
        })
    }

    /// How much more of a resource a workload takes after the upgrade than its pods take now.
    fn more(&self, demand: &Demand<'_>, bounded: &Bounded<'_>) -> i128 {
        let all = |pods: &Option<(Pod<'_>, u64)>| {
            pods.as_ref().map_or(0, |(pod, count)| of_pod(bounded, pod).saturating_mul(i128::from(*count)))
        };
        let live = match &self.live {
            // The pods of Jobs come and go.
            Ok(live) if !matches!(demand.kind, Kind::Job | Kind::CronJob) => live,
            _ => return all(&demand.after).saturating_sub(all(&demand.before)),
        };
        let running = demand.running(live);
        let now = running.iter().map(|at| of_live(bounded.quota, bounded.resource, live.all[*at]));
        let now = now.fold(0, i128::saturating_add);
        let after = match &demand.after {
            // It has one on each node, as now.
            Some((pod, _)) if demand.kind == Kind::DaemonSet && !running.is_empty() => {
                of_pod(bounded, pod).saturating_mul(running.len() as i128)
            }
            after => all(after),
        };
        after.saturating_sub(now)
    }

    /// A finding about pods. Where nobody knows what runs, the manifest may tell it wrong.
    fn of_pods(&self, bounded: &Bounded<'_>, wanted: i128, what: &str, of: Vec<String>) -> Finding {
        match &self.live {
            Ok(_) => bounded.finding(Severity::Blocker, wanted, what, of),
            Err(reason) => {
                let seen = format!("counted by the manifest, as the pods that run are not known: {reason}");
                bounded.finding(Severity::Warning, wanted, what, of).seen_by(vec![seen])
            }
        }
    }

    /// What new objects take, those that change and take more, and the claims of new pods; and which these are.
    fn objects(&self, bounded: &Bounded<'_>) -> (i128, Vec<String>) {
        let of = |object: &Object| usage::of_object(bounded.resource, object).nanos();
        let mut names = Vec::new();
        let mut sum = 0_i128;
        let mut add = |object: &Object, amount: i128| {
            if amount > 0 {
                sum = sum.saturating_add(amount);
                names.push(object.id.to_string());
            }
        };
        self.made.iter().for_each(|object| add(object, of(object)));
        self.kept.iter().for_each(|(old, new)| add(new, of(new).saturating_sub(of(old))));
        for (set, claim) in &self.claims {
            let pods = self.demands.iter().find(|demand| std::ptr::eq(demand.object, *set));
            let more = pods.map_or(0, |demand| demand.pods_after().saturating_sub(demand.pods_before()));
            add(set, usage::of_claim(bounded.resource, claim).nanos().saturating_mul(i128::from(more)));
        }
        (sum, names)
    }
}

/// What a pod takes of a resource that a quota bounds.
fn of_pod(bounded: &Bounded<'_>, pod: &Pod<'_>) -> i128 {
    amount(bounded.quota, bounded.resource, pod)
}

fn of_live(quota: Rule<'_>, resource: &str, pod: &Observed) -> i128 {
    Pod::live(pod).map_or(0, |pod| amount(quota, resource, &pod))
}

fn amount(quota: Rule<'_>, resource: &str, pod: &Pod<'_>) -> i128 {
    if usage::is_in_scope(quota.node, pod) { usage::of_pod(resource, pod).nanos() } else { 0 }
}

impl Demand<'_> {
    pub(super) fn pods_before(&self) -> u64 {
        self.before.as_ref().map_or(0, |(_, count)| *count)
    }

    pub(super) fn pods_after(&self) -> u64 {
        self.after.as_ref().map_or(0, |(_, count)| *count)
    }

    /// Whether pods are made that were not there before.
    fn makes_pods(&self) -> bool {
        workload::Kind::of(&self.object.id).is_some() && (self.restarts || self.pods_after() > self.pods_before())
    }

    fn name(&self) -> String {
        self.object.id.to_string()
    }
}

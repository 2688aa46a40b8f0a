//! Whether the quotas of the namespaces have room for the upgrade: for its objects, for all its pods, and for the one pod more that a
//! roll-out starts with. What would only make it slower is a warning.
//!
//! A Deployment whose `maxUnavailable` is 0 can't stop an old pod before a new one is ready
//! (k8s.io/kubernetes, pkg/controller/deployment/rolling.go): if the quota refuses that one, it hangs for ever.

mod usage;

use std::collections::{BTreeMap, BTreeSet};

use crate::checks::demand::{self, Demand, Pod};
use crate::checks::scene::{Scene, listed, string};
use crate::checks::trial::Trial;
use crate::checks::wanted::{ListedKind, Wanted};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot};
use crate::diff::workload;
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::manifest::quantity::Quantity;

use super::limits::{Limits, amounts, claim_templates};
use super::{limit_range, references};

const NAME: &str = "quota";

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether the ResourceQuotas have room for new objects, all pods and the roll-out's peak", run)
        .worst(Severity::Blocker)
        .rights("list resourcequotas, limitranges, persistentvolumeclaims in the namespace")
        .wants(wants);

const QUOTAS: ListedKind = ListedKind::new("", "v1", "resourcequotas", "ResourceQuota");

/// What changes in one namespace.
struct Change<'a> {
    namespace: &'a str,
    demands: Vec<Demand<'a>>,
    /// Objects that are made, and objects that are in both revisions and may count for more.
    made: Vec<&'a Object>,
    kept: Vec<(&'a Object, &'a Object)>,
    /// Claims that new pods of StatefulSets bring: of which set, and what each counts for.
    claims: Vec<(&'a Object, &'a Node)>,
}

/// A resource that a quota bounds.
struct Bounded<'q> {
    quota: &'q Observed,
    resource: &'q str,
    hard: Quantity,
    used: Quantity,
}

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let scene = Scene::proposed(proposal);
    let plain = |spec: &Node, _: &str| spec.clone();
    let wanted = changes(&scene, &plain).into_values().flat_map(|change| {
        let limits = (!change.demands.is_empty()).then(|| limit_range::wanted(change.namespace));
        let claims = (!change.claims.is_empty()).then(|| references::claims(change.namespace));
        [Some(Wanted::within(QUOTAS, change.namespace)), limits, claims].into_iter().flatten()
    });
    wanted.collect()
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let mut findings = Vec::new();
    let limits = |namespace: &str| snapshot.lists.get(&limit_range::wanted(namespace)).map(Limits::of);
    let defaulted = |spec: &Node, namespace: &str| match limits(namespace) {
        Ok(limits) => limits.defaulted(spec),
        Err(_) => spec.clone(),
    };
    for (namespace, mut change) in changes(&scene, &defaulted) {
        let quotas = match snapshot.lists.get(&Wanted::within(QUOTAS, namespace)) {
            Ok(quotas) => quotas,
            Err(reason) => {
                let message = format!("the ResourceQuotas of namespace {namespace}: {reason}");
                findings.push(Finding::new(NAME, Severity::Unknown, message));
                continue;
            }
        };
        change.leave_out_what_is_there(snapshot);
        for quota in quotas {
            let hard = hard(&scene, namespace, quota);
            findings.extend(change.unsaid(quota, &hard, limits(namespace).err()));
            for (resource, hard) in &hard {
                let used = quota.at(&["status", "used", resource]).and_then(Quantity::of).unwrap_or(Quantity::ZERO);
                let bounded = Bounded { quota, resource, hard: *hard, used };
                findings.extend(change.judge(&bounded));
            }
        }
    }
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "no ResourceQuota refuses what the upgrade makes"));
    }
    findings
}

/// What changes, by namespace.
fn changes<'a>(scene: &Scene<'a>, defaulted: &impl Fn(&Node, &str) -> Node) -> BTreeMap<&'a str, Change<'a>> {
    let mut changes: BTreeMap<&'a str, Change<'a>> = BTreeMap::new();
    for pair in scene.pairs.iter().filter(|pair| pair.changes()) {
        let change = changes.entry(pair.namespace).or_insert_with(|| Change::none(pair.namespace));
        match pair.old {
            None => change.made.push(pair.new),
            Some(old) => change.kept.push((old, pair.new)),
        }
    }
    for demand in demand::all(scene, defaulted) {
        // Where nothing but pods that go changes, no quota refuses anything.
        let Some(change) = changes.get_mut(demand.namespace) else { continue };
        if demand.pods_after() > demand.pods_before() {
            change.claims.extend(claim_templates(&demand.object.node).iter().map(|claim| (demand.object, claim)));
        }
        change.demands.push(demand);
    }
    changes
}

/// What a quota allows: as the chart says it after the upgrade, where the quota is the chart's own.
fn hard(scene: &Scene<'_>, namespace: &str, quota: &Observed) -> Vec<(String, Quantity)> {
    let own =
        scene.of_kind("", "ResourceQuota").find(|pair| pair.namespace == namespace && pair.new.id.name == quota.name());
    let node = own.map_or(quota.node(), |pair| &pair.new.node);
    amounts(node, &["spec", "hard"]).into_iter().collect()
}

impl<'a> Change<'a> {
    fn none(namespace: &'a str) -> Self {
        Self { namespace, demands: Vec::new(), made: Vec::new(), kept: Vec::new(), claims: Vec::new() }
    }

    /// Objects that a failed revision has left are not made once more.
    fn leave_out_what_is_there(&mut self, snapshot: &Snapshot<'_>) {
        let Ok(trials) = &snapshot.trials else { return };
        let there = |trial: &&Trial| matches!(trial.live, Ok(Some(_)));
        let there: BTreeSet<(&str, &str)> =
            trials.applied().filter(there).map(|trial| (trial.id.kind.as_str(), trial.id.name.as_str())).collect();
        self.made.retain(|object| !there.contains(&(object.id.kind.as_str(), object.id.name.as_str())));
        let Ok(claims) = snapshot.lists.get(&references::claims(self.namespace)) else { return };
        let exists = |set: &Object, claim: &Node| {
            let start = format!("{}-{}-", string(claim, &["metadata", "name"]).unwrap_or_default(), set.id.name);
            claims.iter().any(|one| one.name().starts_with(&start))
        };
        self.claims.retain(|(set, claim)| !exists(set, claim));
    }

    /// Pods that a quota refuses because their containers leave out what it counts.
    fn unsaid(&self, quota: &Observed, hard: &[(String, Quantity)], unseen: Option<&str>) -> Vec<Finding> {
        let new = self.demands.iter().filter(|demand| demand.makes_pods());
        let pods = new.filter_map(|demand| Some((demand, &demand.after.as_ref()?.0)));
        let judged = pods.filter(|(_, pod)| usage::is_in_scope(quota.node(), pod)).filter_map(|(demand, pod)| {
            let unsaid = usage::unsaid(hard, pod);
            if unsaid.is_empty() {
                return None;
            }
            let message = format!(
                "ResourceQuota/{} wants each container to set what it counts, and pods without are refused",
                quota.name()
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
    fn judge(&self, bounded: &Bounded<'_>) -> Option<Finding> {
        let use_of = |pod: &Pod<'_>| match usage::is_in_scope(bounded.quota.node(), pod) {
            true => usage::of_pod(bounded.resource, pod).nanos(),
            false => 0,
        };
        let all = |pods: &Option<(Pod<'_>, u64)>| {
            pods.as_ref().map_or(0, |(pod, count)| use_of(pod).saturating_mul(i128::from(*count)))
        };
        let left = bounded.hard.nanos().saturating_sub(bounded.used.nanos());
        let (objects, for_objects) = self.objects(bounded);
        if objects > left.max(0) {
            return Some(bounded.finding(Severity::Blocker, objects, "it is refused", for_objects));
        }
        let deltas: Vec<i128> =
            self.demands.iter().map(|one| all(&one.after).saturating_sub(all(&one.before))).collect();
        let steady = deltas.iter().fold(objects, |sum, delta| sum.saturating_add(*delta));
        let growing =
            self.demands.iter().zip(&deltas).filter(|(_, delta)| **delta > 0).map(|(demand, _)| demand.name());
        if steady > left && deltas.iter().any(|delta| *delta > 0) {
            return Some(bounded.finding(Severity::Blocker, steady, "its last pods are never made", growing.collect()));
        }
        let freed = deltas.iter().filter(|delta| **delta < 0).fold(0_i128, |sum, delta| sum.saturating_sub(*delta));
        let mut surge = steady;
        let mut slower = Vec::new();
        for demand in self.demands.iter().filter(|demand| demand.restarts && demand.surge > 0) {
            let each = demand.after.as_ref().map_or(0, |(pod, _)| use_of(pod));
            if each > 0 && demand.unavailable == 0 && each > left.saturating_add(freed) {
                let what =
                    "no new pod can be made, and no old one may stop first, as maxUnavailable is 0: the roll-out hangs";
                return Some(bounded.finding(Severity::Blocker, each, what, vec![demand.name()]));
            }
            surge = surge.saturating_add(each.saturating_mul(i128::from(demand.surge)));
            slower.extend((each > 0).then(|| demand.name()));
        }
        (surge > left && !slower.is_empty()).then(|| {
            bounded.finding(Severity::Warning, surge, "pods are replaced more slowly than they should be", slower)
        })
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

impl Demand<'_> {
    fn pods_before(&self) -> u64 {
        self.before.as_ref().map_or(0, |(_, count)| *count)
    }

    fn pods_after(&self) -> u64 {
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

impl Bounded<'_> {
    fn finding(&self, severity: Severity, wanted: i128, what: &str, of: Vec<String>) -> Finding {
        let amount = |nanos: i128| Quantity::of_nanos(nanos, self.hard);
        let message = format!(
            "ResourceQuota/{} allows {} {}, {} are used, and the upgrade takes {} more: {what}",
            self.quota.name(),
            self.hard,
            self.resource,
            self.used,
            amount(wanted)
        );
        let hint = match severity {
            Severity::Blocker => "raise the quota, or lower what the values ask for",
            _ => "it ends all the same, since old pods may stop first",
        };
        Finding::new(NAME, severity, message).about(listed(&crate::checks::scene::distinct(of))).hint(hint)
    }
}

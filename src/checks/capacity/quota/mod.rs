//! Whether the quotas of the namespaces have room for the upgrade: for its objects, for all its pods, and for the one pod more that a
//! roll-out starts with. What would only make it slower is a warning.
//!
//! A Deployment whose `maxUnavailable` is 0 can't stop an old pod before a new one is ready
//! (k8s.io/kubernetes, pkg/controller/deployment/rolling.go): if the quota refuses that one, it hangs for ever.

mod change;
mod usage;

use std::collections::BTreeMap;

use crate::checks::demand::{self, Demand, Nothing, Pod, Surroundings};
use crate::checks::live_pods::{self, LivePods};
use crate::checks::scene::{Scene, listed};
use crate::checks::wanted::{ListedKind, Wanted};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot};
use crate::manifest::observed::Observed;
use crate::manifest::quantity::Quantity;

use super::left::{Rule, left};
use super::limit_range::{self, Namespaces};
use super::limits::{amounts, claim_templates};
use super::references;
use change::Change;

const NAME: &str = "quota";

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether the ResourceQuotas have room for new objects, all pods and the roll-out's peak", run)
        .worst(Severity::Blocker)
        .rights("list resourcequotas, limitranges, persistentvolumeclaims, pods in the namespace; get scaled workloads")
        .wants(wants);

const QUOTAS: ListedKind = ListedKind::new("", "v1", "resourcequotas", "ResourceQuota");

/// A resource that a quota bounds.
struct Bounded<'q> {
    quota: Rule<'q>,
    resource: &'q str,
    hard: Quantity,
    used: Quantity,
}

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let scene = Scene::proposed(proposal);
    let wanted = changes(&scene, &Nothing).into_values().flat_map(|change| {
        let namespace = change.namespace;
        let mut wanted = vec![Wanted::within(QUOTAS, namespace)];
        if !change.demands.is_empty() {
            wanted.extend([limit_range::wanted(namespace), live_pods::within(namespace)]);
            wanted.extend(demand::wanted(&change.demands, &scene));
        }
        wanted.extend((!change.claims.is_empty()).then(|| references::claims(namespace)));
        wanted
    });
    wanted.collect()
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let namespaces = Namespaces::of(&scene, snapshot.lists);
    let mut findings = Vec::new();
    for (namespace, mut change) in changes(&scene, &namespaces) {
        let quotas = match snapshot.lists.get(&Wanted::within(QUOTAS, namespace)) {
            Ok(quotas) => left(&scene, (namespace, "ResourceQuota"), quotas),
            Err(reason) => {
                let message = format!("the ResourceQuotas of namespace {namespace}: {reason}");
                findings.push(Finding::new(NAME, Severity::Unknown, message));
                continue;
            }
        };
        if quotas.is_empty() {
            continue;
        }
        change.meet(snapshot);
        let unread = namespaces.limits(namespace).err();
        for quota in quotas {
            let hard: Vec<_> = amounts(quota.node, &["spec", "hard"]).into_iter().collect();
            findings.extend(change.unsaid(quota, &hard, unread));
            for (resource, hard) in &hard {
                findings.extend(of_resource(&change, quota, (resource, *hard)));
            }
        }
    }
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "no ResourceQuota refuses what the upgrade makes"));
    }
    findings
}

fn of_resource(change: &Change<'_>, quota: Rule<'_>, (resource, hard): (&str, Quantity)) -> Option<Finding> {
    let counted = quota.live.and_then(|live| live.at(&["status", "used", resource])).and_then(Quantity::of);
    match counted.map_or_else(|| change.used(quota, (resource, hard)), Ok) {
        Ok(used) => change.judge(&Bounded { quota, resource, hard, used }),
        Err(reason) => {
            let message = format!("how much {resource} of ResourceQuota/{} is used: {reason}", quota.name);
            Some(Finding::new(NAME, Severity::Unknown, message))
        }
    }
}

/// What changes, by namespace.
fn changes<'a>(scene: &Scene<'a>, surroundings: &impl Surroundings) -> BTreeMap<&'a str, Change<'a>> {
    let mut changes: BTreeMap<&'a str, Change<'a>> = BTreeMap::new();
    for pair in scene.pairs.iter().filter(|pair| pair.changes()) {
        let change = changes.entry(pair.namespace).or_insert_with(|| Change::none(pair.namespace));
        match pair.old {
            None => change.made.push(pair.new),
            Some(old) => change.kept.push((old, pair.new)),
        }
    }
    for demand in demand::all(scene, surroundings) {
        // Where nothing but pods that go changes, no quota refuses anything.
        let Some(change) = changes.get_mut(demand.namespace) else { continue };
        if demand.pods_after() > demand.pods_before() {
            change.claims.extend(claim_templates(&demand.object.node).iter().map(|claim| (demand.object, claim)));
        }
        change.demands.push(demand);
    }
    for old in scene.pairs.iter().filter_map(|pair| Some((pair.namespace, pair.old?))) {
        if let Some(change) = changes.get_mut(old.0) {
            change.there.push(old.1);
        }
    }
    changes
}

impl Bounded<'_> {
    fn finding(&self, severity: Severity, wanted: i128, what: &str, of: Vec<String>) -> Finding {
        let amount = |nanos: i128| Quantity::of_nanos(nanos, self.hard);
        let message = format!(
            "ResourceQuota/{} allows {} {}, {} are used, and the upgrade takes {} more: {what}",
            self.quota.name,
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

//! Whether the nodes have room for the new pods: for the largest of them, for the one more that a roll-out starts with, and for all.
//!
//! More than a warning it never is: a cluster autoscaler may add nodes, the scheduler may move other pods away.

use std::collections::{BTreeMap, BTreeSet};

use crate::checks::demand::{self, Demand, Nothing, Pod, Surroundings};
use crate::checks::live_pods;
use crate::checks::scene::{Scene, items};
use crate::checks::wanted::{ListedKind, Wanted};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot};
use crate::diff::workload::same::same;
use crate::diff::workload::{self, Kind};
use crate::manifest::node::Node;

use super::limit_range::{self, Namespaces};
use super::neighbours::Newcomers;
use super::nodes::Places;

const NAME: &str = "capacity";

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether the nodes have room for the new pods, and for the roll-out's peak", run)
        .rights("list nodes; list pods in all namespaces; list limitranges in the namespace; get scaled workloads")
        .wants(wants);

const NODES: ListedKind = ListedKind::new("", "v1", "nodes", "Node");

const HINT: &str = "lower the requests, add nodes, or let old pods stop first (maxUnavailable: 1); an autoscaler may add nodes by itself";

/// Fields of a pod that say which nodes it may be on.
const PLACED_BY: [&str; 5] = ["nodeName", "nodeSelector", "affinity", "tolerations", "topologySpreadConstraints"];

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let scene = Scene::proposed(proposal);
    let demands = demands(&scene, &Nothing);
    if demands.is_empty() {
        return Vec::new();
    }
    let limits =
        demands.iter().filter(|demand| leaves_open(demand)).map(|demand| limit_range::wanted(demand.namespace));
    let mut wanted: Vec<Wanted> = limits.collect();
    wanted.extend(demand::wanted(&demands, &scene));
    wanted.extend([Wanted::all(NODES), live_pods::everywhere()]);
    wanted
}

/// Whether a container requests no cpu or no memory, so that the namespace may do it for it.
fn leaves_open(demand: &Demand<'_>) -> bool {
    let says = |node: &Node, name: &str| {
        ["requests", "limits"].iter().any(|key| node.find(&["resources", key, name]).is_some())
    };
    let open = |pod: &Pod<'_>| {
        ["cpu", "memory"].iter().any(|name| {
            !says(&pod.spec, name) && workload::containers(&pod.spec).any(|container| !says(container.node, name))
        })
    };
    demand.after.as_ref().is_some_and(|(pod, _)| open(pod))
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let namespaces = Namespaces::of(&scene, snapshot.lists);
    if demands(&scene, &Nothing).is_empty() {
        return vec![Finding::new(NAME, Severity::Pass, "the upgrade needs no more room on the nodes than there is")];
    }
    let lists = snapshot.lists;
    let (nodes, pods) = match (lists.get(&Wanted::all(NODES)), lists.get(&live_pods::everywhere())) {
        (Ok(nodes), Ok(pods)) => (nodes, pods),
        (Err(reason), _) | (_, Err(reason)) => {
            let message = format!("whether the nodes have room for the new pods: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let mut places = Places::of(nodes, pods);
    let demands = demands(&scene, &namespaces);
    let mut findings: Vec<Finding> = demands.iter().filter_map(|demand| judge(&mut places, demand, &scene)).collect();
    let open: BTreeSet<&str> = demands.iter().filter(|one| leaves_open(one)).map(|one| one.namespace).collect();
    findings.extend(open.into_iter().filter_map(|namespace| {
        let reason = namespaces.limits(namespace).err()?;
        let message =
            format!("how much pods that request nothing take, by the LimitRanges of namespace {namespace}: {reason}");
        Some(Finding::new(NAME, Severity::Unknown, message))
    }));
    if findings.is_empty() {
        let message =
            format!("the nodes have room for the new pods, and for the roll-out's peak ({} nodes)", places.len());
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

/// The workloads that need more room than they have, or room on other nodes, if only for a time.
fn demands<'a>(scene: &Scene<'a>, surroundings: &impl Surroundings) -> Vec<Demand<'a>> {
    let mut all = demand::all(scene, surroundings);
    all.retain(|demand| {
        let Some((pod, count)) = &demand.after else { return false };
        let Some((was, before)) = &demand.before else { return *count > 0 || demand.kind == Kind::CronJob };
        let moves = PLACED_BY.iter().any(|key| !same(was.spec.find(&[key]), pod.spec.find(&[key])));
        let grows = pod.amounts.iter().any(|(key, amount)| was.amounts.get(key).is_none_or(|was| was < amount));
        count > before || (demand.restarts && (moves || grows || demand.waits()))
    });
    all
}

impl Demand<'_> {
    /// Whether a new pod must be ready before an old one may stop.
    fn waits(&self) -> bool {
        self.surge > 0 && self.unavailable == 0
    }
}

fn judge(places: &mut Places<'_>, demand: &Demand<'_>, scene: &Scene<'_>) -> Option<Finding> {
    let (pod, count) = demand.after.as_ref()?;
    let daemon = demand.kind == Kind::DaemonSet;
    let (taking, reasons) = places.that_take(pod, daemon);
    let about = |message: String| Finding::new(NAME, Severity::Warning, message).about(demand.object.id.to_string());
    // Daemons want no more than what there is.
    if taking.is_empty() && !daemon {
        let evidence =
            reasons.into_iter().map(|(reason, nodes)| format!("{nodes} of {} nodes: {reason}", places.len()));
        return Some(about("no node takes its pods".to_owned()).seen_by(evidence.collect()).hint(HINT));
    }
    if let Some((resource, asked, most)) = places.too_large(pod, &taking) {
        let message =
            format!("one of its pods asks for {asked} {resource}, and no node that takes it has more than {most}");
        return Some(about(message).hint(HINT));
    }
    let new = Newcomers { pod, namespace: demand.namespace, count: *count };
    if places.is_lonely(&new, scene) {
        let message =
            "its pods must be beside pods that are neither in the cluster nor in the chart: no node takes them";
        return Some(about(message.to_owned()).hint("correct the labels of its podAffinity, or make it a preference"));
    }
    if demand.restarts && demand.waits() && !daemon && !places.has_room(&new, &taking) {
        let message = format!(
            "a roll-out starts with one pod more ({}), and no node has room for it: it hangs, as no old pod may stop first",
            asked(pod)
        );
        return Some(about(message).seen_by(seen(places, &taking, reasons)).hint(HINT));
    }
    // In the end the old pods are gone.
    places.release(demand);
    if daemon {
        let full = places.without_room(pod, &taking);
        let message = format!("{full} of {} nodes have no room for its pod ({})", taking.len(), asked(pod));
        return (full > 0).then(|| about(message).hint(HINT));
    }
    let placed = places.place(&new, &taking);
    if placed.count >= *count {
        return None;
    }
    let left = count - placed.count;
    let message = match &placed.spread_over {
        Some(key) => format!("{left} of its {count} pods find no room where they are spread evenly over {key}"),
        None => format!("{left} of its {count} pods find no room on the nodes ({} each)", asked(pod)),
    };
    Some(about(message).seen_by(seen(places, &taking, reasons)).hint(HINT))
}

fn seen(places: &Places<'_>, taking: &[usize], reasons: BTreeMap<String, usize>) -> Vec<String> {
    let all = places.len();
    let mut seen = vec![format!("{} of {all} nodes take such pods", taking.len())];
    seen.extend(reasons.into_iter().map(|(reason, nodes)| format!("{nodes} of {all} nodes: {reason}")));
    seen
}

/// What one pod asks for, in a few words.
fn asked(pod: &Pod<'_>) -> String {
    let names = ["cpu", "memory"].map(|name| (name, pod.requests(name)));
    let said: Vec<String> =
        names.iter().filter(|(_, amount)| !amount.is_zero()).map(|(name, amount)| format!("{amount} {name}")).collect();
    match (
        said.is_empty(),
        items(&pod.spec, &["affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]),
    ) {
        (true, []) => "requesting nothing".to_owned(),
        (true, _) => "on a node of its own".to_owned(),
        (false, _) => said.join(", "),
    }
}

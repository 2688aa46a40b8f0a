//! Whether manifest and autoscaler fight over the number of pods: each upgrade sets `spec.replicas`, the autoscaler sets it back.
//!
//! Sources: Kubernetes documentation, "Horizontal Pod Autoscaling" (migrating to it), and of its metrics: without a request there
//! is no utilization.

use crate::checks::replicas::Autoscalers;
use crate::checks::scene::{Pair, Scene, items, string};
use crate::checks::wanted::{ListedKind, Wanted};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot};
use crate::diff::workload;
use crate::manifest::document::Object;
use crate::manifest::node::Node;

const NAME: &str = "autoscaler";

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether autoscalers and `replicas` fight, and whether autoscalers can work", run)
        .rights("list horizontalpodautoscalers in the namespace")
        .wants(wants);

const AUTOSCALERS: ListedKind =
    ListedKind::new("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler");

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let scene = Scene::proposed(proposal);
    if scene.is_first {
        return Vec::new();
    }
    fights(&scene).into_iter().map(|(pair, ..)| Wanted::within(AUTOSCALERS, pair.namespace)).collect()
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let mut findings = Vec::new();
    let before = Autoscalers::of(&scene, true);
    for (pair, scaler, set) in fights(&scene) {
        let did = pair.old.is_some_and(|old| count(old).is_some() && before.scaling(old, pair.namespace).is_some());
        findings.extend(fight(snapshot, &scene, (pair, scaler, set), did));
    }
    let autoscalers = Autoscalers::of(&scene, false);
    for workload in scene.workloads() {
        if let Some(scaler) = autoscalers.scaling(workload.pair.new, workload.pair.namespace) {
            findings.extend(blind(&scene, workload.spec, scaler));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "no autoscaler and manifest fight over the number of pods"));
    }
    findings
}

/// The workloads that have both a number of pods and an autoscaler.
fn fights<'a>(scene: &Scene<'a>) -> Vec<(Pair<'a>, &'a Object, u64)> {
    let autoscalers = Autoscalers::of(scene, false);
    let both = scene.workloads().filter_map(|workload| {
        let scaler = autoscalers.scaling(workload.pair.new, workload.pair.namespace)?;
        Some((workload.pair, scaler, count(workload.pair.new).filter(|count| *count > 0)?))
    });
    both.collect()
}

fn count(object: &Object) -> Option<u64> {
    object.node.find(&["spec", "replicas"]).and_then(Node::as_count)
}

fn fight(snapshot: &Snapshot<'_>, scene: &Scene<'_>, of: (Pair<'_>, &Object, u64), did: bool) -> Option<Finding> {
    let (pair, scaler, set) = of;
    let hint = "leave out replicas where an autoscaler is on: many charts do it with autoscaling.enabled";
    let about = pair.new.id.to_string();
    let now = match snapshot.lists.get(&Wanted::within(AUTOSCALERS, pair.namespace)) {
        _ if scene.is_first => None,
        Ok(there) => {
            let live = there.iter().find(|one| one.name() == scaler.id.name);
            live.and_then(|one| one.number(&["status", "desiredReplicas"])).and_then(|count| u64::try_from(count).ok())
        }
        Err(reason) => {
            let message =
                format!("the upgrade sets its pods to {set}, and how many the autoscaler has chosen: {reason}");
            return Some(Finding::new(NAME, Severity::Unknown, message).about(about));
        }
    };
    let (severity, message) = match now {
        Some(now) if now > set => (
            Severity::Warning,
            format!(
                "the autoscaler has chosen {now} pods, and the upgrade sets them to {set}: the others stop at once"
            ),
        ),
        _ if did => return None,
        _ => (
            Severity::Warning,
            format!("it says replicas: {set} and has an autoscaler: each upgrade resets what that has chosen"),
        ),
    };
    Some(
        Finding::new(NAME, severity, message).about(about).seen_by(vec![format!("scaled by {}", scaler.id)]).hint(hint),
    )
}

/// An autoscaler that goes by the share of a request which the pods do not make. As before, nobody need be told.
fn blind(scene: &Scene<'_>, spec: &Node, scaler: &Object) -> Option<Finding> {
    let pair = scene.pairs.iter().find(|pair| std::ptr::eq(pair.new, scaler))?;
    if !pair.changes() {
        return None;
    }
    let by_share = items(&scaler.node, &["spec", "metrics"]).iter().filter(|metric| {
        string(metric, &["resource", "target", "type"]) == Some("Utilization")
            || metric.find(&["resource", "target", "averageUtilization"]).is_some()
    });
    let old_form = scaler.node.find(&["spec", "targetCPUUtilizationPercentage"]).map(|_| "cpu");
    let mut resources = by_share.filter_map(|metric| string(metric, &["resource", "name"])).chain(old_form);
    let says = |container: &Node, name: &str| {
        let at = |key| container.find(&["resources", key, name]).is_some();
        at("requests") || at("limits")
    };
    let lacking = |name: &&str| {
        spec.find(&["resources", "requests", name]).is_none()
            && workload::containers(spec).any(|one| !one.init && !says(one.node, name))
    };
    let resource = resources.find(lacking)?;
    let message = format!("it goes by the utilization of {resource}, and a container requests none: it can't scale");
    let hint = "set the request, unless a LimitRange of the namespace does";
    Some(Finding::new(NAME, Severity::Warning, message).about(scaler.id.to_string()).hint(hint))
}

//! Pods that find no node: too little of a resource, taints, selectors, affinity.

use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::manifest::quantity::Quantity;
use crate::upgrade::diagnosis::container;
use crate::upgrade::diagnosis::evidence::{items, text};
use crate::upgrade::diagnosis::message::{after, before, has, listed, short};
use crate::upgrade::diagnosis::{Cause, Evidence};

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let pods = evidence.pods();
    let causes = pods.iter().filter_map(|pod| {
        let scheduled = pod.condition("PodScheduled").filter(|condition| condition.is_false())?;
        let message = match scheduled.text("message") {
            "" => evidence.events_of(pod).filter(|event| event.reason == "FailedScheduling").last()?.message.as_str(),
            message => message,
        };
        // Claims and ports of nodes have rules of their own.
        if has_only_claims(message) || has(message, "didn't have free ports for the requested pod ports") {
            return None;
        }
        Some(cause(evidence, pod, message).on(format!("pod/{}", pod.name())))
    });
    causes.collect()
}

/// Whether it waits for its claims and for nothing else.
fn has_only_claims(message: &str) -> bool {
    (has(message, "unbound immediate PersistentVolumeClaims") || has(message, "persistentvolumeclaim \""))
        && !has(message, "Insufficient ")
}

fn cause(evidence: &Evidence, pod: &Observed, message: &str) -> Cause {
    let workload = evidence.workload(pod);
    let reasons = reasons(message);
    let said: Vec<String> = reasons.iter().map(|(nodes, reason)| tell(evidence, pod, nodes, reason)).collect();
    let what = if said.is_empty() { short(message) } else { listed(&said) };
    let nodes =
        after(message, "0/").and_then(|rest| rest.split_whitespace().next()).filter(|all| all.parse::<u64>().is_ok());
    let on =
        nodes.map_or_else(String::new, |all| format!(" on any of {all} node{}", if all == "1" { "" } else { "s" }));
    let sentence = format!("{workload}: its pods find no place{on}: {what}");
    let first = reasons.first().map(|(_, reason)| *reason).unwrap_or_default();
    Cause::likely(sentence, hint(evidence, first))
}

/// `0/3 nodes are available: 2 Insufficient cpu, 1 node(s) had untolerated taint(s). preemption: …` as numbers and reasons.
/// Source: `FitError` of the scheduler's framework.
fn reasons(message: &str) -> Vec<(&str, &str)> {
    let Some(rest) = after(message, "nodes are available: ") else { return Vec::new() };
    let rest =
        [". preemption:", ". no new claims", ".preemption:"].iter().find_map(|end| before(rest, end)).unwrap_or(rest);
    let parts = rest.trim_end_matches('.').split(", ").filter_map(|part| part.trim().split_once(' '));
    let mut found: Vec<(&str, &str)> = parts.filter(|(nodes, _)| nodes.parse::<u64>().is_ok()).collect();
    // What keeps most nodes away is told first; what is reserved for the control plane says least.
    found.sort_by_key(|(nodes, reason)| (has(reason, "taint"), std::cmp::Reverse(nodes.parse::<u64>().unwrap_or(0))));
    found
}

fn tell(evidence: &Evidence, pod: &Observed, nodes: &str, reason: &str) -> String {
    let some = format!("{nodes} node{}", if nodes == "1" { "" } else { "s" });
    if let Some(resource) = reason.strip_prefix("Insufficient ") {
        let asks = requested(pod, resource)
            .map(|asked| format!(" (it asks for {asked}{})", largest(evidence, resource)))
            .unwrap_or_default();
        return format!("too little {resource} on {some}{asks}");
    }
    if has(reason, "taint") {
        return format!("{some} with a taint that it does not tolerate{}", taint(reason));
    }
    let reason = reason.trim_start_matches("node(s) ");
    format!("{some} {}", short(reason))
}

/// ` {key: value}`, which older schedulers tell.
fn taint(reason: &str) -> String {
    let inner = reason.find('{').and_then(|at| reason.get(at..)).and_then(|rest| rest.split('}').next());
    inner.map_or_else(String::new, |inner| format!(" {inner}}}"))
}

/// What the containers ask for together.
fn requested(pod: &Observed, resource: &str) -> Option<String> {
    let containers = container::of(pod);
    let asked = containers
        .iter()
        .filter(|container| !container.init)
        .filter_map(|container| container.spec.find(&["resources", "requests", resource]));
    let asked: Vec<&Node> = asked.collect();
    match asked.as_slice() {
        [] => None,
        [one] => Some(super::amount(one)),
        several => Some(several.iter().map(|one| super::amount(one)).collect::<Vec<_>>().join(" + ")),
    }
}

/// `; the largest node has 8`, where nodes could be read.
fn largest(evidence: &Evidence, resource: &str) -> String {
    let amounts = evidence.of_kind("Node").filter_map(|node| node.at(&["status", "allocatable", resource]));
    let largest =
        amounts.filter_map(|amount| Some((Quantity::of(amount)?.nanos(), amount))).max_by_key(|(nanos, _)| *nanos);
    largest.map_or_else(String::new, |(_, amount)| format!("; the largest node has {}", super::amount(amount)))
}

fn hint(evidence: &Evidence, reason: &str) -> String {
    let see = "kubectl describe nodes shows what is free";
    if let Some(resource) = reason.strip_prefix("Insufficient ") {
        return format!("lower resources.requests.{resource} in the values, or add nodes; {see}");
    }
    if has(reason, "taint") {
        let taints = evidence
            .of_kind("Node")
            .flat_map(|node| items(node.at(&["spec", "taints"])).map(|taint| text(taint, "key")));
        let mut taints: Vec<String> = taints.map(str::to_owned).collect();
        taints.sort_unstable();
        taints.dedup();
        let which = if taints.is_empty() { String::new() } else { format!(" ({})", listed(&taints)) };
        return format!("add tolerations to the values{which}, or use other nodes");
    }
    if has(reason, "affinity") || has(reason, "selector") {
        return "check nodeSelector and affinity in the values against the nodes' labels: kubectl get nodes --show-labels".to_owned();
    }
    if has(reason, "topology spread") {
        return "check topologySpreadConstraints in the values against the nodes' labels".to_owned();
    }
    if has(reason, "Too many pods") {
        return "the nodes are full: add nodes, or run fewer pods".to_owned();
    }
    if has(reason, "unschedulable") {
        return "the nodes are cordoned: kubectl uncordon NODE, or add nodes".to_owned();
    }
    see.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, pod, says, with};

    fn waiting(message: &str) -> String {
        pod("web-1", "restartCount: 0").replace(
            "  phase: Running",
            &format!("  phase: Pending\n  conditions: [{{type: PodScheduled, status: 'False', reason: Unschedulable, message: '{}'}}]", message.replace('\'', "''")),
        )
    }

    const NODE: &str = "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {taints: [{key: gpu, effect: NoSchedule}]}\nstatus: {allocatable: {cpu: '8', memory: 32Gi}}\n";

    #[test]
    fn the_resource_what_is_asked_and_what_there_is() {
        let text = waiting(
            "0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
        );
        let told = says("unschedulable", &with(&[&text, NODE]));
        assert!(told.starts_with("deployment/web: its pods find no place on any of 3 nodes: too little cpu on 3 nodes (it asks for 100; the largest node has 8) | lower resources.requests.cpu"), "{told}");
    }

    #[test]
    fn taints_are_told_after_resources() {
        let text = waiting(
            "0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 Insufficient memory. preemption: none",
        );
        let told = says("unschedulable", &with(&[&text]));
        assert!(told.contains("too little memory on 3 nodes (it asks for 64Mi) and 1 node with a taint that it does not tolerate | lower"), "{told}");
        let only = waiting("0/1 nodes are available: 1 node(s) had untolerated taint {gpu: }.");
        let told = says("unschedulable", &with(&[&only, NODE]));
        assert!(told.contains("on any of 1 node: 1 node with a taint that it does not tolerate {gpu: } | add tolerations to the values (gpu)"), "{told}");
    }

    #[test]
    fn selectors_are_compared_with_labels() {
        let text = waiting("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.");
        assert!(
            says("unschedulable", &with(&[&text]))
                .contains("3 nodes didn't match Pod's node affinity/selector | check nodeSelector")
        );
    }

    #[test]
    fn claims_and_ports_have_rules_of_their_own() {
        assert_eq!(
            found(
                "unschedulable",
                &with(&[&waiting(
                    "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: x"
                )])
            ),
            []
        );
        assert_eq!(
            found(
                "unschedulable",
                &with(&[&waiting(
                    "0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports."
                )])
            ),
            []
        );
    }

    #[test]
    fn a_pod_with_a_node_has_a_place() {
        assert_eq!(found("unschedulable", &with(&[&pod("web-1", "restartCount: 0")])), []);
    }
}

//! Pods that lost their place: evicted by a node that ran out of something, or their node does not answer.

use crate::upgrade::diagnosis::evidence::name_of;
use crate::upgrade::diagnosis::message::short;
use crate::upgrade::diagnosis::{Cause, Evidence};

/// Reasons of failed pods (`pkg/kubelet/eviction` and the controllers of Kubernetes).
const REASONS: [&str; 5] = ["Evicted", "NodeLost", "NodeShutdown", "Terminated", "UnexpectedAdmissionError"];

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let pods = evidence.pods();
    let mut causes: Vec<Cause> = Vec::new();
    for pod in pods {
        let reason = pod.text(&["status", "reason"]);
        let workload = evidence.workload(pod);
        if REASONS.contains(&reason) {
            let message = short(pod.text(&["status", "message"]));
            let why = if message.is_empty() { String::new() } else { format!(": {message}") };
            let sentence = format!("{workload}: pods lost their place ({reason}){why}");
            causes.push(
                Cause::likely(
                    sentence,
                    "see what the nodes lack: kubectl describe nodes; set requests as high as the pods need",
                )
                .on(name_of(pod)),
            );
            continue;
        }
        let node = pod.text(&["spec", "nodeName"]);
        let down =
            evidence.object("Node", node).and_then(|node| node.condition("Ready")).filter(|ready| !ready.is_true());
        if let Some(ready) = down {
            let why = short(ready.text("message"));
            let sentence = format!("{workload}: pods are on the node {node}, which is not ready: {why}");
            causes.push(
                Cause::likely(sentence, format!("bring the node back, or move its pods: kubectl describe node {node}"))
                    .on(name_of(pod)),
            );
        }
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, pod, says, with};

    #[test]
    fn an_eviction_is_told_with_its_reason() {
        let text = pod("web-1", "restartCount: 0").replace(
            "phase: Running",
            "phase: Failed\n  reason: Evicted\n  message: 'The node was low on resource: memory.'",
        );
        assert!(
            says("node-lost", &with(&[&text])).starts_with(
                "deployment/web: pods lost their place (Evicted): The node was low on resource: memory. | "
            )
        );
    }

    #[test]
    fn a_node_that_is_down_is_named() {
        let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nstatus: {conditions: [{type: Ready, status: Unknown, message: Kubelet stopped posting node status.}]}\n";
        let text = pod("web-1", "restartCount: 0").replace("spec:\n", "spec:\n  nodeName: n1\n");
        assert!(
            says("node-lost", &with(&[&text, node]))
                .contains("are on the node n1, which is not ready: Kubelet stopped posting")
        );
        assert_eq!(found("node-lost", &with(&[&text, &node.replace("Unknown", "'True'")])), []);
    }
}

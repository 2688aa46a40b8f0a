//! A port that is taken: a NodePort in the cluster, a port of a node, or one within a pod.

use crate::upgrade::diagnosis::evidence::{items, named};
use crate::upgrade::diagnosis::message::{before, has, has_any, line_with, short};
use crate::upgrade::diagnosis::{Cause, Evidence, container};

/// `ErrAllocated` of Kubernetes' `portallocator`.
const NODE_PORT: &str = "provided port is already allocated";
/// `ErrReason` of the scheduler's plugin `nodeports`.
const HOST_PORT: &str = "didn't have free ports for the requested pod ports";
/// How programs say it (`EADDRINUSE`).
const LISTEN: [&str; 4] = ["address already in use", "EADDRINUSE", "address in use", "port is already allocated"];

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let mut causes: Vec<Cause> =
        evidence.said().filter(|text| has(text, NODE_PORT)).filter_map(|text| node_port(evidence, text)).collect();
    causes.dedup_by(|a, b| a.sentence == b.sentence);
    causes.extend(host_ports(evidence));
    causes.extend(evidence.containers().iter().filter_map(|container| {
        let log = evidence.log(container.pod.name(), container.name)?;
        // One that serves well has got over it.
        if container.is_ready() || !is_in_use(evidence, container) {
            return None;
        }
        let line = LISTEN.iter().find_map(|words| line_with(&log.text, words))?;
        let workload = evidence.workload(container.pod);
        let sentence = format!("{workload}: container {} wants a port that is taken: {}", container.name, short(line));
        let hint = "give each container of the pod a port of its own; with hostNetwork, one that no other program of the node has";
        Some(Cause::likely(sentence, hint).on(container.pod_name()))
    }));
    causes
}

/// Whether a container ended as its port is taken: what is then no crash of its own.
pub(super) fn is_in_use(evidence: &Evidence, container: &container::Container<'_>) -> bool {
    let log = evidence.log(container.pod.name(), container.name);
    container.crashes() && log.is_some_and(|log| has_any(&log.text, &LISTEN))
}

/// `Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated`
fn node_port(evidence: &Evidence, text: &str) -> Option<Cause> {
    let head = before(text, NODE_PORT)?;
    let service = head.rsplit_once("Service \"").and_then(|(_, rest)| before(rest, "\"")).unwrap_or("?");
    let port = head.rsplit_once("Invalid value: ").and_then(|(_, rest)| before(rest, ":")).unwrap_or("?");
    let object = named("Service", service);
    let who = evidence.kubectl("get services -A").split(" -n ").next().unwrap_or_default().to_owned();
    Some(
        Cause::certain(
            format!("{object}: the NodePort {port} is taken by another Service"),
            format!("give it another nodePort, or none, so that a free one is chosen; who has it: {who} | grep {port}"),
        )
        .on(object),
    )
}

/// Pods that find no node with their hostPort free.
fn host_ports(evidence: &Evidence) -> Vec<Cause> {
    let pods = evidence.pods();
    let waiting = pods.iter().filter_map(|pod| {
        let scheduled = pod.condition("PodScheduled").filter(|condition| condition.is_false())?;
        has(scheduled.text("message"), HOST_PORT).then_some(*pod)
    });
    let causes = waiting.map(|pod| {
        let ports = container::of(pod).into_iter().flat_map(|container| items(container.spec.get("ports")));
        let ports: Vec<String> = ports.filter_map(|port| container::number(port, "hostPort")).map(|port| port.to_string()).collect();
        let workload = evidence.workload(pod);
        let port = if ports.is_empty() { "it wants".to_owned() } else { ports.join(", ") };
        Cause::likely(
            format!("{workload}: every node that it may run on has the hostPort {port} taken"),
            "leave hostPort out and use a Service; else let the old pod go first: a Deployment with strategy Recreate, or maxSurge 0",
        )
        .on(named("Pod", pod.name()))
    });
    causes.collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, pod, said, says, with};

    #[test]
    fn a_node_port_that_is_taken_is_named() {
        let text = "failed to create resource: Service \"web\" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated";
        let told = says("port-in-use", &said(text));
        assert!(told.starts_with("service/web: the NodePort 30080 is taken by another Service | "), "{told}");
        assert!(told.ends_with("kubectl get services -A | grep 30080"), "{told}");
    }

    #[test]
    fn a_program_that_cannot_listen_is_quoted() {
        let crash = pod("web-1", "restartCount: 3, state: {waiting: {reason: CrashLoopBackOff}}");
        let log = "starting\nlisten tcp :8080: bind: address already in use\nbye\n";
        let told = says("port-in-use", &with(&[&crash]).log_of("web-1", "web", log));
        assert!(told.starts_with("deployment/web: container web wants a port that is taken: listen tcp :8080: bind: address already in use | "), "{told}");
    }

    #[test]
    fn a_host_port_keeps_pods_from_every_node() {
        let text = pod("web-1", "restartCount: 0").replace("containerPort: 8080", "containerPort: 8080, hostPort: 80").replace(
            "  phase: Running",
            "  phase: Pending\n  conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: \"0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports.\"}]",
        );
        assert!(
            says("port-in-use", &with(&[&text]))
                .starts_with("deployment/web: every node that it may run on has the hostPort 80 taken | ")
        );
    }

    #[test]
    fn a_program_that_runs_has_got_over_it() {
        let runs = pod("web-1", "restartCount: 0, state: {running: {}}");
        assert_eq!(
            found("port-in-use", &with(&[&runs]).log_of("web-1", "web", "bind: address already in use, trying 8081")),
            []
        );
    }
}

//! A container that runs and does not pass its probe.

use crate::manifest::node::Node;
use crate::upgrade::diagnosis::container::{Container, number};
use crate::upgrade::diagnosis::evidence::text;
use crate::upgrade::diagnosis::message::{after, has, short};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// What kubelets call the probes (`pkg/kubelet/prober` of Kubernetes) and their fields.
const PROBES: [(&str, &str); 3] =
    [("Startup", "startupProbe"), ("Liveness", "livenessProbe"), ("Readiness", "readinessProbe")];

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let containers = evidence.containers();
    let unready =
        containers.iter().filter(|container| !container.init && !container.is_ready() && !container.is_done());
    unready.filter_map(|container| cause(evidence, container)).collect()
}

fn cause(evidence: &Evidence, container: &Container<'_>) -> Option<Cause> {
    let event = evidence.events_of(container.pod).filter(|event| event.reason == "Unhealthy").last();
    let told = event.and_then(|event| PROBES.iter().find(|(name, _)| has(&event.message, &format!("{name} probe "))));
    let (name, field, said) = match told {
        // A container without that probe is not the one that the event tells of.
        Some((name, field)) if container.spec.get(field).is_some() => (
            *name,
            *field,
            event.and_then(|event| after(&event.message, "failed: ").or_else(|| after(&event.message, "state: "))),
        ),
        Some(_) => return None,
        // Without an event, a container that runs and is not ready does not pass its readiness probe.
        None if container.runs() && container.spec.get("readinessProbe").is_some() => {
            ("Readiness", "readinessProbe", None)
        }
        None => return None,
    };
    let asks = asks(container, container.spec.get(field)?);
    let workload = evidence.workload(container.pod);
    let said = said.map(|said| format!(": {}", short(said.trim()))).unwrap_or_default();
    let name = name.to_lowercase();
    let sentence = format!("{workload}: container {} does not pass its {name} probe{asks}{said}", container.name);
    let hint = match field {
        "readinessProbe" => format!(
            "see why it answers so; if it only needs longer, raise failureThreshold of the probe: {}",
            evidence.kubectl(&format!("logs {} -c {}", container.pod.name(), container.name))
        ),
        _ => format!(
            "it is restarted for that; if it only starts slowly, give it a startupProbe or a higher failureThreshold: {}",
            evidence.kubectl(&format!("logs {} -c {} --previous", container.pod.name(), container.name))
        ),
    };
    Some(Cause::likely(sentence, hint).on(container.pod_name()))
}

/// What the probe asks for: ` (GET /ready on port http, 8080)`
fn asks(container: &Container<'_>, probe: &Node) -> String {
    if let Some(get) = probe.get("httpGet") {
        let path = Some(text(get, "path")).filter(|path| !path.is_empty()).unwrap_or("/");
        return format!(" (GET {path} on port {})", port(container, get));
    }
    if let Some(tcp) = probe.get("tcpSocket") {
        return format!(" (TCP port {})", port(container, tcp));
    }
    if let Some(grpc) = probe.get("grpc") {
        return format!(" (gRPC on port {})", port(container, grpc));
    }
    let command: Vec<&str> = probe
        .find(&["exec", "command"])
        .and_then(Node::as_list)
        .unwrap_or_default()
        .iter()
        .filter_map(Node::as_str)
        .collect();
    if command.is_empty() { String::new() } else { format!(" ({})", short(&command.join(" "))) }
}

/// The port's number, with its name where it has one; a name that the container does not have is said.
fn port(container: &Container<'_>, asked: &Node) -> String {
    if let Some(number) = number(asked, "port") {
        return number.to_string();
    }
    let name = text(asked, "port");
    let ports = container.spec.get("ports").and_then(Node::as_list).unwrap_or_default();
    let known = ports.iter().find(|port| text(port, "name") == name).and_then(|port| number(port, "containerPort"));
    known.map_or_else(|| format!("{name}, which the container does not have"), |number| format!("{name}, {number}"))
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, pod, says, with};

    const RUNS: &str = "restartCount: 0, state: {running: {}}";

    #[test]
    fn path_port_and_status_are_told() {
        let evidence = with(&[&pod("web-1", RUNS)]).event(
            "pod/web-1",
            "Unhealthy",
            "Readiness probe failed: HTTP probe failed with statuscode: 503",
        );
        let told = says("probe", &evidence);
        assert!(told.starts_with("deployment/web: container web does not pass its readiness probe (GET /ready on port http, 8080): HTTP probe failed with statuscode: 503 | "), "{told}");
    }

    #[test]
    fn a_port_that_the_container_does_not_have_is_said() {
        let text = pod("web-1", RUNS).replace("port: http}", "port: web}");
        assert!(says("probe", &with(&[&text])).contains("port web, which the container does not have"));
    }

    #[test]
    fn a_liveness_probe_restarts() {
        let text = pod("web-1", RUNS).replace(
            "readinessProbe: {httpGet: {path: /ready, port: http}}",
            "livenessProbe: {exec: {command: [cat, /tmp/healthy]}}",
        );
        let evidence = with(&[&text]).event(
            "pod/web-1",
            "Unhealthy",
            "Liveness probe failed: cat: /tmp/healthy: No such file or directory",
        );
        let told = says("probe", &evidence);
        assert!(
            told.contains("liveness probe (cat /tmp/healthy): cat: /tmp/healthy: No such")
                && told.contains("startupProbe"),
            "{told}"
        );
    }

    #[test]
    fn a_ready_container_has_passed() {
        let text = pod("web-1", RUNS).replace("ready: false", "ready: true");
        let evidence = with(&[&text]).event(
            "pod/web-1",
            "Unhealthy",
            "Readiness probe failed: HTTP probe failed with statuscode: 503",
        );
        assert_eq!(found("probe", &evidence), []);
    }

    #[test]
    fn a_container_without_a_probe_fails_none() {
        let text = pod("web-1", RUNS).replace("    readinessProbe: {httpGet: {path: /ready, port: http}}\n", "");
        assert_eq!(found("probe", &with(&[&text])), []);
    }
}

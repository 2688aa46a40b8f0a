//! Whether a node port that a Service asks for is free: the API server refuses one that is taken
//! (k8s.io/kubernetes, pkg/registry/core/service/portallocator).

use std::collections::HashMap;

use crate::checks::scene::{Pair, Scene, items, string};
use crate::checks::wanted::{ListedKind, Wanted};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot};
use crate::manifest::node::Node;

const NAME: &str = "node-ports";

pub(crate) const CHECK: Check = Check::new(NAME, "whether the node ports that Services ask for are free", run)
    .worst(Severity::Blocker)
    .rights("list services in all namespaces")
    .wants(wants);

const SERVICES: ListedKind = ListedKind::new("", "v1", "services", "Service");

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let asked = !asked(&Scene::proposed(proposal)).is_empty();
    asked.then(|| Wanted::all(SERVICES)).into_iter().collect()
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let asked = asked(&scene);
    if asked.is_empty() {
        return vec![Finding::new(NAME, Severity::Pass, "no Service asks for a node port that it did not have")];
    }
    let services = match snapshot.lists.get(&Wanted::all(SERVICES)) {
        Ok(services) => services,
        Err(reason) => {
            let message = format!("whether the node ports that Services ask for are free: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let mut taken: HashMap<(u64, String), (&str, &str)> = HashMap::new();
    for service in services {
        let health =
            service.at(&["spec", "healthCheckNodePort"]).and_then(Node::as_count).map(|port| (port, "TCP".to_owned()));
        for port in ports(service.node()).into_iter().chain(health) {
            taken.insert(port, (service.namespace(), service.name()));
        }
    }
    let mut findings = Vec::new();
    for (port, pair) in asked {
        let own = (pair.namespace, pair.new.id.name.as_str());
        if let Some((namespace, name)) = taken.get(&port).filter(|who| **who != own) {
            let message =
                format!("node port {}/{} is taken by Service/{name} in namespace {namespace}", port.0, port.1);
            // What gives it up in this very upgrade may do so in time.
            let gives_up = scene
                .of_kind("", "Service")
                .any(|one| (one.namespace, one.new.id.name.as_str()) == (*namespace, *name));
            let (severity, message) = match gives_up {
                true => (Severity::Warning, format!("{message}, which gives it up in this upgrade, perhaps too late")),
                false => (Severity::Blocker, format!("{message}: the server refuses it")),
            };
            let hint = "leave out nodePort, so that the server picks a free one, or name another";
            findings.push(Finding::new(NAME, severity, message).about(pair.new.id.to_string()).hint(hint));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "the node ports that Services ask for are free"));
    }
    findings
}

type Port = (u64, String);

/// The node ports that Services name and did not have before.
fn asked<'a>(scene: &Scene<'a>) -> Vec<(Port, Pair<'a>)> {
    let services = scene.of_kind("", "Service");
    services
        .flat_map(|pair| {
            let before = pair.old.map(|old| ports(&old.node)).unwrap_or_default();
            ports(&pair.new.node).into_iter().filter(move |port| !before.contains(port)).map(move |port| (port, pair))
        })
        .collect()
}

fn ports(service: &Node) -> Vec<Port> {
    let ports = items(service, &["spec", "ports"]).iter();
    let named = ports.filter_map(|port| {
        let number = port.find(&["nodePort"]).and_then(Node::as_count).filter(|port| *port > 0)?;
        Some((number, string(port, &["protocol"]).unwrap_or("TCP").to_owned()))
    });
    named.collect()
}

//! Whether a node port that a Service asks for is free: the API server refuses one that is taken
//! (k8s.io/kubernetes, pkg/registry/core/service/portallocator).

use std::collections::{BTreeSet, HashMap};

use crate::checks::scene::{Pair, Scene, items};
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
    let mut taken: HashMap<u64, (&str, &str)> = HashMap::new();
    for service in services {
        let health = service.at(&["spec", "healthCheckNodePort"]).and_then(Node::as_count);
        for port in ports(service.node()).into_iter().chain(health) {
            taken.insert(port, (service.namespace(), service.name()));
        }
    }
    let mut findings = Vec::new();
    for (port, pair) in asked {
        let own = (pair.namespace, pair.new.id.name.as_str());
        if let Some((namespace, name)) = taken.get(&port).filter(|who| **who != own) {
            let message = format!("node port {port} is taken by Service/{name} in namespace {namespace}");
            // What gives it up in this very upgrade may do so in time.
            let mut others = scene.of_kind("", "Service");
            let other = others.find(|one| (one.namespace, one.new.id.name.as_str()) == (*namespace, *name));
            let (severity, message) = match other.is_some_and(|other| !ports(&other.new.node).contains(&port)) {
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

/// The node ports that Services name and did not have before.
fn asked<'a>(scene: &Scene<'a>) -> Vec<(u64, Pair<'a>)> {
    let services = scene.of_kind("", "Service");
    services
        .flat_map(|pair| {
            let before = pair.old.map(|old| ports(&old.node)).unwrap_or_default();
            ports(&pair.new.node).into_iter().filter(move |port| !before.contains(port)).map(move |port| (port, pair))
        })
        .collect()
}

/// The node ports of a Service, each once: one may have the same for TCP and UDP.
fn ports(service: &Node) -> BTreeSet<u64> {
    let ports = items(service, &["spec", "ports"]).iter();
    ports.filter_map(|port| port.find(&["nodePort"]).and_then(Node::as_count).filter(|port| *port > 0)).collect()
}

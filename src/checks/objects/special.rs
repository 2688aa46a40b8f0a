//! Refusals that a check of its own tells, with what is to be done: the general checks leave them out, so that one danger takes one
//! `--accept`.

use std::cell::OnceCell;

use crate::checks::capacity::{quota, volume_growth};
use crate::checks::disruption::node_ports;
use crate::checks::scene::Pair;
use crate::checks::trial::Trial;
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::manifest::node::{Node, Value};
use crate::manifest::refusal::Refusal;

/// What the special checks find, asked for where it matters.
pub(super) struct Special<'s, 'a> {
    snapshot: &'s Snapshot<'a>,
    quota: OnceCell<Vec<Finding>>,
    node_ports: OnceCell<Vec<Finding>>,
    volume_growth: OnceCell<Vec<Finding>>,
}

impl<'s, 'a> Special<'s, 'a> {
    pub(super) fn new(snapshot: &'s Snapshot<'a>) -> Self {
        Self { snapshot, quota: OnceCell::new(), node_ports: OnceCell::new(), volume_growth: OnceCell::new() }
    }

    /// The check that tells of this refusal, as a blocker too.
    pub(super) fn tells(&self, trial: &Trial, refusal: &Refusal) -> Option<&'static str> {
        match (trial.id.group.as_str(), trial.id.kind.as_str()) {
            _ if refusal.message.contains(EXCEEDED) => self.tells_quota(&refusal.message).then_some(quota::CHECK.name),
            ("", "Service") if is_of_node_ports(refusal) => {
                self.tells_of(&self.node_ports, &node_ports::CHECK, trial).then_some(node_ports::CHECK.name)
            }
            ("", "PersistentVolumeClaim") if self.only_resizes(trial) => {
                self.tells_of(&self.volume_growth, &volume_growth::CHECK, trial).then_some(volume_growth::CHECK.name)
            }
            _ => None,
        }
    }

    fn found<'c>(&self, cell: &'c OnceCell<Vec<Finding>>, check: &Check) -> impl Iterator<Item = &'c Finding> {
        let findings = cell.get_or_init(|| (check.run)(self.snapshot));
        findings.iter().filter(|finding| finding.severity == Severity::Blocker)
    }

    fn tells_of(&self, cell: &OnceCell<Vec<Finding>>, check: &Check, trial: &Trial) -> bool {
        let (kind, name) = (format!("{}/", trial.id.kind), format!("/{}", trial.id.name));
        self.found(cell, check).any(|one| one.resource.starts_with(&kind) && one.resource.ends_with(&name))
    }

    /// Whether all that is too much is told: `exceeded quota: few, requested: pods=1,count/secrets=1, used: …, limited: …`
    /// (k8s.io/apiserver, `pkg/admission/plugin/resourcequota`).
    fn tells_quota(&self, message: &str) -> bool {
        let Some((_, rest)) = message.split_once(EXCEEDED) else { return false };
        let Some((name, rest)) = rest.split_once(", requested: ") else { return false };
        let requested = rest.split(", used: ").next().unwrap_or_default();
        let quota = format!("ResourceQuota/{name} ");
        requested.split(',').filter_map(|one| one.split('=').next()).all(|resource| {
            let of_resource = format!(" {resource},");
            self.found(&self.quota, &quota::CHECK)
                .any(|one| one.message.contains(&quota) && one.message.contains(&of_resource))
        })
    }

    /// Whether nothing but the size of a claim changes in its specification.
    fn only_resizes(&self, trial: &Trial) -> bool {
        let scene = crate::checks::scene::Scene::of(self.snapshot);
        let mut claims = scene.of_kind("", "PersistentVolumeClaim");
        let own = |pair: &Pair<'_>| {
            pair.new.id.name == trial.id.name && trial.id.namespace.as_deref().is_none_or(|at| at == pair.namespace)
        };
        let Some(Pair { old: Some(old), new, .. }) = claims.find(own) else { return false };
        rest_of(&old.node) == rest_of(&new.node)
    }
}

const EXCEEDED: &str = "exceeded quota: ";

/// Whether it is about node ports and nothing else: `spec.ports[0].nodePort: Invalid value: 30000: provided port is already allocated`.
fn is_of_node_ports(refusal: &Refusal) -> bool {
    !refusal.causes.is_empty() && refusal.causes.iter().all(|cause| cause.field.ends_with(".nodePort"))
}

/// The specification without the resources.
fn rest_of(claim: &Node) -> Vec<(&str, &Node)> {
    let Some(Value::Map(spec)) = claim.find(&["spec"]).map(Node::value) else { return Vec::new() };
    let mut rest: Vec<_> =
        spec.iter().map(|(key, value)| (&**key, value)).filter(|(key, _)| *key != "resources").collect();
    rest.sort_by_key(|(key, _)| *key);
    rest
}

/// What is said where nothing but what others tell was found.
pub(super) fn told_by(check: &'static str, others: &[&'static str]) -> Option<Finding> {
    let mut names = others.to_vec();
    names.sort_unstable();
    names.dedup();
    let which = if names.len() == 1 { "check" } else { "checks" };
    let message = format!("what the server refuses of it is told by the {which} {}", names.join(" and "));
    (!names.is_empty()).then(|| Finding::new(check, Severity::Info, message))
}

//! Whether one object is ready: one file a family of kinds.
//!
//! The rules are at least as strict as those of kstatus (sigs.k8s.io/cli-utils, pkg/kstatus/status); each says which function
//! of it stands behind it, and where it differs. What kstatus takes for ready as nothing speaks against it is
//! [`Readiness::Unverified`] here.

mod claim;
mod custom;
mod daemon_set;
mod extension;
mod job;
mod network;
mod policy;
mod workload;

use super::judge::Patience;
use super::world::{Key, World, one_line};
use crate::manifest::identity;
use crate::manifest::observed::Observed;

/// What the status of an object says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is ready.
    Ready,
    /// Not yet, and for what it waits.
    Waiting(String),
    /// It says that it has failed, and why.
    Failed(String),
    /// Nothing tells, or nothing that the upgrade could wait for.
    Unverified(String),
}

/// How many pods, or other parts, there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// So many are ready.
    pub ready: u32,
    /// So many are wanted.
    pub wanted: u32,
    /// So many are of the new revision.
    pub updated: u32,
    /// So many are of an older one.
    pub old: u32,
}

/// The object that is looked at, with what is around it.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) object: &'a Observed,
    pub(super) key: &'a Key,
    pub(super) world: &'a World,
    pub(super) patience: &'a Patience,
}

type Rule = fn(&Subject<'_>) -> Readiness;

/// The kinds that take time or have a status that tells.
const RULES: &[(&str, &str, Rule)] = &[
    ("apps", "Deployment", workload::deployment),
    ("extensions", "Deployment", workload::deployment),
    ("apps", "StatefulSet", workload::stateful_set),
    ("apps", "DaemonSet", daemon_set::daemon_set),
    ("extensions", "DaemonSet", daemon_set::daemon_set),
    ("apps", "ReplicaSet", workload::replica_set),
    ("extensions", "ReplicaSet", workload::replica_set),
    ("", "ReplicationController", workload::replica_set),
    ("", "Pod", job::pod),
    ("batch", "Job", job::job),
    ("batch", "CronJob", job::cron_job),
    ("", "PersistentVolumeClaim", claim::claim),
    ("", "PersistentVolume", claim::volume),
    ("", "Service", network::service),
    ("networking.k8s.io", "Ingress", network::ingress),
    ("extensions", "Ingress", network::ingress),
    ("policy", "PodDisruptionBudget", policy::disruption_budget),
    ("autoscaling", "HorizontalPodAutoscaler", policy::autoscaler),
    ("apiextensions.k8s.io", "CustomResourceDefinition", extension::definition),
    ("apiregistration.k8s.io", "APIService", extension::api_service),
    ("", "Namespace", extension::namespace),
];

/// Whether the object is of a kind that Kubernetes itself does not have.
#[must_use]
pub fn is_custom(key: &Key) -> bool {
    identity::is_custom(&key.group)
}

/// Whether objects of this kind take time to be ready, or have a status that tells. A ConfigMap is there or not.
#[must_use]
pub fn takes_time(key: &Key) -> bool {
    rule(key).is_some()
}

/// Whether an object is ready.
pub(super) fn of(subject: &Subject<'_>) -> Readiness {
    let Some(rule) = rule(subject.key) else { return Readiness::Ready };
    in_general(subject).unwrap_or_else(|| rule(subject))
}

/// How many pods of the object there are; nothing for a kind that has none.
pub(super) fn counts(object: &Observed, key: &Key) -> Counts {
    workload::counts(object, key)
}

/// What keeps a DaemonSet from being seen to be good, where that is nothing but nodes that were lost before.
pub(super) fn lost_nodes(world: &World, key: &Key, object: &Observed) -> Option<String> {
    let is_one = matches!(&*key.group, "apps" | "extensions") && key.kind == "DaemonSet";
    let subject = Subject { object, key, world, patience: &Patience::default() };
    match is_one.then(|| daemon_set::daemon_set(&subject)) {
        Some(Readiness::Unverified(doubt)) => Some(doubt),
        _ => None,
    }
}

fn rule(key: &Key) -> Option<Rule> {
    if is_custom(key) {
        return Some(custom::resource);
    }
    RULES.iter().find(|(group, kind, _)| key.is(group, kind)).map(|(_, _, rule)| *rule)
}

/// What holds for all kinds. (kstatus: `checkGenericProperties`, `checkGeneration`)
fn in_general(subject: &Subject<'_>) -> Option<Readiness> {
    let object = subject.object;
    if object.is_deleting() {
        return waiting("is being deleted");
    }
    let observed = object.number(&["status", "observedGeneration"]);
    if object.generation() > 0 && observed.is_some_and(|observed| observed != object.generation()) {
        return waiting("its controller has not seen the change yet");
    }
    let says = |name| object.condition(name).filter(|condition| condition.is_true());
    if let Some(reconciling) = says("Reconciling") {
        return waiting(&said("reconciling", reconciling.text("message")));
    }
    says("Stalled").map(|stalled| Readiness::Failed(said("stalled", stalled.text("message"))))
}

fn waiting(text: &str) -> Option<Readiness> {
    Some(Readiness::Waiting(text.to_owned()))
}

/// `stalled: chart not found`, or `stalled` where the cluster says no more.
fn said(what: &str, message: &str) -> String {
    let message = one_line(message, 300);
    if message.is_empty() { what.to_owned() } else { format!("{what}: {message}") }
}

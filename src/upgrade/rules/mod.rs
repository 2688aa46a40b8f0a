//! Signs of failure: one rule a file. Each says what it looks at, how long its sign may last, and where that is from.
//!
//! Only objects that the upgrade made or changed are looked at, and of their pods only those of the newest revision that were not
//! there before. A sign that goes away is forgotten, and its grace begins anew when it comes back.

mod container_config;
mod crash_loop;
mod image;
mod job_failed;
mod probe;
mod progress_deadline;
mod quota;
mod stalled;
mod unbound_claim;
mod unschedulable;

use jiff::SignedDuration;

use super::judge::Patience;
use super::readiness::Readiness;
use super::world::{ContainerFacts, Key, PodRef, World, one_line};
use crate::manifest::observed::Observed;

/// An object that the upgrade made or changed, and its pods of the newest revision that are new and stay.
pub(super) struct Suspect<'a> {
    pub(super) world: &'a World,
    pub(super) key: &'a Key,
    pub(super) object: &'a Observed,
    pub(super) hook: bool,
    pub(super) readiness: &'a Readiness,
    pub(super) pods: Vec<PodRef<'a>>,
    pub(super) patience: &'a Patience,
}

/// A sign that is there now.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) rule: &'static str,
    pub(super) pod: Option<&'a Observed>,
    pub(super) container: Option<&'a str>,
    pub(super) message: String,
    /// How long it may last without a break.
    pub(super) grace: SignedDuration,
    /// Somebody acts on it, or it is out of sight, so that the grace does not begin yet.
    pub(super) paused: bool,
}

type Rule = for<'a> fn(&Suspect<'a>, &mut Vec<Found<'a>>);

/// All rules by name. The first sign of an object is the one that is shown.
const RULES: &[(&str, Rule)] = &[
    (image::RULE, image::find),
    (crash_loop::RULE, crash_loop::find),
    (container_config::RULE, container_config::find),
    (job_failed::RULE, job_failed::find),
    (quota::RULE, quota::find),
    (unbound_claim::RULE, unbound_claim::find),
    (unschedulable::RULE, unschedulable::find),
    (probe::RULE, probe::find),
    (progress_deadline::RULE, progress_deadline::find),
    (stalled::RULE, stalled::find),
];

/// Those that say that there is no room for pods, and nothing of how the pods are that there are.
pub(super) const NO_ROOM: [&str; 3] = [quota::RULE, unbound_claim::RULE, unschedulable::RULE];

/// The one that says that a container runs, and is not ready.
pub(super) const PROBE: &str = probe::RULE;

/// The names of all rules, as in `crash-loop`.
pub fn names() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(name, _)| *name)
}

/// All signs that an object shows now.
pub(super) fn find<'a>(suspect: &Suspect<'a>) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    for (_, rule) in RULES {
        rule(suspect, &mut found);
    }
    found
}

impl<'a> Suspect<'a> {
    /// All containers of all its pods.
    fn containers(&self) -> impl Iterator<Item = (PodRef<'a>, &'a ContainerFacts)> {
        self.pods.iter().flat_map(|pod| pod.facts.containers.iter().map(|container| (*pod, container)))
    }
}

impl<'a> Found<'a> {
    /// A sign of the object itself.
    fn of_object(rule: &'static str, message: String, grace: SignedDuration) -> Self {
        Self { rule, pod: None, container: None, message, grace, paused: false }
    }

    /// A sign of one of its pods.
    fn of_pod(rule: &'static str, pod: PodRef<'a>, message: String, grace: SignedDuration) -> Self {
        Self { pod: Some(pod.object), ..Self::of_object(rule, message, grace) }
    }

    /// A sign of a container.
    fn of_container(
        rule: &'static str,
        (pod, container): (PodRef<'a>, &'a ContainerFacts),
        message: String,
        grace: SignedDuration,
    ) -> Self {
        Self { container: Some(&container.name), ..Self::of_pod(rule, pod, message, grace) }
    }
}

/// `cannot start: no such file`, or `cannot start` where the cluster says no more.
fn because(what: String, message: &str) -> String {
    let message = one_line(message, 400);
    if message.is_empty() { what } else { format!("{what}: {message}") }
}

/// `container "app"`, `init container "migrate"`, `sidecar "proxy"`.
fn named(container: &ContainerFacts) -> String {
    let what = match (container.sidecar, container.init) {
        (true, _) => "sidecar",
        (false, true) => "init container",
        (false, false) => "container",
    };
    format!("{what} {:?}", container.name)
}

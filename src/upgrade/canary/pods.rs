//! The pods of a manifest, and what they request: so that a plan of steps says what each of them asks of the cluster.

use serde::Serialize;

use crate::diff::impact::{Bound, of_pod};
use crate::diff::workload::{self, Kind};
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::manifest::quantity::Quantity;

/// The pods of one workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pods {
    /// The workload: `deployment/web`.
    pub workload: String,
    /// Its kind and name.
    #[serde(skip)]
    pub object: (String, String),
    /// How many pods it has; `None` where the manifest leaves it to others.
    pub replicas: Option<u64>,
    /// What one of them requests of processor time; empty for nothing.
    pub cpu: String,
    /// What one of them requests of memory.
    pub memory: String,
    /// The same for all of them.
    pub total_cpu: String,
    /// The same for all of them.
    pub total_memory: String,
    #[serde(skip)]
    requests: (Quantity, Quantity),
}

/// The workloads that have a number of pods, hooks left out.
#[must_use]
pub fn of(objects: &[Object]) -> Vec<Pods> {
    let own = objects.iter().filter(|object| !workload::is_hook(object));
    own.filter(|object| Kind::of(&object.id).is_some_and(Kind::has_replicas)).map(pods).collect()
}

fn pods(object: &Object) -> Pods {
    let said = object.node.find(&["spec", "replicas"]).and_then(Node::as_count);
    let amounts = workload::pod_spec(object).map(of_pod).unwrap_or_default();
    let amount =
        |resource: &str| amounts.get(&(Bound::Request, resource.to_owned())).copied().unwrap_or(Quantity::ZERO);
    let requests = (amount("cpu"), amount("memory"));
    // The manifest that says no number makes one pod of a new workload.
    let count = said.unwrap_or(1);
    let total = |quantity: Quantity| shown(quantity.times(count));
    Pods {
        workload: format!("{}/{}", object.id.kind.to_lowercase(), object.id.name),
        object: (object.id.kind.clone(), object.id.name.clone()),
        replicas: said,
        cpu: shown(Some(requests.0)),
        memory: shown(Some(requests.1)),
        total_cpu: total(requests.0),
        total_memory: total(requests.1),
        requests,
    }
}

fn shown(quantity: Option<Quantity>) -> String {
    quantity.filter(|quantity| *quantity != Quantity::ZERO).map(|quantity| quantity.to_string()).unwrap_or_default()
}

impl Pods {
    /// The same workload with so many pods.
    #[must_use]
    pub fn with(&self, replicas: u64) -> Self {
        let total = |quantity: Quantity| shown(quantity.times(replicas));
        let (total_cpu, total_memory) = (total(self.requests.0), total(self.requests.1));
        Self { replicas: Some(replicas), total_cpu, total_memory, ..self.clone() }
    }
}

/// What all pods of these workloads come to: how many, processor time and memory.
#[must_use]
pub fn total(all: &[Pods]) -> (u64, String, String) {
    let count = all.iter().map(|one| one.replicas.unwrap_or(1)).fold(0, u64::saturating_add);
    let sum = |of: fn(&Pods) -> Quantity| {
        let each = all.iter().map(|one| of(one).times(one.replicas.unwrap_or(1)));
        shown(each.reduce(|sum, one| sum?.plus(one?)).flatten())
    };
    (count, sum(|one| one.requests.0), sum(|one| one.requests.1))
}

//! How many pods the workloads of a revision have: what they say, what an autoscaler may make of it, or what the cluster has.
//!
//! Sources: a workload that says no number keeps the one that it has, as neither Helm's patch nor its apply names the field, and a new
//! one gets one pod (pkg/apis/apps/v1/defaults.go of k8s.io/kubernetes); KEDA scales between `minReplicaCount`, and 1 where that is 0 and
//! there is work, and `maxReplicaCount`, 100 by default (KEDA documentation, "ScaledObject specification").

use std::collections::{HashMap, HashSet};

use crate::checks::scene::{Scene, Workload, is, string};
use crate::checks::wanted::{ListedKind, Lists, Wanted};
use crate::diff::workload::{self, Kind};
use crate::manifest::document::Object;
use crate::manifest::identity::ObjectId;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

const AUTOSCALERS: ListedKind =
    ListedKind::new("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler");

/// The API group of KEDA.
const KEDA: &str = "keda.sh";

/// The least and the most pods of a workload; the same where no autoscaler has a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pods {
    pub(super) least: u64,
    pub(super) most: u64,
    /// Whether the manifest says it. What the cluster has, or has by default, something may scale that nobody sees.
    pub(super) said: bool,
}

/// What an object is found by: kind, namespace and name.
type Key<'a> = (&'a str, &'a str, &'a str);

/// The autoscalers of a revision, and what the cluster has of its workloads.
pub(super) struct Autoscalers<'a> {
    own: HashMap<Key<'a>, &'a Object>,
    /// The workloads that keep the number that they have.
    kept: HashSet<Key<'a>>,
    lists: Option<&'a Lists>,
}

impl<'a> Autoscalers<'a> {
    /// Those of the new revision, or of the old one.
    pub(super) fn of(scene: &Scene<'a>, old: bool) -> Self {
        let objects: Vec<&'a Object> = match old {
            true => scene.pairs.iter().filter_map(|pair| pair.old).chain(scene.gone.iter().copied()).collect(),
            false => scene.pairs.iter().map(|pair| pair.new).collect(),
        };
        let targets = objects.into_iter().filter(|object| scales(&object.id)).filter_map(|object| {
            let (kind, name) = target(object)?;
            Some(((kind, scene.namespace_of(object), name), object))
        });
        let kept = scene.workloads().filter(keeps_its_number);
        let kept = kept.map(|one| key(one.pair.new, one.pair.namespace)).collect();
        Self { own: targets.collect(), kept, lists: None }
    }

    /// The same, with what was read of the cluster.
    pub(super) fn with(self, lists: &'a Lists) -> Self {
        Self { lists: Some(lists), ..self }
    }

    /// The HorizontalPodAutoscaler of the chart for an object in a namespace.
    pub(super) fn scaling(&self, object: &'a Object, namespace: &'a str) -> Option<&'a Object> {
        self.own.get(&key(object, namespace)).copied().filter(|scaler| workload::is_autoscaler(&scaler.id))
    }

    /// How many pods a workload has; none for one that has them on each node, or for a time.
    pub(super) fn pods(&self, object: &'a Object, namespace: &'a str) -> Option<Pods> {
        let kind = Kind::of(&object.id)?;
        let fixed = |count, said| Pods { least: count, most: count, said };
        if kind == Kind::Pod {
            return Some(fixed(1, true));
        }
        if !kind.has_replicas() {
            return None;
        }
        let said = said(object);
        // A workload that is set to zero is not scaled (API reference, HorizontalPodAutoscaler).
        if said == Some(0) {
            return Some(fixed(0, true));
        }
        let own = self.own.get(&key(object, namespace)).and_then(|scaler| range(&scaler.node, is_of_keda(&scaler.id)));
        let foreign = || Some(Pods { said: false, ..range(self.foreign(object, namespace)?.node(), false)? });
        Some(own.or_else(foreign).or_else(|| said.map(|count| fixed(count, true))).unwrap_or_else(|| {
            let kept = self.kept.contains(&key(object, namespace));
            fixed(self.lists.filter(|_| kept).and_then(|lists| now(lists, object, namespace)).unwrap_or(1), false)
        }))
    }

    /// An autoscaler that the chart does not bring.
    fn foreign(&self, object: &Object, namespace: &str) -> Option<&'a Observed> {
        let there = self.lists?.get(&autoscalers(namespace)).ok()?;
        there.iter().find(|one| {
            let field = |key| one.text(&["spec", "scaleTargetRef", key]);
            field("kind") == object.id.kind && field("name") == object.id.name
        })
    }
}

/// All autoscalers of a namespace.
pub(super) fn autoscalers(namespace: &str) -> Wanted {
    Wanted::within(AUTOSCALERS, namespace)
}

/// The cluster's object of a workload that has a number of pods.
pub(super) fn live(object: &Object, namespace: &str) -> Option<Wanted> {
    let kind = match Kind::of(&object.id)? {
        Kind::Deployment => ListedKind::new("apps", "v1", "deployments", "Deployment"),
        Kind::StatefulSet => ListedKind::new("apps", "v1", "statefulsets", "StatefulSet"),
        Kind::ReplicaSet => ListedKind::new("apps", "v1", "replicasets", "ReplicaSet"),
        Kind::ReplicationController => ListedKind::new("", "v1", "replicationcontrollers", "ReplicationController"),
        Kind::Rollout => ListedKind::new("argoproj.io", "v1alpha1", "rollouts", "Rollout"),
        Kind::DaemonSet | Kind::Pod | Kind::Job | Kind::CronJob => return None,
    };
    Some(Wanted { kind, namespace: Some(namespace.to_owned()), name: Some(object.id.name.clone()) })
}

/// How many pods the cluster's object of a workload is set to, where it was read.
pub(super) fn now(lists: &Lists, object: &Object, namespace: &str) -> Option<u64> {
    let there = lists.get(&live(object, namespace)?).ok()?.first()?;
    there.number(&["spec", "replicas"]).and_then(|count| u64::try_from(count).ok())
}

/// Whether neither revision says how many pods there are.
pub(super) fn keeps_its_number(workload: &Workload<'_>) -> bool {
    workload.kind.has_replicas()
        && workload.pair.old.is_some_and(|old| said(old).is_none())
        && said(workload.pair.new).is_none()
}

/// The number of pods that a workload says.
pub(super) fn said(object: &Object) -> Option<u64> {
    object.node.find(&["spec", "replicas"]).and_then(Node::as_count)
}

fn key<'a>(object: &'a Object, namespace: &'a str) -> Key<'a> {
    (object.id.kind.as_str(), namespace, object.id.name.as_str())
}

fn is_of_keda(id: &ObjectId) -> bool {
    is(id, KEDA, "ScaledObject")
}

fn scales(id: &ObjectId) -> bool {
    workload::is_autoscaler(id) || is_of_keda(id)
}

/// Kind and name of what is scaled. Where KEDA is told no kind, it is a Deployment.
fn target(scaler: &Object) -> Option<(&str, &str)> {
    if !is_of_keda(&scaler.id) {
        return workload::target(scaler);
    }
    let field = |key| string(&scaler.node, &["spec", "scaleTargetRef", key]);
    Some((field("kind").unwrap_or("Deployment"), field("name")?))
}

fn range(scaler: &Node, of_keda: bool) -> Option<Pods> {
    let count = |key| scaler.find(&["spec", key]).and_then(Node::as_count);
    let (least, most) = match of_keda {
        true => (count("minReplicaCount").unwrap_or(0).max(1), count("maxReplicaCount").unwrap_or(100)),
        false => (count("minReplicas").unwrap_or(1), count("maxReplicas")?),
    };
    Some(Pods { least: least.min(most), most, said: true })
}

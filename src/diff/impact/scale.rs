//! How many pods a workload has.

use std::collections::HashMap;

use super::Range;
use crate::diff::release::Both;
use crate::diff::resources::ManifestDiff;
use crate::diff::workload::{self, Kind};
use crate::manifest::document::Object;
use crate::manifest::node::Node;

/// What the pods of a workload are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// They run all the time.
    Pods,
    /// One on each node, of which the number is unknown: amounts are those of one node.
    PerNode,
    /// They run until the work is done.
    Job,
    /// They run at times: amounts are those of one run.
    CronJob,
}

impl Scale {
    pub(super) fn of(kind: Kind, nodes: Option<u64>) -> Self {
        match kind {
            Kind::DaemonSet if nodes.is_none() => Self::PerNode,
            Kind::Job => Self::Job,
            Kind::CronJob => Self::CronJob,
            _ => Self::Pods,
        }
    }

    /// Whether what is taken is taken all the time, and its amount known.
    #[must_use]
    pub fn runs_always(self) -> bool {
        self == Self::Pods
    }
}

/// How many pods an object has. Sources of the defaults: `SetDefaults_Deployment` and others
/// (k8s.io/kubernetes, pkg/apis/apps/v1/defaults.go), `SetDefaults_Job` (pkg/apis/batch/v1/defaults.go).
pub(super) fn pods(object: &Object, kind: Kind, scaled: Option<Range<u64>>, nodes: Option<u64>) -> Range<u64> {
    let count = |path: &[&str]| object.node.find(path).and_then(Node::as_count);
    let fixed = |count: u64| Range { least: count, most: count };
    match kind {
        Kind::Pod => fixed(1),
        Kind::DaemonSet => fixed(nodes.unwrap_or(1)),
        Kind::Job | Kind::CronJob => {
            let spec: &[&str] = if kind == Kind::Job { &["spec"] } else { &["spec", "jobTemplate", "spec"] };
            let field = |key: &'static str| count(&[spec, &[key]].concat());
            let parallel = field("parallelism").unwrap_or(1);
            // No more pods start than are still needed.
            fixed(field("completions").map_or(parallel, |wanted| parallel.min(wanted)))
        }
        // A workload that is set to zero is not scaled (API reference, HorizontalPodAutoscaler).
        _ => match (count(&["spec", "replicas"]), scaled) {
            (Some(0), _) => fixed(0),
            (_, Some(range)) => range,
            (replicas, None) => fixed(replicas.unwrap_or(1)),
        },
    }
}

/// How many pods of a Job must succeed.
pub(super) fn completions(object: &Object) -> Option<u64> {
    let path: &[&str] = match Kind::of(&object.id)? {
        Kind::Job => &["spec", "completions"],
        Kind::CronJob => &["spec", "jobTemplate", "spec", "completions"],
        _ => return None,
    };
    object.node.find(path)?.as_count()
}

/// Kind, namespace (none for the release's own) and name.
type Target<'a> = (&'a str, Option<&'a str>, &'a str);

/// Which workloads are scaled by an autoscaler, on both sides.
pub(super) struct Autoscalers<'a> {
    ranges: Both<HashMap<Target<'a>, Range<u64>>>,
    namespaces: Both<&'a str>,
}

impl<'a> Autoscalers<'a> {
    pub(super) fn of(diff: &'a ManifestDiff, namespaces: Both<&'a str>) -> Self {
        let of_side = |objects: Vec<&'a Object>, own: &'a str| {
            let scalers = objects.into_iter().filter(|object| workload::is_autoscaler(&object.id));
            scalers.filter_map(|object| {
                let (kind, name) = workload::target(object)?;
                Some(((kind, outside(object, own), name), range(object)?))
            })
        };
        let side = |pick: fn(&'a crate::diff::resources::ResourceDiff) -> Option<&'a Object>| -> Vec<&'a Object> {
            diff.resources.iter().filter_map(pick).chain(&diff.related).collect()
        };
        let old = of_side(side(|resource| resource.old.as_ref()), namespaces.old).collect();
        let new = of_side(side(|resource| resource.new.as_ref()), namespaces.new).collect();
        Self { ranges: Both { old, new }, namespaces }
    }

    /// The range in which a workload is scaled.
    pub(super) fn range(&self, object: &Object, old: bool) -> Option<Range<u64>> {
        let (ranges, own) =
            if old { (&self.ranges.old, self.namespaces.old) } else { (&self.ranges.new, self.namespaces.new) };
        ranges.get(&(object.id.kind.as_str(), outside(object, own), object.id.name.as_str())).copied()
    }

    /// Whether the scaling of an unchanged workload changes.
    pub(super) fn change(&self, object: &Object) -> bool {
        self.range(object, true) != self.range(object, false)
    }
}

fn outside<'o>(object: &'o Object, own: &str) -> Option<&'o str> {
    object.id.namespace.as_deref().filter(|namespace| *namespace != own)
}

/// The range of an autoscaler; the minimum is one unless said (`SetDefaults_HorizontalPodAutoscaler`).
fn range(autoscaler: &Object) -> Option<Range<u64>> {
    let count = |key| autoscaler.node.find(&["spec", key]).and_then(Node::as_count);
    let (least, most) = (count("minReplicas").unwrap_or(1), count("maxReplicas")?);
    Some(Range { least: least.min(most), most })
}

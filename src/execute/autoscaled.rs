//! Which workloads an autoscaler sets the replicas of: that they run another number than the manifest names is no difference.

use crate::cluster::{Cluster, ListQuery, Resource};
use crate::diff::ignore::{Objects, Place, Rule};
use crate::manifest::observed::Observed;

const AUTOSCALERS: Resource = Resource {
    group: std::borrow::Cow::Borrowed("autoscaling"),
    version: std::borrow::Cow::Borrowed("v2"),
    plural: std::borrow::Cow::Borrowed("horizontalpodautoscalers"),
    kind: std::borrow::Cow::Borrowed("HorizontalPodAutoscaler"),
};

/// What is to be left out of a comparison: the replicas of what the autoscalers of a namespace scale. Where they can't be
/// listed, nothing is.
pub(super) async fn replicas<C: Cluster>(cluster: &C, namespace: &str) -> Vec<Rule> {
    let query = ListQuery { resource: AUTOSCALERS, namespace: Some(namespace.to_owned()), label_selector: None };
    let found = cluster.list_observed(&query).await.unwrap_or_default();
    found.items.iter().filter_map(|autoscaler| rule(autoscaler, namespace)).collect()
}

fn rule(autoscaler: &Observed, namespace: &str) -> Option<Rule> {
    let target =
        |key| Some(autoscaler.text(&["spec", "scaleTargetRef", key]).to_owned()).filter(|text| !text.is_empty());
    let group = target("apiVersion").map(|version| version.split_once('/').map_or("", |(group, _)| group).to_owned());
    let namespace = Some(namespace.to_owned());
    let objects = Objects { release: None, group, kind: Some(target("kind")?), name: Some(target("name")?), namespace };
    Some(Rule { objects, paths: vec![Place::Pointer("/spec/replicas".to_owned())], managers: Vec::new() })
}

//! The pods that the cluster has, found by their labels: each of them is looked at once to be found, however many workloads ask.

use std::collections::HashMap;

use crate::checks::scene::items;
use crate::checks::selector::{all_of, selects};
use crate::checks::wanted::{ListedKind, Wanted};
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

const PODS: ListedKind = ListedKind::new("", "v1", "pods", "Pod");

/// The pods of all namespaces.
pub(super) fn everywhere() -> Wanted {
    Wanted::all(PODS)
}

/// The pods of a namespace.
pub(super) fn within(namespace: &str) -> Wanted {
    Wanted::within(PODS, namespace)
}

/// The pods that are not done.
pub(super) struct LivePods<'a> {
    pub(super) all: Vec<&'a Observed>,
    /// The places of those that have a label, by namespace, key and value.
    by_label: HashMap<(&'a str, &'a str, &'a str), Vec<usize>>,
    by_namespace: HashMap<&'a str, Vec<usize>>,
}

impl<'a> LivePods<'a> {
    pub(super) fn of(pods: &'a [Observed]) -> Self {
        let done = |pod: &&Observed| matches!(pod.text(&["status", "phase"]), "Succeeded" | "Failed");
        let all: Vec<&Observed> = pods.iter().filter(|pod| !done(pod)).collect();
        let (mut by_label, mut by_namespace) = (HashMap::<_, Vec<usize>>::new(), HashMap::<_, Vec<usize>>::new());
        for (at, pod) in all.iter().enumerate() {
            by_namespace.entry(pod.namespace()).or_default().push(at);
            let labels = pod.at(&["metadata", "labels"]).and_then(Node::as_map).unwrap_or_default();
            for (key, value) in labels {
                let Some(value) = value.as_str() else { continue };
                by_label.entry((pod.namespace(), &**key, value)).or_default().push(at);
            }
        }
        Self { all, by_label, by_namespace }
    }

    /// The places of the pods that a selector with `matchLabels` and `matchExpressions` selects.
    pub(super) fn selected(&self, namespace: &str, selector: &Node) -> Vec<usize> {
        let candidates = self.candidates(namespace, selector.find(&["matchLabels"]));
        candidates.iter().copied().filter(|at| selects(selector, labels(self.all[*at]))).collect()
    }

    /// The places of the pods of a workload: those that it selects, or where it says nothing of that, with the labels that it gives.
    pub(super) fn of_workload(&self, workload: &Object, given: Option<&Node>, namespace: &str) -> Vec<usize> {
        let says = |selector: &&Node| {
            selector.find(&["matchLabels"]).is_some_and(|labels| !labels.is_empty())
                || !items(selector, &["matchExpressions"]).is_empty()
        };
        if let Some(selector) = workload.node.find(&["spec", "selector"]).filter(says) {
            return self.selected(namespace, selector);
        }
        let Some(given) = given.filter(|given| !given.is_empty()) else { return Vec::new() };
        let candidates = self.candidates(namespace, Some(given));
        candidates.iter().copied().filter(|at| all_of(Some(given), labels(self.all[*at]))).collect()
    }

    /// The fewest pods among which are all that have these labels.
    fn candidates<'s>(&'s self, namespace: &'s str, wanted: Option<&'s Node>) -> &'s [usize] {
        let wanted = wanted.and_then(Node::as_map).unwrap_or_default().iter();
        let found = wanted.filter_map(|(key, value)| Some((namespace, &**key, value.as_str()?)));
        let lists = found.map(|label| self.by_label.get(&label).map(Vec::as_slice).unwrap_or_default());
        let fewest = lists.min_by_key(|list| list.len());
        fewest.or_else(|| self.by_namespace.get(namespace).map(Vec::as_slice)).unwrap_or_default()
    }
}

fn labels(pod: &Observed) -> Option<&Node> {
    pod.at(&["metadata", "labels"])
}

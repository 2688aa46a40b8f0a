//! What may make the objects that pods refer to, where the chart does not bring them itself: StatefulSets make claims, operators make
//! what a custom resource is for, hooks and pods may make anything that they have the rights to.

use std::collections::BTreeMap;

use super::references::What;
use crate::checks::scene::{Pair, Scene, is, items, string};
use crate::diff::workload::Kind;
use crate::manifest::document::Object;
use crate::manifest::node::{Node, Value};

/// What in the chart may make config maps and secrets by itself: hooks, custom resources that name them, and pods that may.
pub(super) struct Makers<'a> {
    /// A hook that runs pods before the others start, or while they do.
    hook: Option<&'a Object>,
    /// A Role that lets its holder make secrets or config maps.
    role: Option<&'a Object>,
    /// Texts in custom resources, and in which resource they are.
    mentioned: BTreeMap<&'a str, &'a Object>,
    /// The custom resources: operators name what they make after them.
    custom: Vec<&'a Object>,
    /// What makes claims.
    sets: Vec<Set<'a>>,
}

/// Custom resources of these groups make nothing that pods refer to, though they may name it.
const IDLE: [&str; 6] = [
    "monitoring.coreos.com",
    "networking.istio.io",
    "security.istio.io",
    "telemetry.istio.io",
    "traefik.io",
    "traefik.containo.us",
];

impl<'a> Makers<'a> {
    pub(super) fn of(scene: &Scene<'a>) -> Self {
        let mut hooks = scene.hooks(true).chain(scene.hooks(false));
        let hook = hooks.find(|hook| Kind::of(&hook.id).is_some());
        let mut mentioned = BTreeMap::new();
        let new = || scene.pairs.iter().map(|pair| pair.new);
        let custom: Vec<&Object> =
            new().filter(|object| is_operated(object) && !IDLE.contains(&object.id.group.as_str())).collect();
        custom.iter().for_each(|object| mention(&object.node, object, &mut mentioned));
        // Some controllers make what an annotation of another object names.
        for object in new() {
            let annotations = object.node.find(&["metadata", "annotations"]);
            annotations.into_iter().for_each(|annotations| mention(annotations, object, &mut mentioned));
        }
        Self { hook, role: new().find(|object| lets_make(object)), mentioned, custom, sets: sets(scene) }
    }

    /// Why it may come into being all the same.
    pub(super) fn may_make(&self, what: What, name: &str) -> Option<String> {
        if let Some(object) = self.mentioned.get(name) {
            return Some(format!("{} names it", object.id));
        }
        if let Some(hook) = self.hook {
            return Some(format!("the hook {} runs, and may make it", hook.id));
        }
        if let Some(object) = self.custom.iter().find(|object| is_named_after(name, &object.id.name)) {
            return Some(format!("it is named after {}", object.id));
        }
        if let Some(set) = self.sets.iter().find(|set| what == What::Claim && set.ordinal(name).is_some()) {
            return Some(format!("{} makes it once it has so many pods", set.object.id));
        }
        let role = self.role.filter(|_| matches!(what, What::ConfigMap | What::Secret))?;
        Some(format!("{} lets the chart's own pods make it", role.id))
    }
}

/// Whether a name has another one in it, as `db-app` and `app.db.credentials` have `db`.
fn is_named_after(name: &str, of: &str) -> bool {
    let ends = |rest: &str| rest.is_empty() || rest.starts_with(['-', '.']);
    let starts = |before: &str| before.is_empty() || before.ends_with(['-', '.']);
    !of.is_empty() && name.match_indices(of).any(|(at, _)| starts(&name[..at]) && ends(&name[at + of.len()..]))
}

/// Whether it is a custom resource that runs no pods itself.
fn is_operated(object: &Object) -> bool {
    object.id.is_custom() && Kind::of(&object.id).is_none()
}

fn mention<'a>(node: &'a Node, of: &'a Object, mentioned: &mut BTreeMap<&'a str, &'a Object>) {
    match node.value() {
        Value::String(text) => {
            mentioned.entry(text).or_insert(of);
        }
        Value::List(items) => items.iter().for_each(|item| mention(item, of, mentioned)),
        Value::Map(entries) => entries.iter().for_each(|(_, value)| mention(value, of, mentioned)),
        _ => {}
    }
}

/// Whether it is a Role that lets its holder make secrets or config maps.
fn lets_make(object: &Object) -> bool {
    let role = is(&object.id, "rbac.authorization.k8s.io", "Role") || object.id.kind == "ClusterRole";
    let has = |rule: &Node, key: &str, words: &[&str]| {
        items(rule, &[key]).iter().filter_map(Node::as_str).any(|one| one == "*" || words.contains(&one))
    };
    let rules = items(&object.node, &["rules"]);
    role && rules
        .iter()
        .any(|rule| has(rule, "resources", &["secrets", "configmaps"]) && has(rule, "verbs", &["create"]))
}

/// A StatefulSet of the chart, which makes a claim for each of its pods: `NAME-SET-0` (k8s.io/kubernetes,
/// pkg/controller/statefulset, `getPersistentVolumeClaimName`).
pub(super) struct Set<'a> {
    object: &'a Object,
    pub(super) namespace: &'a str,
    templates: Vec<&'a str>,
}

pub(super) fn sets<'a>(scene: &Scene<'a>) -> Vec<Set<'a>> {
    let set = |pair: Pair<'a>| {
        let templates = items(&pair.new.node, &["spec", "volumeClaimTemplates"]).iter();
        let templates = templates.filter_map(|template| string(template, &["metadata", "name"])).collect();
        Set { object: pair.new, namespace: pair.namespace, templates }
    };
    scene.of_kind("apps", "StatefulSet").map(set).collect()
}

impl Set<'_> {
    /// The number of the pod whose claim has this name.
    fn ordinal(&self, name: &str) -> Option<u64> {
        self.templates.iter().find_map(|template| {
            let rest = name.strip_prefix(template)?.strip_prefix('-')?;
            let ordinal = rest.strip_prefix(self.object.id.name.as_str())?.strip_prefix('-')?;
            ordinal.parse().ok().filter(|_| ordinal.bytes().all(|byte| byte.is_ascii_digit()))
        })
    }

    /// Whether it makes the claim of this name for one of the pods that it is set to.
    pub(super) fn claims(&self, name: &str) -> bool {
        let number = |path: &[&str]| self.object.node.find(path).and_then(Node::as_count);
        let start = number(&["spec", "ordinals", "start"]).unwrap_or_default();
        let pods = start..start.saturating_add(number(&["spec", "replicas"]).unwrap_or(1));
        self.ordinal(name).is_some_and(|ordinal| pods.contains(&ordinal))
    }
}

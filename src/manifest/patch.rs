//! The patch that Helm sends for an object that it does not apply at the server: from the object as the old manifest has it, as
//! the new one has it, and as it is in the cluster (`createPatch` in Helm's `pkg/kube/client.go`).
//!
//! Of the server's own kinds it is a strategic merge patch of all three: what differs from the cluster is set, and what the old
//! manifest had and the new one has not is taken out. Its rules are the tags `patchStrategy` and `patchMergeKey` of `k8s.io/api`.
//! Of custom resources it is a JSON merge patch from the old manifest to the new one. The order of items is left as it is in the
//! cluster, which no rule of the server looks at.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::manifest::live::{Configuration, Declared, LiveObject};
use crate::manifest::node::{Node, Value};

/// Lists whose items are merged by a key, wherever they are in the server's own kinds.
const MERGED: [(&str, &str); 14] = [
    ("containers", "name"),
    ("ephemeralContainers", "name"),
    ("env", "name"),
    ("hostAliases", "ip"),
    ("imagePullSecrets", "name"),
    ("initContainers", "name"),
    ("matchConditions", "name"),
    ("ownerReferences", "uid"),
    ("schedulingGates", "name"),
    ("topologySpreadConstraints", "topologyKey"),
    ("variables", "name"),
    ("volumeDevices", "devicePath"),
    ("volumeMounts", "mountPath"),
    ("webhooks", "name"),
];

/// A patch on its way to the API server. It may hold a Secret's content, and does not print it.
#[derive(Debug)]
pub struct Patch {
    /// Whether it is a strategic merge patch, else it is a JSON merge patch.
    pub strategic: bool,
    /// Whether it changes nothing, so that Helm sends none.
    pub is_empty: bool,
    /// What is sent.
    pub configuration: Configuration,
}

/// How a value is merged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Maps key by key, lists as a whole.
    Plain,
    /// A list by a key of its items.
    By(&'static str),
    /// The same, and of an item only the keys stay that are named.
    ByRetaining(&'static str),
    /// A map of which only the keys stay that are named.
    Retaining,
    /// A map as a whole.
    Replaced,
    /// A set of scalars.
    Set,
}

/// Where a value is: the object's kind where its rules are known, the field above, and its own.
#[derive(Clone, Copy)]
struct Place<'a> {
    kind: Option<&'a str>,
    parent: &'a str,
    field: &'a str,
}

impl<'a> Place<'a> {
    fn below(self, field: &'a str) -> Self {
        Self { kind: self.kind, parent: self.field, field }
    }

    fn rule(self) -> Rule {
        let Some(kind) = self.kind else { return Rule::Plain };
        let is_container = matches!(self.parent, "containers" | "initContainers" | "ephemeralContainers");
        match (kind, self.parent, self.field) {
            ("CustomResourceDefinition", ..) => Rule::Plain,
            ("Deployment", "spec", "strategy") => Rule::Retaining,
            ("PodDisruptionBudget", "spec", "selector") => Rule::Replaced,
            ("Service", "spec", "ports") => Rule::By("port"),
            ("ServiceAccount", "", "secrets") => Rule::By("name"),
            (_, "metadata", "finalizers") => Rule::Set,
            (_, "spec", "volumes" | "resourceClaims") => Rule::ByRetaining("name"),
            (_, _, "ports") if is_container => Rule::By("containerPort"),
            (.., field) => MERGED.iter().find(|(name, _)| *name == field).map_or(Rule::Plain, |(_, key)| Rule::By(key)),
        }
    }
}

/// One value on all sides.
#[derive(Clone, Copy)]
struct Sides<'a> {
    old: Option<&'a Node>,
    new: &'a Node,
    live: Option<&'a Node>,
}

impl Declared {
    /// The patch that Helm sends where the object is in the cluster. `old` is as the revision that runs has it; without it, what
    /// only the cluster has stays.
    #[must_use]
    pub fn patch(&self, old: Option<&Self>, live: &LiveObject, (release, namespace): (&str, &str)) -> Patch {
        // Helm knows the kinds of client-go and apiextensions; those of the aggregator are to it what custom resources are.
        let strategic = !self.id.is_custom() && self.id.group != "apiregistration.k8s.io";
        let new = self.to_apply(release, namespace);
        let old = old.map(|old| &old.node);
        let place = Place { kind: strategic.then_some(self.id.kind.as_str()), parent: "", field: "" };
        let live = if strategic { live.node() } else { old.unwrap_or(live.node()) };
        let patch = merged(Sides { old, new: &new, live: Some(live) }, place);
        let is_empty = patch.is_none();
        let patch = patch.unwrap_or_else(|| Node::new(Value::Map(Vec::new())));
        Patch { strategic, is_empty, configuration: Configuration::of(&patch) }
    }
}

/// What is to be sent for a value; `None` where nothing is.
fn merged(sides: Sides<'_>, place: Place<'_>) -> Option<Node> {
    let Sides { old, new, live } = sides;
    let Some(live) = live else { return (!is_null(new)).then(|| new.clone()) };
    match (new.value(), live.value()) {
        (Value::Map(_), Value::Map(_)) => {
            let entries = of_maps(sides, place);
            if entries.is_empty() {
                return None;
            }
            Some(match place.rule() {
                Rule::Retaining => retaining(entries, new),
                Rule::Replaced => {
                    let directive = ("$patch".into(), Node::string("replace"));
                    let all = new.as_map().unwrap_or_default().iter().cloned();
                    Node::new(Value::Map(all.chain([directive]).collect()))
                }
                _ => Node::new(Value::Map(entries)),
            })
        }
        (Value::List(items), Value::List(there)) => {
            let old = old.and_then(Node::as_list).unwrap_or_default();
            let by_key = match place.rule() {
                Rule::By(key) => of_items((old, items, there), (key, false), place),
                Rule::ByRetaining(key) => of_items((old, items, there), (key, true), place),
                _ => None,
            };
            match by_key {
                Some(changed) => (!changed.is_empty()).then(|| Node::new(Value::List(changed))),
                None => (new != live).then(|| new.clone()),
            }
        }
        _ => (new != live).then(|| new.clone()),
    }
}

type Entry = (Box<str>, Node);

fn of_maps(sides: Sides<'_>, place: Place<'_>) -> Vec<Entry> {
    let entries = |node: Option<&'_ Node>| -> HashMap<Box<str>, Node> {
        node.and_then(Node::as_map).unwrap_or_default().iter().cloned().collect()
    };
    let (old, live) = (entries(sides.old), entries(sides.live));
    let new = sides.new.as_map().unwrap_or_default();
    let mut found = Vec::new();
    for (key, value) in new {
        let below = place.below(key);
        if below.rule() == Rule::Set {
            found.extend(of_set(key, (old.get(key), value, live.get(key))));
            continue;
        }
        let sides = Sides { old: old.get(key), new: value, live: live.get(key) };
        found.extend(merged(sides, below).map(|value| (key.clone(), value)));
    }
    let kept: HashSet<&str> = new.iter().map(|(key, _)| &**key).collect();
    let gone = sides.old.and_then(Node::as_map).unwrap_or_default().iter();
    let gone = gone.filter(|(key, _)| !kept.contains(&**key) && live.contains_key(key));
    found.extend(gone.map(|(key, _)| (key.clone(), Node::new(Value::Null))));
    found
}

/// The items that change, with the key by which the server finds them. `None` if one has no such key.
fn of_items(
    (old, new, live): (&[Node], &[Node], &[Node]),
    (key, retains): (&'static str, bool),
    place: Place<'_>,
) -> Option<Vec<Node>> {
    let (mut before, mut there) = (by_key(old, key)?, by_key(live, key)?);
    let lives: HashSet<String> = there.keys().cloned().collect();
    let mut kept = HashSet::new();
    let mut found = Vec::new();
    for item in new {
        let id = spelled(item, key)?;
        let pop =
            |items: &mut HashMap<String, VecDeque<&Node>>| items.get_mut(&id).and_then(VecDeque::pop_front).cloned();
        let (old, live) = (pop(&mut before), pop(&mut there));
        kept.insert(id);
        let Some(live) = live else {
            found.push(item.clone());
            continue;
        };
        let mut entries = of_maps(Sides { old: old.as_ref(), new: item, live: Some(&live) }, place);
        if entries.is_empty() {
            continue;
        }
        if let Some(value) = item.get(key) {
            entries.insert(0, (key.into(), value.clone()));
        }
        found.push(if retains { retaining(entries, item) } else { Node::new(Value::Map(entries)) });
    }
    for item in old {
        let id = spelled(item, key)?;
        if lives.contains(&id)
            && kept.insert(id)
            && let Some(value) = item.get(key)
        {
            let gone = vec![("$patch".into(), Node::string("delete")), (key.into(), value.clone())];
            found.push(Node::new(Value::Map(gone)));
        }
    }
    Some(found)
}

fn by_key<'a>(items: &'a [Node], key: &str) -> Option<HashMap<String, VecDeque<&'a Node>>> {
    let mut found: HashMap<String, VecDeque<&Node>> = HashMap::with_capacity(items.len());
    for item in items {
        found.entry(spelled(item, key)?).or_default().push_back(item);
    }
    Some(found)
}

fn spelled(item: &Node, key: &str) -> Option<String> {
    item.get(key).and_then(|value| serde_json::to_string(value).ok())
}

/// The values that a set is to have and has not, and those that it is to lose.
fn of_set(key: &str, (old, new, live): (Option<&Node>, &Node, Option<&Node>)) -> Vec<Entry> {
    let values = |node: Option<&Node>| node.and_then(Node::as_list).unwrap_or_default().to_vec();
    let (old, new, live) = (values(old), values(Some(new)), values(live));
    let without = |some: &[Node], those: &[Node]| -> Vec<Node> {
        some.iter().filter(|value| !those.contains(value)).cloned().collect()
    };
    let added = without(&new, &live);
    let gone: Vec<Node> = without(&old, &new).into_iter().filter(|value| live.contains(value)).collect();
    let lists = [(key.into(), added), (format!("$deleteFromPrimitiveList/{key}").into(), gone)];
    lists
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(key, values)| (key, Node::new(Value::List(values))))
        .collect()
}

fn retaining(mut entries: Vec<Entry>, whole: &Node) -> Node {
    let keys = whole.as_map().unwrap_or_default().iter().map(|(key, _)| Node::string(key.clone()));
    entries.push(("$retainKeys".into(), Node::new(Value::List(keys.collect()))));
    Node::new(Value::Map(entries))
}

fn is_null(node: &Node) -> bool {
    matches!(node.value(), Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::document::Manifest;
    use serde_json::json;

    fn declared(object: &serde_json::Value) -> Declared {
        let manifest = Manifest::new(object.to_string());
        Declared::of(&manifest.documents(false)[0]).unwrap().remove(0)
    }

    /// The patch of an object's parts, without what Helm adds to the metadata.
    fn patch(
        (version, kind): (&str, &str),
        old: Option<serde_json::Value>,
        new: serde_json::Value,
        live: serde_json::Value,
    ) -> serde_json::Value {
        let owned = json!({"name": "a", "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"}});
        let whole = |mut object: serde_json::Value| {
            object["apiVersion"] = version.into();
            object["kind"] = kind.into();
            object["metadata"] = owned.clone();
            object
        };
        let old = old.map(|old| declared(&whole(old)));
        let live = LiveObject::from_json(whole(live).to_string().as_bytes()).unwrap();
        let patch = declared(&whole(new)).patch(old.as_ref(), &live, ("web", "shop"));
        assert_eq!(patch.strategic, !version.contains("example.com"));
        let sent = serde_json::from_slice(patch.configuration.json()).unwrap();
        assert_eq!(patch.is_empty, sent == json!({}));
        sent
    }

    const DEPLOYMENT: (&str, &str) = ("apps/v1", "Deployment");

    #[test]
    fn what_the_server_filled_in_is_left_alone() {
        let spec =
            json!({"spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "main", "image": "a:1"}]}}}});
        let live = json!({"spec": {"replicas": 2, "paused": false, "template": {"spec": {"dnsPolicy": "ClusterFirst",
            "containers": [{"name": "main", "image": "a:1", "resources": {}}]}}}, "status": {"replicas": 2}});
        assert_eq!(patch(DEPLOYMENT, Some(spec.clone()), spec, live), json!({}));
    }

    #[test]
    fn items_are_merged_by_their_key_and_taken_out_by_it() {
        let of = |containers: serde_json::Value| json!({"spec": {"template": {"spec": {"containers": containers}}}});
        let old = of(json!([{"name": "main", "image": "a:1", "args": ["x"]}, {"name": "side", "image": "b"}]));
        let new = of(json!([{"name": "main", "image": "a:2"}, {"name": "new", "image": "c"}]));
        let live = of(json!([{"name": "main", "image": "a:1", "args": ["x"]}, {"name": "side", "image": "b"},
            {"name": "injected", "image": "d"}]));
        assert_eq!(
            patch(DEPLOYMENT, Some(old), new, live),
            of(json!([{"name": "main", "image": "a:2", "args": null}, {"name": "new", "image": "c"},
                {"$patch": "delete", "name": "side"}]))
        );
    }

    #[test]
    fn two_ports_of_one_number_stay_two() {
        let ports = json!({"spec": {"ports": [{"port": 53, "protocol": "TCP", "name": "tcp"}, {"port": 53, "protocol": "UDP", "name": "udp"}]}});
        let mut live = ports.clone();
        live["spec"]["ports"][1]["nodePort"] = 30053.into();
        assert_eq!(patch(("v1", "Service"), Some(ports.clone()), ports, live), json!({}));
    }

    #[test]
    fn a_strategy_of_another_type_takes_the_parameters_of_the_last_one_with_it() {
        let old = json!({"spec": {"strategy": {"type": "RollingUpdate"}}});
        let new = json!({"spec": {"strategy": {"type": "Recreate"}}});
        let live = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
        assert_eq!(
            patch(DEPLOYMENT, Some(old), new, live),
            json!({"spec": {"strategy": {"type": "Recreate", "$retainKeys": ["type"]}}})
        );
    }

    #[test]
    fn other_lists_are_sent_as_a_whole() {
        let of = |command: &[&str]| json!({"rules": [{"verbs": command}]});
        let new = of(&["get", "list"]);
        assert_eq!(patch(("rbac.authorization.k8s.io/v1", "Role"), Some(of(&["get"])), new.clone(), of(&["get"])), new);
    }

    #[test]
    fn a_custom_resource_is_patched_from_manifest_to_manifest() {
        let kind = ("example.com/v1", "Widget");
        let (old, new) = (json!({"spec": {"size": 1, "colour": "red"}}), json!({"spec": {"size": 2}}));
        let live = json!({"spec": {"size": 7, "colour": "blue", "by": "hand"}});
        let sent = json!({"spec": {"size": 2, "colour": null}});
        assert_eq!(patch(kind, Some(old.clone()), new, live.clone()), sent);
        // What is as it was is not sent, whatever the cluster has.
        assert_eq!(patch(kind, Some(old.clone()), old, live.clone()), json!({}));
        assert_eq!(patch(kind, None, json!({"spec": {"size": 2}}), live), json!({"spec": {"size": 2}}));
    }

    #[test]
    fn finalizers_are_a_set() {
        let object = |finalizers: &[&str]| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "finalizers": finalizers}});
        let live = LiveObject::from_json(object(&["x/a", "y/z"]).to_string().as_bytes()).unwrap();
        let patch = declared(&object(&["x/b"])).patch(Some(&declared(&object(&["x/a"]))), &live, ("web", "shop"));
        let sent: serde_json::Value = serde_json::from_slice(patch.configuration.json()).unwrap();
        assert_eq!(sent["metadata"]["finalizers"], json!(["x/b"]));
        assert_eq!(sent["metadata"]["$deleteFromPrimitiveList/finalizers"], json!(["x/a"]));
    }
}

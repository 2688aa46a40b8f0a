//! Differences that the user does not want to see: whole objects, or places within objects.
//!
//! What a rule names is taken out of both sides before they are compared, so it shows in no format; how much that was is counted.

use std::collections::{HashMap, HashSet};

use jsonpath_rust::JsonPath as _;
use serde_json::Value as Json;

use crate::diff::changes::{Op, changes};
use crate::diff::live::Written;
use crate::diff::resources::{Change, ManifestDiff, ResourceDiff};
use crate::diff::select::matches;
use crate::diff::structure::compare;
use crate::manifest::document::Object;
use crate::manifest::identity::ObjectId;
use crate::manifest::node::{Node, Value};
use crate::release::supplied::pointer;

/// Which differences to ignore.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// The objects; a pattern that is left out matches all. `*` and `?` stand for any text and any character.
    pub objects: Objects,
    /// The places within them. With none, and no manager, the objects are ignored whole.
    pub paths: Vec<Place>,
    /// In a comparison with the cluster: fields that one of these field managers has set. Patterns, too.
    pub managers: Vec<String>,
}

/// Patterns for objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objects {
    /// The release's name.
    pub release: Option<String>,
    /// The API group; empty for the core group.
    pub group: Option<String>,
    /// The kind, in any case of letters.
    pub kind: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The namespace; of an object that names none, the release's.
    pub namespace: Option<String>,
}

/// A place in an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// A JSON Pointer (RFC 6901): `/spec/replicas`.
    Pointer(String),
    /// A JSONPath (RFC 9535): `$.spec.template.spec.containers[*].image`.
    Path(String),
}

/// What the release's own name and namespace are, for rules that ask for them.
#[derive(Clone, Copy, Debug)]
pub struct Within<'a> {
    /// The release's name.
    pub release: &'a str,
    /// The release's namespace.
    pub namespace: &'a str,
}

impl Place {
    /// Reads a place: what starts with `/` is a pointer, what starts with `$` a path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.chars().next() {
            Some('/') => Ok(Self::Pointer(text.to_owned())),
            Some('$') => match Json::Null.query_only_path(text) {
                Ok(_) => Ok(Self::Path(text.to_owned())),
                Err(_) => Err(format!("{text:?} is no JSONPath (RFC 9535)")),
            },
            _ => Err(format!("{text:?} is neither a JSON Pointer (/spec/replicas) nor a JSONPath ($.spec.replicas)")),
        }
    }

    /// The values it stands for in a tree.
    fn find<'a>(&self, root: &'a Json, found: &mut HashSet<*const Json>) {
        match self {
            Self::Pointer(pointer) => found.extend(root.pointer(pointer).map(std::ptr::from_ref)),
            Self::Path(path) => {
                let matched: Vec<&'a Json> = root.query(path).unwrap_or_default();
                found.extend(matched.into_iter().map(std::ptr::from_ref));
            }
        }
    }
}

impl Rule {
    /// Reads a flag's form: `KIND[/NAME]`, `KIND[/NAME]:PATH` or `PATH` alone.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (objects, path) = match text {
            "" => return Err("it names nothing".to_owned()),
            path if path.starts_with(['/', '$']) => ("", Some(path)),
            _ => match text.split_once(':') {
                Some((objects, path)) => (objects, Some(path)),
                None => (text, None),
            },
        };
        let (kind, name) = match objects.split_once('/') {
            Some((kind, name)) => (kind, Some(name.to_owned())),
            None => (objects, None),
        };
        let kind = Some(kind.to_owned()).filter(|kind| !kind.is_empty());
        let paths = path.map(Place::parse).transpose()?.into_iter().collect();
        Ok(Self { objects: Objects { kind, name, ..Objects::default() }, paths, managers: Vec::new() })
    }

    /// Whether it speaks of this object.
    #[must_use]
    pub fn covers(&self, id: &ObjectId, within: Within<'_>) -> bool {
        let fits = |pattern: &Option<String>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| matches(&pattern.to_lowercase(), &text.to_lowercase()))
        };
        let Objects { release, group, kind, name, namespace } = &self.objects;
        fits(release, within.release)
            && fits(group, &id.group)
            && fits(kind, &id.kind)
            && fits(name, &id.name)
            && fits(namespace, id.namespace.as_deref().unwrap_or(within.namespace))
    }

    /// Whether it ignores what it covers whole.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.paths.is_empty() && self.managers.is_empty()
    }
}

/// Takes out of a diff what the rules name, and returns how many differences that were: an object that is ignored whole
/// counts as one.
pub fn apply(diff: &mut ManifestDiff, rules: &[Rule], within: Within<'_>) -> usize {
    if rules.is_empty() {
        return 0;
    }
    let (mut ignored, mut equal) = (0, 0);
    diff.resources.retain_mut(|resource| {
        let Some(id) = resource.object().map(|object| object.id.clone()) else { return true };
        let covering: Vec<&Rule> = rules.iter().filter(|rule| rule.covers(&id, within)).collect();
        if covering.iter().any(|rule| rule.is_whole()) {
            ignored += 1;
            return false;
        }
        let places: Vec<&Place> = covering.iter().flat_map(|rule| &rule.paths).collect();
        let managers: Vec<&String> = covering.iter().flat_map(|rule| &rule.managers).collect();
        if places.is_empty() && (managers.is_empty() || resource.drift.is_none()) {
            return true;
        }
        let before = operations(resource);
        undo(resource, &managers);
        for object in [&mut resource.old, &mut resource.new].into_iter().flatten() {
            strip(object, &places);
        }
        let after = operations(resource);
        keep_writers(resource);
        ignored += before.saturating_sub(after);
        let same = resource.change == Change::Modified && after == 0;
        equal += usize::from(same);
        !same
    });
    diff.unchanged += equal;
    ignored
}

/// How many places of an object differ.
fn operations(resource: &ResourceDiff) -> usize {
    match (&resource.old, &resource.new) {
        (Some(old), Some(new)) => changes(&compare(&old.node, &new.node)).len(),
        _ => 1,
    }
}

/// Takes back what these field managers have changed in the cluster.
fn undo(resource: &mut ResourceDiff, managers: &[&String]) {
    let (Some(old), Some(new), Some(drift)) = (&resource.old, &mut resource.new, &resource.drift) else { return };
    let theirs = |path: &str, op: Op| {
        let writers = drift.writers(path, op);
        let one_of_them =
            |name: &str| managers.iter().any(|pattern| matches(&pattern.to_lowercase(), &name.to_lowercase()));
        !writers.is_empty() && writers.iter().all(|writer| one_of_them(&writer.manager))
    };
    let undone: HashMap<String, Option<Node>> = changes(&compare(&old.node, &new.node))
        .into_iter()
        .filter(|change| matches!(change.op, Op::Add | Op::Replace) && theirs(&change.path, change.op))
        .map(|change| (change.path, change.old.cloned()))
        .collect();
    if !undone.is_empty() {
        new.node = with(&new.node, "", &undone).unwrap_or_default();
    }
}

/// The tree with other content at some pointers, or with none there.
fn with(node: &Node, at: &str, other: &HashMap<String, Option<Node>>) -> Option<Node> {
    if let Some(other) = other.get(at) {
        return other.clone();
    }
    let value = match node.value() {
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .filter_map(|(key, value)| {
                    Some((key.clone(), with(value, &format!("{at}{}", pointer(&[key])), other)?))
                })
                .collect(),
        ),
        Value::List(items) => Value::List(
            items.iter().enumerate().filter_map(|(index, item)| with(item, &format!("{at}/{index}"), other)).collect(),
        ),
        _ => return Some(node.clone()),
    };
    Some(Node::new(value).at(node.line()))
}

/// Indices in lists may have moved: who wrote a change is found again by its place for a reader.
fn keep_writers(resource: &mut ResourceDiff) {
    let (Some(old), Some(new), Some(drift)) = (&resource.old, &resource.new, &mut resource.drift) else { return };
    let written = std::mem::take(&mut drift.written);
    for change in changes(&compare(&old.node, &new.node)) {
        if let Some(one) = written.iter().find(|one| one.location == change.location && one.op == change.op) {
            drift.written.push(Written { path: change.path, ..one.clone() });
        }
    }
}

fn strip(object: &mut Object, places: &[&Place]) {
    let Ok(json) = serde_json::to_value(&object.node) else { return };
    let mut found = HashSet::new();
    places.iter().for_each(|place| place.find(&json, &mut found));
    // The object itself is taken out by a rule without places.
    found.remove(&std::ptr::from_ref(&json));
    if !found.is_empty() {
        object.node = without(&object.node, &json, &found);
    }
}

/// The tree without what was found in its JSON, which has the same form.
fn without(node: &Node, json: &Json, found: &HashSet<*const Json>) -> Node {
    let stays = |json: &Json| !found.contains(&std::ptr::from_ref(json));
    match (node.value(), json) {
        (Value::Map(entries), Json::Object(values)) => {
            let kept = entries.iter().filter_map(|(key, value)| {
                let json = values.get(&**key)?;
                stays(json).then(|| (key.clone(), without(value, json, found)))
            });
            Node::new(Value::Map(kept.collect())).at(node.line())
        }
        (Value::List(items), Json::Array(values)) => {
            let kept = items.iter().zip(values).filter(|(_, json)| stays(json));
            Node::new(Value::List(kept.map(|(item, json)| without(item, json, found)).collect())).at(node.line())
        }
        _ => node.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::yaml::parse;

    fn object(text: &str) -> Object {
        let node = parse(text).unwrap();
        Object::of(node)
    }

    fn diff(old: &str, new: &str) -> ManifestDiff {
        let resource =
            ResourceDiff { change: Change::Modified, old: Some(object(old)), new: Some(object(new)), drift: None };
        ManifestDiff { resources: vec![resource], ..ManifestDiff::default() }
    }

    const OLD: &str = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 1, l: [{name: a, i: 1}, {name: b, i: 1}]}}";
    const NEW: &str = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, l: [{name: a, i: 2}, {name: b, i: 2}]}}";
    const WITHIN: Within<'_> = Within { release: "shop", namespace: "prod" };

    fn left(rules: &[&str]) -> (usize, usize) {
        let rules: Vec<Rule> = rules.iter().map(|text| Rule::parse(text).unwrap()).collect();
        let mut diff = diff(OLD, NEW);
        let ignored = apply(&mut diff, &rules, WITHIN);
        (ignored, diff.resources.iter().map(operations).sum())
    }

    #[test]
    fn places_are_ignored_and_counted() {
        assert_eq!(left(&["/spec/replicas"]), (1, 2));
        assert_eq!(left(&["deployment/w*:/spec/replicas"]), (1, 2));
        assert_eq!(left(&["deployment:$.spec.l[*].i"]), (2, 1));
        assert_eq!(left(&["$.spec.l[?@.name=='b']"]), (1, 2));
        assert_eq!(left(&["/spec/replicas", "$..i"]), (3, 0));
        assert_eq!(left(&["service:/spec/replicas", "/spec/nothing", "$.spec.x[*]"]), (0, 3));
        assert_eq!(left(&["deployment/web"]), (1, 0));
        assert_eq!(left(&["$", "/"]), (0, 3));
    }

    #[test]
    fn objects_are_told_by_release_group_and_namespace() {
        let rule = |objects: Objects| Rule { objects, ..Rule::default() };
        let id = object(OLD).id;
        let some = |text: &str| Some(text.to_owned());
        assert!(rule(Objects { release: some("sh*"), group: some("apps"), ..Objects::default() }).covers(&id, WITHIN));
        assert!(rule(Objects { namespace: some("prod"), ..Objects::default() }).covers(&id, WITHIN));
        assert!(!rule(Objects { namespace: some("stage"), ..Objects::default() }).covers(&id, WITHIN));
        assert!(!rule(Objects { group: some(""), ..Objects::default() }).covers(&id, WITHIN));
        assert!(!rule(Objects { release: some("web"), ..Objects::default() }).covers(&id, WITHIN));
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in ["", "deployment:spec.replicas", "deployment:", "$.a[", "x:$["] {
            assert!(Rule::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_tree_of_many_levels_is_no_danger() {
        let deep = format!("{{kind: X, metadata: {{name: a}}, a: {}1{}}}", "[".repeat(60), "]".repeat(60));
        let mut diff = diff(&deep, &deep.replace('1', "2"));
        assert_eq!(apply(&mut diff, &[Rule::parse("$..*").unwrap()], WITHIN), 1);
    }
}

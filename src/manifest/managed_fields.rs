//! Who wrote which field of an object in the cluster: `metadata.managedFields`.
//!
//! The form of the sets is `FieldsV1` (k8s.io/apimachinery, `meta/v1`; its elements are those of
//! sigs.k8s.io/structured-merge-diff, `fieldpath/serialize-pe.go`): `f:` and a field's name, `k:` and the keys that
//! identify a list's item as JSON, `v:` and the value of a set's item as JSON, `i:` and an index; `.` says that the
//! place itself is in the set. A place without any element below it is in the set with all that it holds.

use std::collections::{BTreeMap, HashMap};

use crate::manifest::node::{Node, Value};

/// How the writer of an entry wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Writer {
    /// The field manager, as in `kubectl-edit`.
    pub manager: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// The subresource that was written to, as in `scale`; `None` for the object itself.
    pub subresource: Option<String>,
    /// When; RFC 3339.
    pub time: Option<String>,
}

/// Who wrote an object, and what each wrote.
#[derive(Clone, Debug, Default)]
pub struct ManagedFields(Vec<(Writer, FieldSet)>);

/// A set of fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldSet {
    fields: HashMap<Box<str>, FieldSet>,
    items: Option<Items>,
    values: HashMap<String, FieldSet>,
    indices: HashMap<usize, FieldSet>,
}

/// The items of a list that are identified by keys.
#[derive(Clone, Debug, Default, PartialEq)]
struct Items {
    names: Vec<String>,
    sets: HashMap<String, FieldSet>,
}

impl ManagedFields {
    /// Reads `metadata.managedFields`. What has another form is passed over.
    pub(super) fn of(node: &Node) -> Self {
        let text = |entry: &Node, key| entry.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
        let read = |entry: &Node| {
            let given = |key| Some(text(entry, key)).filter(|text| !text.is_empty());
            let writer = Writer {
                manager: text(entry, "manager"),
                operation: text(entry, "operation"),
                subresource: given("subresource"),
                time: given("time"),
            };
            Some((writer, FieldSet::of(entry.get("fieldsV1")?)))
        };
        Self(node.as_list().unwrap_or_default().iter().filter_map(read).collect())
    }

    /// All writers, in the server's order.
    #[must_use]
    pub fn writers(&self) -> Vec<&Writer> {
        self.0.iter().map(|(writer, _)| writer).collect()
    }

    /// The whole object as a place.
    #[must_use]
    pub fn root(&self) -> Held<'_> {
        Held(self.0.iter().map(|(writer, set)| (writer, set)).collect())
    }
}

impl FieldSet {
    fn of(node: &Node) -> Self {
        let mut set = Self::default();
        for (key, below) in node.as_map().unwrap_or_default() {
            let Some((kind, rest)) = key.split_once(':') else { continue };
            let below = Self::of(below);
            match kind {
                "f" => _ = set.fields.insert(rest.into(), below),
                "k" => set.add_item(rest, below),
                "v" => {
                    if let Ok(value) = serde_json::from_str::<serde_json::Value>(rest) {
                        set.values.insert(value.to_string(), below);
                    }
                }
                "i" => {
                    if let Ok(index) = rest.parse() {
                        set.indices.insert(index, below);
                    }
                }
                _ => {}
            }
        }
        set
    }

    fn add_item(&mut self, keys: &str, below: Self) {
        // A map sorted by name, as the names are.
        let Ok(keys) = serde_json::from_str::<BTreeMap<String, serde_json::Value>>(keys) else { return };
        let items =
            self.items.get_or_insert_with(|| Items { names: keys.keys().cloned().collect(), ..Items::default() });
        if items.names.iter().eq(keys.keys()) {
            items.sets.insert(identity(keys.values().map(ToString::to_string)), below);
        }
    }

    fn is_leaf(&self) -> bool {
        self.fields.is_empty() && self.items.is_none() && self.values.is_empty() && self.indices.is_empty()
    }
}

fn identity(values: impl Iterator<Item = String>) -> String {
    values.collect::<Vec<_>>().join("\u{0}")
}

/// A place in an object, and who wrote it or something below it.
#[derive(Clone, Debug, Default)]
pub struct Held<'a>(Vec<(&'a Writer, &'a FieldSet)>);

impl<'a> Held<'a> {
    /// Who wrote the place, or something below it.
    #[must_use]
    pub fn writers(&self) -> Vec<&'a Writer> {
        self.0.iter().map(|(writer, _)| *writer).collect()
    }

    /// Who wrote this value, or any part of it: of a map, those of the keys that it has.
    #[must_use]
    pub fn writers_of(&self, value: &Node) -> Vec<&'a Writer> {
        let mut found = Vec::new();
        self.gather_writers(value, &mut found);
        // Someone may hold the name of a map alone.
        if found.is_empty() { self.writers() } else { found }
    }

    fn gather_writers(&self, value: &Node, found: &mut Vec<&'a Writer>) {
        match value.value() {
            Value::Map(entries) if !self.is_whole() => {
                entries.iter().for_each(|(key, value)| self.field(key).gather_writers(value, found));
            }
            Value::List(items) if !self.is_whole() => {
                let items = items.iter().enumerate();
                items.for_each(|(index, item)| self.item(item, index).gather_writers(item, found));
            }
            _ => {
                for writer in self.writers() {
                    if !found.contains(&writer) {
                        found.push(writer);
                    }
                }
            }
        }
    }

    /// Whether nobody is known to have written it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same place, as far as these writers wrote it.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&Writer) -> bool) -> Self {
        Self(self.0.iter().copied().filter(|(writer, _)| wanted(writer)).collect())
    }

    /// Whether it can only be written as a whole: what is a map or a list there is *atomic*. Where anyone wrote only a
    /// part of it, it is not, and who has no part of it (any more) holds but its name.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|(_, set)| set.is_leaf())
    }

    /// A field below it.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        self.below(|set| set.fields.get(name))
    }

    /// The names of the keys that identify the items of the list that is there.
    #[must_use]
    pub fn key_names(&self) -> Option<&'a [String]> {
        self.0.iter().find_map(|(_, set)| set.items.as_ref().map(|items| items.names.as_slice()))
    }

    /// Whether the list that is there is a set of values.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.iter().any(|(_, set)| !set.values.is_empty())
    }

    /// An item of the list that is there.
    #[must_use]
    pub fn item(&self, item: &Node, index: usize) -> Self {
        let id = self.key_names().and_then(|names| item_identity(item, names));
        let value = matches!(item.value(), Value::String(_) | Value::Number(_) | Value::Bool(_))
            .then(|| serde_json::to_string(item).unwrap_or_default());
        self.below(|set| {
            let by_keys = || set.items.as_ref()?.sets.get(id.as_ref()?);
            let by_value = || set.values.get(value.as_ref()?);
            by_keys().or_else(by_value).or_else(|| set.indices.get(&index))
        })
    }

    fn below(&self, step: impl Fn(&'a FieldSet) -> Option<&'a FieldSet>) -> Self {
        // Who wrote the whole wrote every part.
        let whole = self.is_whole();
        let step = |(writer, set): &(&'a Writer, &'a FieldSet)| {
            let below = if whole { Some(*set) } else { step(set) };
            Some((*writer, below?))
        };
        Self(self.0.iter().filter_map(step).collect())
    }
}

/// What identifies an item by these keys; a manifest may leave out a port's protocol.
#[must_use]
pub fn item_identity(item: &Node, names: &[String]) -> Option<String> {
    let value = |name: &String| match item.get(name) {
        Some(value) => serde_json::to_string(value).ok(),
        None => (name == "protocol").then(|| "\"TCP\"".to_owned()),
    };
    names.iter().map(value).collect::<Option<Vec<_>>>().map(|values| identity(values.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(json: &str) -> Node {
        serde_json::from_str(json).unwrap()
    }

    fn managed(sets: &[(&str, &str)]) -> ManagedFields {
        let entries: Vec<String> = sets
            .iter()
            .map(|(manager, set)| {
                format!(
                    r#"{{"manager":"{manager}","operation":"Update","time":"2026-11-21T10:03:00Z","fieldsV1":{set}}}"#
                )
            })
            .collect();
        ManagedFields::of(&node(&format!("[{}]", entries.join(","))))
    }

    fn who(held: &Held<'_>) -> Vec<String> {
        held.writers().iter().map(|writer| writer.manager.clone()).collect()
    }

    #[test]
    fn a_field_is_found_by_its_path() {
        let managed = managed(&[
            ("helm", r#"{"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:nodeSelector":{}}}}}"#),
            ("kubectl-edit", r#"{"f:spec":{"f:paused":{}}}"#),
        ]);
        let spec = managed.root().field("spec");
        assert_eq!(who(&spec), ["helm", "kubectl-edit"]);
        assert_eq!(who(&spec.field("replicas")), ["helm"]);
        assert_eq!(who(&spec.field("paused")), ["kubectl-edit"]);
        assert!(spec.field("nothing").is_empty());
        let selector = spec.field("template").field("spec").field("nodeSelector");
        assert!(selector.is_whole() && !spec.is_whole());
        assert_eq!(who(&selector.field("disk")), ["helm"], "who wrote the whole wrote every part");
    }

    #[test]
    fn items_are_found_by_keys_values_and_index() {
        let managed = managed(&[
            ("a", r#"{"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:name":{}}}}"#),
            ("b", r#"{"f:finalizers":{".":{},"v:\"x/y\"":{}},"f:odd":{"i:1":{"f:z":{}}}}"#),
        ]);
        let ports = managed.root().field("ports");
        assert_eq!(ports.key_names().unwrap(), ["containerPort", "protocol"]);
        let whole = node(r#"{"protocol":"TCP","containerPort":80}"#);
        assert_eq!(who(&ports.item(&whole, 7).field("name")), ["a"]);
        assert_eq!(who(&ports.item(&node(r#"{"containerPort":80}"#), 7)), ["a"], "the protocol has a default");
        assert!(ports.item(&node(r#"{"containerPort":81}"#), 0).is_empty());
        let finalizers = managed.root().field("finalizers");
        assert!(finalizers.is_set());
        assert_eq!(who(&finalizers.item(&node("\"x/y\""), 3)), ["b"]);
        assert!(finalizers.item(&node("\"x\""), 0).is_empty());
        assert_eq!(who(&managed.root().field("odd").item(&node("{}"), 1).field("z")), ["b"]);
    }

    #[test]
    fn who_holds_but_the_name_of_a_map_did_not_write_what_is_in_it() {
        // As the server leaves it behind when another writer took the only key.
        let managed = managed(&[("helm", r#"{"f:data":{}}"#), ("kubectl-edit", r#"{"f:data":{"f:number":{}}}"#)]);
        let data = managed.root().field("data");
        assert!(!data.is_whole());
        assert_eq!(who(&data.field("number")), ["kubectl-edit"]);
        let names = |value: &str| -> Vec<String> {
            data.writers_of(&node(value)).iter().map(|writer| writer.manager.clone()).collect()
        };
        assert_eq!(names(r#"{"number":1}"#), ["kubectl-edit"]);
        assert_eq!(names(r#"{"other":1}"#), ["helm", "kubectl-edit"]);
    }

    #[test]
    fn a_name_may_hold_colons_dots_and_slashes() {
        let managed = managed(&[("a", r#"{"f:metadata":{"f:annotations":{".":{},"f:x.io/f:y":{}}}}"#)]);
        assert_eq!(who(&managed.root().field("metadata").field("annotations").field("x.io/f:y")), ["a"]);
    }

    #[test]
    fn what_has_another_form_is_passed_over() {
        for odd in ["null", "7", "[]", "[1]", "[{}]", r#"[{"manager":5,"fieldsV1":[]}]"#] {
            assert!(ManagedFields::of(&node(odd)).root().field("spec").field("x").field("y").writers().len() <= 1);
        }
        let odd = managed(&[("a", r#"{"k:{":{},"v:{":{},"i:-1":{},"q:x":{},"f":{},"k:[1]":{},"f:ok":{}}"#)]);
        assert_eq!(who(&odd.root().field("ok")), ["a"]);
        assert!(odd.root().item(&node("{}"), 0).is_empty());
    }
}

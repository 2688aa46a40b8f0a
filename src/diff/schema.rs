//! What the schema of a custom resource says about its lists: which keys identify their items.
//!
//! (`x-kubernetes-list-type: map` and `x-kubernetes-list-map-keys` of a CustomResourceDefinition, structural schema.)

use std::collections::HashMap;

use crate::manifest::document::Object;
use crate::manifest::identity::ObjectId;
use crate::manifest::node::{Node, Value};

/// The lists of one node and of all below it that have keys. What leads to no such list is left out.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    properties: HashMap<Box<str>, Schema>,
    /// Of a map with free keys, what its values are.
    values: Option<Box<Schema>>,
    items: Option<Box<Schema>>,
    /// What identifies the items of the list; empty if nothing does.
    keys: Vec<ListKey>,
}

/// A field that identifies an item among its siblings, alone or with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListKey {
    /// The field's name.
    pub name: Box<str>,
    /// What the API server takes if the field is absent.
    pub default: Option<Box<str>>,
}

impl Schema {
    /// Reads `openAPIV3Schema`. None if it names no keys.
    #[must_use]
    pub fn of(schema: &Node) -> Option<Self> {
        let mut found = Self::default();
        for (name, property) in schema.get("properties").and_then(Node::as_map).unwrap_or_default() {
            if let Some(property) = Self::of(property) {
                found.properties.insert(name.clone(), property);
            }
        }
        found.values = schema.get("additionalProperties").and_then(Self::of).map(Box::new);
        if let Some(items) = schema.get("items") {
            found.keys = list_keys(schema, items);
            found.items = Self::of(items).map(Box::new);
        }
        let says_nothing =
            found.properties.is_empty() && found.values.is_none() && found.items.is_none() && found.keys.is_empty();
        (!says_nothing).then_some(found)
    }

    /// The schema of what a map has under a key.
    #[must_use]
    pub fn below(&self, key: &str) -> Option<&Self> {
        self.properties.get(key).or(self.values.as_deref())
    }

    /// The schema of a list's items.
    #[must_use]
    pub fn items(&self) -> Option<&Self> {
        self.items.as_deref()
    }

    /// What identifies the items of the list; empty if nothing does.
    #[must_use]
    pub fn keys(&self) -> &[ListKey] {
        &self.keys
    }
}

fn list_keys(list: &Node, items: &Node) -> Vec<ListKey> {
    let names = list.get("x-kubernetes-list-map-keys").and_then(Node::as_list).unwrap_or_default();
    let default = |name: &str| match items.get("properties")?.get(name)?.get("default")?.value() {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(value) => Some(value.to_string().into()),
        _ => None,
    };
    let keys = names.iter().filter_map(Node::as_str);
    keys.map(|name| ListKey { name: name.into(), default: default(name) }).collect()
}

/// The schemas of custom resources, by group and kind.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    by_kind: HashMap<(String, String), Vec<(String, Schema)>>,
}

impl Schemas {
    /// Adds what a CustomResourceDefinition says; any other object adds nothing. What is known already stays.
    pub fn add(&mut self, object: &Object) {
        if object.id.kind != "CustomResourceDefinition" {
            return;
        }
        let Some(spec) = object.node.get("spec") else { return };
        let text = |node: Option<&Node>| node.and_then(Node::as_str).unwrap_or_default().to_owned();
        let kind = text(spec.get("names").and_then(|names| names.get("kind")));
        let key = (text(spec.get("group")), kind);
        if self.by_kind.contains_key(&key) {
            return;
        }
        let versions = spec.get("versions").and_then(Node::as_list).unwrap_or_default();
        let schemas = versions.iter().filter_map(|version| {
            let schema = Schema::of(version.get("schema")?.get("openAPIV3Schema")?)?;
            Some((text(version.get("name")), schema))
        });
        self.by_kind.insert(key, schemas.collect());
    }

    /// The schema of an object: of its version, or of another one of its kind.
    #[must_use]
    pub fn of(&self, id: &ObjectId) -> Option<&Schema> {
        let versions = self.by_kind.get(&(id.group.clone(), id.kind.clone()))?;
        let named = versions.iter().find(|(version, _)| *version == id.version);
        named.or(versions.first()).map(|(_, schema)| schema)
    }
}

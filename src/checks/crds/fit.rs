//! Whether an object of a custom kind fits a schema: types, required fields, enumerations, bounds and patterns. What else a schema
//! can say (`anyOf`, `oneOf`, `not`, rules in CEL, formats) is not looked at, so an object that fits here may still be refused.

use regex::{Regex, RegexBuilder};
use std::collections::{BTreeSet, HashMap};

use super::compare::{as_f64, number};
use crate::manifest::node::{Node, Number, Value};

/// Objects are read no deeper than this, and so many faults of one are told.
const DEEPEST: usize = 60;
const MOST: usize = 20;

/// The largest program of a pattern, in bytes.
const LARGEST_PATTERN: usize = 1 << 20;

/// Tells what does not fit. No value is told, as it may be secret.
#[derive(Default)]
pub(super) struct Fitting {
    patterns: HashMap<String, Option<Regex>>,
}

impl Fitting {
    /// What of the object does not fit, as in `spec.size: it must be at least 3`.
    pub(super) fn faults(&mut self, object: &Node, schema: &Node) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        self.below((object, schema), "", &mut found, DEEPEST);
        found
    }

    fn below(&mut self, (value, schema): (&Node, &Node), path: &str, found: &mut BTreeSet<String>, depth: usize) {
        if depth == 0 || found.len() >= MOST {
            return;
        }
        // The server takes out a null that may not be.
        if matches!(value.value(), Value::Null) {
            return;
        }
        let kind = kind_of(schema);
        if !is_of(value, kind) {
            add(found, path, &format!("it must be of type {kind}"));
            return;
        }
        if let Some(allowed) = schema.get("enum").and_then(Node::as_list)
            && !allowed.contains(value)
        {
            add(found, path, "its value is not one of those allowed");
        }
        for part in schema.get("allOf").and_then(Node::as_list).unwrap_or_default() {
            self.below((value, part), path, found, depth - 1);
        }
        match value.value() {
            Value::Number(value) => bounds(as_f64(*value), schema, path, found),
            Value::String(text) => self.text(text, schema, path, found),
            Value::List(items) => {
                count(items.len(), ("minItems", "maxItems", "items"), schema, path, found);
                if let Some(schema) = schema.get("items") {
                    for (index, item) in items.iter().enumerate() {
                        self.below((item, schema), &format!("{path}[{index}]"), found, depth - 1);
                    }
                }
            }
            Value::Map(entries) => self.map((value, entries), schema, (path, depth), found),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn map(
        &mut self,
        (value, entries): (&Node, &[(Box<str>, Node)]),
        schema: &Node,
        (path, depth): (&str, usize),
        found: &mut BTreeSet<String>,
    ) {
        count(entries.len(), ("minProperties", "maxProperties", "keys"), schema, path, found);
        for name in schema.get("required").and_then(Node::as_list).unwrap_or_default().iter().filter_map(Node::as_str) {
            let default = schema.find(&["properties", name, "default"]);
            if value.get(name).is_none() && default.is_none() {
                add(found, &format!("{path}.{name}"), "it is required");
            }
        }
        let others = schema.get("additionalProperties").filter(|others| others.as_map().is_some());
        let properties: HashMap<&str, &Node> = schema
            .get("properties")
            .and_then(Node::as_map)
            .unwrap_or_default()
            .iter()
            .map(|(key, value)| (&**key, value))
            .collect();
        for (key, value) in entries {
            // The server keeps what it needs to know of any object, whatever the schema says.
            let own = path.is_empty() && matches!(&**key, "apiVersion" | "kind" | "metadata");
            if let Some(schema) = properties.get(&**key).copied().or(others).filter(|_| !own) {
                self.below((value, schema), &format!("{path}.{key}"), found, depth - 1);
            }
        }
    }

    fn text(&mut self, text: &str, schema: &Node, path: &str, found: &mut BTreeSet<String>) {
        count(text.chars().count(), ("minLength", "maxLength", "characters"), schema, path, found);
        let Some(pattern) = schema.get("pattern").and_then(Node::as_str) else { return };
        let known = self
            .patterns
            .entry(pattern.to_owned())
            .or_insert_with(|| RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).build().ok());
        if known.as_ref().is_some_and(|known| !known.is_match(text)) {
            add(found, path, &format!("it must match {pattern}"));
        }
    }
}

fn add(found: &mut BTreeSet<String>, path: &str, what: &str) {
    let path = match path.trim_start_matches('.') {
        "" => "the object",
        path => path,
    };
    if found.len() < MOST {
        found.insert(format!("{path}: {what}"));
    }
}

fn kind_of(schema: &Node) -> &str {
    let free = schema.get("x-kubernetes-int-or-string").and_then(Node::as_bool) == Some(true);
    if free { "integer or string" } else { schema.get("type").and_then(Node::as_str).unwrap_or_default() }
}

fn is_of(value: &Node, kind: &str) -> bool {
    match (kind, value.value()) {
        ("integer" | "integer or string", Value::Number(Number::Int(_) | Number::UInt(_)))
        | ("integer or string" | "string", Value::String(_))
        | ("number", Value::Number(_))
        | ("boolean", Value::Bool(_))
        | ("array", Value::List(_))
        | ("object", Value::Map(_)) => true,
        ("integer" | "integer or string" | "string" | "number" | "boolean" | "array" | "object", _) => false,
        _ => true,
    }
}

fn bounds(value: f64, schema: &Node, path: &str, found: &mut BTreeSet<String>) {
    let open = |key: &str| schema.get(key).and_then(Node::as_bool) == Some(true);
    if let Some(least) = number(schema, "minimum")
        && (value < least || (open("exclusiveMinimum") && value <= least))
    {
        add(found, path, &format!("it must be at least {least}"));
    }
    if let Some(most) = number(schema, "maximum")
        && (value > most || (open("exclusiveMaximum") && value >= most))
    {
        add(found, path, &format!("it may be at most {most}"));
    }
}

#[allow(clippy::cast_precision_loss)] // no object has so much of anything
fn count(
    many: usize,
    (least, most, what): (&str, &str, &str),
    schema: &Node,
    path: &str,
    found: &mut BTreeSet<String>,
) {
    if let Some(least) = number(schema, least).filter(|least| (many as f64) < *least) {
        add(found, path, &format!("it must have at least {least} {what}"));
    }
    if let Some(most) = number(schema, most).filter(|most| (many as f64) > *most) {
        add(found, path, &format!("it may have at most {most} {what}"));
    }
}

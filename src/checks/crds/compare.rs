//! Two schemas of a custom resource beside each other: what passed the old one and may not pass the new one, and what gets lost.

use std::collections::BTreeSet;

use crate::manifest::emit;
use crate::manifest::node::{Node, Number, Value};

/// Schemas are read no deeper than this, and so many changes are told.
const DEEPEST: usize = 60;
const MOST: usize = 200;

/// What is different in the new schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SchemaChange {
    /// Where, as in `spec.items[].size`.
    pub(super) path: String,
    /// What.
    pub(super) what: String,
    /// Whether the field is gone, so that the server drops what objects have in it; else objects may not be valid any more.
    pub(super) removed: bool,
}

/// What the new schema takes less of.
pub(super) fn schemas(old: &Node, new: &Node) -> Vec<SchemaChange> {
    let mut comparing = Comparing { found: Vec::new() };
    comparing.below((old, new), String::new(), DEEPEST);
    comparing.found.truncate(MOST);
    comparing.found
}

struct Comparing {
    found: Vec<SchemaChange>,
}

impl Comparing {
    fn tell(&mut self, path: &str, what: impl Into<String>) {
        self.found.push(SchemaChange { path: shown(path), what: what.into(), removed: false });
    }

    fn below(&mut self, (old, new): (&Node, &Node), path: String, depth: usize) {
        if depth == 0 || self.found.len() >= MOST || old == new {
            return;
        }
        let (was, is) = (kind(old), kind(new));
        if was != is && !is.is_empty() {
            let was = if was.is_empty() { "any value" } else { was };
            self.tell(&path, format!("its type is {is} now, and was {was}"));
            return;
        }
        self.words((old, new), &path);
        self.bounds((old, new), &path);
        self.properties((old, new), &path, depth);
        if let (Some(old), Some(new)) = (old.get("items"), new.get("items")) {
            self.below((old, new), format!("{path}[]"), depth - 1);
        }
        if let (Some(old), Some(new)) = (old.get("additionalProperties"), new.get("additionalProperties"))
            && old.as_map().is_some()
            && new.as_map().is_some()
        {
            self.below((old, new), format!("{path}.*"), depth - 1);
        }
    }

    /// `enum`, `pattern`, `format`, `nullable` and rules.
    fn words(&mut self, (old, new): (&Node, &Node), path: &str) {
        let list = |node: &'_ Node, key: &str| node.get(key).and_then(Node::as_list).map(<[Node]>::to_vec);
        match (list(old, "enum"), list(new, "enum")) {
            (None, Some(_)) => self.tell(path, "only some values are allowed now"),
            (Some(old), Some(new)) => {
                let gone: Vec<String> = old
                    .iter()
                    .filter(|value| !new.contains(value))
                    .map(|value| emit::scalar(value).into_owned())
                    .collect();
                if !gone.is_empty() {
                    self.tell(path, format!("no longer allowed: {}", gone.join(", ")));
                }
            }
            (_, None) => {}
        }
        let text = |node: &'_ Node, key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
        if let Some(pattern) = text(new, "pattern").filter(|pattern| text(old, "pattern").as_ref() != Some(pattern)) {
            self.tell(path, format!("it must match {pattern} now"));
        }
        if let Some(format) = text(new, "format").filter(|format| text(old, "format").as_ref() != Some(format)) {
            self.tell(path, format!("its format is {format} now"));
        }
        let flag = |node: &Node, key: &str| node.get(key).and_then(Node::as_bool) == Some(true);
        if flag(old, "nullable") && !flag(new, "nullable") {
            self.tell(path, "it may not be null any more");
        }
        let rules = |node: &'_ Node| -> BTreeSet<String> {
            let rules = node.get("x-kubernetes-validations").and_then(Node::as_list).unwrap_or_default().iter();
            rules.filter_map(|rule| rule.get("rule")?.as_str().map(str::to_owned)).collect()
        };
        for rule in rules(new).difference(&rules(old)) {
            self.tell(path, format!("a new rule: {rule}"));
        }
    }

    fn bounds(&mut self, (old, new): (&Node, &Node), path: &str) {
        const BOUNDS: [(&str, bool, &str); 8] = [
            ("minimum", true, "it must be at least"),
            ("maximum", false, "it may be at most"),
            ("minLength", true, "its length must be at least"),
            ("maxLength", false, "its length may be at most"),
            ("minItems", true, "it must have at least so many items:"),
            ("maxItems", false, "it may have at most so many items:"),
            ("minProperties", true, "it must have at least so many keys:"),
            ("maxProperties", false, "it may have at most so many keys:"),
        ];
        for (key, lower, words) in BOUNDS {
            let Some(after) = number(new, key) else { continue };
            let narrower = number(old, key).is_none_or(|before| if lower { after > before } else { after < before });
            if narrower {
                self.tell(path, format!("{words} {after} now"));
            }
        }
    }

    fn properties(&mut self, (old, new): (&Node, &Node), path: &str, depth: usize) {
        let required = |node: &'_ Node| -> BTreeSet<String> {
            let names = node.get("required").and_then(Node::as_list).unwrap_or_default().iter();
            names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
        };
        let defaults =
            |name: &str| new.find(&["properties", name]).is_some_and(|property| property.get("default").is_some());
        for name in required(new).difference(&required(old)).filter(|name| !defaults(name)) {
            self.tell(&format!("{path}.{name}"), "it is required now");
        }
        let (Some(before), after) = (old.get("properties").and_then(Node::as_map), new.get("properties")) else {
            return;
        };
        let flag = |key: &str| new.get(key).and_then(Node::as_bool) == Some(true);
        let keeps_all = flag("x-kubernetes-preserve-unknown-fields") || new.get("additionalProperties").is_some();
        for (name, was) in before {
            let below = format!("{path}.{name}");
            match after.and_then(|after| after.get(name)) {
                Some(is) => self.below((was, is), below, depth - 1),
                None if keeps_all => {}
                None => {
                    let what = "the field is gone: the server drops what objects have in it".to_owned();
                    self.found.push(SchemaChange { path: shown(&below), what, removed: true });
                }
            }
        }
    }
}

/// `spec.size` for `.spec.size`; the object as a whole is `the object`.
fn shown(path: &str) -> String {
    match path.trim_start_matches('.') {
        "" => "the object".to_owned(),
        path => path.to_owned(),
    }
}

/// The type; empty where there is none.
fn kind(schema: &Node) -> &str {
    let flag = |key: &str| schema.get(key).and_then(Node::as_bool) == Some(true);
    match flag("x-kubernetes-int-or-string") {
        true => "integer or string",
        false => schema.get("type").and_then(Node::as_str).unwrap_or_default(),
    }
}

/// A number of a schema.
pub(super) fn number(schema: &Node, key: &str) -> Option<f64> {
    match schema.get(key)?.value() {
        Value::Number(number) => Some(as_f64(*number)),
        _ => None,
    }
}

/// Exact up to 2⁵³, which no bound of a schema needs more than.
#[allow(clippy::cast_precision_loss)]
pub(super) fn as_f64(number: Number) -> f64 {
    match number {
        Number::Int(number) => number as f64,
        Number::UInt(number) => number as f64,
        Number::Float(number) => number,
    }
}

//! Masks the values of a release on both sides of a diff: what is secret on one side is masked on the other too, so that
//! a change never shows half of itself.

use std::collections::HashSet;

use crate::manifest::mask::Masker;
use crate::manifest::node::{Node, Value};
use crate::manifest::sensitive::{Sensitive, mask_url_passwords, may_be_secret, named_like_a_secret};

/// Masks two trees of values.
#[must_use]
pub fn mask_values(old: Node, new: Node, sensitive: &Sensitive, masker: &Masker) -> (Node, Node) {
    if !masker.masks() {
        return (old, new);
    }
    let mut marks = HashSet::new();
    for side in [&old, &new] {
        let all = sensitive.is_exhausted_by(side);
        mark(side, &mut String::new(), &mut |path, value| {
            if all || sensitive.holds(value) {
                marks.insert(path.to_owned());
            }
        });
    }
    let masking = Masking { marks, sensitive, masker };
    (masking.apply(old, &mut String::new(), false), masking.apply(new, &mut String::new(), false))
}

/// Hands every scalar with its path to `see`.
fn mark(node: &Node, path: &mut String, see: &mut impl FnMut(&str, &Node)) {
    match node.value() {
        Value::Map(entries) => entries.iter().for_each(|(key, value)| below(path, key, |path| mark(value, path, see))),
        Value::List(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, item)| below(path, &index.to_string(), |path| mark(item, path, see)));
        }
        Value::Null => {}
        _ => see(path, node),
    }
}

fn below<T>(path: &mut String, step: &str, act: impl FnOnce(&mut String) -> T) -> T {
    let before = path.len();
    path.push('\u{0}');
    path.push_str(step);
    let result = act(path);
    path.truncate(before);
    result
}

struct Masking<'a> {
    marks: HashSet<String>,
    sensitive: &'a Sensitive,
    masker: &'a Masker,
}

impl Masking<'_> {
    /// `named`: whether the key that leads here is named like a secret.
    fn apply(&self, node: Node, path: &mut String, named: bool) -> Node {
        if (named && may_be_secret(&node)) || self.marks.contains(path.as_str()) {
            return self.masker.mask_all(node, false);
        }
        let line = node.line();
        match node.into_value() {
            Value::Map(entries) => {
                // An environment variable: its name says what its value is.
                let variable = entries.iter().any(|(key, value)| {
                    matches!(&**key, "name" | "key") && value.as_str().is_some_and(named_like_a_secret)
                });
                let entries = entries.into_iter().map(|(key, value)| {
                    let named = named_like_a_secret(&key) || (variable && &*key == "value");
                    let value = below(path, &key, |path| self.apply(value, path, named));
                    (key, value)
                });
                Node::new(Value::Map(entries.collect())).at(line)
            }
            Value::List(items) => {
                let items = items.into_iter().enumerate();
                let items =
                    items.map(|(index, item)| below(path, &index.to_string(), |path| self.apply(item, path, false)));
                Node::new(Value::List(items.collect())).at(line)
            }
            Value::String(text) if self.sensitive.stands_in(&text) => {
                Node::string(self.sensitive.mask_text(&text, self.masker)).at(line)
            }
            Value::String(text) => Node::string(mask_url_passwords(&text, self.masker)).at(line),
            other => Node::new(other).at(line),
        }
    }
}

/// Masks the passwords of URLs in a tree that is no secret by itself, such as a chart's metadata.
#[must_use]
pub fn mask_urls(node: Node, masker: &Masker) -> Node {
    let line = node.line();
    match node.into_value() {
        Value::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (key, mask_urls(value, masker)));
            Node::new(Value::Map(entries.collect())).at(line)
        }
        Value::List(items) => {
            Node::new(Value::List(items.into_iter().map(|item| mask_urls(item, masker)).collect())).at(line)
        }
        Value::String(text) => Node::string(mask_url_passwords(&text, masker)).at(line),
        other => Node::new(other).at(line),
    }
}

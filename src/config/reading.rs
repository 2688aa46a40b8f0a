//! Reads maps whose keys are known, and says where a file is wrong.

use crate::manifest::node::{Node, Value};

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Problem {
    /// Line in the file; 1 is the first.
    pub(super) line: u32,
    pub(super) what: String,
    pub(super) hint: Option<String>,
    /// The key that is wrong: its line is not known, only that of its value.
    pub(super) key: Option<String>,
}

impl Problem {
    pub(super) fn at(node: &Node, what: impl Into<String>) -> Self {
        Self { line: node.line(), what: what.into(), hint: None, key: None }
    }
}

/// A map, all of whose keys are known.
pub(super) struct Table<'a> {
    pub(super) node: &'a Node,
}

impl<'a> Table<'a> {
    /// Takes a node for a map with these keys; `what` says in messages what it is.
    pub(super) fn of(node: &'a Node, what: &str, keys: &[&str]) -> Result<Self, Problem> {
        let Value::Map(entries) = node.value() else { return Err(Problem::at(node, format!("{what} is no map"))) };
        for (key, value) in entries {
            if !keys.contains(&&**key) {
                let hint = nearest(key, keys).map(|near| format!("did you mean {near:?}?"));
                let line = if value.line() == 0 { node.line() } else { value.line() };
                let key = Some(key.to_string());
                return Err(Problem {
                    line,
                    what: format!("{what} has no key {:?}", key.as_deref().unwrap_or_default()),
                    hint,
                    key,
                });
            }
        }
        Ok(Self { node })
    }

    /// A text, where there is one.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Problem> {
        match self.node.get(key) {
            None => Ok(None),
            Some(node) => text(node, key).map(Some),
        }
    }

    /// A list of whatever `item` reads; empty where there is none.
    pub(super) fn list<T>(&self, key: &str, item: fn(&Node) -> Result<T, Problem>) -> Result<Vec<T>, Problem> {
        match self.node.get(key) {
            None => Ok(Vec::new()),
            Some(node) if matches!(node.value(), Value::Null) => Ok(Vec::new()),
            Some(node) => {
                let items = node.as_list().ok_or_else(|| Problem::at(node, format!("{key:?} is no list")))?;
                items.iter().map(item).collect()
            }
        }
    }
}

pub(super) fn text(node: &Node, what: &str) -> Result<String, Problem> {
    node.as_str().map(str::to_owned).ok_or_else(|| Problem::at(node, format!("{what:?} is no text")))
}

/// The key that a mistyped one was most likely meant to be.
fn nearest<'k>(typed: &str, keys: &[&'k str]) -> Option<&'k str> {
    let distance = |key: &&str| strsim::damerau_levenshtein(&typed.to_lowercase(), key);
    keys.iter().copied().min_by_key(distance).filter(|key| distance(key) <= 1 + key.len() / 3)
}

//! Reads maps whose keys are known, and says where a file is wrong.

use jiff::{SignedDuration, Span, SpanRelativeTo};

use crate::manifest::node::{Node, Number, Value};

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

    /// A switch, where there is one.
    pub(super) fn switch(&self, key: &str) -> Result<Option<bool>, Problem> {
        match self.node.get(key).map(|node| (node, node.value())) {
            None => Ok(None),
            Some((_, Value::Bool(on))) => Ok(Some(*on)),
            Some((node, _)) => Err(Problem::at(node, format!("{key:?} is neither true nor false"))),
        }
    }

    /// A whole number, no less than this, where there is one.
    pub(super) fn number(&self, key: &str, least: u32) -> Result<Option<u32>, Problem> {
        let Some(node) = self.node.get(key) else { return Ok(None) };
        let number = match node.value() {
            Value::Number(Number::Int(number)) => u32::try_from(*number).ok().filter(|number| *number >= least),
            _ => None,
        };
        number.map(Some).ok_or_else(|| Problem::at(node, format!("{key:?} is no whole number, {least} or more")))
    }

    /// A length of time, where there is one: `90s`, `12h`, `30d`, `2w`; a day has 24 hours.
    pub(super) fn span(&self, key: &str) -> Result<Option<SignedDuration>, Problem> {
        let Some(node) = self.node.get(key) else { return Ok(None) };
        let span = node.as_str().and_then(|text| text.parse::<Span>().ok());
        let span = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
        let span = span.filter(|span| !span.is_negative());
        span.map(Some).ok_or_else(|| Problem::at(node, format!("{key:?} is no length of time, as in 90s, 12h or 30d")))
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
pub(super) fn nearest<'k>(typed: &str, keys: &[&'k str]) -> Option<&'k str> {
    let distance = |key: &&str| strsim::damerau_levenshtein(&typed.to_lowercase(), key);
    keys.iter().copied().min_by_key(distance).filter(|key| distance(key) <= 1 + key.len() / 3)
}

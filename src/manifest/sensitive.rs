//! Where the content of Secrets goes besides: the values it was rendered from, and the notes that repeat it.
//!
//! A value flows into a Secret if it is the content of one of its keys, or stands within it, or the other way round.
//! In doubt it is masked: a masked value still shows that it changed.

use std::collections::HashSet;

use crate::manifest::document::Document;
use crate::manifest::mask::{Masker, decode};
use crate::manifest::node::{Node, Value};

/// Shorter texts are looked for as whole contents only, not within others: `80` is in many places.
const SHORTEST_PART: usize = 4;

/// Shorter contents are not looked for within values: `admin` is part of many a host's name.
const SHORTEST_CONTENT: usize = 6;

/// More work than this (bytes of values times bytes of Secrets) is not done: every text counts as secret instead.
const MOST_WORK: usize = 2_000_000_000;

/// Endings of key names whose text is masked whether it flows into a Secret or not.
const SECRET_NAMES: [&str; 13] = [
    "password",
    "passwd",
    "passphrase",
    "token",
    "apikey",
    "api_key",
    "privatekey",
    "private_key",
    "secretkey",
    "secret_key",
    "accesskey",
    "clientsecret",
    "credentials",
];

/// The content of the Secrets of a release, for finding it elsewhere.
#[derive(Default)]
pub struct Sensitive {
    whole: HashSet<Vec<u8>>,
    size: usize,
}

impl Sensitive {
    /// Gathers the content of every Secret among the documents.
    #[must_use]
    pub fn of<'a>(documents: impl Iterator<Item = &'a Document<'a>>) -> Self {
        let mut found = Self::default();
        for secret in documents.flat_map(Masker::secrets) {
            for (field, base64) in [("data", true), ("stringData", false)] {
                if let Some(entries) = secret.get(field) {
                    found.gather(entries, base64);
                }
            }
        }
        found
    }

    fn gather(&mut self, node: &Node, base64: bool) {
        match node.value() {
            Value::String(text) => {
                if base64 && let Some(content) = decode(text) {
                    self.add(content);
                }
                self.add(text.as_bytes().to_vec());
            }
            Value::Number(number) => self.add(number.to_string().into_bytes()),
            Value::List(items) => items.iter().for_each(|item| self.gather(item, base64)),
            Value::Map(entries) => entries.iter().for_each(|(_, value)| self.gather(value, base64)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn add(&mut self, content: Vec<u8>) {
        let trimmed = content.trim_ascii().to_vec();
        if !trimmed.is_empty() {
            self.size += trimmed.len();
            self.whole.insert(trimmed);
        }
    }

    /// Masks, in a tree of values, what flows into a Secret and what is named like one.
    #[must_use]
    pub fn mask_values(&self, values: Node, masker: &Masker) -> Node {
        if !masker.masks() {
            return values;
        }
        let exhausted = self.size.saturating_mul(text_size(&values)) > MOST_WORK;
        self.mask_below(values, masker, exhausted)
    }

    fn mask_below(&self, node: Node, masker: &Masker, all: bool) -> Node {
        let line = node.line();
        match node.into_value() {
            Value::Map(entries) => {
                let entries = entries.into_iter().map(|(key, value)| {
                    let named = value.as_str().is_some_and(|text| !text.is_empty()) && named_like_a_secret(&key);
                    let value = if named { masker.mask_all(value, false) } else { self.mask_below(value, masker, all) };
                    (key, value)
                });
                Node::new(Value::Map(entries.collect())).at(line)
            }
            Value::List(items) => {
                Node::new(Value::List(items.into_iter().map(|item| self.mask_below(item, masker, all)).collect()))
                    .at(line)
            }
            Value::String(text) if all || self.holds(text.as_bytes()) => {
                Node::string(masker.masked_text(text.as_bytes())).at(line)
            }
            Value::Number(number) if self.holds(number.to_string().as_bytes()) => {
                Node::string(masker.masked_text(number.to_string().as_bytes())).at(line)
            }
            other => Node::new(other).at(line),
        }
    }

    /// Whether the text goes into a Secret.
    fn holds(&self, text: &[u8]) -> bool {
        let text = text.trim_ascii();
        if text.is_empty() || self.whole.is_empty() {
            return false;
        }
        if self.whole.contains(text) {
            return true;
        }
        // Text of several lines may be indented on its way.
        let lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).collect();
        let parts = lines.iter().filter(|line| line.len() >= SHORTEST_PART);
        let finders: Vec<_> = parts.map(|line| memchr::memmem::Finder::new(*line)).collect();
        self.whole.iter().any(|content| {
            finders.iter().any(|finder| stands_within(finder, content))
                || (content.len() >= SHORTEST_CONTENT && stands_within(&memchr::memmem::Finder::new(content), text))
        })
    }

    /// Masks every occurrence of a Secret's content in a text.
    #[must_use]
    pub fn mask_text(&self, text: &str, masker: &Masker) -> String {
        if !masker.masks() {
            return text.to_owned();
        }
        let mut contents: Vec<&str> =
            self.whole.iter().filter_map(|content| std::str::from_utf8(content).ok()).collect();
        contents.retain(|content| content.len() >= SHORTEST_PART);
        // The longest first: one content may be part of another.
        contents.sort_by_key(|content| (std::cmp::Reverse(content.len()), *content));
        contents.into_iter().fold(text.to_owned(), |text, content| {
            if text.contains(content) { text.replace(content, &masker.masked_text(content.as_bytes())) } else { text }
        })
    }
}

/// Whether the part stands in the content by itself and not as a piece of a longer word.
fn stands_within(finder: &memchr::memmem::Finder<'_>, content: &[u8]) -> bool {
    let len = finder.needle().len();
    finder.find_iter(content).any(|at| {
        let before = at.checked_sub(1).and_then(|i| content.get(i));
        let after = content.get(at + len);
        let apart = |byte: Option<&u8>| byte.is_none_or(|b| !b.is_ascii_alphanumeric());
        len >= 8 || (apart(before) && apart(after))
    })
}

fn named_like_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|name| key.ends_with(name)) && !key.starts_with("existing")
}

fn text_size(node: &Node) -> usize {
    match node.value() {
        Value::String(text) => text.len().max(1),
        Value::List(items) => items.iter().map(text_size).sum(),
        Value::Map(entries) => entries.iter().map(|(_, value)| text_size(value)).sum(),
        _ => 1,
    }
}

//! Where the content of Secrets goes besides: the values it was rendered from, and the notes that repeat it.
//!
//! A value flows into a Secret if it is the content of one of its keys, or a part of it. Of a value that holds such a
//! content among other text, only that is masked. In doubt more is masked: that it changed is still seen.

use std::collections::HashSet;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::manifest::document::Document;
use crate::manifest::mask::{Masker, decode};
use crate::manifest::node::{Node, Value};

/// Shorter texts are looked for as whole contents only, not within others: `80` is in many places.
const SHORTEST_PART: usize = 4;

/// Shorter contents are not looked for within values: `admin` is part of many a host's name.
const SHORTEST_CONTENT: usize = 6;

/// Shorter words count as words of a language, in bytes.
const SHORTEST_RANDOM: usize = 8;

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
    values: HashSet<Vec<u8>>,
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
                    let named = may_be_secret(&value) && named_like_a_secret(&key);
                    let value = if named { masker.mask_all(value, false) } else { self.mask_below(value, masker, all) };
                    (key, value)
                });
                Node::new(Value::Map(entries.collect())).at(line)
            }
            Value::List(items) => {
                Node::new(Value::List(items.into_iter().map(|item| self.mask_below(item, masker, all)).collect()))
                    .at(line)
            }
            Value::String(text) if all || self.is_part(text.as_bytes()) => {
                Node::string(masker.masked_text(text.as_bytes())).at(line)
            }
            Value::String(text) if self.stands_in(text.as_bytes()) => {
                Node::string(self.mask_text(&text, masker)).at(line)
            }
            Value::Number(number) if self.is_part(number.to_string().as_bytes()) => {
                Node::string(masker.masked_text(number.to_string().as_bytes())).at(line)
            }
            other => Node::new(other).at(line),
        }
    }

    /// Whether the text is the content of a Secret, or a part of it.
    fn is_part(&self, text: &[u8]) -> bool {
        let text = text.trim_ascii();
        if text.is_empty() || self.whole.is_empty() {
            return false;
        }
        if self.whole.contains(text) {
            return true;
        }
        // Text of several lines may be indented on its way.
        let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let finders: Vec<_> =
            lines.filter(|line| line.len() >= SHORTEST_PART).map(memchr::memmem::Finder::new).collect();
        self.whole.iter().any(|content| finders.iter().any(|finder| stands_within(finder, content)))
    }

    /// Whether the content of a Secret is a part of the text.
    fn stands_in(&self, text: &[u8]) -> bool {
        let contents = self.whole.iter().filter(|content| content.len() >= SHORTEST_CONTENT);
        contents.map(memchr::memmem::Finder::new).any(|finder| stands_within(&finder, text))
    }

    /// Gathers, of the values that a release was rendered with, those that flow into a Secret and those named like one:
    /// notes may repeat them without the rest of that Secret.
    pub fn gather_values(&mut self, values: &Node) {
        let exhausted = self.size.saturating_mul(text_size(values)) > MOST_WORK;
        self.gather_below(values, exhausted);
    }

    fn gather_below(&mut self, node: &Node, all: bool) {
        match node.value() {
            Value::Map(entries) => {
                for (key, value) in entries {
                    self.gather_below(value, all || (may_be_secret(value) && named_like_a_secret(key)));
                }
            }
            Value::List(items) => items.iter().for_each(|item| self.gather_below(item, all)),
            Value::String(text) => self.gather_value(text.as_bytes(), all),
            Value::Number(number) => self.gather_value(number.to_string().as_bytes(), all),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn gather_value(&mut self, text: &[u8], named: bool) {
        if named || self.is_part(text) {
            self.values.insert(text.trim_ascii().to_vec());
        }
    }

    /// Masks every occurrence in a text of a Secret's content, or of a gathered value, as it is or as base64. Words that
    /// look random are masked where they are any part of a Secret: a chart may print a password that it generated for
    /// a connection string.
    #[must_use]
    pub fn mask_text(&self, text: &str, masker: &Masker) -> String {
        if !masker.masks() {
            return text.to_owned();
        }
        let contents = self.whole.iter().chain(&self.values);
        let words = text.len() / SHORTEST_RANDOM;
        if (contents.clone().count() + words).saturating_mul(text.len() + self.size) > MOST_WORK {
            return masker.masked_text(text.as_bytes());
        }
        let mut found = self.random_words(text);
        // Only what is UTF-8 stands in a text, and then between characters.
        let contents = contents.filter_map(|content| std::str::from_utf8(content).ok());
        for content in contents.filter(|content| content.len() >= SHORTEST_PART) {
            for needle in [content, &STANDARD_NO_PAD.encode(content)] {
                found.extend(text.match_indices(needle).map(|(at, _)| at..at + needle.len()));
            }
        }
        mask_ranges(text, found, masker)
    }

    /// Where words of the text stand that look random and are in a Secret.
    fn random_words(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut start = 0;
        for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
            let letters = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            if letters.len() >= SHORTEST_RANDOM && looks_random(letters) {
                let finder = memchr::memmem::Finder::new(letters);
                if self.whole.iter().any(|content| finder.find(content).is_some()) {
                    found.push(start..start + letters.len());
                }
            }
            start += word.len();
        }
        found
    }
}

/// Masks parts of a text; those that overlap are masked as one.
fn mask_ranges(text: &str, mut ranges: Vec<Range<usize>>, masker: &Masker) -> String {
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    let mut masked = String::with_capacity(text.len());
    let mut shown = 0;
    for range in merged {
        masked.push_str(&text[shown..range.start]);
        masked.push_str(&masker.masked_text(text[range.clone()].as_bytes()));
        shown = range.end;
    }
    masked.push_str(&text[shown..]);
    masked
}

/// Whether a word of letters and digits is no word of a language: it has both, or changes case again and again.
fn looks_random(word: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| word.as_bytes().iter().any(kind);
    let rises = word.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) || rises.count() >= 3
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

/// Whether a value named like a secret can be one; `password: true` is not.
fn may_be_secret(value: &Node) -> bool {
    match value.value() {
        Value::String(text) => !text.is_empty(),
        Value::Number(_) => true,
        _ => false,
    }
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

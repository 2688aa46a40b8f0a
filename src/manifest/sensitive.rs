//! Where the content of Secrets goes besides: the values it was rendered from, and the notes that repeat it.
//!
//! A value flows into a Secret if it is the content of one of its keys, or a part of it, as it is or within base64, JSON,
//! YAML or a URL, in any case of letters. Of a text that holds such a content, only that is masked. In doubt more is
//! masked: that it changed is still seen.

use std::collections::HashSet;
use std::ops::Range;

use crate::manifest::derive;
use crate::manifest::document::Document;
use crate::manifest::mask::{Masker, decode};
use crate::manifest::node::{Node, Number, Value};
use crate::manifest::trivial::is_telling;

/// Shorter texts are looked for as whole contents only, not within others.
const SHORTEST_PART: usize = 4;

/// Shorter contents are not looked for within values: `admin` is part of many a host's name.
const SHORTEST_CONTENT: usize = 6;

/// Shorter words count as words of a language, in bytes.
const SHORTEST_RANDOM: usize = 8;

/// Shorter texts are masked only where they stand by themselves, not inside a longer word.
const SHORTEST_INSIDE: usize = 8;

/// More work than this (bytes of values times bytes of Secrets) is not done: every text counts as secret instead.
const MOST_WORK: usize = 2_000_000_000;

/// How a private key ends its first line, in lower case.
const PRIVATE_KEY: &str = "private key-----";

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
    /// Whole contents and what they decode to, in lower case.
    texts: HashSet<Vec<u8>>,
    /// Those, and the single values within them, in lower case.
    exact: HashSet<Vec<u8>>,
    /// The same and the gathered values, as they are written: base64 depends on it.
    written: HashSet<Vec<u8>>,
    size: usize,
}

impl Sensitive {
    /// Gathers the content of every Secret among the documents.
    #[must_use]
    pub fn of<'a>(documents: impl Iterator<Item = &'a Document<'a>>) -> Self {
        let mut found = Self::default();
        documents.flat_map(Masker::secrets).for_each(|secret| found.gather_secret(&secret));
        found
    }

    /// Gathers the content of one Secret.
    pub(super) fn gather_secret(&mut self, secret: &Node) {
        for (field, base64) in [("data", true), ("stringData", false)] {
            if let Some(entries) = secret.get(field) {
                self.gather(entries, base64);
            }
        }
    }

    fn gather(&mut self, node: &Node, base64: bool) {
        match node.value() {
            Value::String(text) => {
                if base64 && let Some(content) = decode(text) {
                    self.add(content);
                }
                self.add(text.as_bytes().to_vec());
            }
            Value::Number(number) => derive::spellings(*number).for_each(|text| self.add(text.into_bytes())),
            Value::List(items) => items.iter().for_each(|item| self.gather(item, base64)),
            Value::Map(entries) => entries.iter().for_each(|(_, value)| self.gather(value, base64)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn add(&mut self, content: Vec<u8>) {
        let inside = derive::inside(&content);
        for text in std::iter::once(content).chain(inside.texts) {
            let text = text.trim_ascii();
            let lower = text.to_ascii_lowercase();
            if !text.is_empty() && self.texts.insert(lower.clone()) {
                self.size += text.len();
                self.exact.insert(lower);
            }
            self.written.insert(text.to_vec());
        }
        for scalar in &inside.scalars {
            self.exact.insert(scalar.trim_ascii().to_ascii_lowercase());
            self.written.insert(scalar.trim_ascii().to_vec());
        }
    }

    /// Whether searching these values takes too long, so that all of them count as secret.
    pub(super) fn is_exhausted_by(&self, values: &Node) -> bool {
        self.size.saturating_mul(text_size(values)) > MOST_WORK
    }

    /// Whether a value is the content of a Secret or a part of it, or is secret by its form.
    pub(super) fn holds(&self, value: &Node) -> bool {
        match value.value() {
            Value::String(text) => {
                self.is_part(text.as_bytes())
                    || text.to_ascii_lowercase().contains(PRIVATE_KEY)
                    || self.is_wrapped_in(text.as_bytes())
            }
            Value::Number(number) => self.holds_number(*number),
            _ => false,
        }
    }

    /// Whether the content of a Secret is in the text in another form, which the chart decoded: base64, JSON, a URL. Of
    /// single values within the text, a part of such a content counts only if it looks random.
    fn is_wrapped_in(&self, text: &[u8]) -> bool {
        if self.exact.is_empty() {
            return false;
        }
        let inside = derive::inside(text);
        let is_random =
            |scalar: &[u8]| scalar.len() >= SHORTEST_RANDOM && std::str::from_utf8(scalar).is_ok_and(looks_random);
        let is_content = |scalar: &[u8]| {
            self.exact.contains(&scalar.trim_ascii().to_ascii_lowercase())
                || (is_random(scalar) && self.is_part(scalar))
        };
        let is_long = |inner: &&Vec<u8>| inner.len() >= SHORTEST_CONTENT && is_telling(inner.trim_ascii());
        inside.scalars.iter().filter(is_long).any(|scalar| is_content(scalar))
            || inside
                .texts
                .iter()
                .filter(is_long)
                .any(|inner| self.is_part(inner) || std::str::from_utf8(inner).is_ok_and(|inner| self.stands_in(inner)))
    }

    fn holds_number(&self, number: Number) -> bool {
        derive::spellings(number).any(|text| self.is_part(text.as_bytes()))
    }

    /// Whether the text is the content of a Secret, or a part of it.
    fn is_part(&self, text: &[u8]) -> bool {
        let text = text.trim_ascii().to_ascii_lowercase();
        if !is_telling(&text) || self.exact.is_empty() {
            return false;
        }
        if self.exact.contains(&text) {
            return true;
        }
        // Text of several lines may be indented on its way.
        let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let finders: Vec<_> =
            lines.filter(|line| line.len() >= SHORTEST_PART).map(memchr::memmem::Finder::new).collect();
        self.texts.iter().any(|content| finders.iter().any(|finder| stands_within(finder, content)))
    }

    /// Whether the content of a Secret is a part of the text.
    pub(super) fn stands_in(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        let contents = self.texts.iter().filter(|content| content.len() >= SHORTEST_CONTENT);
        contents.map(memchr::memmem::Finder::new).any(|finder| stands_within(&finder, text.as_bytes()))
    }

    /// Gathers, of the values that a release was rendered with, those that flow into a Secret and those named like one:
    /// notes may repeat them without the rest of that Secret.
    pub fn gather_values(&mut self, values: &Node) {
        let exhausted = self.is_exhausted_by(values);
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
            Value::Number(number) => {
                let all = all || self.holds_number(*number);
                derive::spellings(*number).for_each(|text| self.gather_value(text.as_bytes(), all));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn gather_value(&mut self, text: &[u8], named: bool) {
        if named || self.is_part(text) {
            self.written.insert(text.trim_ascii().to_vec());
        }
    }

    /// Gathers one text that is secret wherever it stands.
    pub fn gather_text(&mut self, text: &str) {
        self.written.insert(text.trim().as_bytes().to_vec());
    }

    /// Takes out what everybody sees in any case, as the names of objects: where the content of a Secret is just that,
    /// masking it elsewhere would hide which object is spoken of, and nothing else.
    pub fn spare<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        let names: HashSet<Vec<u8>> = names.into_iter().map(|name| name.to_ascii_lowercase().into_bytes()).collect();
        self.texts.retain(|text| !names.contains(text));
        self.exact.retain(|text| !names.contains(text));
        self.written.retain(|text| !names.contains(&text.to_ascii_lowercase()));
    }

    /// Masks every occurrence in a text of a Secret's content, or of a gathered value, in the forms that templates print.
    /// Words that look random are masked where they are any part of a Secret: a chart may print a password that it
    /// generated for a connection string. Private keys and the passwords of URLs are masked by their form.
    #[must_use]
    pub fn mask_text(&self, text: &str, masker: &Masker) -> String {
        if !masker.masks() {
            return text.to_owned();
        }
        let words = text.len() / SHORTEST_RANDOM;
        if (self.written.len() + words).saturating_mul(text.len() + self.size) > MOST_WORK {
            return masker.masked_text(text.as_bytes());
        }
        // Lower case of ASCII alone leaves every byte where it is.
        let lower = text.to_ascii_lowercase();
        let mut found = self.random_words(text);
        found.extend(private_keys(&lower));
        found.extend(url_passwords(text));
        // Only what is UTF-8 stands in a text, and then between characters.
        let contents = self.written.iter().filter_map(|content| std::str::from_utf8(content).ok());
        for content in contents.filter(|content| is_telling(content.as_bytes())) {
            for needle in derive::forms(content) {
                let needle = needle.to_ascii_lowercase();
                let places = lower.match_indices(&needle).map(|(at, _)| at..at + needle.len());
                found.extend(places.filter(|place| needle.len() >= SHORTEST_INSIDE || is_apart(&lower, place)));
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
                let lower = letters.to_ascii_lowercase();
                let finder = memchr::memmem::Finder::new(&lower);
                if self.texts.iter().any(|content| finder.find(content).is_some()) {
                    found.push(start..start + letters.len());
                }
            }
            start += word.len();
        }
        found
    }
}

/// Masks the passwords of URLs in a text, as in `https://user:password@host`.
#[must_use]
pub fn mask_url_passwords(text: &str, masker: &Masker) -> String {
    if !masker.masks() || !text.contains("://") {
        return text.to_owned();
    }
    mask_ranges(text, url_passwords(text), masker)
}

/// Where the passwords of URLs stand.
fn url_passwords(text: &str) -> Vec<Range<usize>> {
    let starts = text.match_indices("://").map(|(at, found)| at + found.len());
    let passwords = starts.filter_map(|start| {
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '<' | '>' | '?' | '#');
        let authority = &text[start..text[start..].find(ends).map_or(text.len(), |end| start + end)];
        let user = &authority[..authority.rfind('@')?];
        let colon = user.find(':')?;
        (colon + 1 < user.len()).then_some(start + colon + 1..start + user.len())
    });
    passwords.collect()
}

/// Where private keys stand, from the first line to the last, in a text of lower case.
fn private_keys(lower: &str) -> Vec<Range<usize>> {
    let heads = lower.match_indices(PRIVATE_KEY).map(|(at, found)| (at, at + found.len()));
    let keys = heads.filter_map(|(at, body)| {
        let start = lower[..at].rfind("-----begin")?;
        let end = lower[body..].find("-----end").map_or(lower.len(), |end| body + end);
        Some(start..end)
    });
    keys.collect()
}

/// Whether a place in a text is no piece of a longer word.
fn is_apart(text: &str, place: &Range<usize>) -> bool {
    let apart = |byte: Option<&u8>| byte.is_none_or(|b| !b.is_ascii_alphanumeric());
    let bytes = text.as_bytes();
    apart(place.start.checked_sub(1).and_then(|at| bytes.get(at))) && apart(bytes.get(place.end))
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
#[must_use]
pub fn may_be_secret(value: &Node) -> bool {
    match value.value() {
        Value::String(text) => !text.is_empty(),
        Value::Number(_) => true,
        _ => false,
    }
}

/// Whether a key is named as those of secrets are: `adminPassword`, `API_TOKEN`.
#[must_use]
pub fn named_like_a_secret(key: &str) -> bool {
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

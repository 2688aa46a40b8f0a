//! JSON and YAML within texts: the dashboard or the configuration file that a ConfigMap carries.
//!
//! Only what is a map or a list without doubt counts: plain text, single values, scripts, templates and files of other
//! formats stay texts. So does what is large or lies deep, and what YAML could multiply.

use crate::manifest::node::{Node, Value};
use crate::manifest::yaml;

/// Longer texts are not read, in bytes. A ConfigMap can't be larger.
const LONGEST: usize = 1 << 20;

/// What lies deeper stays text, in levels of lists and maps.
const DEEPEST: usize = 64;

/// What a text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

/// What a text holds.
#[derive(Clone)]
pub struct Embedded {
    /// What it is written in.
    pub format: Format,
    /// A map or a list. What its reader may take for another value than Go does (`yes`, `0644`) is a text here, written
    /// as it is.
    pub node: Node,
}

impl Format {
    /// Its name for a reader.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
        }
    }
}

impl Embedded {
    /// What a text holds. None if it is plain text, or was not read.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let embedded = match text.trim_start().as_bytes().first()? {
            b'{' | b'[' => Self { format: Format::Json, node: serde_json::from_str(text).ok()? },
            _ if looks_like_yaml(text) => Self { format: Format::Yaml, node: as_written(yaml::parse_strictly(text)?) },
            _ => return None,
        };
        let node = &embedded.node;
        let holds_more = match (node.value(), embedded.format) {
            (Value::Map(entries), Format::Json) => !entries.is_empty(),
            (Value::List(items), Format::Json) => !items.is_empty(),
            (Value::Map(entries), Format::Yaml) => !entries.is_empty() && entries.iter().all(|(key, _)| is_key(key)),
            // A list of plain texts may be one of a document for people.
            (Value::List(items), Format::Yaml) => items.iter().any(|item| !item.is_empty() && is_inner(item)),
            _ => false,
        };
        (holds_more && is_shallow(node, DEEPEST)).then_some(embedded)
    }
}

/// Whether reading is worth while: several lines, of which the first is a key or a dash, and no copies by alias.
fn looks_like_yaml(text: &str) -> bool {
    let is_comment = |line: &str| line.starts_with('#') && !line.starts_with("#!");
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "---" && !is_comment(line));
    let Some(first) = lines.next() else { return false };
    let is_item = first == "-" || first.starts_with("- ");
    let is_entry = first.split_once(':').is_some_and(|(key, rest)| {
        (rest.is_empty() || rest.starts_with([' ', '\t'])) && is_key(key.trim_matches(['"', '\'']))
    });
    (is_item || is_entry) && lines.next().is_some() && !has_aliases(text)
}

/// Whether a text may be a key of a configuration file, and not the start of a sentence or a command.
fn is_key(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || "\"'(){}[]<>=;|&,\\".contains(c))
}

/// Whether there may be both an anchor and an alias.
fn has_aliases(text: &str) -> bool {
    let has = |sign: u8| {
        memchr::memchr_iter(sign, text.as_bytes()).any(|at| {
            let before = at.checked_sub(1).and_then(|at| text.as_bytes().get(at));
            let after = text.as_bytes().get(at + 1);
            before.is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'[' | b'{' | b','))
                && after.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        })
    };
    has(b'&') && has(b'*')
}

fn is_inner(node: &Node) -> bool {
    matches!(node.value(), Value::Map(_) | Value::List(_))
}

fn is_shallow(node: &Node, levels: usize) -> bool {
    match node.value() {
        Value::Map(entries) => levels > 0 && entries.iter().all(|(_, value)| is_shallow(value, levels - 1)),
        Value::List(items) => levels > 0 && items.iter().all(|item| is_shallow(item, levels - 1)),
        _ => true,
    }
}

/// The same tree, in which every scalar that is not written as in JSON is a text: who reads it is not known, and may not
/// follow Go's rules.
fn as_written(node: Node) -> Node {
    if let Some(raw) = node.raw() {
        return Node::string(raw).written_as(raw).at(node.line());
    }
    let line = node.line();
    let value = match node.into_value() {
        Value::Map(entries) => Value::Map(entries.into_iter().map(|(key, value)| (key, as_written(value))).collect()),
        Value::List(items) => Value::List(items.into_iter().map(as_written).collect()),
        other => other,
    };
    Node::new(value).at(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(text: &str) -> Option<Format> {
        Embedded::read(text).map(|embedded| embedded.format)
    }

    #[test]
    fn maps_and_lists_are_read() {
        for text in ["{\"a\": 1}", " [1, 2]\n", "{\n  \"title\": \"{{pod}}\"\n}\n"] {
            assert_eq!(format(text), Some(Format::Json), "{text}");
        }
        for text in [
            "global:\n  scrape_interval: 15s\n",
            "# a comment\n---\na: 1\nb: 2\n",
            "- job: a\n  on: yes\n- job: b\n",
            "\"key\": 1\nother: '{{ .x }}'\n",
        ] {
            assert_eq!(format(text), Some(Format::Yaml), "{text}");
        }
    }

    #[test]
    fn all_else_stays_text() {
        let bomb = format!("a: &a [x, x]\nb: &b [{}]\nc: *b\n", ["*a"; 100].join(", "));
        let deep = format!("a:\n  {}{}\nb: 1\n", "[".repeat(80), "]".repeat(80));
        let long = format!("a: 1\n{}", "# comment\n".repeat(200_000));
        for text in [
            "",
            "{}",
            "[]",
            "42",
            "\"text\"",
            "just text\nof two lines\n",
            "key: value",
            "Note: read this\nfirst\n",
            "- one\n- two\n",
            "#!/bin/sh\necho \"a: b\"\n",
            "#!/usr/bin/env python\nkey: 1\nother: 2\n",
            "set -e\necho: x\n",
            "server {\n  listen 80;\n}\n",
            "[section]\nkey = value\n",
            "key = value\nother = value\n",
            "{{ define \"x\" }}\na: {{ .b }}\n{{ end }}\n",
            "a: {{ .Values.b }}\nc: d\n",
            "a: 1\nb: 2\n---\nc: 3\n",
            "a: 1\na: 2\n",
            "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n",
            &bomb,
            &deep,
            &long,
        ] {
            assert_eq!(format(text), None, "{}", &text[..text.len().min(100)]);
        }
    }

    #[test]
    fn spellings_are_told_apart() {
        let read = |text: &str| Embedded::read(text).unwrap().node;
        assert!(read("a: yes\nb: 1\n") != read("a: true\nb: 1\n"));
        assert!(read("a: 0644\nb: 1\n") != read("a: 420\nb: 1\n"));
        assert!(read("a: 'x'\nb: 1\n") == read("b:  1 # comment\n\na: x\n"));
    }
}

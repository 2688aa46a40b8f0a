//! Writes a tree as YAML lines for a reader, in the style of `kubectl get -o yaml`: two blanks a level, list items
//! under their key, text of several lines as a literal block.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::manifest::node::{Node, Value};

/// What stands before a value on its first line.
#[derive(Clone)]
pub struct Lead {
    /// The text, indentation included: `  image:` or `  - `.
    pub text: String,
    /// What it is.
    pub kind: LeadKind,
    /// The column of the key or the dash; 0 is the first.
    pub column: usize,
}

/// The kinds of [`Lead`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LeadKind {
    /// Nothing: the top of a document.
    Root,
    /// A map's key with its colon.
    Key,
    /// A list item's dash.
    Dash,
}

impl Lead {
    /// The lead of a whole document.
    #[must_use]
    pub fn root() -> Self {
        Self { text: String::new(), kind: LeadKind::Root, column: 0 }
    }

    /// The lead of a map entry; `before` is the indentation, or the dash if the entry opens a list item.
    #[must_use]
    pub fn key(before: &str, key: &str, column: usize) -> Self {
        let mut text = String::with_capacity(before.len() + key.len() + 1);
        text.push_str(before);
        text.push_str(&scalar_text(key));
        text.push(':');
        Self { text, kind: LeadKind::Key, column }
    }

    /// The lead of a list item.
    #[must_use]
    pub fn dash(before: &str, column: usize) -> Self {
        Self { text: format!("{before}- "), kind: LeadKind::Dash, column }
    }

    /// The column at which what the lead opens stands.
    #[must_use]
    pub fn child_column(&self, child_is_list: bool) -> usize {
        match self.kind {
            LeadKind::Root => 0,
            LeadKind::Key if child_is_list => self.column,
            LeadKind::Key | LeadKind::Dash => self.column + 2,
        }
    }

    /// The whole line for a value that fits on one.
    #[must_use]
    pub fn line(&self, value: &str) -> String {
        match self.kind {
            LeadKind::Key => format!("{} {value}", self.text),
            LeadKind::Root | LeadKind::Dash => format!("{}{value}", self.text),
        }
    }
}

/// Blanks up to a column.
#[must_use]
pub fn indentation(column: usize) -> String {
    " ".repeat(column)
}

/// Hands every line of the node to `line`, in order, without line ends.
pub fn write(node: &Node, lead: &Lead, line: &mut impl FnMut(String)) {
    match node.value() {
        Value::Map(entries) if !entries.is_empty() => {
            let column = lead.child_column(false);
            let mut before = opening(lead, line);
            for (key, value) in entries {
                let before = before.take().unwrap_or_else(|| indentation(column));
                write(value, &Lead::key(&before, key, column), line);
            }
        }
        Value::List(items) if !items.is_empty() => {
            let column = lead.child_column(true);
            let mut before = opening(lead, line);
            for item in items {
                let before = before.take().unwrap_or_else(|| indentation(column));
                write(item, &Lead::dash(&before, column), line);
            }
        }
        Value::String(text) if is_block(text) => {
            line(lead.line(block_header(text)));
            let before = indentation(lead.child_column(false));
            for content in block_lines(text) {
                line(if content.is_empty() { String::new() } else { format!("{before}{content}") });
            }
        }
        _ => line(lead.line(&scalar(node))),
    }
}

/// A key stands on a line of its own; a dash goes before the first child.
fn opening(lead: &Lead, line: &mut impl FnMut(String)) -> Option<String> {
    match lead.kind {
        LeadKind::Root => None,
        LeadKind::Key => {
            line(lead.text.clone());
            None
        }
        LeadKind::Dash => Some(lead.text.clone()),
    }
}

/// Whether a text is written as a literal block.
#[must_use]
pub fn is_block(text: &str) -> bool {
    text.trim_end_matches('\n').contains('\n')
}

/// The header of a literal block: it says how the text ends.
#[must_use]
pub fn block_header(text: &str) -> &'static str {
    let indented = text.starts_with([' ', '\n']);
    match (text.ends_with('\n'), text.ends_with("\n\n"), indented) {
        (false, _, false) => "|-",
        (true, false, false) => "|",
        (true, true, false) => "|+",
        (false, _, true) => "|2-",
        (true, false, true) => "|2",
        (true, true, true) => "|2+",
    }
}

/// The lines of a literal block.
pub fn block_lines(text: &str) -> impl Iterator<Item = &str> {
    text.strip_suffix('\n').unwrap_or(text).split('\n')
}

/// A value that fits on one line, as YAML.
#[must_use]
pub fn scalar(node: &Node) -> Cow<'_, str> {
    match node.value() {
        Value::String(text) => scalar_text(text),
        Value::List(_) => Cow::Borrowed("[]"),
        Value::Map(_) => Cow::Borrowed("{}"),
        Value::Null => Cow::Borrowed("null"),
        Value::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        Value::Number(number) => node.raw().map_or_else(|| Cow::Owned(number.to_string()), Cow::Borrowed),
    }
}

/// A text as YAML on one line: bare where it is safe, else in double quotes.
#[must_use]
pub fn scalar_text(text: &str) -> Cow<'_, str> {
    if needs_quotes(text) { Cow::Owned(quoted(text)) } else { Cow::Borrowed(text) }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other if is_unprintable(other) => _ = write!(out, "\\u{:04x}", u32::from(other)),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Whether a character does not show as itself but steers what shows it: a control character, or a mark that turns the
/// direction of writing or breaks lines.
#[must_use]
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn needs_quotes(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return true };
    let second = text.chars().nth(1);
    let opens = match first {
        '-' | '?' | ':' => second.is_none_or(|c| c == ' '),
        _ => ",[]{}#&*!|>'\"%@`".contains(first),
    };
    opens
        || text.starts_with("---")
        || text.starts_with(char::is_whitespace)
        || text.ends_with(char::is_whitespace)
        || text.ends_with(':')
        || text.contains(": ")
        || text.contains(" #")
        || text.contains(is_unprintable)
        || reads_as_other_type(text)
}

/// Whether Go's YAML reader takes the bare text for something else than text.
fn reads_as_other_type(text: &str) -> bool {
    const WORDS: [&str; 11] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "<<"];
    if text.len() <= 5 && WORDS.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return true;
    }
    let Some(first) = text.bytes().next() else { return true };
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return false;
    }
    let digits = text.trim_start_matches(['+', '-']).replace('_', "");
    let based = ["0x", "0X", "0o", "0b"].iter().any(|base| digits.starts_with(base));
    based || digits.parse::<f64>().is_ok()
}

//! Writes a tree as YAML lines for a reader, in the style of `kubectl get -o yaml`: two blanks a level, list items
//! under their key, text of several lines as a literal block.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use crate::manifest::node::{Node, Value};

/// What stands before a value on its first line: blanks, dashes and a key. It is cheap to make: most lines of an object
/// are never written.
#[derive(Clone, Copy)]
pub struct Lead<'a> {
    kind: LeadKind<'a>,
    /// The column of the key or the last dash; 0 is the first.
    column: usize,
    /// How many dashes stand on the line.
    dashes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LeadKind<'a> {
    /// Nothing: the top of a document, or of what a text holds.
    Top,
    /// A map's key.
    Key(&'a str),
    /// A list item's dash.
    Dash,
}

impl<'a> Lead<'a> {
    /// The lead of a whole document.
    #[must_use]
    pub fn root() -> Self {
        Self::top(0)
    }

    /// The lead of a document within another one, at a column.
    #[must_use]
    pub fn top(column: usize) -> Self {
        Self { kind: LeadKind::Top, column, dashes: 0 }
    }

    /// The lead of a map's entry. The one that is `on_dash` stands on the line of the list item that the map is.
    #[must_use]
    pub fn key(&self, key: &'a str, on_dash: bool) -> Self {
        let dashes = if on_dash { self.dashes } else { 0 };
        Self { kind: LeadKind::Key(key), column: self.child_column(false), dashes }
    }

    /// The lead of a list's item. The first item of a list in a list stands on the line of the outer item.
    #[must_use]
    pub fn dash(&self, on_dash: bool) -> Self {
        let dashes = if on_dash && self.is_dash() { self.dashes } else { 0 };
        Self { kind: LeadKind::Dash, column: self.child_column(true), dashes: dashes + 1 }
    }

    /// Whether it is a list item's dash.
    #[must_use]
    pub fn is_dash(&self) -> bool {
        self.kind == LeadKind::Dash
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_top(&self) -> bool {
        self.kind == LeadKind::Top
    }

    /// The column at which what the lead opens stands.
    #[must_use]
    pub fn child_column(&self, child_is_list: bool) -> usize {
        match self.kind {
            LeadKind::Top => self.column,
            LeadKind::Key(_) if child_is_list => self.column,
            LeadKind::Key(_) | LeadKind::Dash => self.column + 2,
        }
    }

    /// The whole line for a value that fits on one.
    #[must_use]
    pub fn line(&self, value: &str) -> String {
        let mut text = self.text();
        if matches!(self.kind, LeadKind::Key(_)) {
            text.push(' ');
        }
        text.push_str(value);
        text
    }

    /// The line that stands alone above what the lead opens.
    #[must_use]
    pub fn head(&self) -> String {
        let mut text = self.text();
        text.truncate(text.trim_end().len());
        text
    }

    /// Blanks, dashes, and the key with its colon.
    fn text(&self) -> String {
        let (own, key) = match self.kind {
            LeadKind::Top => (0, None),
            LeadKind::Key(key) => (0, Some(scalar_text(key))),
            LeadKind::Dash => (1, None),
        };
        let blanks = self.column.saturating_sub(2 * self.dashes.saturating_sub(own));
        let mut text =
            String::with_capacity(blanks + 2 * self.dashes + key.as_ref().map_or(0, |key| key.len() + 1) + 24);
        push_blanks(&mut text, blanks);
        text.extend(std::iter::repeat_n("- ", self.dashes));
        if let Some(key) = key {
            text.push_str(&key);
            text.push(':');
        }
        text
    }
}

/// Blanks up to a column.
#[must_use]
pub fn indentation(column: usize) -> String {
    " ".repeat(column)
}

/// How many lines a value takes, without a key above it.
pub(super) fn height(value: &Value) -> u32 {
    let entry = |node: &Node| node.height().saturating_add(u32::from(opens(node)));
    match value {
        Value::Map(entries) if !entries.is_empty() => {
            entries.iter().fold(0, |sum, (_, node)| sum.saturating_add(entry(node)))
        }
        Value::List(items) if !items.is_empty() => items.iter().fold(0, |sum, item| sum.saturating_add(item.height())),
        Value::String(text) if is_block(text) => {
            let breaks = memchr::memchr_iter(b'\n', text.strip_suffix('\n').unwrap_or(text).as_bytes()).count();
            u32::try_from(breaks + 2).unwrap_or(u32::MAX)
        }
        _ => 1,
    }
}

/// Whether the value stands below its key.
fn opens(node: &Node) -> bool {
    matches!(node.value(), Value::Map(_) | Value::List(_)) && !node.is_empty()
}

/// How many lines [`write`] writes.
#[must_use]
pub fn count(node: &Node, lead: &Lead<'_>) -> usize {
    node.height() as usize + usize::from(opens(node) && matches!(lead.kind, LeadKind::Key(_)))
}

/// Hands every line of the node to `line`, in order, without line ends.
pub fn write(node: &Node, lead: &Lead<'_>, line: &mut impl FnMut(String)) {
    write_some(node, lead, 0..usize::MAX, line);
}

/// Hands some lines of the node to `line`, by their numbers from 0. What comes before them costs next to nothing.
pub fn write_some(node: &Node, lead: &Lead<'_>, wanted: Range<usize>, line: &mut impl FnMut(String)) {
    Writer { skip: wanted.start, left: wanted.len(), line }.node(node, lead);
}

struct Writer<'f, F> {
    /// How many lines are still not wanted.
    skip: usize,
    /// How many are wanted after those.
    left: usize,
    line: &'f mut F,
}

impl<F: FnMut(String)> Writer<'_, F> {
    fn node(&mut self, node: &Node, lead: &Lead<'_>) {
        let lines = count(node, lead);
        if lines <= self.skip {
            self.skip -= lines;
            return;
        }
        if self.left == 0 {
            return;
        }
        if opens(node) && matches!(lead.kind, LeadKind::Key(_)) {
            self.put(|| lead.head());
        }
        match node.value() {
            Value::Map(entries) if !entries.is_empty() => {
                for (at, (key, value)) in entries.iter().enumerate() {
                    self.node(value, &lead.key(key, at == 0 && lead.is_dash()));
                }
            }
            Value::List(items) if !items.is_empty() => {
                items.iter().enumerate().for_each(|(at, item)| self.node(item, &lead.dash(at == 0)));
            }
            Value::String(text) if is_block(text) => {
                self.put(|| lead.line(block_header(text)));
                let column = lead.child_column(false);
                block_lines(text).for_each(|content| self.put(|| indented(content, column)));
            }
            _ => self.put(|| lead.line(&scalar(node))),
        }
    }

    fn put(&mut self, text: impl FnOnce() -> String) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.left > 0 {
            self.left -= 1;
            (self.line)(text());
        }
    }
}

/// A line of a literal block at a column; empty lines have no blanks.
#[must_use]
pub fn indented(line: &str, column: usize) -> String {
    if line.is_empty() {
        return String::new();
    }
    let mut text = String::with_capacity(column + line.len());
    push_blanks(&mut text, column);
    text.push_str(line);
    text
}

/// Adds many blanks at once.
fn push_blanks(text: &mut String, mut count: usize) {
    const BLANKS: &str = "                                                                ";
    while count > 0 {
        let some = count.min(BLANKS.len());
        text.push_str(&BLANKS[..some]);
        count -= some;
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
        // A text with a spelling of its own is written that way.
        Value::String(text) => node.raw().map_or_else(|| scalar_text(text), Cow::Borrowed),
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
    // Most keys and values are names: no word of another type is that long.
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    if text.len() > 5 && text.as_bytes()[0].is_ascii_alphabetic() && text.as_bytes().iter().all(is_name) {
        return false;
    }
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

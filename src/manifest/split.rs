//! Splits a manifest into its documents' texts, so that equal texts need no parsing.

/// A document's text and the line it starts on in the manifest (1-based).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// The text, comments included.
    pub text: &'a str,
    /// The line of the manifest on which the text starts, from 1.
    pub line: u32,
}

/// Splits at lines that start with `---` and then end or go on with white space, as YAML does. What follows on such a
/// line belongs to the document. Parts that hold only blanks and comments are left out. Linear.
#[must_use]
pub fn split(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut first, mut line) = (0, 1, 0);
    let mut offset = 0;
    for row in text.split_inclusive('\n') {
        line += 1;
        if is_marker(row) {
            push(&mut parts, &text[start..offset], first);
            (start, first) = (offset + 3, line);
        }
        offset += row.len();
    }
    push(&mut parts, &text[start..], first);
    parts
}

fn is_marker(row: &str) -> bool {
    row.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn push<'a>(parts: &mut Vec<Part<'a>>, text: &'a str, line: u32) {
    if text.lines().any(|row| !matches!(row.trim_start().chars().next(), None | Some('#'))) {
        parts.push(Part { text, line });
    }
}

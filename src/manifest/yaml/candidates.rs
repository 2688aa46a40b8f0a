//! Finds places that probably need a repair, line by line and without parsing: quoted text that goes on over lines
//! that are not indented, and lines that start with a tab.
//!
//! A wrong guess costs time only: whoever uses the places checks them.

use super::repair::{Edits, Kind, Place};

/// A value that may go on over the lines that follow.
struct Opening {
    /// Where its quote or block scalar starts in the text.
    start: usize,
    /// The column of the key or dash that it belongs to.
    parent: usize,
}

/// Every candidate of a text, by its byte.
pub(super) fn find(text: &str) -> Edits {
    let mut edits = Edits::new();
    let mut position = 0;
    let mut indent = 0;
    while position < text.len() {
        let line = line_at(text, position);
        let margin = line.len() - line.trim_start_matches([' ', '\t']).len();
        if line[..margin].contains('\t') {
            if is_content(line) {
                edits.insert(Place { offset: position, kind: Kind::Indent }, indent + 2);
            }
        } else if is_content(line) {
            indent = margin;
        }
        let next = position + line.len() + 1;
        position = match opening(text, position, margin) {
            None => next,
            Some(opening) if text[opening.start..].starts_with(['"', '\'']) => {
                let Some(end) = quoted_end(text, opening.start) else { return edits };
                continued(text, &opening, end, &mut edits);
                let escapes = escaped_quotes(text, opening.start);
                edits.extend(escapes.map(|offset| (Place { offset, kind: Kind::Unescape }, 0)));
                next.max(end + line_at(text, end).len() + 1)
            }
            Some(opening) => block_end(text, next, opening.parent),
        };
    }
    edits
}

/// Where quoted text ends, that starts at `start`; after its quote. None if it does not end in its document.
fn quoted_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let quote = *bytes.get(start)?;
    let mut at = start + 1;
    loop {
        match *bytes.get(at)? {
            b'\\' if quote == b'"' => at += 2,
            b'\n' if is_marker(&text[at + 1..]) => return None,
            byte if byte != quote => at += 1,
            _ if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => at += 2,
            _ => return Some(at + 1),
        }
    }
}

/// The backslashes of every `\'` in the double-quoted text that starts at `start`.
pub(super) fn escaped_quotes(text: &str, start: usize) -> impl Iterator<Item = usize> {
    let end = if text[start..].starts_with('"') { quoted_end(text, start) } else { None };
    let bytes = &text.as_bytes()[start..end.unwrap_or(start)];
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += bytes.get(at..)?.iter().position(|byte| *byte == b'\\')? + 2;
            if bytes.get(at - 1) == Some(&b'\'') {
                return Some(start + at - 2);
            }
        }
    })
}

fn is_marker(line: &str) -> bool {
    let rest = line.strip_prefix("---").or_else(|| line.strip_prefix("..."));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn line_at(text: &str, position: usize) -> &str {
    let rest = text.get(position..).unwrap_or_default();
    rest.split('\n').next().unwrap_or_default()
}

fn is_content(line: &str) -> bool {
    line.contains(|character| !matches!(character, ' ' | '\t' | '\r'))
}

/// What a line opens, if that is quoted text or a block scalar.
fn opening(text: &str, position: usize, margin: usize) -> Option<Opening> {
    let line = line_at(text, position);
    let mut parent = margin;
    let mut at = margin;
    while line[at..].starts_with(['-', '?']) && line[at + 1..].starts_with([' ', '\t']) {
        parent = at;
        at = after_blanks(line, at + 1);
    }
    if let Some(colon) = key_end(&line[at..]) {
        parent = at;
        at = after_blanks(line, at + colon);
    }
    while line[at..].starts_with(['&', '!']) {
        at = after_blanks(line, at + line[at..].find([' ', '\t'])?);
    }
    line[at..].starts_with(['"', '\'', '|', '>']).then_some(Opening { start: position + at, parent })
}

fn after_blanks(line: &str, at: usize) -> usize {
    line.len() - line[at..].trim_start_matches([' ', '\t']).len()
}

/// Where a key's colon ends, if the line starts with a key.
fn key_end(line: &str) -> Option<usize> {
    let mut start = 0;
    if line.starts_with(['"', '\'']) {
        start = quoted_end(line, 0)?;
        if !line[start..].trim_start_matches([' ', '\t']).starts_with(':') {
            return None;
        }
    }
    let colons = line[start..].match_indices(':').map(|(at, _)| start + at + 1);
    let mut ends = colons.filter(|end| line[*end..].is_empty() || line[*end..].starts_with([' ', '\t', '\r']));
    let end = ends.next()?;
    (!line.starts_with(['#', '{', '[']) && !line[..end].contains(" #")).then_some(end)
}

/// Adds the lines of quoted text that are not indented enough.
fn continued(text: &str, opening: &Opening, end: usize, edits: &mut Edits) {
    let breaks = text[opening.start..end].match_indices('\n').map(|(at, _)| opening.start + at + 1);
    for start in breaks {
        let line = line_at(text, start);
        let margin = line.len() - line.trim_start_matches(' ').len();
        if is_content(line) && (margin <= opening.parent || line[margin..].starts_with('\t')) {
            edits.insert(Place { offset: start, kind: Kind::Indent }, opening.parent + 2);
        }
    }
}

/// Where the block scalar ends, whose first line is at `position`.
fn block_end(text: &str, mut position: usize, parent: usize) -> usize {
    while position < text.len() {
        let line = line_at(text, position);
        let margin = line.len() - line.trim_start_matches(' ').len();
        if is_content(line) && margin <= parent {
            break;
        }
        position += line.len() + 1;
    }
    position
}

//! Which characters YAML 1.1 allows, and those that mean something else there than in YAML 1.2: U+0085, U+2028 and
//! U+2029 break lines, and a byte order mark within the text is content.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use super::{YamlError, number};

const NEXT_LINE: char = '\u{85}';

/// A text that holds only allowed characters.
pub(super) struct Checked<'a> {
    /// With a line feed for every U+0085.
    pub(super) text: Cow<'a, str>,
    pub(super) strays: Strays,
}

/// The places of characters that read the same in both versions only inside of scalars. Elsewhere, what is a comment
/// or nothing in YAML 1.2 might be content for Go.
#[derive(Clone, Default)]
pub(super) struct Strays(VecDeque<Stray>);

#[derive(Clone, Copy)]
struct Stray {
    offset: usize,
    /// U+2028 and U+2029 belong in quotes.
    needs_quotes: bool,
}

impl Strays {
    /// A scalar covers these bytes.
    pub(super) fn scalar(&mut self, range: &Range<usize>, quoted: bool) {
        while self.0.front().is_some_and(|stray| range.contains(&stray.offset) && (quoted || !stray.needs_quotes)) {
            self.0.pop_front();
        }
    }

    /// # Errors
    /// Some of the characters are outside of scalars.
    pub(super) fn check(&self, text: &str) -> Result<(), YamlError> {
        match self.0.front() {
            None => Ok(()),
            Some(stray) if stray.needs_quotes => Err(separator(text, stray.offset)),
            Some(stray) => Err(error(text, stray.offset, "a byte order mark is allowed only at the start")),
        }
    }
}

/// Checks every character.
///
/// # Errors
/// The first one that YAML does not allow.
pub(super) fn check(text: &str) -> Result<Checked<'_>, YamlError> {
    const CHUNK: usize = 64;
    let mut strays = Strays::default();
    let mut next_line = false;
    for (index, chunk) in text.as_bytes().chunks(CHUNK).enumerate() {
        // Without branches, so that it is done for many bytes at once.
        if !chunk.iter().fold(false, |found, byte| found | is_suspect(*byte)) {
            continue;
        }
        let start = index * CHUNK;
        for offset in (start..start + chunk.len()).filter(|offset| text.is_char_boundary(*offset)) {
            match text[offset..].chars().next() {
                Some(NEXT_LINE) if !text[..offset].ends_with('\r') => next_line = true,
                Some(character @ ('\u{2028}' | '\u{2029}')) => {
                    if folds(text, offset, character) {
                        return Err(separator(text, offset));
                    }
                    strays.0.push_back(Stray { offset, needs_quotes: true });
                }
                Some('\u{FEFF}') if text[..offset].ends_with(['\n', '\r', NEXT_LINE]) => {
                    strays.0.push_back(Stray { offset, needs_quotes: false });
                }
                Some(character) if !is_allowed(character) => {
                    return Err(error(text, offset, "control characters are not allowed"));
                }
                _ => {}
            }
        }
    }
    if next_line {
        let checked = check(&text.replace(NEXT_LINE, "\n")).map(|checked| (checked.text.into_owned(), checked.strays));
        return checked.map(|(text, strays)| Checked { text: Cow::Owned(text), strays });
    }
    Ok(Checked { text: Cow::Borrowed(text), strays })
}

/// Whether a character that begins with this byte may be one of those that this module knows.
fn is_suspect(byte: u8) -> bool {
    (byte < 0x20) & (byte != b'\n') & (byte != b'\r') & (byte != b'\t')
        | (byte == 0x7F)
        | (byte == 0xC2)
        | (byte == 0xE2)
        | (byte == 0xEF)
}

fn is_allowed(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => true,
        '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}' => false,
        _ => true,
    }
}

/// Whether Go would drop the blanks beside a separator, as it does beside any line break in quotes.
fn folds(text: &str, offset: usize, separator: char) -> bool {
    const BLANKS: [char; 5] = [' ', '\t', '\n', '\r', NEXT_LINE];
    text[..offset].ends_with(BLANKS)
        || text[..offset].ends_with('\\')
        || text[offset + separator.len_utf8()..].starts_with(BLANKS)
}

fn separator(text: &str, offset: usize) -> YamlError {
    error(text, offset, "line and paragraph separators are allowed only in quotes and not beside blanks")
}

fn error(text: &str, offset: usize, message: &str) -> YamlError {
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    YamlError {
        line: number(before.matches('\n').count() + 1),
        column: number(before[start..].chars().count() + 1),
        message: message.to_owned(),
    }
}

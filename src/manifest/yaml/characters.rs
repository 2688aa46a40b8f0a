//! Which characters YAML 1.1 allows, and which of them break lines there and not in YAML 1.2: U+0085, U+2028, U+2029.

use std::borrow::Cow;
use std::ops::Range;

use super::{YamlError, number};

const NEXT_LINE: char = '\u{85}';

/// A text that holds only allowed characters.
pub(super) struct Checked<'a> {
    /// With a line feed for every U+0085.
    pub(super) text: Cow<'a, str>,
    pub(super) separators: Separators,
}

/// The places of U+2028 and U+2029. Go breaks lines there, so that what looks like a comment to us might be content to
/// it. Inside of quotes both read the same; nowhere else are they accepted.
#[derive(Default)]
pub(super) struct Separators {
    offsets: std::collections::VecDeque<usize>,
}

impl Separators {
    /// A quoted scalar covers these bytes.
    pub(super) fn quoted(&mut self, range: Range<usize>) {
        while self.offsets.front().is_some_and(|offset| range.contains(offset)) {
            self.offsets.pop_front();
        }
    }

    /// # Errors
    /// Some of the separators are outside of quotes.
    pub(super) fn check(&self, text: &str) -> Result<(), YamlError> {
        match self.offsets.front() {
            None => Ok(()),
            Some(&offset) => {
                Err(error(text, offset, "line and paragraph separators are allowed only inside of quotes"))
            }
        }
    }
}

/// Checks every character.
///
/// # Errors
/// The first one that YAML does not allow.
pub(super) fn check(text: &str) -> Result<Checked<'_>, YamlError> {
    const CHUNK: usize = 64;
    let mut separators = Separators::default();
    let mut next_line = false;
    for (index, chunk) in text.as_bytes().chunks(CHUNK).enumerate() {
        // Without branches, so that it is done for many bytes at once.
        if !chunk.iter().fold(false, |found, byte| found | is_suspect(*byte)) {
            continue;
        }
        let start = index * CHUNK;
        for offset in (start..start + chunk.len()).filter(|offset| text.is_char_boundary(*offset)) {
            match text[offset..].chars().next() {
                Some(NEXT_LINE) => next_line = true,
                Some('\u{2028}' | '\u{2029}') => separators.offsets.push_back(offset),
                Some(character) if !is_allowed(character) => {
                    return Err(error(text, offset, "control characters are not allowed"));
                }
                _ => {}
            }
        }
    }
    if next_line {
        return check(&text.replace(NEXT_LINE, "\n"))
            .map(|checked| Checked { text: Cow::Owned(checked.text.into_owned()), separators: checked.separators });
    }
    Ok(Checked { text: Cow::Borrowed(text), separators })
}

/// Whether a character that begins with this byte may be forbidden or break lines.
fn is_suspect(byte: u8) -> bool {
    (byte < 0x20) & (byte != b'\n') & (byte != b'\r') & (byte != b'\t')
        | (byte == 0x7F)
        | (byte == 0xC2)
        | (byte == 0xE2)
        | (byte == 0xEF)
}

fn is_allowed(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' | NEXT_LINE => true,
        '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}' => false,
        _ => true,
    }
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

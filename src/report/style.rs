//! Roles and their colours, and the cleaning of text that comes from outside.

use std::borrow::Cow;
use std::fmt::Write as _;

use owo_colors::{OwoColorize as _, Style};

use crate::manifest::emit::is_unprintable;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Text without a role.
    Plain,
    /// A title.
    Heading,
    /// Something new.
    Added,
    /// Something gone.
    Removed,
    /// Something that differs.
    Changed,
    /// What exactly is new within an added line.
    AddedWord,
    /// What exactly is gone within a removed line.
    RemovedWord,
    /// The head of a hunk.
    Hunk,
    /// What matters less.
    Dim,
    /// Something to look at.
    Warning,
    /// Something that failed.
    Error,
}

impl Role {
    fn style(self) -> Style {
        let style = Style::new();
        match self {
            Self::Plain => style,
            Self::Heading => style.bold(),
            Self::Added => style.green(),
            Self::Removed => style.red(),
            Self::Changed => style.yellow(),
            Self::AddedWord => style.green().reversed(),
            Self::RemovedWord => style.red().reversed(),
            Self::Hunk => style.cyan(),
            Self::Dim => style.dimmed(),
            Self::Warning => style.yellow().bold(),
            Self::Error => style.red().bold(),
        }
    }
}

/// Paints text by role, or leaves it plain.
#[derive(Clone, Copy, Debug)]
pub struct Painter {
    colour: bool,
}

impl Painter {
    /// With or without colour.
    #[must_use]
    pub fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// Adds a text to `out`. Control characters of the text are shown and not sent.
    pub fn paint(self, out: &mut String, role: Role, text: &str) {
        let text = clean(text);
        if self.colour && role != Role::Plain && !text.is_empty() {
            _ = write!(out, "{}", text.style(role.style()));
        } else {
            out.push_str(&text);
        }
    }
}

/// Makes control characters visible, so that text from a cluster, chart or file can't steer the terminal: C0 (but for
/// tabs), DEL, C1, and the marks that turn the direction of writing.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    // Bytes above ASCII are looked at as characters; the usual line has none.
    if !text.bytes().any(|byte| byte < 0x20 && byte != b'\t' || byte >= 0x7f) || !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if steers(character) {
            _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Whether a character could steer a terminal.
pub(super) fn steers(character: char) -> bool {
    is_unprintable(character) && character != '\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_sent() {
        assert_eq!(clean("a\u{1b}[31mred\u{7f}"), "a\\u{1b}[31mred\\u{7f}");
        assert_eq!(clean("tab\tand é"), "tab\tand é");
        assert_eq!(clean("\u{202e}abc"), "\\u{202e}abc");
        assert_eq!(clean("two\nlines"), "two\\u{a}lines");
    }

    #[test]
    fn without_colour_there_is_no_escape() {
        let mut out = String::new();
        Painter::new(false).paint(&mut out, Role::Added, "x");
        assert_eq!(out, "x");
        Painter::new(true).paint(&mut out, Role::Added, "y");
        assert!(out.contains("\u{1b}[32m"));
    }
}

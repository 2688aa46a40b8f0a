//! The line on which something is wrong, for a reader: cut to fit, with a mark below the place.

use std::fmt;

use crate::manifest::emit::is_unprintable;

/// The most that is shown of a line, in characters.
const WIDEST: usize = 100;

/// How much of it stands before the place, if there is more.
const BEFORE: usize = 60;

/// A line of a text and a place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line's number, from 1.
    pub line: u32,
    /// The line, or what is near the place. Tabs and characters that show nothing or steer a terminal are replaced.
    pub text: String,
    /// How many characters stand before the place.
    pub column: usize,
}

impl Excerpt {
    /// The excerpt at a line and a column of a text, both from 1. The text starts at line `start` of what the reader has.
    #[must_use]
    pub fn of(text: &str, start: u32, line: u32, column: u32) -> Option<Self> {
        let row = text.lines().nth(line.checked_sub(1)? as usize)?;
        let column = (column as usize).saturating_sub(1);
        let first = column.saturating_sub(BEFORE);
        let mut shown = String::new();
        if first > 0 {
            shown.push('…');
        }
        let mut rest = row.chars().skip(first);
        shown.extend(rest.by_ref().take(WIDEST).map(visible));
        if rest.next().is_some() {
            shown.push('…');
        }
        let column = column - first + usize::from(first > 0);
        Some(Self { line: start.saturating_add(line).saturating_sub(1), text: shown, column })
    }
}

fn visible(character: char) -> char {
    match character {
        '\t' => '→',
        other if is_unprintable(other) => '\u{FFFD}',
        other => other,
    }
}

impl fmt::Display for Excerpt {
    /// The line with its number, and a mark below it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        writeln!(f, "  {number} | {}", self.text)?;
        write!(f, "  {:width$} | {:column$}^", "", "", width = number.len(), column = self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_marked() {
        let shown = Excerpt::of("a: 1\nb:\t[x\u{1b}\n", 10, 2, 4).unwrap().to_string();
        assert_eq!(shown, "  11 | b:→[x\u{FFFD}\n     |    ^");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}!{}", "a".repeat(50_000), "b".repeat(50_000));
        let excerpt = Excerpt::of(&text, 1, 1, 50_001).unwrap();
        assert_eq!(excerpt.text.chars().nth(excerpt.column), Some('!'));
        assert!(excerpt.text.chars().count() <= WIDEST + 2);
        assert!(excerpt.text.starts_with("…a") && excerpt.text.ends_with("b…"));
    }

    #[test]
    fn there_is_none_behind_the_end() {
        assert_eq!(Excerpt::of("a: 1\n", 1, 9, 1), None);
    }
}

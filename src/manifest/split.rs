//! Splits a manifest into its documents' texts, so that equal texts need no parsing.

/// A document's text and the line it starts on in the manifest (1-based).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// The text, comments included. It starts after the line of the `---`; if there is more on that line, then with
    /// that line's comment, or with the `---` before any other content.
    pub text: &'a str,
    /// The line of the manifest on which the text starts, from 1.
    pub line: u32,
}

/// Splits a text as YAML does: at lines that start with `---`, or `...`, followed by white space or nothing. Such lines
/// inside of a value are indented and do not count. Directives (`%YAML 1.1`) stay with the document that follows.
/// Parts that hold only blanks and comments are left out. Linear.
#[must_use]
pub fn split(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut open = Part { text, line: 1 };
    let mut line: u32 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let row = &rest[..rest.find('\n').map_or(rest.len(), |newline| newline + 1)];
        let next = &rest[row.len()..];
        line = line.saturating_add(1);
        let before = &open.text[..open.text.len() - rest.len()];
        if let Some(content) = after_marker(row, "---")
            && !is_directives(before)
        {
            push(&mut parts, before, open.line);
            open = match content.chars().next() {
                None => Part { text: next, line: line.saturating_add(1) },
                Some('#') => Part { text: &rest[row.len() - content.len()..], line },
                Some(_) => Part { text: rest, line },
            };
        } else if after_marker(row, "...").is_some() {
            push(&mut parts, before, open.line);
            open = Part { text: next, line: line.saturating_add(1) };
        }
        rest = next;
    }
    push(&mut parts, open.text, open.line);
    parts
}

/// What follows a marker on its line, from the first character that is no white space.
fn after_marker<'a>(row: &'a str, marker: &str) -> Option<&'a str> {
    let rest = row.strip_prefix(marker)?;
    let content = rest.trim_start_matches(BLANKS);
    (rest.is_empty() || content.len() < rest.len()).then_some(content)
}

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// Lines without blanks around them and without comments.
fn contents(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').map(|row| row.trim_matches(BLANKS)).filter(|row| !row.is_empty() && !row.starts_with('#'))
}

/// Whether a text is the beginning of a document whose `---` is still to come.
fn is_directives(text: &str) -> bool {
    let mut rows = contents(text).peekable();
    rows.peek().is_some() && rows.all(|row| row.starts_with('%'))
}

fn push<'a>(parts: &mut Vec<Part<'a>>, text: &'a str, line: u32) {
    if contents(text).next().is_some() {
        parts.push(Part { text, line });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(&str, u32)> {
        split(text).into_iter().map(|part| (part.text, part.line)).collect()
    }

    #[test]
    fn documents_keep_their_comments_and_know_their_lines() {
        let text = "---\n# Source: web/templates/a.yaml\na: 1\n---\n# Source: web/templates/b.yaml\nb: 2\n";
        assert_eq!(
            parts(text),
            [("# Source: web/templates/a.yaml\na: 1\n", 2), ("# Source: web/templates/b.yaml\nb: 2\n", 5)]
        );
    }

    #[test]
    fn a_text_without_markers_is_one_document() {
        assert_eq!(parts("a: 1\nb: 2"), [("a: 1\nb: 2", 1)]);
    }

    #[test]
    fn nothing_but_blanks_and_comments_is_no_document() {
        assert_eq!(parts(""), []);
        assert_eq!(parts("---\n---\n\n \t\n# nothing\n  # at all\n---"), []);
        assert_eq!(parts("---\n# only a comment\n---\na: 1\n"), [("a: 1\n", 4)]);
    }

    #[test]
    fn windows_line_ends_split_too() {
        assert_eq!(parts("a: 1\r\n---\r\nb: 2\r\n"), [("a: 1\r\n", 1), ("b: 2\r\n", 3)]);
    }

    #[test]
    fn blanks_after_the_marker_do_not_matter() {
        assert_eq!(parts("a: 1\n---  \t\nb: 2"), [("a: 1\n", 1), ("b: 2", 3)]);
    }

    #[test]
    fn a_comment_after_the_marker_belongs_to_the_document() {
        assert_eq!(parts("--- # Source: x\na: 1\n"), [("# Source: x\na: 1\n", 1)]);
    }

    #[test]
    fn content_after_the_marker_keeps_the_marker() {
        assert_eq!(parts("a: 1\n--- |\n text\n--- {b: 2}"), [("a: 1\n", 1), ("--- |\n text\n", 2), ("--- {b: 2}", 4)]);
    }

    #[test]
    fn what_only_looks_like_a_marker_stays_text() {
        for text in
            ["a: |\n  ---\n  b\n", "a: b\n----\n", "---a: 1\n", "-----BEGIN CERTIFICATE-----\n", " ---\n", "....\n"]
        {
            assert_eq!(parts(text), [(text, 1)], "{text:?}");
        }
    }

    #[test]
    fn dots_end_a_document() {
        assert_eq!(parts("a: 1\n...\n# the end\n"), [("a: 1\n", 1)]);
        assert_eq!(parts("a: 1\n...\nb: 2\n"), [("a: 1\n", 1), ("b: 2\n", 3)]);
    }

    #[test]
    fn directives_stay_with_their_document() {
        let text = "# first\n%YAML 1.1\n---\na: 1\n...\n%YAML 1.1\n---\nb: 2\n---\nc: 3\n";
        assert_eq!(
            parts(text),
            [("# first\n%YAML 1.1\n---\na: 1\n", 1), ("%YAML 1.1\n---\nb: 2\n", 6), ("c: 3\n", 10)]
        );
    }

    #[test]
    fn every_part_parses_on_its_own() {
        let text = "%YAML 1.1\n---\na: |\n  ---\n  x\n--- # c\nb: 1\n--- |\n text\n--- !t\nc: 1\n...\n---\n[d]";
        let documents: Vec<_> = split(text).iter().map(|part| crate::manifest::yaml::parse(part.text)).collect();
        assert!(documents.iter().all(Result::is_ok), "{documents:?}");
        let whole = crate::manifest::yaml::parse_all(text).unwrap();
        assert_eq!(documents.into_iter().map(Result::unwrap).collect::<Vec<_>>(), whole);
    }

    #[test]
    fn many_markers_take_linear_time() {
        assert_eq!(split(&"%a\n---\n#\n".repeat(200_000)).len(), 100_000);
        assert_eq!(split(&"---\n".repeat(500_000)).len(), 0);
    }
}

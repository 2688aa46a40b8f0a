//! Text from outside within a comment: it must not become markup, a link, a mention or a reference.
//!
//! A comment is read twice: first as Markdown, where a paragraph's text may become a link by itself, then what came
//! out of that as HTML, in which names, numbers and hashes become mentions and references. Both leave alone what is
//! in a code span, or in `<code>` within a block of HTML. So nothing from outside stands anywhere else.

use crate::report::markup::escaped;
use crate::report::style::clean;

/// Text within a block of HTML, on one line, as code.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<code>{}</code>", escaped(text)) }
}

/// A sentence within a block of HTML: what is no plain word stands as code, without the marks around it.
pub(in crate::report) fn prose(text: &str) -> String {
    let word = |word: &str| {
        let start = word.len() - word.trim_start_matches(['(', '"', '\'']).len();
        let core = word[start..].trim_end_matches([',', '.', ':', ';', ')', '"', '\'', '…']);
        let end = start + core.len();
        let shown = if is_plain(core) { escaped(core) } else { code(core) };
        format!("{}{shown}{}", escaped(&word[..start]), escaped(&word[end..]))
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Whether nothing can be made of a word but a word: neither a link, a mention, a reference nor a commit's hash.
fn is_plain(word: &str) -> bool {
    // `can't` is a word.
    if let Some((start, end)) = word.split_once('\'')
        && [start, end].iter().all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphabetic()))
    {
        return true;
    }
    if word.contains(['-', '.', ':']) {
        // `pending-upgrade`, a version or a time; but not `GH-1`.
        let letters = word.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
        return letters || word.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | ':'));
    }
    let hash = word.len() >= 7 && word.chars().all(|c| c.is_ascii_hexdigit());
    !hash && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '→' | '×' | '+' | '–'))
}

/// Text as a code span of Markdown, outside of HTML and tables.
pub(in crate::report) fn span(text: &str) -> String {
    let text = clean(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    // One blank on each side is taken away again. It keeps a backtick of the text apart from the span's own.
    let blank = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    if text.trim().is_empty() { String::new() } else { format!("{fence}{blank}{text}{blank}{fence}") }
}

/// How many backticks stand together at most.
pub(in crate::report) fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for byte in text.bytes() {
        run = if byte == b'`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_become_a_link_or_a_mention_is_code() {
        for hostile in [
            "@octocat",
            "#1",
            "org/repo#2",
            "https://example.com",
            "www.example.com",
            "a@b.example",
            "!3",
            "GH-1",
            "a.example",
            ":tada:x",
        ] {
            assert_eq!(prose(&format!("see {hostile} now")), format!("see <code>{hostile}</code> now"));
        }
        assert_eq!(prose("at 0123abc"), "at <code>0123abc</code>");
        assert_eq!(prose("at 1234567"), "at <code>1234567</code>");
        assert_eq!(prose("2026-11-21 11:06:17, 1.29.3"), "2026-11-21 11:06:17, 1.29.3");
        assert_eq!(prose("revision 7 of \"web\", pending-upgrade"), "revision 7 of &quot;web&quot;, pending-upgrade");
        assert_eq!(prose("(a/b, c) 6×: + 1 → 2"), "(<code>a/b</code>, c) 6×: + 1 → 2");
        assert_eq!(prose("<img src=x>"), "<code>&lt;img</code> <code>src=x&gt;</code>");
    }

    #[test]
    fn a_span_holds_any_number_of_backticks() {
        assert_eq!(span("a"), "`a`");
        assert_eq!(span("``a`"), "``` ``a` ```");
        assert_eq!(span("a\nb\u{1b}"), "`a\\u{a}b\\u{1b}`");
    }
}

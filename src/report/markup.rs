//! Text from outside within HTML, of a page or of a comment: it stays text.

use crate::report::style::clean;

/// Adds a text as the content of an element, or as an attribute's value in quotes.
pub(super) fn push(out: &mut String, text: &str) {
    for character in clean(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}

/// A text as the content of an element, or as an attribute's value in quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    push(&mut out, text);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escaped("</script><img onerror='x' a=\"b\">&"),
            "&lt;/script&gt;&lt;img onerror=&#39;x&#39; a=&quot;b&quot;&gt;&amp;"
        );
        assert_eq!(escaped("a\u{1b}[2J\u{0}\u{202e}b"), "a\\u{1b}[2J\\u{0}\\u{202e}b");
    }
}

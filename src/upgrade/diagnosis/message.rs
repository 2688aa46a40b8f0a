//! Taking messages of Helm, the API server and kubelets apart. They are text for people: what is not found is `None`, never a guess.

/// A quoted message is no longer than this, in characters.
const LONGEST: usize = 300;

/// Whether the text holds this part, in any case of ASCII letters.
#[must_use]
pub fn has(text: &str, part: &str) -> bool {
    find(text, part).is_some()
}

/// Where this part stands in the text, in any case of ASCII letters.
#[must_use]
pub fn find(text: &str, part: &str) -> Option<usize> {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    if part.is_empty() || part.len() > text.len() {
        return None;
    }
    text.windows(part.len()).position(|window| window.eq_ignore_ascii_case(part))
}

/// Whether it holds one of these parts.
#[must_use]
pub fn has_any(text: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| has(text, part))
}

/// What follows this part.
#[must_use]
pub fn after<'a>(text: &'a str, part: &str) -> Option<&'a str> {
    find(text, part).and_then(|at| text.get(at + part.len()..))
}

/// What stands before this part.
#[must_use]
pub fn before<'a>(text: &'a str, part: &str) -> Option<&'a str> {
    find(text, part).and_then(|at| text.get(..at))
}

/// What stands between two parts.
#[must_use]
pub fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    after(text, start).and_then(|rest| before(rest, end))
}

/// The text in quotes right after this part, as in `with kind "Deployment"`.
#[must_use]
pub fn quoted_after<'a>(text: &'a str, part: &str) -> Option<&'a str> {
    let rest = after(text, part)?.trim_start();
    let rest = rest.strip_prefix("\\\"").or_else(|| rest.strip_prefix('"'))?;
    let end = rest.find('"')?;
    rest.get(..end).map(|text| text.trim_end_matches('\\'))
}

/// The last text in quotes.
#[must_use]
pub fn last_quoted(text: &str) -> Option<&str> {
    let (head, _) = text.rsplit_once('"')?;
    head.rsplit_once('"').map(|(_, quoted)| quoted)
}

/// The line that holds this part.
#[must_use]
pub fn line_with<'a>(text: &'a str, part: &str) -> Option<&'a str> {
    text.lines().find(|line| has(line, part)).map(str::trim)
}

/// The last line with anything in it.
#[must_use]
pub fn last_line(text: &str) -> Option<&str> {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty())
}

/// The text on one line and of a length that can be quoted.
#[must_use]
pub fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = unprefixed(&line);
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
        None => line.to_owned(),
    }
}

/// Without what a program says before its message: that there is an error, what failed, the level of a log's line.
fn unprefixed(line: &str) -> &str {
    const HEADS: [&str; 4] = ["Error: ", "UPGRADE FAILED: ", "INSTALLATION FAILED: ", "ROLLBACK FAILED: "];
    let mut line = line;
    while let Some(rest) = HEADS.iter().find_map(|head| line.strip_prefix(head)) {
        line = rest;
    }
    if !line.starts_with("level=") && !line.starts_with("time=") {
        return line;
    }
    let Some((_, message)) = line.split_once("msg=") else { return line };
    message
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .filter(|text| !text.contains('"'))
        .unwrap_or(message)
}

/// What a message of several lines says first, in one line: Helm lists causes below `1 error occurred:`, and below lines that
/// end with a colon.
#[must_use]
pub fn headline(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut said = unprefixed(lines.next().unwrap_or_default()).to_owned();
    for line in lines.take(2) {
        if !said.ends_with(':') {
            break;
        }
        said = format!("{said} {}", line.trim_start_matches(['*', '-', ' ']));
    }
    let counted = ["error occurred:", "errors occurred:"].iter().find_map(|words| said.split_once(words));
    match counted {
        None => said,
        Some((head, rest)) => {
            let head = head.trim_end().trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches([':', ' ']);
            let reason = rest.trim_start_matches([' ', '*']).split(" * ").next().unwrap_or_default();
            let parts = [head, reason].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
            parts.join(": ")
        }
    }
}

/// `1 pod`, `2 pods`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_several_lines_is_told_in_one() {
        for (text, told) in [
            (
                "post-upgrade hooks failed: 1 error occurred:\n\t* job web-migrate failed: BackoffLimitExceeded\n\n",
                "post-upgrade hooks failed: job web-migrate failed: BackoffLimitExceeded",
            ),
            ("2 errors occurred:\n\t* one\n\t* two\n", "one"),
            ("UPGRADE FAILED: the chart(s):\nweb:\n- at '/x': no\n", "the chart(s): web: at '/x': no"),
            ("timed out\nand more", "timed out"),
            ("a: 1 error occurred: * b * c", "a: b"),
            ("ends so:", "ends so:"),
            ("", ""),
        ] {
            assert_eq!(headline(text), told, "{text}");
        }
    }

    #[test]
    fn what_a_program_says_first_of_any_message_is_left_out() {
        assert_eq!(short("Error: UPGRADE FAILED: no  quota"), "no quota");
        assert_eq!(short("level=WARN msg=\"no quota\""), "no quota");
        assert_eq!(short("time=12:00 level=WARN msg=\"no quota\" name=web"), "\"no quota\" name=web");
        assert_eq!(short("level=WARN"), "level=WARN");
    }

    #[test]
    fn parts_are_found_in_any_case() {
        assert_eq!(after("Unable to continue with update: X", "unable to continue with update: "), Some("X"));
        assert!(!has("short", "a longer part"));
        assert_eq!(between("a <b> c", "<", ">"), Some("b"));
        assert_eq!(after("ÄÖ: x", ": "), Some("x"));
    }

    #[test]
    fn what_is_quoted_is_taken_out() {
        assert_eq!(quoted_after("cannot patch \"web\" with kind Job", "cannot patch"), Some("web"));
        assert_eq!(quoted_after("cannot patch web", "cannot patch"), None);
        assert_eq!(quoted_after("cannot patch \"web", "cannot patch"), None);
        assert_eq!(last_quoted("\"a\" and \"b\" end"), Some("b"));
    }

    #[test]
    fn quotes_are_short_and_on_one_line() {
        assert_eq!(short("a\n\n  b"), "a b");
        let long = short(&"é".repeat(1000));
        assert_eq!(long.chars().count(), LONGEST + 1);
    }

    #[test]
    fn words_are_listed() {
        assert_eq!(listed(&["a".to_owned(), "b".to_owned(), "c".to_owned()]), "a, b and c");
        assert_eq!((count(1, "pod"), count(2, "pod")), ("1 pod".to_owned(), "2 pods".to_owned()));
    }
}

//! The forms in which one content appears in another: a value in a Secret, or a Secret's content in a text.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::manifest::node::{Node, Number, Value};
use crate::manifest::yaml;

/// Contents within contents are looked for so deep: a registry's credentials are base64 in JSON in base64.
const DEEPEST: usize = 3;

/// More derived contents than this are not gathered from one content.
const MOST: usize = 5_000;

/// Larger contents are not read as JSON or YAML, in bytes.
const LARGEST: usize = 256 * 1024;

/// Shorter runs of letters are not tried as base64.
const SHORTEST_BASE64: usize = 8;

/// What is inside a content.
#[derive(Default)]
pub(super) struct Inside {
    /// Texts that are whole by themselves: what base64 or percent signs stand for.
    pub(super) texts: Vec<Vec<u8>>,
    /// Single values: the scalars of JSON and YAML.
    pub(super) scalars: Vec<Vec<u8>>,
}

/// Gathers what is inside a content.
pub(super) fn inside(content: &[u8]) -> Inside {
    let mut found = Inside::default();
    look_into(content, 0, &mut found);
    found
}

fn look_into(content: &[u8], depth: usize, found: &mut Inside) {
    if depth >= DEEPEST || found.texts.len() + found.scalars.len() > MOST {
        return;
    }
    let Ok(text) = std::str::from_utf8(content) else { return };
    let mut decoded: Vec<Vec<u8>> = base64_words(text).collect();
    decoded.extend(percent_decoded(text));
    for inner in decoded {
        look_into(&inner, depth + 1, found);
        found.texts.push(inner);
    }
    if text.len() <= LARGEST
        && text.contains([':', '[', '{'])
        && let Ok(node) = yaml::parse(text)
        && (node.as_map().is_some() || node.as_list().is_some())
    {
        scalars(&node, depth, found);
    }
}

fn scalars(node: &Node, depth: usize, found: &mut Inside) {
    match node.value() {
        Value::String(text) => {
            look_into(text.as_bytes(), depth + 1, found);
            found.scalars.push(text.as_bytes().to_vec());
        }
        Value::Number(number) => found.scalars.extend(spellings(*number).map(String::into_bytes)),
        Value::List(items) => items.iter().for_each(|item| scalars(item, depth, found)),
        Value::Map(entries) => entries.iter().for_each(|(_, value)| scalars(value, depth, found)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// How a template prints a number: as it is, or as Go prints a float (`9.9887761e+07`).
pub(super) fn spellings(number: Number) -> impl Iterator<Item = String> {
    #[allow(clippy::cast_precision_loss)] // Helm holds it as a float too
    let float = match number {
        Number::Int(n) => n as f64,
        Number::UInt(n) => n as f64,
        Number::Float(n) => n,
    };
    let scientific = format!("{float:e}");
    let go = scientific.split_once('e').map(|(mantissa, exponent)| {
        let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
        format!("{mantissa}e{sign}{digits:0>2}")
    });
    std::iter::once(number.to_string()).chain(go)
}

/// What the words of a text decode to, where that is text.
fn base64_words(text: &str) -> impl Iterator<Item = Vec<u8>> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/' | '-' | '_'));
    let long = words.filter(|word| word.len() >= SHORTEST_BASE64);
    let decoded = long.filter_map(|word| STANDARD_NO_PAD.decode(word).or_else(|_| URL_SAFE_NO_PAD.decode(word)).ok());
    decoded.filter(|bytes| {
        std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(|c| c.is_control() && !c.is_whitespace()))
    })
}

/// The text with its percent signs decoded, as in a path and as in a query.
fn percent_decoded(text: &str) -> Vec<Vec<u8>> {
    if !text.contains('%') {
        return Vec::new();
    }
    let decode = |plus: u8| -> Vec<u8> {
        let bytes = text.as_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let hex = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
            match (bytes[at], hex.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
                (b'%', Some(byte)) => {
                    out.push(byte);
                    at += 2;
                }
                (b'+', _) => out.push(plus),
                (byte, _) => out.push(byte),
            }
            at += 1;
        }
        out
    };
    vec![decode(b'+'), decode(b' ')]
}

/// The forms in which a text may be printed: as it is, in base64, in JSON, in a URL's path and in its query.
pub(super) fn forms(text: &str) -> Vec<String> {
    let json = serde_json::to_string(text).unwrap_or_default();
    let go_json = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let mut forms = vec![
        text.to_owned(),
        STANDARD_NO_PAD.encode(text),
        json.trim_matches('"').to_owned(),
        go_json.trim_matches('"').to_owned(),
        percent_encoded(text, "%20"),
        percent_encoded(text, "+"),
    ];
    forms.sort();
    forms.dedup();
    forms
}

/// As Go's `url.QueryEscape` and `url.PathEscape` write it, but for what a path leaves as it is.
fn percent_encoded(text: &str, blank: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push_str(blank),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(content: &str, wanted: &str) -> bool {
        let found = inside(content.as_bytes());
        found.texts.iter().chain(&found.scalars).any(|inner| inner == wanted.as_bytes())
    }

    #[test]
    fn credentials_are_found_in_what_carries_them() {
        // {"auths":{"r.example":{"auth":"Ym9iOnJlZ2NyZWRBQUEx"}}}
        assert!(finds(r#"{"auths":{"r.example":{"auth":"Ym9iOnJlZ2NyZWRBQUEx"}}}"#, "bob:regcredAAA1"));
        assert!(finds("pg://u:cr%23d%2Ftwo+1@h", "pg://u:cr#d/two 1@h"));
        assert!(finds(r#"{"esc":"in\"ner\u003c1>"}"#, "in\"ner<1>"));
        assert!(finds("a:\n  pin: 99887761\n", "9.9887761e+07"));
    }

    #[test]
    fn a_text_is_looked_for_in_the_forms_that_templates_print() {
        let forms = forms("p@ss w0rd/+");
        for form in ["p@ss w0rd/+", "p%40ss+w0rd%2F%2B", "p%40ss%20w0rd%2F%2B", "cEBzcyB3MHJkLys"] {
            assert!(forms.iter().any(|one| one == form), "{form} in {forms:?}");
        }
    }
}

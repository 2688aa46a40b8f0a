//! What a scalar means: the rules of Go's `yaml.v2`, on which `sigs.k8s.io/yaml` is built.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use crate::manifest::node::{Number, Value};

/// A scalar's meaning, with the types of Go's decoder.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// Larger than the largest `i64`.
    UInt(u64),
    /// May be infinite or not a number.
    Float(f64),
    Text(Cow<'a, str>),
}

/// The meaning of a plain scalar without a tag. None means that it is text.
pub(super) fn resolve(text: &str) -> Option<Meaning<'static>> {
    match text.as_bytes() {
        [] => Some(Meaning::Null),
        [b'0'..=b'9', ..] => number(text),
        [b'+' | b'-', ..] => infinity(text).or_else(|| number(text)),
        [b'.', ..] => infinity(text).or_else(|| fraction(text)),
        [b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~', rest @ ..] if rest.len() < 5 => {
            word(text)
        }
        _ => None,
    }
}

/// The meaning of a scalar with a tag of YAML's own namespace (`int` for `!!int`); its style does not count.
///
/// # Errors
/// The text is not what the tag promises.
pub(super) fn resolve_tagged<'a>(text: Cow<'a, str>, tag: &str) -> Result<Meaning<'a>, &'static str> {
    match tag {
        "bool" | "int" | "float" | "null" | "timestamp" => {}
        "binary" => return binary(&text).map(|text| Meaning::Text(Cow::Owned(text))),
        _ => return Ok(Meaning::Text(text)),
    }
    let meaning = resolve(&text).unwrap_or(Meaning::Text(text));
    #[allow(clippy::cast_precision_loss)] // Go rounds as well.
    match (tag, meaning) {
        ("float", Meaning::Int(n)) => Ok(Meaning::Float(n as f64)),
        ("bool", meaning @ Meaning::Bool(_))
        | ("int", meaning @ (Meaning::Int(_) | Meaning::UInt(_)))
        | ("float", meaning @ Meaning::Float(_))
        | ("null", meaning @ Meaning::Null)
        | ("timestamp", meaning @ Meaning::Text(_)) => Ok(meaning),
        _ => Err("the value is not of the type that its tag names"),
    }
}

impl Meaning<'_> {
    /// The value in JSON's data model.
    ///
    /// # Errors
    /// JSON has no infinity and no not-a-number.
    pub(super) fn into_value(self) -> Result<Value, &'static str> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Number(Number::Int(value)),
            Self::UInt(value) => Value::Number(Number::UInt(value)),
            Self::Float(value) if value.is_finite() => Value::Number(Number::from_f64(value)),
            Self::Float(_) => return Err("JSON has no infinite numbers and no NaN"),
            Self::Text(text) => Value::String(text.into()),
        })
    }

    /// The text that it becomes as a map's key.
    ///
    /// # Errors
    /// Null and integers above 2^63 cannot be keys in Go.
    pub(super) fn into_key(self) -> Result<Box<str>, &'static str> {
        Ok(match self {
            Self::Null => return Err("a map's key cannot be null"),
            Self::UInt(_) => return Err("a map's key cannot be a number above 9223372036854775807"),
            Self::Bool(true) => "true".into(),
            Self::Bool(false) => "false".into(),
            Self::Int(value) => value.to_string().into(),
            Self::Float(value) => float_key(value).into(),
            Self::Text(text) => text.into(),
        })
    }

    /// Whether `text` is how JSON writes it.
    pub(super) fn is_canonical(&self, text: &str) -> bool {
        match self {
            Self::Null => text == "null",
            Self::Bool(true) => text == "true",
            Self::Bool(false) => text == "false",
            Self::Int(value) => canonical_integer(text) && (text != "-0" || *value != 0),
            Self::UInt(_) => canonical_integer(text),
            Self::Float(value) => Number::from_f64(*value).to_string() == text,
            Self::Text(_) => true,
        }
    }
}

fn canonical_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    digits.iter().all(u8::is_ascii_digit) && (digits.len() == 1 || digits.first() != Some(&b'0'))
}

fn word(text: &str) -> Option<Meaning<'static>> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Meaning::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Meaning::Bool(false),
        "~" | "null" | "Null" | "NULL" => Meaning::Null,
        _ => return None,
    })
}

fn infinity(text: &str) -> Option<Meaning<'static>> {
    Some(Meaning::Float(match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => f64::INFINITY,
        "-.inf" | "-.Inf" | "-.INF" => f64::NEG_INFINITY,
        ".nan" | ".NaN" | ".NAN" => f64::NAN,
        _ => return None,
    }))
}

fn number(text: &str) -> Option<Meaning<'static>> {
    let plain = if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
    integer(&plain).or_else(|| float(&plain)).or_else(|| signed_binary(&plain))
}

/// An integer as Go's `strconv.ParseInt(s, 0, 64)` and then `ParseUint` read it: a leading zero means octal.
fn integer(text: &str) -> Option<Meaning<'static>> {
    let (sign, digits) = match text.as_bytes() {
        [sign @ (b'+' | b'-'), ..] => (Some(*sign), &text[1..]),
        _ => (None, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.bytes().all(|digit| char::from(digit).is_digit(radix)) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    match (sign, i64::try_from(value)) {
        (Some(b'-'), _) => 0_i64.checked_sub_unsigned(value).map(Meaning::Int),
        (_, Ok(value)) => Some(Meaning::Int(value)),
        (None, Err(_)) => Some(Meaning::UInt(value)),
        (Some(_), Err(_)) => None,
    }
}

/// A number that begins with its point. Here, underscores must be between digits.
fn fraction(text: &str) -> Option<Meaning<'static>> {
    let mut parts = text.split('_');
    let (first, last) = (parts.next()?, parts.next_back());
    let ends_in_digit = |part: &str| part.ends_with(|end: char| end.is_ascii_digit());
    match last {
        None => float(text),
        Some(last) => {
            let starts_with_digit = |part: &str| part.starts_with(|start: char| start.is_ascii_digit());
            (ends_in_digit(first)
                && starts_with_digit(last)
                && parts.all(|part| starts_with_digit(part) && ends_in_digit(part)))
            .then(|| float(&text.replace('_', "")))?
        }
    }
}

/// A finite decimal number. One too large for a float is text.
fn float(text: &str) -> Option<Meaning<'static>> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text).as_bytes();
    let whole = digits(unsigned);
    let mut rest = &unsigned[whole..];
    let mut fraction = 0;
    if let [b'.', tail @ ..] = rest {
        fraction = digits(tail);
        rest = &tail[fraction..];
    }
    if whole + fraction == 0 {
        return None;
    }
    if let [b'e' | b'E', tail @ ..] = rest {
        let exponent = tail.strip_prefix(b"+").or_else(|| tail.strip_prefix(b"-")).unwrap_or(tail);
        rest = &exponent[digits(exponent)..];
        if rest.len() == exponent.len() {
            return None;
        }
    }
    if !rest.is_empty() {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite()).map(Meaning::Float)
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Go also takes a sign after the prefix, as in `0b-11`.
fn signed_binary(text: &str) -> Option<Meaning<'static>> {
    i64::from_str_radix(text.strip_prefix("0b")?, 2).ok().map(Meaning::Int)
}

/// Go formats a float that is a key with the precision of 32 bits, and the exponent with two digits.
fn float_key(value: f64) -> String {
    #[allow(clippy::cast_possible_truncation)] // as Go does
    let value = value as f32;
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>().unwrap_or(0) {
        -4..=5 => value.to_string(),
        exponent if exponent < 0 => format!("{mantissa}e-{:02}", -exponent),
        exponent => format!("{mantissa}e+{exponent:02}"),
    }
}

/// Go does not look at bits beyond the last byte.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Base64 as Go reads it: line breaks do not count. Bytes that are no text become replacement characters, one each.
fn binary(text: &str) -> Result<String, &'static str> {
    let encoded: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let bytes = BASE64.decode(encoded).map_err(|_| "a !!binary value is not valid base64")?;
    Ok(bytes.utf8_chunks().fold(String::new(), |mut text, chunk| {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
        text
    }))
}

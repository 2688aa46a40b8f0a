//! Durations as Go writes them (`1h30m`, `500ms`): Kubernetes and most charts use them.
//!
//! The rules are those of `time.ParseDuration` and `Duration.String` of Go's standard library.
//! `tests/vectors/duration.json` holds the answers of the original.

use std::fmt;

use crate::manifest::node::{Node, Value};

const SECOND: u64 = 1_000_000_000;

/// Names of units, in nanoseconds. Both signs for micro are in use.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1000),
    ("µs", 1000),
    ("μs", 1000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
];

/// A length of time in nanoseconds, up to 292 years. Equal lengths are equal, however they are written: `60s` is `1m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(i64);

impl Duration {
    /// Reads a duration; none if Go would refuse it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let negative = text.starts_with('-');
        let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
        if rest == "0" {
            return Some(Self(0));
        }
        if rest.is_empty() {
            return None;
        }
        let mut sum: u64 = 0;
        while !rest.is_empty() {
            let (nanos, after) = term(rest)?;
            sum = sum.checked_add(nanos).filter(|sum| *sum <= 1 << 63)?;
            rest = after;
        }
        match negative {
            true => Some(Self(0_i64.checked_sub_unsigned(sum)?)),
            false => Some(Self(i64::try_from(sum).ok()?)),
        }
    }

    /// The duration that a field of an object holds: only text is one.
    #[must_use]
    pub fn of(node: &Node) -> Option<Self> {
        match node.value() {
            Value::String(text) => Self::parse(text),
            _ => None,
        }
    }

    /// Its length in nanoseconds.
    #[must_use]
    pub fn nanos(self) -> i64 {
        self.0
    }
}

/// The first number with its unit, in nanoseconds, and what follows.
fn term(text: &str) -> Option<(u64, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (name, rest) = rest.split_at(rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len()));
    let (_, unit) = UNITS.iter().find(|(known, _)| *known == name)?;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let nanos = whole.checked_mul(*unit).filter(|nanos| *nanos <= 1 << 63)?;
    Some((nanos.checked_add(fraction_of(fraction, *unit))?, rest))
}

/// A decimal fraction of a unit, in nanoseconds. In floating point, since Go's rounding is to be met.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let (mut value, mut scale): (u64, f64) = (0, 1.0);
    for digit in digits.bytes() {
        // What does not fit any more is too little to count.
        if value > i64::MAX.unsigned_abs() / 10 {
            break;
        }
        value = value * 10 + u64::from(digit - b'0');
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

impl fmt::Display for Duration {
    /// As Go writes it: `1h30m0s`, `500ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        if nanos == 0 {
            return f.write_str("0s");
        }
        if nanos < SECOND {
            let (unit, name) = match nanos {
                0..1000 => (1, "ns"),
                1000..1_000_000 => (1000, "µs"),
                _ => (1_000_000, "ms"),
            };
            return write!(f, "{sign}{}{name}", with_fraction(nanos, unit));
        }
        let (hours, minutes) = (nanos / (3600 * SECOND), nanos / (60 * SECOND) % 60);
        let seconds = with_fraction(nanos % (60 * SECOND), SECOND);
        match (hours, minutes) {
            (0, 0) => write!(f, "{sign}{seconds}s"),
            (0, _) => write!(f, "{sign}{minutes}m{seconds}s"),
            _ => write!(f, "{sign}{hours}h{minutes}m{seconds}s"),
        }
    }
}

/// A number in a larger unit, without zeros at the end of its fraction. The unit is a power of ten.
fn with_fraction(nanos: u64, unit: u64) -> String {
    let width = unit.ilog10() as usize;
    let (whole, part) = (nanos / unit, nanos % unit);
    let text = format!("{whole}.{part:0width$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lengths_are_equal_however_they_are_written() {
        for (a, b) in [("60s", "1m"), ("1.5h", "90m"), ("1000ms", "1s"), ("0", "0s")] {
            assert_eq!(Duration::parse(a).unwrap(), Duration::parse(b).unwrap(), "{a} {b}");
        }
        assert!(Duration::parse("59s") < Duration::parse("1m"));
    }

    #[test]
    fn only_text_is_a_duration() {
        let node = |text: &str| crate::manifest::yaml::parse(text).unwrap();
        assert_eq!(Duration::of(&node("30s")).map(Duration::nanos), Some(30_000_000_000));
        assert!(Duration::of(&node("30")).is_none() && Duration::of(&node("[30s]")).is_none());
    }

    #[test]
    fn hostile_lengths_are_no_panic() {
        let long = "9".repeat(100_000);
        assert!(Duration::parse(&format!("{long}h")).is_none());
        assert!(Duration::parse(&format!("0.{long}s")).is_some());
        assert!(Duration::parse(&format!("1{}", "µ".repeat(1000))).is_none());
    }
}

//! Kubernetes quantities (`100m`, `1.5Gi`, `12e6`), read and written as the API server does.
//!
//! The rules are those of `resource.Quantity` (k8s.io/apimachinery, pkg/api/resource/quantity.go and suffix.go): an
//! amount is exact to a billionth, what is finer is rounded away from zero, and an amount with a binary suffix is at most
//! 2⁶³−1. `tests/vectors/quantity.json` holds the answers of the original.

use std::cmp::Ordering;
use std::fmt;

use crate::manifest::node::{Node, Value};

/// Billionths in one unit.
const NANOS: i128 = 1_000_000_000;

/// The largest amount with a binary suffix, in units.
const MOST_BINARY: i128 = i64::MAX as i128;

/// Powers of ten with a name.
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

/// Powers of two with a name.
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

/// How a quantity is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// `1500m`, `12M`.
    Decimal,
    /// `64Mi`.
    Binary,
    /// `12e6`.
    Exponent,
}

/// An amount of something, exact to a billionth. Equal amounts are equal, however they are written: `1000m` is `1`.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nanos: i128,
    format: Format,
}

impl Quantity {
    /// Nothing. Added to another quantity it takes on its way of being written.
    pub const ZERO: Self = Self { nanos: 0, format: Format::Decimal };

    /// A whole number of units.
    #[must_use]
    pub fn whole(units: u64) -> Self {
        Self { nanos: i128::from(units) * NANOS, format: Format::Decimal }
    }

    /// So many billionths, written as another quantity is.
    #[must_use]
    pub fn of_nanos(nanos: i128, like: Self) -> Self {
        Self { nanos, format: like.format }
    }

    /// Reads a quantity; none if the API server would refuse it, or if it is beyond 10²⁹.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts = Parts::of(text)?;
        let (base, exponent, format) = unit(parts.suffix)?;
        // The original takes no digits for zero on its fast path only, which ends before these two.
        if parts.whole.is_empty() && parts.fraction.is_empty() && matches!(parts.suffix, "Pi" | "Ei") {
            return None;
        }
        let magnitude = match base {
            Base::Ten => decimal(parts.whole, parts.fraction, exponent)?,
            Base::Two => {
                let factor = 1_i128.checked_shl(exponent.unsigned_abs())?;
                // An amount beyond the range is beyond the cap as well.
                let amount = scaled(parts.whole, parts.fraction, factor);
                amount.map_or(MOST_BINARY * NANOS, |nanos| nanos.min(MOST_BINARY * NANOS))
            }
        };
        let nanos = if parts.negative { -magnitude } else { magnitude };
        Some(Self { nanos, format })
    }

    /// The quantity that a field of an object holds: text, or a number.
    #[must_use]
    pub fn of(node: &Node) -> Option<Self> {
        match node.value() {
            Value::String(text) => Self::parse(text.trim()),
            Value::Number(number) => Self::parse(&number.to_string()),
            _ => None,
        }
    }

    /// The amount in billionths.
    #[must_use]
    pub fn nanos(self) -> i128 {
        self.nanos
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// The sum, written as the first of the two that is not zero; none beyond the range.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let format = if self.is_zero() { other.format } else { self.format };
        Some(Self { nanos: self.nanos.checked_add(other.nanos)?, format })
    }

    /// So many times this quantity; none beyond the range.
    #[must_use]
    pub fn times(self, count: u64) -> Option<Self> {
        Some(Self { nanos: self.nanos.checked_mul(i128::from(count))?, ..self })
    }

    /// How many times another quantity this one is; none if that is zero.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // for a reader
    pub fn ratio_to(self, other: Self) -> Option<f64> {
        (other.nanos != 0).then(|| self.nanos as f64 / other.nanos as f64)
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl fmt::Display for Quantity {
    /// The canonical form: no fraction, and the largest suffix that loses nothing. `1500m`, `384Mi`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        let units = self.nanos / NANOS;
        if self.format == Format::Binary && self.nanos % NANOS == 0 && units.abs() >= 1024 {
            let fits = |&&(_, power): &&(&str, u32)| units % (1 << power) == 0;
            return match BINARY.iter().rev().find(fits) {
                Some((suffix, power)) => write!(f, "{}{suffix}", units >> power),
                None => write!(f, "{units}"),
            };
        }
        let (mut number, mut exponent) = (self.nanos, -9);
        let named = self.format != Format::Exponent;
        while number % 1000 == 0 && !(named && exponent == 18) {
            number /= 1000;
            exponent += 3;
        }
        match DECIMAL.iter().find(|(_, power)| *power == exponent) {
            Some((suffix, _)) if named => write!(f, "{number}{suffix}"),
            _ if exponent == 0 => write!(f, "{number}"),
            _ => write!(f, "{number}e{exponent}"),
        }
    }
}

/// A quantity's text, taken apart. A missing number counts as zero, as in the original.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let negative = text.starts_with('-');
        let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (whole, rest) = digits(rest);
        let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), digits);
        let letters = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
        let (_, end) = digits(letters.strip_prefix(['+', '-']).unwrap_or(letters));
        end.is_empty().then_some(Self { negative, whole, fraction, suffix })
    }
}

/// The decimal digits at the start of a text, and the rest.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

enum Base {
    Ten,
    Two,
}

fn unit(suffix: &str) -> Option<(Base, i32, Format)> {
    if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((Base::Ten, *power, Format::Decimal));
    }
    if let Some((_, power)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        return Some((Base::Two, i32::try_from(*power).ok()?, Format::Binary));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    Some((Base::Ten, exponent.parse().ok()?, Format::Exponent))
}

/// The digits with the point moved by an exponent, in billionths, rounded away from zero.
fn decimal(whole: &str, fraction: &str, exponent: i32) -> Option<i128> {
    let all = || whole.bytes().chain(fraction.bytes());
    let leading = all().take_while(|digit| *digit == b'0').count();
    let significant = whole.len() + fraction.len() - leading;
    if significant == 0 {
        return Some(0);
    }
    // How many of the digits stand before the point, once the amount is counted in billionths.
    let kept = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()? + i64::from(exponent) + 9;
    let Ok(kept) = usize::try_from(kept) else { return Some(1) };
    if kept > 38 {
        return None;
    }
    let mut padded = all().skip(leading).chain(std::iter::repeat(b'0')).take(kept);
    let number = padded.try_fold(0_i128, |sum, digit| sum.checked_mul(10)?.checked_add(i128::from(digit - b'0')))?;
    let rest = all().skip(leading).skip(kept).any(|digit| digit != b'0');
    number.checked_add(i128::from(rest))
}

/// The digits times a factor, in billionths, rounded away from zero; none beyond the range.
fn scaled(whole: &str, fraction: &str, factor: i128) -> Option<i128> {
    let value = |digits: &str| {
        digits.bytes().try_fold(0_i128, |sum, digit| sum.checked_mul(10)?.checked_add(i128::from(digit - b'0')))
    };
    let units = value(whole)?.checked_mul(factor)?.checked_mul(NANOS)?;
    // Digit by digit, the lowest first: what is below a billionth only rounds up.
    let mut part = Fraction::default();
    for digit in fraction.bytes().rev() {
        part.push(i128::from(digit - b'0'), factor.checked_mul(NANOS)?);
    }
    units.checked_add(part.value)?.checked_add(i128::from(part.rest))
}

/// A decimal fraction times a factor, built from its last digit on.
#[derive(Default)]
struct Fraction {
    value: i128,
    rest: bool,
}

impl Fraction {
    fn push(&mut self, digit: i128, factor: i128) {
        let sum = digit * factor + self.value;
        self.rest |= sum % 10 != 0;
        self.value = sum / 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Quantity {
        Quantity::parse(text).unwrap_or_else(|| panic!("{text} is a quantity"))
    }

    #[test]
    fn equal_amounts_are_equal_however_they_are_written() {
        for (a, b) in
            [("1000m", "1"), ("1Gi", "1024Mi"), ("0.5", "500m"), ("1e3", "1k"), ("0", "-0"), ("128Mi", "134217728")]
        {
            assert_eq!(read(a), read(b), "{a} {b}");
        }
        assert!(read("1Gi") > read("1G") && read("-1") < read("0"));
    }

    #[test]
    fn sums_and_multiples_are_written_canonically() {
        assert_eq!(read("100m").times(3).unwrap().to_string(), "300m");
        assert_eq!(read("128Mi").times(3).unwrap().to_string(), "384Mi");
        assert_eq!(Quantity::ZERO.plus(read("64Mi")).unwrap().to_string(), "64Mi");
        assert_eq!(read("512Mi").plus(read("512Mi")).unwrap().to_string(), "1Gi");
        assert_eq!(read("0.1").plus(read("0.2")).unwrap().to_string(), "300m");
        assert_eq!(Quantity::whole(3).to_string(), "3");
        assert_eq!(read("300m").ratio_to(read("50m")), Some(6.0));
        assert_eq!(read("300m").ratio_to(Quantity::ZERO), None);
    }

    #[test]
    fn what_is_beyond_the_range_is_no_quantity_and_no_panic() {
        let long = "9".repeat(100_000);
        for text in [long.as_str(), "1e99", "1e2147483647", "99999999999999E"] {
            assert!(Quantity::parse(text).is_none());
        }
        assert_eq!(read(&format!("{long}Ei")).to_string(), "9223372036854775807");
        assert_eq!(read(&format!("0.{long}")).to_string(), "1");
        assert_eq!(read(&format!("0.{}1Ki", "0".repeat(1000))).to_string(), "1n");
        assert_eq!(read("1e-2147483648").to_string(), "1e-9");
        assert!(read("100000E").times(u64::MAX).is_none());
    }

    #[test]
    fn fields_are_text_or_numbers() {
        let node = |text: &str| crate::manifest::yaml::parse(text).unwrap();
        for (text, expected) in [("2", "2"), ("0.5", "500m"), ("1e3", "1k"), ("' 1Gi '", "1Gi")] {
            assert_eq!(Quantity::of(&node(text)).unwrap().to_string(), expected, "{text}");
        }
        for text in ["[]", "{}", "true", "null", "lots"] {
            assert!(Quantity::of(&node(text)).is_none(), "{text}");
        }
    }
}

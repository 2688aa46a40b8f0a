//! Versions as Helm reads and orders them: semantic versions, with parts that may be missing.
//!
//! Source: `NewVersion` and `Compare` of `github.com/Masterminds/semver/v3`. `tests/vectors/semver.json` holds its answers.

use std::cmp::Ordering;
use std::fmt;

/// Helm refuses longer ones.
const LONGEST: usize = 256;

/// A version. What is missing of `1.2` is zero; what stands behind a `+` makes no difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second.
    pub minor: u64,
    /// The third.
    pub patch: u64,
    /// What follows a dash: `rc.1`; empty for a release.
    pub pre: String,
}

impl Version {
    /// Reads a version: `1.2.3`, `v1.2`, `1.2.3-rc.1+build`. `None` for what is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
        let (numbers, pre) = text.split_once('-').map_or((text, None), |(numbers, pre)| (numbers, Some(pre)));
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        // Numbers have no leading zeros here, while the three before may.
        let is_plain = |part: &str| !(is_number(part) && part.len() > 1 && part.starts_with('0'));
        if !build.is_none_or(|build| build.split('.').all(is_identifier))
            || !pre.is_none_or(|pre| pre.split('.').all(|part| is_identifier(part) && is_plain(part)))
        {
            return None;
        }
        let mut parts = numbers.split('.');
        let mut number = |needed: bool| match parts.next() {
            Some(part) if is_number(part) => part.parse::<u64>().ok(),
            Some(_) => None,
            None => (!needed).then_some(0),
        };
        let (major, minor, patch) = (number(true)?, number(false)?, number(false)?);
        parts.next().is_none().then(|| Self { major, minor, patch, pre: pre.unwrap_or_default().to_owned() })
    }

    /// The same without what follows the dash.
    #[must_use]
    pub fn release(&self) -> Self {
        Self { pre: String::new(), ..self.clone() }
    }

    /// Whether it is a release, and not what comes before one.
    #[must_use]
    pub fn is_release(&self) -> bool {
        self.pre.is_empty()
    }
}

fn is_identifier(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if self.pre.is_empty() { Ok(()) } else { write!(f, "-{}", self.pre) }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = |version: &Self| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| compare_pre(&self.pre, &other.pre))
    }
}

/// A release is newer than what comes before it. Numbers are older than words.
pub(super) fn compare_pre(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let (a, b) = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => (a, b),
        };
        let order = match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered() {
        let sorted =
            ["0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "v1.0.1+x", "1.2", "2"];
        let versions: Vec<Version> = sorted.iter().map(|text| Version::parse(text).expect(text)).collect();
        assert!(versions.is_sorted(), "{versions:?}");
        assert_eq!(Version::parse("1.0.0+a"), Version::parse("1+b"));
    }

    #[test]
    fn what_is_no_version_is_none() {
        for text in [
            "",
            "v",
            "latest",
            "1.2.3.4",
            "1..2",
            "1.2.x",
            "-1",
            "1.0.0-",
            "1.0.0-01",
            "1.0.0-a..b",
            "1.0.0+",
            " 1",
            "99999999999999999999",
        ] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
        assert_eq!(Version::parse(&"1".repeat(300)), None);
    }
}

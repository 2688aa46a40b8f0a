//! Ranges of versions as Helm reads them: `>=1.25.0-0`, `^1.2 || ~2.0`, `1.x`, `1.2 - 1.4`.
//!
//! Source: `NewConstraint` and `Check` of `github.com/Masterminds/semver/v3`. `tests/vectors/semver.json` holds its answers; no crate
//! agrees with them.

use std::cmp::Ordering;

use super::version::{Version, compare_pre};

/// Helm refuses longer ranges, and more alternatives.
const LONGEST: usize = 512;
const MOST_ALTERNATIVES: usize = 32;

/// A range of versions.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// One of them must hold, with all that is in it.
    alternatives: Vec<Vec<Comparison>>,
}

/// How a version is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// The operators, longer ones before those that they begin with.
const OPERATORS: [(&str, Operator); 11] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("=>", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=<", Operator::LessOrEqual),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

/// How much of a version is said: what is missing, or is an `x`, is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Open {
    All,
    Minor,
    Patch,
    Nothing,
}

#[derive(Clone, Debug)]
struct Comparison {
    operator: Operator,
    version: Version,
    open: Open,
}

impl Constraint {
    /// Reads a range. `None` for what Helm refuses.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let parts: Vec<&str> = text.split("||").collect();
        if parts.len() > MOST_ALTERNATIVES {
            return None;
        }
        let alternatives = parts.into_iter().map(alternative).collect::<Option<_>>()?;
        Some(Self { alternatives })
    }

    /// Whether a version is in the range. What comes before a release is in none that does not name one itself.
    #[must_use]
    pub fn allows(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|all| {
            let pre = version.is_release() || all.iter().any(|one| !one.version.is_release());
            pre && all.iter().all(|one| one.allows(version))
        })
    }
}

/// Comparisons with spaces or commas between, or two versions with a dash between.
fn alternative(text: &str) -> Option<Vec<Comparison>> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (sign, behind) = operator(rest);
        let (word, behind) = word(behind.trim_start());
        let comparison = comparison(sign.unwrap_or(Operator::Equal), word)?;
        let (spaces, next) = behind.split_at(behind.len() - behind.trim_start().len());
        // A dash with space on both sides stands between two ends.
        let range = next.strip_prefix('-').filter(|next| !spaces.is_empty() && next.starts_with(char::is_whitespace));
        if let (Some(range), None) = (range, sign) {
            let (end, behind) = self::word(range.trim_start());
            all.push(Comparison { operator: Operator::GreaterOrEqual, ..comparison });
            all.push(self::comparison(Operator::LessOrEqual, end)?);
            let behind = behind.trim_start();
            rest = behind.strip_prefix(',').map_or(behind, str::trim_start);
            continue;
        }
        all.push(comparison);
        rest = match next.strip_prefix(',') {
            Some(next) if !next.trim().is_empty() => next.trim_start(),
            None if next.is_empty() || !spaces.is_empty() => next,
            _ => return None,
        };
    }
    Some(all)
}

fn operator(text: &str) -> (Option<Operator>, &str) {
    let found = OPERATORS.iter().find_map(|(sign, operator)| Some((Some(*operator), text.strip_prefix(sign)?)));
    found.unwrap_or((None, text))
}

/// The version at the start of a text, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "*.+-".contains(c);
    text.split_at(text.find(|c: char| !is_part(c)).unwrap_or(text.len()))
}

fn comparison(operator: Operator, word: &str) -> Option<Comparison> {
    let bare = word.strip_prefix('v').unwrap_or(word);
    let end = bare.find(['-', '+']).unwrap_or(bare.len());
    let (numbers, behind) = bare.split_at(end);
    let parts: Vec<&str> = numbers.split('.').collect();
    if parts.len() > 3 {
        return None;
    }
    let is_open = |index: usize| parts.get(index).is_none_or(|part| matches!(*part, "x" | "X" | "*"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !(0..parts.len()).all(|index| is_open(index) || is_number(parts[index])) {
        return None;
    }
    let (open, numbers) = match (is_open(0), is_open(1), is_open(2)) {
        (true, ..) => (Open::All, "0.0.0".to_owned()),
        (_, true, _) => (Open::Minor, format!("{}.0.0", parts[0])),
        (_, _, true) => (Open::Patch, format!("{}.{}.0", parts[0], parts[1])),
        _ => (Open::Nothing, numbers.to_owned()),
    };
    Some(Comparison { operator, version: Version::parse(&(numbers + behind))?, open })
}

impl Comparison {
    fn allows(&self, version: &Version) -> bool {
        let (ours, open) = (&self.version, self.open);
        match self.operator {
            Operator::Equal if open == Open::Nothing => version == ours,
            Operator::Equal | Operator::Tilde => self.allows_about(version),
            Operator::NotEqual => self.allows_other(version),
            Operator::Less => version < ours,
            Operator::GreaterOrEqual => version >= ours,
            Operator::Greater => match version.major.cmp(&ours.major) {
                _ if open == Open::Nothing || open == Open::All => version > ours,
                Ordering::Greater => true,
                Ordering::Less => false,
                // `>1` starts at 2, and `>1.2` at 1.3.
                Ordering::Equal => open == Open::Patch && version.minor > ours.minor,
            },
            Operator::LessOrEqual => match open {
                Open::Nothing => version <= ours,
                Open::Minor if version.major <= ours.major => true,
                _ => (version.major, version.minor) <= (ours.major, ours.minor),
            },
            Operator::Caret => self.allows_compatible(version),
        }
    }

    /// `~1.2.3`: the same minor version; `~1`: the same major version. `~0.0.0` and `*` allow all.
    fn allows_about(&self, version: &Version) -> bool {
        let ours = &self.version;
        if version < ours {
            return false;
        }
        let is_any =
            (ours.major, ours.minor, ours.patch) == (0, 0, 0) && matches!(self.open, Open::All | Open::Nothing);
        is_any || (version.major == ours.major && (self.open == Open::Minor || version.minor == ours.minor))
    }

    fn allows_other(&self, version: &Version) -> bool {
        let ours = &self.version;
        match self.open {
            Open::Nothing => version != ours,
            _ if version.major != ours.major => true,
            Open::Minor => false,
            _ if version.minor != ours.minor => true,
            Open::Patch => compare_pre(&version.pre, &ours.pre) != Ordering::Equal,
            Open::All => version != ours,
        }
    }

    /// `^1.2.3`: below the next number that is not zero.
    fn allows_compatible(&self, version: &Version) -> bool {
        let (ours, open) = (&self.version, self.open);
        if version < ours {
            return false;
        }
        if ours.major > 0 || open == Open::Minor {
            return version.major == ours.major;
        }
        if version.major > 0 {
            return false;
        }
        if ours.minor > 0 || open == Open::Patch {
            return version.minor == ours.minor;
        }
        version.minor == 0 && version.patch == ours.patch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_range_is_none() {
        for text in ["", "||", ">=", "a", "1.2.3.4", "1.2 ,", ">=1.0 foo", "1,,2", "=>=1"] {
            assert!(Constraint::parse(text).is_none(), "{text}");
        }
        assert!(Constraint::parse(&"1 || ".repeat(40)).is_none());
    }

    #[test]
    fn a_suffix_of_a_server_is_allowed_only_where_the_range_names_one() {
        let server = Version::parse("v1.27.3-eks-a5565ad").unwrap();
        assert!(Constraint::parse(">=1.19.0-0").unwrap().allows(&server));
        assert!(!Constraint::parse(">=1.19.0").unwrap().allows(&server));
    }
}

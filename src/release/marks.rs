//! What this program notes about a revision: that it was proven good, or found bad. Pure.
//!
//! A mark is a label on the object that holds the revision. Helm copies the labels of a revision to every later one,
//! rollbacks included, so a mark's value names the revision it speaks of, and counts only there.

use jiff::Timestamp;

use crate::release::rewrite::{LONGEST_DESCRIPTION, one_line};

/// The label of a revision that was ready and passed its tests, gates and soak.
pub const PROVEN: &str = "safe-upgrade/proven";

/// The label of a revision that failed.
pub const BAD: &str = "safe-upgrade/bad";

/// The label by which a run knows the revision that its own Helm has made: a random text of the run.
pub const RUN: &str = "safe-upgrade/run";

/// The label of a revision by which a blue-green roll-out leads the traffic back: `<revision>.<roll-out>`. Helm copies it to later
/// revisions, where it does not count.
pub const LED_BACK: &str = "safe-upgrade/led-back";

/// The label of a revision that a step of a canary has made: `<revision>.<canary>-<step>`.
pub const STEP: &str = "safe-upgrade/canary";

/// The name of the Secret in which the canary of a release is kept while it is under way.
#[must_use]
pub fn canary_of(release: &str) -> String {
    format!("helm-safe-upgrade.canary.{release}")
}

/// Something to note about a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It was proven good at this time.
    Proven(Timestamp),
    /// It was found bad at this time.
    Bad(Timestamp),
}

impl Mark {
    /// The label's name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Proven(_) => PROVEN,
            Self::Bad(_) => BAD,
        }
    }

    /// The label's value on this revision: `<revision>.<seconds since 1970>`.
    #[must_use]
    pub fn value(self, revision: u32) -> String {
        let (Self::Proven(time) | Self::Bad(time)) = self;
        format!("{revision}.{}", time.as_second())
    }
}

/// The marks of one revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// When it was last proven good.
    pub proven: Option<Timestamp>,
    /// When it was last found bad.
    pub bad: Option<Timestamp>,
    /// Whether a step of a canary has made it.
    pub step: bool,
}

impl Marks {
    /// Reads the marks of a revision from its labels. Those of another revision don't count, nor do those of another form.
    pub fn of<'a>(revision: u32, label: impl Fn(&str) -> Option<&'a str>) -> Self {
        let time = |name: &str| {
            let (of, seconds) = label(name)?.split_once('.')?;
            let own = of.parse() == Ok(revision);
            own.then(|| Timestamp::from_second(seconds.parse().ok()?).ok()).flatten()
        };
        let step =
            label(STEP).and_then(|value| value.split_once('.')).is_some_and(|(of, _)| of.parse() == Ok(revision));
        Self { proven: time(PROVEN), bad: time(BAD), step }
    }

    /// Whether it counts as proven good: it was, and was not found bad since.
    #[must_use]
    pub fn is_proven(self) -> bool {
        self.proven.is_some() && !self.is_bad()
    }

    /// Whether it is a step of a canary that is not over: only the last one is proven, and one that is bad is gone back from.
    #[must_use]
    pub fn is_open_step(self) -> bool {
        self.step && !self.is_proven() && !self.is_bad()
    }

    /// Whether it counts as bad: it was found bad, and was not proven good since. At the same second, bad wins.
    #[must_use]
    pub fn is_bad(self) -> bool {
        self.bad.is_some_and(|bad| self.proven.is_none_or(|proven| bad >= proven))
    }
}

/// What ends a description that names its author.
const SIGNATURE: &str = " [by ";

/// A description with its author behind it, such that the author is not cut off: `Upgrade failed: no such image [by ann@ci-7]`.
#[must_use]
pub fn signed(text: &str, author: &str) -> String {
    let author: String = one_line(author).chars().filter(|c| !matches!(c, '[' | ']')).take(60).collect();
    let signature = format!("{SIGNATURE}{author}]");
    let room = LONGEST_DESCRIPTION.saturating_sub(signature.chars().count());
    let text = one_line(text);
    if text.chars().count() <= room {
        return format!("{text}{signature}");
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…{signature}", kept.trim_end())
}

/// A description without its author, and its author, if it names one.
#[must_use]
pub fn author(description: &str) -> (&str, Option<&str>) {
    let signed = description.strip_suffix(']').and_then(|text| text.rsplit_once(SIGNATURE));
    match signed {
        Some((text, author)) if !author.is_empty() && !author.contains(']') => (text, Some(author)),
        _ => (description, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_names_its_author_however_long_it_is() {
        let signed_one = signed("Upgrade failed:\nno such image", "ann@ci-7");
        assert_eq!(signed_one, "Upgrade failed: no such image [by ann@ci-7]");
        assert_eq!(author(&signed_one), ("Upgrade failed: no such image", Some("ann@ci-7")));
        let long = signed(&"x".repeat(1000), "ann@ci-7");
        assert_eq!((long.chars().count(), author(&long).1), (LONGEST_DESCRIPTION, Some("ann@ci-7")));
        for plain in ["Upgrade complete", "a [by ]", "]", "x [by a]b]"] {
            assert_eq!(author(plain), (plain, None));
        }
    }

    fn marks(revision: u32, proven: &str, bad: &str) -> Marks {
        let value = |name: &str| match name {
            PROVEN => proven,
            BAD => bad,
            _ => "",
        };
        Marks::of(revision, |name| Some(value(name)).filter(|value| !value.is_empty()))
    }

    #[test]
    fn a_mark_counts_only_on_the_revision_it_speaks_of() {
        let time = Timestamp::from_second(1_766_668_400).unwrap();
        assert_eq!(Mark::Proven(time).value(7), "7.1766668400");
        assert_eq!(marks(7, "7.1766668400", "").proven, Some(time));
        assert_eq!(marks(8, "7.1766668400", ""), Marks::default(), "inherited from revision 7");
    }

    #[test]
    fn what_has_another_form_is_no_mark() {
        for value in ["1", "7", "7.", "7.x", ".5", "7.99999999999999999999", "7.9.9"] {
            assert_eq!(marks(7, value, value), Marks::default(), "{value:?}");
        }
    }

    #[test]
    fn the_later_mark_counts_and_bad_at_the_same_second() {
        for (proven, bad, is_proven, is_bad) in [
            ("7.10", "", true, false),
            ("", "7.10", false, true),
            ("7.10", "7.20", false, true),
            ("7.20", "7.10", true, false),
            ("7.10", "7.10", false, true),
            ("", "", false, false),
        ] {
            let marks = marks(7, proven, bad);
            assert_eq!((marks.is_proven(), marks.is_bad()), (is_proven, is_bad), "{proven:?} {bad:?}");
        }
    }
}

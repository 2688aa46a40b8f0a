//! How far a version is behind another one. Pure.

use crate::manifest::version::Version;

/// The first part of a version in which two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The first number.
    Major,
    /// The second.
    Minor,
    /// The third.
    Patch,
    /// What stands behind the dash: one of the two comes before a release.
    PreRelease,
}

impl Part {
    /// `major`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Major => "major",
            Self::Minor => "minor",
            Self::Patch => "patch",
            Self::PreRelease => "pre-release",
        }
    }
}

/// How far a version is behind another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distance {
    /// The first part in which they differ.
    pub part: Part,
    /// By how much: 2 of 1.4.0 and 3.0.0. Of a pre-release it is 1.
    pub by: u64,
    /// How many versions came since, the newer one among them; `None` where nobody knows which there are.
    pub versions: Option<usize>,
}

/// How far `running` is behind `target`; `None` if it is not. `published` are all versions of the chart that are known, and
/// `pre_releases` whether those that come before a release count.
#[must_use]
pub fn behind(running: &Version, target: &Version, published: &[Version], pre_releases: bool) -> Option<Distance> {
    if running >= target {
        return None;
    }
    let numbers = [
        (Part::Major, running.major, target.major),
        (Part::Minor, running.minor, target.minor),
        (Part::Patch, running.patch, target.patch),
    ];
    let first = numbers.into_iter().find(|(_, old, new)| old != new);
    let (part, by) = first.map_or((Part::PreRelease, 1), |(part, old, new)| (part, new.saturating_sub(old)));
    let counts = |version: &&Version| {
        *version > running && *version <= target && (pre_releases || version.is_release() || *version == target)
    };
    let versions = published.contains(target).then(|| published.iter().filter(counts).count());
    Some(Distance { part, by, versions })
}

/// The newest version; one that comes before a release only where those count.
#[must_use]
pub fn newest(published: &[Version], pre_releases: bool) -> Option<&Version> {
    published.iter().filter(|version| pre_releases || version.is_release()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).expect(text)
    }

    fn all() -> Vec<Version> {
        ["1.0.0", "1.0.1", "1.1.0", "2.0.0-rc.1", "2.0.0", "2.1.0-beta"].map(version).to_vec()
    }

    #[test]
    fn the_first_part_that_differs_counts() {
        let of = |running: &str, target: &str| {
            behind(&version(running), &version(target), &all(), false).map(|far| (far.part, far.by, far.versions))
        };
        assert_eq!(of("1.0.0", "2.0.0"), Some((Part::Major, 1, Some(3))));
        assert_eq!(of("1.0.0", "1.1.0"), Some((Part::Minor, 1, Some(2))));
        assert_eq!(of("1.0.0", "1.0.1"), Some((Part::Patch, 1, Some(1))));
        assert_eq!(of("2.0.0-rc.1", "2.0.0"), Some((Part::PreRelease, 1, Some(1))));
        assert_eq!(of("1.0.0", "4.0.0"), Some((Part::Major, 3, None)), "nobody knows what came in between");
        for (running, target) in [("1.0.0", "1.0.0+b"), ("2.0.0", "2.0.0-rc.1"), ("v1.0.0", "1.0"), ("3.0.0", "2.0.0")]
        {
            assert_eq!(of(running, target), None, "{running} {target}");
        }
    }

    #[test]
    fn pre_releases_count_where_they_are_wanted() {
        let far =
            |pre_releases| behind(&version("1.1.0"), &version("2.1.0-beta"), &all(), pre_releases).unwrap().versions;
        assert_eq!((far(false), far(true)), (Some(2), Some(3)));
        assert_eq!(newest(&all(), false), Some(&version("2.0.0")));
        assert_eq!(newest(&all(), true), Some(&version("2.1.0-beta")));
        assert_eq!(newest(&[version("1.0.0-a")], false), None);
    }
}

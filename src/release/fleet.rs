//! Releases of many namespaces and clusters, as far as lists need them. Pure.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde::Serialize;

use super::head::Head;
use super::history::Entry;
use super::marks::Marks;
use crate::manifest::version::Version;

/// A release among others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// The context of the kubeconfig it was found by, where several were asked for.
    pub context: Option<String>,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How many revisions of it are stored; 0 where that is not known.
    pub revisions: usize,
    /// The last revision: the one that `helm list` shows.
    pub newest: Known,
    /// The deployed revision, where that is another one. A release without any runs its last one, as far as it got.
    pub deployed: Option<Known>,
}

/// A revision, by its metadata and the beginning of its record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The revision.
    pub revision: u32,
    /// The status: what the record says, and where that can't be read what the label says.
    pub status: String,
    /// What was noted about it.
    pub marks: Marks,
    /// When it was made.
    pub updated: Option<Timestamp>,
    /// The beginning of its record.
    pub head: Head,
    /// Why its record can't be read.
    pub problem: Option<String>,
}

/// Somewhere that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unreadable {
    /// The context of the kubeconfig, where several were asked for.
    pub context: Option<String>,
    /// The namespace; `None` for all that are not named elsewhere.
    pub namespace: Option<String>,
    /// Why not.
    pub reason: String,
}

impl Known {
    /// What is known of a revision by its metadata and its head, or why that can't be read.
    #[must_use]
    pub fn new(entry: &Entry, head: Result<Head, String>) -> Self {
        let (head, problem) = match head {
            Ok(head) => (head, None),
            Err(problem) => (Head::default(), Some(problem)),
        };
        Self {
            revision: entry.revision,
            status: if head.status.is_empty() { entry.status_hint.clone() } else { head.status.clone() },
            marks: entry.marks,
            updated: head.last_deployed.parse().ok().or(entry.created),
            head,
            problem,
        }
    }

    /// Whether something was begun with it and has not ended.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.status.starts_with("pending")
    }

    /// Whether it failed.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.status == "failed"
    }

    /// `proven`, `bad` or nothing.
    #[must_use]
    pub fn mark(&self) -> Option<&'static str> {
        match self.marks {
            marks if marks.is_proven() => Some("proven"),
            marks if marks.is_bad() => Some("bad"),
            _ => None,
        }
    }
}

impl Member {
    /// The revision that runs: the deployed one, else the last one, as far as it got.
    #[must_use]
    pub fn running(&self) -> &Known {
        self.deployed.as_ref().unwrap_or(&self.newest)
    }

    /// Whether nothing of it runs any more: it was uninstalled, and its history kept.
    #[must_use]
    pub fn is_uninstalled(&self) -> bool {
        self.deployed.is_none() && self.newest.status == "uninstalled"
    }

    /// Whether what runs was proven good.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.running().marks.is_proven()
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match () {
            () if self.newest.is_pending() => Standing::Pending,
            () if self.newest.is_failed() => Standing::Failed,
            () if self.is_proven() => Standing::Proven,
            () => Standing::Unproven,
        }
    }
}

/// How a release stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// What runs was proven good.
    Proven,
    /// Nobody has proven what runs.
    Unproven,
    /// Its last revision failed.
    Failed,
    /// Its last revision is not finished.
    Pending,
}

/// Which releases are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those whose last revision is pending.
    pub pending: bool,
    /// Those whose last revision failed. With `pending`, both.
    pub failed: bool,
    /// Those of which what runs is not proven.
    pub unproven: bool,
    /// Those whose last revision was made before this.
    pub before: Option<Timestamp>,
}

impl Filter {
    /// Whether a release is wanted.
    #[must_use]
    pub fn takes(&self, member: &Member) -> bool {
        let newest = &member.newest;
        let any_status = !self.pending && !self.failed;
        let status = any_status || self.pending && newest.is_pending() || self.failed && newest.is_failed();
        let unproven = !self.unproven || !member.is_proven() && !member.is_uninstalled();
        let old = self.before.is_none_or(|before| newest.updated.is_some_and(|updated| updated < before));
        status && unproven && old
    }
}

/// The order of versions, newest first; what is none comes last.
#[must_use]
pub fn newest_first(a: &str, b: &str) -> Ordering {
    match (Version::parse(a), Version::parse(b)) {
        (Some(left), Some(right)) => right.cmp(&left).then_with(|| b.cmp(a)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// Name and version of a chart that `helm list` writes as one: `cert-manager-v1.2.0-rc.1`. Names may have dashes and digits, and
/// so may versions: a version of three numbers is looked for first.
#[must_use]
pub fn split_chart(text: &str) -> (&str, &str) {
    let parts = || text.match_indices('-').map(|(at, _)| (&text[..at], &text[at + 1..]));
    let is_whole =
        |version: &str| version.split(['-', '+']).next().is_some_and(|numbers| numbers.split('.').count() == 3);
    let of = |whole: bool| parts().find(|(_, rest)| Version::parse(rest).is_some() && (!whole || is_whole(rest)));
    of(true).or_else(|| of(false)).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(status: &str, proven: bool, deployed: bool) -> Member {
        let time = Timestamp::from_second(1000).unwrap();
        let marks = Marks { proven: proven.then_some(time), bad: None, ..Marks::default() };
        let known = |status: &str| Known { status: status.to_owned(), marks, updated: Some(time), ..Known::default() };
        Member { newest: known(status), deployed: deployed.then(|| known("deployed")), ..Member::default() }
    }

    #[test]
    fn a_filter_takes_what_it_names() {
        let all = [
            member("deployed", true, false),
            member("deployed", false, false),
            member("failed", true, true),
            member("pending-upgrade", false, true),
            member("uninstalled", false, false),
        ];
        let taken = |filter: Filter| -> Vec<usize> {
            all.iter().enumerate().filter(|(_, member)| filter.takes(member)).map(|(at, _)| at).collect()
        };
        let time = |seconds| Timestamp::from_second(seconds).ok();
        assert_eq!(taken(Filter::default()), [0, 1, 2, 3, 4]);
        assert_eq!(taken(Filter { pending: true, ..Filter::default() }), [3]);
        assert_eq!(taken(Filter { pending: true, failed: true, ..Filter::default() }), [2, 3]);
        assert_eq!(taken(Filter { unproven: true, ..Filter::default() }), [1, 3]);
        assert_eq!(taken(Filter { unproven: true, failed: true, ..Filter::default() }), [0; 0]);
        assert_eq!(taken(Filter { before: time(1000), ..Filter::default() }), [0; 0]);
        assert_eq!(taken(Filter { before: time(1001), ..Filter::default() }), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn what_a_release_stands_for_is_its_last_revision_before_its_deployed_one() {
        let standings = [
            (member("deployed", true, false), Standing::Proven),
            (member("failed", true, true), Standing::Failed),
            (member("pending-upgrade", true, true), Standing::Pending),
            (member("superseded", false, false), Standing::Unproven),
        ];
        standings.iter().for_each(|(member, standing)| assert_eq!(member.standing(), *standing));
    }

    #[test]
    fn versions_are_sorted_as_helm_compares_them_and_other_texts_after_them() {
        let mut versions = ["x", "1.9.0", "1.10.0-rc.1", "1.10.0", "1.10.0+b", "0.1", ""];
        versions.sort_by(|a, b| newest_first(a, b));
        assert_eq!(versions, ["1.10.0+b", "1.10.0", "1.10.0-rc.1", "1.9.0", "0.1", "", "x"]);
    }

    #[test]
    fn a_chart_is_split_where_its_version_begins() {
        let rows = [
            ("web-1.0.0", ("web", "1.0.0")),
            ("cert-manager-v1.2.0-rc.1", ("cert-manager", "v1.2.0-rc.1")),
            ("job-1-2.0.0", ("job-1", "2.0.0")),
            ("a-1.2", ("a", "1.2")),
            ("nothing", ("nothing", "")),
            ("MISSING", ("MISSING", "")),
        ];
        rows.iter().for_each(|(text, expected)| assert_eq!(split_chart(text), *expected, "{text}"));
    }
}

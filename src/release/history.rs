//! Which revisions there are, and which two a user means.

use jiff::Timestamp;

use crate::release::marks::Marks;

/// A stored revision, known by its metadata alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The revision; 1 is the first.
    pub revision: u32,
    /// The status that the label says. Only a hint: the record itself decides.
    pub status_hint: String,
    /// What this program has noted about it. With `HELM_DRIVER=sql` there is nothing.
    pub marks: Marks,
    /// When its object was made; not known with `HELM_DRIVER=sql`.
    pub created: Option<Timestamp>,
    /// The version of its object, for deleting exactly what was seen; empty with `HELM_DRIVER=sql`.
    pub resource_version: String,
    /// Who has written it: the field managers of its object; none with `HELM_DRIVER=sql`.
    pub writers: Vec<String>,
}

/// The revisions of one release, oldest first.
#[derive(Clone, Debug, Default)]
pub struct History {
    entries: Vec<Entry>,
}

impl History {
    /// Sorts the entries.
    #[must_use]
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|entry| entry.revision);
        entries.dedup_by_key(|entry| entry.revision);
        Self { entries }
    }

    /// All entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All revisions, oldest first.
    #[must_use]
    pub fn revisions(&self) -> Vec<u32> {
        self.entries.iter().map(|entry| entry.revision).collect()
    }

    /// Whether there is no revision at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The two newest revisions, older first.
    #[must_use]
    pub fn last_two(&self) -> Option<(u32, u32)> {
        match self.entries.as_slice() {
            [.., before, last] => Some((before.revision, last.revision)),
            _ => None,
        }
    }

    /// The revisions in the order in which to look for the deployed one: what the label calls deployed first, then the
    /// newest. The label may lie, so each has to be read until one says so itself.
    #[must_use]
    pub fn deployed_candidates(&self) -> Vec<u32> {
        let newest = || self.entries.iter().rev();
        let labelled = newest().filter(|entry| entry.status_hint == "deployed");
        let others = newest().filter(|entry| entry.status_hint != "deployed");
        labelled.chain(others).map(|entry| entry.revision).collect()
    }

    /// The revisions for an error message: `1, 2, 7` or `1–30`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for revision in self.revisions() {
            match runs.last_mut() {
                Some((_, end)) if *end + 1 == revision => *end = revision,
                _ => runs.push((revision, revision)),
            }
        }
        let text = |(start, end): &(u32, u32)| match end - start {
            0 => start.to_string(),
            1 => format!("{start}, {end}"),
            _ => format!("{start}–{end}"),
        };
        runs.iter().map(text).collect::<Vec<_>>().join(", ")
    }

    /// The revisions for a hint: `the only revision is 1` or `there are the revisions 1–30`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let number = if self.entries.len() == 1 { "the only revision is" } else { "there are the revisions" };
        format!("{number} {}", self.describe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(entries: &[(u32, &str)]) -> History {
        let entry = |(revision, status): &(u32, &str)| Entry {
            revision: *revision,
            status_hint: (*status).to_owned(),
            ..Entry::default()
        };
        History::new(entries.iter().map(entry).collect())
    }

    #[test]
    fn the_last_two_are_by_number_and_not_by_listing() {
        assert_eq!(history(&[(10, ""), (2, ""), (9, "")]).last_two(), Some((9, 10)));
        assert_eq!(history(&[(1, "")]).last_two(), None);
    }

    #[test]
    fn the_labelled_revision_is_tried_first_and_then_all_others() {
        let history = history(&[(1, "superseded"), (2, "deployed"), (3, "failed")]);
        assert_eq!(history.deployed_candidates(), [2, 3, 1]);
    }

    #[test]
    fn revisions_are_described_in_runs() {
        assert_eq!(history(&[(1, ""), (2, ""), (3, ""), (7, ""), (8, "")]).describe(), "1–3, 7, 8");
        assert_eq!(history(&[(1, ""), (2, "")]).sentence(), "there are the revisions 1, 2");
        assert_eq!(history(&[(4, "")]).sentence(), "the only revision is 4");
    }
}

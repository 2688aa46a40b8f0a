//! Which revision to go back to.

/// A revision, as its labels and its record tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub revision: u32,
    /// Whether it is marked as proven.
    pub proven: bool,
    /// Whether it is marked as bad.
    pub bad: bool,
    /// Whether its record says that it is deployed.
    pub deployed: bool,
}

/// Whether a revision is a rollback to this one. Helm describes it so before it is at work, and so do we after it.
#[must_use]
pub fn leads_to(description: &str, base: u32) -> bool {
    let rest = description.strip_prefix("Rollback to ").and_then(|rest| rest.strip_prefix(&base.to_string()));
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether a revision is a rollback, wherever it leads.
#[must_use]
pub fn is_rollback(description: &str) -> bool {
    description.starts_with("Rollback to ")
}

/// Which of the revisions that came since is the rollback to this one, if any is: somebody else may have made revisions at the same
/// time. Helm describes one that fails by the release's name (`pkg/action/rollback.go`).
#[must_use]
pub fn rollback_among<'a>(mut since: impl Iterator<Item = (u32, &'a str)>, base: u32) -> Option<u32> {
    let failed = |text: &str| {
        let of_rollback = text.starts_with("Rollback \"") || text.starts_with("Release \"");
        of_rollback && text.contains("\" failed: ")
    };
    since.find(|(_, text)| leads_to(text, base) || failed(text)).map(|(revision, _)| revision)
}

/// The revisions to go back to, best first: those proven good, newest first; then the deployed one, if it was seen ready and
/// equal to what runs before anything was changed. Never one that is marked as bad. The first whose manifest differs from the
/// one that failed is the target.
#[must_use]
pub fn candidates(known: &[Known], deployed_seen_good: bool) -> Vec<u32> {
    let mut newest: Vec<&Known> = known.iter().filter(|revision| !revision.bad).collect();
    newest.sort_by_key(|revision| std::cmp::Reverse(revision.revision));
    let proven = newest.iter().filter(|revision| revision.proven);
    let deployed = newest.iter().filter(|revision| !revision.proven && revision.deployed && deployed_seen_good);
    proven.chain(deployed).map(|revision| revision.revision).collect()
}

/// The revision to stay with where the upgrade leaves the objects of the deployed one as they are: that one, if it is proven or
/// was seen good. Only a hook or a gate can fail then, and nothing older is wanted. Not if it is marked as bad.
#[must_use]
pub fn unchanged(known: &[Known], deployed_seen_good: bool) -> Option<u32> {
    let deployed = known.iter().find(|revision| revision.deployed)?;
    (!deployed.bad && (deployed.proven || deployed_seen_good)).then_some(deployed.revision)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(revision: u32, marks: &str) -> Known {
        let has = |letter| marks.contains(letter);
        Known { revision, proven: has('p'), bad: has('b'), deployed: has('d') }
    }

    #[test]
    fn a_rollback_says_where_it_leads() {
        assert!(leads_to("Rollback to 2", 2) && leads_to("Rollback to 2; proven", 2));
        assert!(!leads_to("Rollback to 25", 2) && !leads_to("Upgrade complete", 2));
    }

    #[test]
    fn a_rollback_is_told_from_what_others_have_made() {
        let among = |texts: &[&str]| rollback_among((8..).zip(texts.iter().copied()), 6);
        assert_eq!(among(&["Rollback to 6"]), Some(8));
        assert_eq!(among(&["Preparing upgrade", "Rollback to 6"]), Some(9));
        assert_eq!(among(&["Upgrade \"web\" failed: timed out", "Rollback \"web\" failed: no answer"]), Some(9));
        assert_eq!(among(&["Upgrade complete", "Release \"web\" failed: context deadline exceeded"]), Some(9));
        assert_eq!(among(&["Rollback to 6", "Rollback to 6"]), Some(8), "ours was made first, most likely");
        assert_eq!(among(&["Upgrade complete", "Rollback to 5"]), None);
        assert_eq!(among(&[]), None);
    }

    #[test]
    fn the_newest_proven_revision_comes_first() {
        let history = [known(1, "p"), known(2, "p"), known(3, ""), known(4, "d")];
        assert_eq!(candidates(&history, false), [2, 1]);
        assert_eq!(candidates(&history, true), [2, 1, 4]);
    }

    #[test]
    fn without_a_proven_one_it_is_the_deployed_one_if_it_was_seen_good() {
        let history = [known(1, ""), known(2, "d")];
        assert_eq!(candidates(&history, true), [2]);
        assert!(candidates(&history, false).is_empty());
    }

    #[test]
    fn a_bad_revision_is_never_gone_back_to() {
        let history = [known(1, "p"), known(2, "pb"), known(3, "db")];
        assert_eq!(candidates(&history, true), [1]);
    }

    #[test]
    fn objects_that_stay_as_they_are_stay_with_the_deployed_revision_unless_it_is_bad() {
        assert_eq!(unchanged(&[known(1, "p"), known(2, "d")], true), Some(2));
        assert_eq!(unchanged(&[known(1, "p"), known(2, "dp")], false), Some(2));
        assert_eq!(unchanged(&[known(1, "p"), known(2, "d")], false), None);
        assert_eq!(unchanged(&[known(1, "p"), known(2, "dbp")], true), None);
        assert_eq!(unchanged(&[known(1, "p")], true), None);
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn known(revision: u32, marks: &str) -> Known {
        let has = |letter| marks.contains(letter);
        Known { revision, proven: has('p'), bad: has('b'), deployed: has('d') }
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
}

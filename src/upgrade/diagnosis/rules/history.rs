//! The history grows: many revisions, or records near the limit of a Secret.

use crate::upgrade::diagnosis::message::count;
use crate::upgrade::diagnosis::{Cause, Evidence};

/// More revisions than Helm keeps by default, and room for some proven ones.
const MANY: usize = 25;
/// The most that a Secret holds (`MaxSecretSize` of Kubernetes), in bytes.
const LIMIT: usize = 1 << 20;

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let mut causes = Vec::new();
    let largest = evidence.history.iter().filter_map(|one| Some((one.bytes?, one.revision))).max();
    if let Some((bytes, revision)) = largest.filter(|(bytes, _)| *bytes > LIMIT / 5 * 4) {
        let percent = bytes.saturating_mul(100) / LIMIT;
        causes.push(Cause::possible(
            format!("the record of revision {revision} takes {percent} % of the 1 MiB that a Secret holds"),
            "take large files out of the chart (.helmignore), or split it; beyond the limit no upgrade can be stored",
        ));
    }
    let kept = evidence.history.len();
    if kept > MANY {
        let sentence = format!("the history has {}, each in a Secret of its own", count(kept, "revision"));
        let prune = evidence.helm(&format!("safe-upgrade prune {} --dry-run", evidence.release));
        causes.push(Cause::possible(
            sentence,
            format!("prune it, proven revisions are kept: {prune}; --keep N does it with each upgrade"),
        ));
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::super::super::evidence::Revision;
    use super::super::super::scene::{found, says, web};
    use super::*;

    fn revisions(count: u32, bytes: usize) -> Evidence {
        let one = |revision| Revision {
            revision,
            status: "superseded".to_owned(),
            bytes: Some(bytes),
            ..Revision::default()
        };
        Evidence { history: (1..=count).map(one).collect(), ..web() }
    }

    #[test]
    fn many_revisions_can_be_pruned() {
        assert!(
            says("history", &revisions(40, 1000))
                .starts_with("the history has 40 revisions, each in a Secret of its own | prune it")
        );
    }

    #[test]
    fn a_record_near_the_limit_is_told() {
        assert!(
            says("history", &revisions(2, 1_000_000)).starts_with("the record of revision 2 takes 95 % of the 1 MiB")
        );
    }

    #[test]
    fn ten_revisions_are_no_many() {
        assert_eq!(found("history", &revisions(10, 500_000)), []);
    }
}

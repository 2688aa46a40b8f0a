//! Another operation is in progress: the last revision is pending, so Helm refuses every other one.

use crate::upgrade::diagnosis::message::{count, has};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// As Helm says it (`errPending` of its package `action`).
const REFUSED: &str = "another operation (install/upgrade/rollback) is in progress";

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let refused = evidence.said_that(REFUSED).is_some();
    let last = evidence.history.last();
    let (revision, status) = match last {
        Some(last) if last.status.starts_with("pending-") => (last.revision, last.status.as_str()),
        _ if evidence.status.starts_with("pending-") => (evidence.revision, evidence.status.as_str()),
        _ if refused => (last.map_or(evidence.revision, |last| last.revision), "pending"),
        _ => return Vec::new(),
    };
    let release = &evidence.release;
    let unlock = evidence.helm(&format!("safe-upgrade unlock {release}"));
    let force = evidence.said().any(|text| has(text, "--force"));
    let no_force = if force { "" } else { "; --force does not unlock a release" };
    let cause = match &evidence.owner {
        Some(owner) => {
            let since = if owner.since.is_empty() { String::new() } else { format!(" since {}", owner.since) };
            Cause::certain(
                format!("revision {revision} is {status}: {} is at work on {release}{since}", owner.holder),
                format!("wait for it to end; if it is gone: {unlock}{no_force}"),
            )
        }
        None => Cause::certain(
            format!("revision {revision} is {status}: another operation is in progress, or one was broken off"),
            format!("if none is: {unlock}{no_force}"),
        ),
    };
    let earlier = evidence.history.iter().filter(|one| one.status.starts_with("pending-")).count();
    let more = (earlier > 1).then(|| format!(" ({} are pending)", count(earlier, "revision")));
    vec![Cause { sentence: cause.sentence.clone() + &more.unwrap_or_default(), ..cause }]
}

#[cfg(test)]
mod tests {
    use super::super::super::evidence::{Owner, Revision};
    use super::super::super::scene::{found, said, says, web};
    use super::*;

    fn pending() -> Evidence {
        let revision = Revision { revision: 8, status: "pending-upgrade".to_owned(), ..Revision::default() };
        Evidence { history: vec![revision], ..web() }
    }

    #[test]
    fn a_pending_revision_without_an_owner_can_be_unlocked() {
        assert_eq!(
            says("pending", &pending()),
            "revision 8 is pending-upgrade: another operation is in progress, or one was broken off | if none is: helm \
             safe-upgrade unlock web -n shop; --force does not unlock a release"
        );
    }

    #[test]
    fn who_is_at_work_is_named() {
        let owner = Owner { holder: "ann@laptop".to_owned(), since: "10:04".to_owned() };
        let told = says("pending", &Evidence { owner: Some(owner), ..pending() });
        assert!(
            told.starts_with("revision 8 is pending-upgrade: ann@laptop is at work on web since 10:04 | wait"),
            "{told}"
        );
    }

    #[test]
    fn helms_refusal_is_enough() {
        let told = says(
            "pending",
            &said("Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress"),
        );
        assert!(told.contains("unlock web"), "{told}");
    }

    #[test]
    fn a_failed_revision_is_not_pending() {
        assert_eq!(found("pending", &said("Error: UPGRADE FAILED: context deadline exceeded")), []);
    }
}

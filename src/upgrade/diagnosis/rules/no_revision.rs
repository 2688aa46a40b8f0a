//! The revision to start from, or to go back to, is not there.

use crate::upgrade::diagnosis::message::{between, has};
use crate::upgrade::diagnosis::{Cause, Evidence};

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let release = &evidence.release;
    // `ErrNoDeployedReleases` of Helm's storage.
    if evidence.said_that("has no deployed releases").is_some() {
        let first = evidence.history.last().map_or("", |last| last.status.as_str());
        let hint = match first {
            "" | "uninstalled" => {
                format!("install it: {}", evidence.helm(&format!("upgrade --install {release} {}", evidence.chart())))
            }
            _ => format!(
                "its first install failed; remove what is left and install it again: {}",
                evidence.helm(&format!("uninstall {release}"))
            ),
        };
        return vec![Cause::certain(format!("{release} has no deployed revision to start an upgrade from"), hint)];
    }
    // `prepareRollback` of Helm's package `action`, and `ErrReleaseNotFound`.
    let wanted = evidence
        .said()
        .find_map(|text| between(text, "release has no ", " version"))
        .filter(|number| number.parse::<u32>().is_ok());
    let history = evidence.helm(&format!("safe-upgrade history {release}"));
    if let Some(number) = wanted {
        let sentence = match number {
            "0" => format!("{release} has only its first revision, so there is none to go back to"),
            number => format!("{release} has no revision {number}: it was pruned, or never was"),
        };
        return vec![Cause::certain(
            sentence,
            format!("what there is: {history}; else upgrade with the values that worked"),
        )];
    }
    let missing = evidence.said().any(|text| has(text, "release: not found"));
    let cause = || {
        let hint = format!(
            "check name and namespace: {}; revisions that are gone can't be gone back to",
            evidence.helm("list -a")
        );
        Cause::certain(format!("there is no such release or revision of {release}"), hint)
    };
    if missing { vec![cause()] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::super::super::evidence::Revision;
    use super::super::super::scene::{found, said, says};
    use super::*;

    #[test]
    fn nothing_is_deployed() {
        let evidence = said("Error: UPGRADE FAILED: \"web\" has no deployed releases");
        assert!(says("no-revision", &evidence).contains("install it: helm upgrade --install web CHART -n shop"));
        let failed = Revision { revision: 1, status: "failed".to_owned(), ..Revision::default() };
        assert!(
            says("no-revision", &Evidence { history: vec![failed], ..evidence }).contains("helm uninstall web -n shop")
        );
    }

    #[test]
    fn a_revision_that_was_pruned() {
        assert!(
            says("no-revision", &said("Error: release has no 3 version"))
                .starts_with("web has no revision 3: it was pruned")
        );
        assert!(
            says("no-revision", &said("Error: release has no 0 version"))
                .starts_with("web has only its first revision")
        );
    }

    #[test]
    fn a_release_that_is_not_there() {
        assert!(says("no-revision", &said("Error: release: not found")).contains("helm list -a -n shop"));
    }

    #[test]
    fn an_object_that_is_not_found_is_no_revision() {
        assert_eq!(found("no-revision", &said("deployments.apps \"web\" not found")), []);
    }
}

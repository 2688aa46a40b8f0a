//! `--force` on a release that is applied server-side.

use crate::upgrade::diagnosis::{Cause, Evidence};

/// As Helm 4 says it (`Client.Update` of its package `kube`).
const REFUSED: &str = "cannot use server-side apply and force replace together";

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let cause = || {
        Cause::certain(
            "--force replaces objects, which Helm refuses for a release that is applied server-side",
            "leave --force out; where objects must be replaced, add --server-side=false",
        )
    };
    evidence.said_that(REFUSED).map(|_| cause()).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, said, says};

    #[test]
    fn force_is_refused_with_server_side_apply() {
        let text = "Error: UPGRADE FAILED: invalid operation: cannot use server-side apply and force replace together";
        assert!(says("force", &said(text)).contains("leave --force out"));
    }

    #[test]
    fn other_invalid_operations_are_others() {
        assert_eq!(
            found("force", &said("invalid operation: cannot use force conflicts and force replace together")),
            []
        );
    }
}

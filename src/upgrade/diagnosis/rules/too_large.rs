//! The release is too large for one Secret, or an object for a request.

use crate::upgrade::diagnosis::message::{has, has_any};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// How the API server and etcd say it; the first is what a Secret of Helm meets (`MaxSecretSize` of Kubernetes, 1 MiB).
const WORDS: [&str; 5] = [
    "may not be more than 1048576 bytes",
    "request entity too large",
    "etcdserver: request is too large",
    "trying to send message larger than max",
    "may not be more than 1048576 characters",
];

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let said = evidence.said().find(|text| has_any(text, &WORDS));
    let Some(text) = said else { return Vec::new() };
    let record = has(text, "sh.helm.release") || has(text, "Secret \"sh.helm") || has(text, "create: failed to create");
    let cause = match record {
        true => Cause::certain(
            "the revision is larger than the 1 MiB that a Secret holds: chart, values and manifest are stored together",
            "take large files out of the chart (.helmignore), or split it; pruning old revisions does not help, as each has a Secret of its own",
        ),
        false => Cause::certain(
            "an object of the release is larger than the API server takes",
            "put large files into a volume or an image instead of a ConfigMap or Secret",
        ),
    };
    vec![cause]
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, said, says};

    #[test]
    fn a_record_that_is_too_large_is_told_from_an_object() {
        let record = "create: failed to create: Secret \"sh.helm.release.v1.web.v7\" is invalid: data: Too long: may not be more than 1048576 bytes";
        assert!(says("too-large", &said(record)).starts_with("the revision is larger than the 1 MiB"));
        let object = "ConfigMap \"files\" is invalid: []: Too long: may not be more than 1048576 bytes";
        assert!(says("too-large", &said(object)).starts_with("an object of the release"));
    }

    #[test]
    fn a_long_name_is_not_a_large_object() {
        assert_eq!(found("too-large", &said("metadata.name: Too long: may not be more than 63 bytes")), []);
    }
}

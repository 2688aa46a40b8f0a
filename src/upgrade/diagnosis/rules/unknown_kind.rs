//! A kind that the cluster does not know: a definition is missing, or an API was removed.

use crate::upgrade::diagnosis::message::{after, has, quoted_after};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// As client-go's discovery says it.
const UNKNOWN: &str = "no matches for kind ";
/// As Helm says of a manifest that it applied before (`prepareUpgrade` of its package `action`).
const REMOVED: &str = "contains removed kubernetes api(s)";

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let Some(text) = evidence.said_that(UNKNOWN) else { return Vec::new() };
    let kind = quoted_after(text, "no matches for kind").unwrap_or("?");
    let version = after(text, UNKNOWN).and_then(|rest| quoted_after(rest, "in version")).unwrap_or("?");
    if has(text, REMOVED) {
        return vec![Cause::certain(
            format!(
                "the deployed revision has a {kind} of {version}, which this cluster no longer serves, so Helm can't compare with it"
            ),
            "rewrite the stored revision to the API that is served today (the plugin helm-mapkubeapis does it), then upgrade again",
        )];
    }
    let builtin = !version.split('/').next().unwrap_or_default().contains('.') || version.contains("k8s.io/");
    let hint = match builtin {
        true => "use a version of the chart for this Kubernetes: that API was removed, or is not there yet".to_owned(),
        false => format!(
            "install the definition of {kind} first: helm upgrade does not touch a chart's crds/ folder; {}",
            "kubectl api-resources shows what there is"
        ),
    };
    vec![Cause::certain(format!("the cluster does not know the kind {kind} of {version}"), hint)]
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, said, says};

    #[test]
    fn a_missing_definition_is_named() {
        let text = "unable to build kubernetes objects from new release manifest: resource mapping not found for name: \"w\" namespace: \"\" from \"\": \
                    no matches for kind \"Widget\" in version \"example.com/v1\"\nensure CRDs are installed first";
        let told = says("unknown-kind", &said(text));
        assert!(
            told.starts_with("the cluster does not know the kind Widget of example.com/v1 | install the definition"),
            "{told}"
        );
    }

    #[test]
    fn a_removed_api_of_kubernetes_has_no_definition() {
        let text = "no matches for kind \"PodDisruptionBudget\" in version \"policy/v1beta1\"";
        assert!(says("unknown-kind", &said(text)).contains("a version of the chart for this Kubernetes"));
    }

    #[test]
    fn a_removed_api_in_the_deployed_revision_needs_another_remedy() {
        let text = "current release manifest contains removed kubernetes api(s) for this kubernetes version and it is therefore unable to build the \
                    kubernetes objects for performing the diff. error from kubernetes: resource mapping not found: no matches for kind \"Ingress\" in version \"extensions/v1beta1\"";
        assert!(says("unknown-kind", &said(text)).contains("rewrite the stored revision"));
    }

    #[test]
    fn a_kind_that_is_not_found_by_name_is_no_unknown_kind() {
        assert_eq!(found("unknown-kind", &said("deployments.apps \"web\" not found")), []);
    }
}

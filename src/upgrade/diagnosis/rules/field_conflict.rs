//! Server-side apply: another field manager owns a field that the upgrade changes.

use crate::upgrade::diagnosis::evidence::named;
use crate::upgrade::diagnosis::message::{after, before, quoted_after, short};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// `conflict occurred while applying object shop/web apps/v1, Kind=Deployment: Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.replicas`
/// (Helm 4, and `managedfields` of Kubernetes' `apimachinery`).
const CONFLICT: &str = "Apply failed with ";

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let Some(text) = evidence.said_that(CONFLICT) else { return Vec::new() };
    let own = after(text, CONFLICT).unwrap_or_default();
    let who = quoted_after(own, "conflict with").or_else(|| quoted_after(own, "conflicts with"));
    let fields: Vec<&str> = own
        .split_whitespace()
        .map(|word| word.trim_end_matches(','))
        .filter(|word| word.starts_with('.') && word.len() > 1)
        .take(5)
        .collect();
    let kind = after(text, "Kind=").and_then(|rest| before(rest, ":")).unwrap_or("an object");
    let name = after(text, "while applying object ").and_then(|rest| rest.split_whitespace().next());
    let name = name.map(|name| name.rsplit('/').next().unwrap_or(name));
    let object = name.map_or_else(|| kind.to_owned(), |name| named(kind, name));
    let who = who.unwrap_or("another program");
    let what = if fields.is_empty() { "fields that the upgrade changes".to_owned() } else { short(&fields.join(", ")) };
    vec![
        Cause::certain(
            format!("{object}: {who} owns {what}, so Helm may not change it"),
            "leave the field out of the chart's values if the other one is to set it (as an autoscaler sets replicas), or take it \
             over with --force-conflicts (Helm 4)",
        )
        .on(object),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, said, says};

    #[test]
    fn the_manager_and_the_field_are_named() {
        let text = "Error: UPGRADE FAILED: conflict occurred while applying object shop/web apps/v1, Kind=Deployment: Apply failed with 1 conflict: \
                    conflict with \"kubectl-scale\" with subresource \"scale\" using apps/v1: .spec.replicas";
        assert!(
            says("field-conflict", &said(text))
                .starts_with("deployment/web: kubectl-scale owns .spec.replicas, so Helm may not change it | ")
        );
    }

    #[test]
    fn several_fields_are_named() {
        let text = "Apply failed with 2 conflicts: conflicts with \"bar\":\n- .spec.replicas\n- .spec.paused";
        assert!(says("field-conflict", &said(text)).contains("bar owns .spec.replicas, .spec.paused"));
    }

    #[test]
    fn a_conflict_of_versions_is_another() {
        assert_eq!(
            found(
                "field-conflict",
                &said("Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified")
            ),
            []
        );
    }
}

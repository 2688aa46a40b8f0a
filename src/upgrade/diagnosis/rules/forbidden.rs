//! The user lacks a right.

use crate::upgrade::diagnosis::message::{after, before, between, quoted_after};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// `User "ann" cannot patch resource "deployments" in API group "apps" in the namespace "shop"`
/// (`forbiddenMessage` of Kubernetes' `apiserver`).
const CANNOT: &str = "\" cannot ";

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    evidence
        .complaints()
        .filter_map(|(object, text)| Some((object, right(text)?)))
        .take(5)
        .map(|(object, right)| {
            let hint = format!("ask for the right; to see what is allowed: {}", evidence.kubectl("auth can-i --list"));
            let cause = Cause::certain(right, hint);
            match object {
                Some(object) => cause.on(object),
                None => cause,
            }
        })
        .collect()
}

fn right(text: &str) -> Option<String> {
    let head = before(text, CANNOT)?;
    let user = head.rsplit_once("User \"")?.1;
    let rest = after(text, CANNOT)?;
    let verb = before(rest, " resource \"")?;
    let resource = quoted_after(rest, "resource")?;
    let group = quoted_after(rest, "in API group").filter(|group| !group.is_empty());
    let dot = group.map(|group| format!(".{group}")).unwrap_or_default();
    let place = match between(rest, "in the namespace \"", "\"") {
        Some(namespace) => format!(" in namespace {namespace}"),
        None => " in the whole cluster".to_owned(),
    };
    Some(format!("{user} may not {verb} {resource}{dot}{place}"))
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, said, says};

    #[test]
    fn the_missing_right_is_named() {
        let text = "Error: UPGRADE FAILED: could not get information about the resource Ingress \"web\" in namespace \"shop\": ingresses.networking.k8s.io \
                    \"web\" is forbidden: User \"ann\" cannot get resource \"ingresses\" in API group \"networking.k8s.io\" in the namespace \"shop\"";
        assert!(
            says("forbidden", &said(text))
                .starts_with("ann may not get ingresses.networking.k8s.io in namespace shop | ask")
        );
    }

    #[test]
    fn at_the_cluster_scope_there_is_no_namespace() {
        let text = "clusterroles.rbac.authorization.k8s.io is forbidden: User \"ann\" cannot create resource \"clusterroles\" in API group \"rbac.authorization.k8s.io\" at the cluster scope";
        assert!(
            says("forbidden", &said(text))
                .contains("may not create clusterroles.rbac.authorization.k8s.io in the whole cluster")
        );
    }

    #[test]
    fn a_quota_forbids_too_but_is_no_right() {
        assert_eq!(
            found(
                "forbidden",
                &said("pods \"web\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2")
            ),
            []
        );
    }
}

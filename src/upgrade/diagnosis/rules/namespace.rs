//! The namespace is missing, or on its way out.

use crate::upgrade::diagnosis::message::{between, has, quoted_after};
use crate::upgrade::diagnosis::{Cause, Evidence};

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let ends = "because it is being terminated";
    if let Some((_, text)) = evidence.complaints().find(|(_, text)| has(text, ends)) {
        let name = between(text, "content in namespace ", " because").unwrap_or(&evidence.namespace);
        return vec![
            Cause::certain(
                format!("the namespace {name} is being deleted, and takes nothing new"),
                format!("wait until it is gone, or see what holds it: kubectl get namespace {name} -o yaml (status.conditions)"),
            )
            .on(format!("namespace/{name}")),
        ];
    }
    let missing = evidence.said().find_map(|text| {
        let name = quoted_after(text, "namespaces")?;
        has(text, &format!("namespaces \"{name}\" not found")).then_some(name)
    });
    let cause = |name: &str| {
        let hint = format!("kubectl create namespace {name}; or on a first install --create-namespace");
        Cause::certain(format!("the namespace {name} is not there"), hint).on(format!("namespace/{name}"))
    };
    missing.map(cause).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, said, says};

    #[test]
    fn a_missing_namespace() {
        let told = says("namespace", &said("create: failed to create: namespaces \"shop\" not found"));
        assert!(told.starts_with("the namespace shop is not there | kubectl create namespace shop"), "{told}");
    }

    #[test]
    fn a_namespace_that_goes() {
        let text =
            "secrets \"x\" is forbidden: unable to create new content in namespace shop because it is being terminated";
        assert!(says("namespace", &said(text)).starts_with("the namespace shop is being deleted"));
    }

    #[test]
    fn a_right_to_see_namespaces_is_something_else() {
        assert_eq!(
            found("namespace", &said("namespaces is forbidden: User \"a\" cannot list resource \"namespaces\"")),
            []
        );
    }
}

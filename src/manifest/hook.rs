//! What Helm reads from the annotations of an object: when it runs it as a hook, and whether it lets it stand.
//!
//! Sources in Helm: `pkg/release/util/manifest_sorter.go` (hooks), `pkg/kube/client.go`, `Update` (what stands).

use super::node::Node;

/// The annotation that makes an object a hook, with the points it runs at.
pub const EVENTS: &str = "helm.sh/hook";

/// The annotation that orders the hooks of a point.
pub const WEIGHT: &str = "helm.sh/hook-weight";

/// The points at which an upgrade runs hooks, in their order: none if the user wants no hook to run.
#[must_use]
pub fn points_of_upgrade(is_first: bool, no_hooks: bool) -> &'static [&'static str] {
    match (no_hooks, is_first) {
        (true, _) => &[],
        (false, true) => &["pre-install", "post-install"],
        (false, false) => &["pre-upgrade", "post-upgrade"],
    }
}

/// The same of a rollback, which runs the hooks of the revision that it goes back to.
#[must_use]
pub fn points_of_rollback(no_hooks: bool) -> &'static [&'static str] {
    if no_hooks { &[] } else { &["pre-rollback", "post-rollback"] }
}

/// The value of an annotation, where it is text.
#[must_use]
pub fn annotation<'a>(object: &'a Node, name: &str) -> Option<&'a str> {
    object.find(&["metadata", "annotations", name]).and_then(Node::as_str)
}

/// Whether Helm runs the object as a hook at one of these points.
#[must_use]
pub fn runs_at(object: &Node, points: &[&str]) -> bool {
    let events = annotation(object, EVENTS).unwrap_or_default();
    events.split(',').any(|event| points.iter().any(|point| event.trim().eq_ignore_ascii_case(point)))
}

/// The annotation that says when Helm deletes a hook.
pub const DELETE_POLICY: &str = "helm.sh/hook-delete-policy";

/// How often Helm runs the object as a hook at these points.
#[must_use]
pub fn runs(object: &Node, points: &[&str]) -> u32 {
    points.iter().map(|point| u32::from(runs_at(object, &[point]))).sum()
}

/// How often Helm waits at these points, each time for as long as its timeout: for the hook, and until it is gone where Helm deletes it
/// before it is made (as it does without a policy) and after it was good. (`pkg/action/hooks.go`, `execHook`)
#[must_use]
pub fn waits(object: &Node, points: &[&str]) -> u32 {
    let policies = annotation(object, DELETE_POLICY).unwrap_or_default();
    let has = |policy: &str| policies.split(',').any(|one| one.trim().eq_ignore_ascii_case(policy));
    let before = policies.trim().is_empty() || has("before-hook-creation");
    let each = 1 + u32::from(before) + u32::from(has("hook-succeeded"));
    runs(object, points).saturating_mul(each)
}

/// The annotation by which Helm lets an object stand, and its value.
pub const POLICY: &str = "helm.sh/resource-policy";

/// The value of [`POLICY`]. Helm compares it as it is.
pub const KEEP: &str = "keep";

/// Whether Helm lets the object stand where an upgrade or a rollback would delete it. Helm asks the object in the cluster, not its
/// manifest.
#[must_use]
pub fn is_kept(object: &Node) -> bool {
    annotation(object, POLICY) == Some(KEEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(annotations: &str) -> Node {
        serde_json::from_str(&format!(r#"{{"metadata": {{"annotations": {annotations}}}}}"#)).expect("JSON")
    }

    #[test]
    fn points_are_read_as_helm_reads_them() {
        let hook = object(r#"{"helm.sh/hook": "post-install, Pre-Upgrade"}"#);
        assert!(runs_at(&hook, points_of_upgrade(false, false)));
        assert!(runs_at(&hook, points_of_upgrade(true, false)));
        assert!(!runs_at(&hook, points_of_upgrade(false, true)));
        assert!(!runs_at(&hook, points_of_rollback(false)));
        assert!(!runs_at(&object(r#"{"helm.sh/hook": true}"#), points_of_upgrade(false, false)));
    }

    #[test]
    fn a_hook_is_waited_for_each_time_it_runs_and_whenever_it_is_deleted() {
        let both = ["pre-upgrade", "post-upgrade"];
        let hook = object(r#"{"helm.sh/hook": "post-upgrade,pre-upgrade"}"#);
        assert_eq!((runs(&hook, &both), waits(&hook, &both)), (2, 4));
        let hook = object(r#"{"helm.sh/hook": "pre-upgrade", "helm.sh/hook-delete-policy": "hook-failed"}"#);
        assert_eq!((runs(&hook, &both), waits(&hook, &both)), (1, 1));
        assert_eq!((runs(&hook, &[]), waits(&hook, &[])), (0, 0));
    }

    #[test]
    fn only_the_word_keep_keeps() {
        assert!(is_kept(&object(r#"{"helm.sh/resource-policy": "keep"}"#)));
        assert!(!is_kept(&object(r#"{"helm.sh/resource-policy": "delete"}"#)));
        assert!(!is_kept(&object("{}")));
    }
}

//! Hooks: objects that Helm makes before and after the upgrade, outside of what it compares.

pub(super) mod existing;
pub(super) mod migration;
pub(super) mod running;

use crate::manifest::document::Object;
use crate::manifest::hook;

/// The annotations of a hook. (Helm: `pkg/release`, `hook.go`.)
const DELETE_POLICY: &str = "helm.sh/hook-delete-policy";

/// What Helm does where a hook names no policy, or none that Helm knows.
const DEFAULT_POLICY: &str = "before-hook-creation";
const POLICIES: [&str; 3] = [DEFAULT_POLICY, "hook-succeeded", "hook-failed"];

/// A hook as Helm reads it.
struct Hook<'a> {
    object: &'a Object,
    events: Vec<String>,
    weight: i64,
    /// The policies that it names; empty where it names none.
    policies: Vec<&'static str>,
}

impl<'a> Hook<'a> {
    fn of(object: &'a Object) -> Option<Self> {
        let annotation = |name| hook::annotation(&object.node, name);
        let words = |name| annotation(name).unwrap_or_default().split(',').map(|word| word.trim().to_ascii_lowercase());
        annotation(hook::EVENTS).filter(|_| object.hook)?;
        let named: Vec<String> = words(DELETE_POLICY).collect();
        Some(Self {
            object,
            events: words(hook::EVENTS).collect(),
            weight: annotation(hook::WEIGHT).and_then(|weight| weight.parse().ok()).unwrap_or_default(),
            policies: POLICIES.into_iter().filter(|policy| named.iter().any(|name| name == policy)).collect(),
        })
    }

    fn runs_at(&self, event: &str) -> bool {
        self.events.iter().any(|known| known == event)
    }

    fn is_test(&self) -> bool {
        // `test-success` is what `test` was called before Helm 3.
        self.runs_at("test") || self.runs_at("test-success")
    }

    /// Whether Helm deletes the object of the last run before it makes it anew. It never deletes definitions of custom resources.
    fn is_deleted_before(&self) -> bool {
        let deleted = self.policies.is_empty() || self.policies.contains(&DEFAULT_POLICY);
        deleted && self.object.id.kind != "CustomResourceDefinition"
    }
}

fn hooks(objects: &[Object]) -> impl Iterator<Item = Hook<'_>> {
    objects.iter().filter_map(Hook::of)
}

/// The hooks that run at an event, in the order in which Helm makes them: by weight, then by name. Hooks that have both in common keep
/// the order in which Helm stores them, which is by kind. (Helm: `action.Configuration.execHook`, `hookByWeight`.)
fn running_at<'a>(objects: &'a [Object], event: &str) -> Vec<Hook<'a>> {
    let mut hooks: Vec<Hook<'_>> = hooks(objects).filter(|hook| hook.runs_at(event)).collect();
    hooks.sort_by(|a, b| (a.weight, &a.object.id.name).cmp(&(b.weight, &b.object.id.name)));
    hooks
}

/// The hooks that run at these points, each once.
fn running<'a>(objects: &'a [Object], points: &[&str]) -> Vec<Hook<'a>> {
    hooks(objects).filter(|hook| points.iter().any(|point| hook.runs_at(point))).collect()
}

#[cfg(test)]
mod tests;

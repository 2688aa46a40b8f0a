//! What stands above the objects: the key differences and the impact, of what is left after the selection.

use crate::diff::impact::{self, Impact, Setting};
use crate::diff::key_differences::{self, KeyDifference};
use crate::diff::release::{Both, ReleaseDiff};
use crate::release::Release;

pub(super) fn key_differences(diff: &ReleaseDiff, releases: &Both<Release>) -> Vec<KeyDifference> {
    key_differences::find(&diff.manifest, namespaces(releases), is_upgrade(releases))
}

/// What the change costs; none if there is nothing to tell.
pub(super) fn impact(diff: &ReleaseDiff, releases: &Both<Release>) -> Option<Impact> {
    let setting = Setting { namespaces: namespaces(releases), upgrade: is_upgrade(releases), nodes: None };
    Some(impact::find(&diff.manifest, setting)).filter(Impact::is_telling)
}

fn namespaces(releases: &Both<Release>) -> Both<&str> {
    Both { old: &releases.old.namespace, new: &releases.new.namespace }
}

/// Whether the new side takes the place of the old one, and does not stand beside it as another release does.
fn is_upgrade(releases: &Both<Release>) -> bool {
    let Both { old, new } = releases;
    old.name.is_empty() || (&old.name, &old.namespace) == (&new.name, &new.namespace)
}

//! The way back, rehearsed: whether the revision that a failure leads to can still be applied, after the upgrade.
//!
//! A dry run shows what the server says of it today, to the objects that are there today. What the upgrade makes of them is not
//! there yet, so the reverse of what it changes is judged by rules.

pub(super) mod irreversible;
mod migrations;
pub(super) mod rehearsal;
pub(super) mod rollback_hooks;
#[cfg(test)]
mod tests;

use super::scene::{Pair, Scene};
use super::snapshot::Revision;
use super::{Severity, Snapshot};
use crate::manifest::document::Object;
use crate::manifest::identity::ObjectId;

/// How bad it is that there is no way back: less where none is to be taken.
fn gravity(snapshot: &Snapshot<'_>) -> Severity {
    if snapshot.goes_back { Severity::Blocker } else { Severity::Warning }
}

/// What a rollback does with an object.
enum Step<'a> {
    /// It changes what the upgrade has made.
    Change(Pair<'a>),
    /// It deletes what is new with the upgrade.
    Delete(&'a Object),
    /// It makes anew what the upgrade has deleted.
    Create(&'a Object),
}

/// What going back does. In a pair, the old object is the upgrade's, and the new one is what it goes back to.
fn steps<'a>(snapshot: &Snapshot<'a>, target: &Revision<'a>) -> Vec<Step<'a>> {
    let scene = Scene::between(&snapshot.objects.new, target.objects, snapshot.namespace);
    let changed = scene.pairs.iter().filter(|pair| pair.changes());
    let mut steps: Vec<Step<'a>> = changed
        .map(|pair| match pair.old {
            Some(_) => Step::Change(*pair),
            None => Step::Create(pair.new),
        })
        .collect();
    steps.extend(scene.gone.iter().map(|object| Step::Delete(object)));
    steps
}

/// The object for a reader: its namespace is named where it is not the release's.
fn named(snapshot: &Snapshot<'_>, id: &ObjectId) -> String {
    let namespace = id.namespace.clone().filter(|namespace| namespace != snapshot.namespace);
    ObjectId { namespace, ..id.clone() }.to_string()
}

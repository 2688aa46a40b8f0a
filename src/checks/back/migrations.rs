//! Migrations of a database that run with the upgrade, or ran since the revision to go back to: a rollback runs none backwards.

use std::collections::HashMap;

use super::named;
use crate::checks::Snapshot;
use crate::checks::hooks::migration::looks_like_one;
use crate::checks::objects::Found;
use crate::checks::snapshot::Revision;
use crate::diff::workload::pod_spec;
use crate::manifest::document::Object;
use crate::manifest::hook;

/// The migrations that the revision to go back to does not have in this form. Whether it works with a database after them, nobody
/// here can tell.
pub(super) fn between(snapshot: &Snapshot<'_>, target: &Revision<'_>) -> Vec<Found> {
    let key = |object: &Object| object.id.key(snapshot.namespace);
    let hooks = target.objects.iter().filter(|object| object.hook);
    let known: HashMap<_, &Object> = hooks.map(|object| (key(object), object)).collect();
    let is_other = |object: &&Object| known.get(&key(object)).is_none_or(|there| pod_spec(there) != pod_spec(object));
    let of = |objects: &'_ [Object], points: &[&str]| -> Vec<Object> {
        let hooks = objects.iter().filter(|object| object.hook && hook::runs_at(&object.node, points));
        hooks.filter(is_other).filter(|object| looks_like_one(object)).cloned().collect()
    };
    let deployed = snapshot.releases.old.revision;
    let mut found = Vec::new();
    for object in of(&snapshot.objects.new, snapshot.points()) {
        let message = "it looks like a migration of a database and runs with the upgrade: going back does not undo it";
        found.push(told(named(snapshot, &object.id), message.to_owned()));
    }
    if target.revision != deployed && !snapshot.is_first {
        for object in of(&snapshot.objects.old, hook::points_of_upgrade(false, false)) {
            let message = format!(
                "it looks like a migration of a database and came with revision {deployed}: going back to {} does not undo it",
                target.revision
            );
            found.push(told(named(snapshot, &object.id), message));
        }
    }
    found
}

fn told(name: String, message: String) -> Found {
    let hint = "see that the revision to go back to works with the database after it, or take a backup first";
    (format!("hook {name}"), message, Vec::new(), Some(hint.to_owned()))
}

//! The hooks that run on the way back.

use super::named;
use crate::checks::{Check, Finding, Severity, Snapshot, capped};
use crate::manifest::document::Object;
use crate::manifest::hook;

const NAME: &str = "rollback-hooks";

/// So many are named.
const MOST: usize = 10;

pub(in crate::checks) const CHECK: Check = Check::new(NAME, "the hooks that run where a failure leads back", run)
    .worst(Severity::Info)
    .rights("get Helm's storage");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let target = match snapshot.way_back() {
        Ok(Some(target)) => target,
        Ok(None) => return vec![Finding::new(NAME, Severity::Pass, "there is no revision to go back to")],
        Err(reason) => {
            let message = format!("which hooks the revision to go back to has: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let mut hooks: Vec<(usize, i64, &Object)> = Vec::new();
    for object in target.objects.iter().filter(|object| object.hook) {
        for (order, point) in snapshot.points_back().iter().enumerate() {
            if hook::runs_at(&object.node, &[point]) {
                let weight = hook::annotation(&object.node, hook::WEIGHT).and_then(|weight| weight.parse().ok());
                hooks.push((order, weight.unwrap_or_default(), object));
            }
        }
    }
    // Helm's order: by weight, then by name.
    hooks.sort_by(|a, b| (a.0, a.1, &a.2.id.name).cmp(&(b.0, b.1, &b.2.id.name)));
    let revision = target.revision;
    if hooks.is_empty() {
        return vec![Finding::new(NAME, Severity::Pass, format!("revision {revision} has no hooks of a rollback"))];
    }
    let line = |(order, _, object): &(usize, i64, &Object)| {
        let point = if *order == 0 { "pre-rollback" } else { "post-rollback" };
        format!("{point}: {}", named(snapshot, &object.id))
    };
    let evidence = capped(hooks.iter().map(line).collect(), MOST);
    let message = match hooks.len() {
        1 => "a hook runs where a failure leads back to it".to_owned(),
        count => format!("{count} hooks run where a failure leads back to it"),
    };
    let finding = Finding::new(NAME, Severity::Info, message).about(format!("revision {revision}"));
    vec![finding.seen_by(evidence).hint("if one of them fails, the rollback fails")]
}

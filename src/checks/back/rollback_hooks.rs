//! The hooks that run on the way back.

use super::{named, target};
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::manifest::document::Object;
use crate::manifest::node::Node;

const NAME: &str = "rollback-hooks";

/// So many are named.
const MOST: usize = 10;

pub(in crate::checks) const CHECK: Check = Check::new(NAME, "the hooks that run where a failure leads back", run)
    .worst(Severity::Info)
    .rights("get Helm's storage");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let target = match target(snapshot) {
        Ok(Some(target)) => target,
        Ok(None) => return vec![Finding::new(NAME, Severity::Pass, "there is no revision to go back to")],
        Err(reason) => {
            let message = format!("which hooks the revision to go back to has: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let mut hooks: Vec<(usize, i64, &Object)> = Vec::new();
    for object in target.objects.iter().filter(|object| object.hook) {
        for (order, point) in ["pre-rollback", "post-rollback"].into_iter().enumerate() {
            if annotation(object, "helm.sh/hook").split(',').any(|event| event.trim() == point) {
                hooks.push((order, annotation(object, "helm.sh/hook-weight").parse().unwrap_or_default(), object));
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
    let mut evidence: Vec<String> = hooks.iter().take(MOST).map(line).collect();
    evidence.extend((hooks.len() > MOST).then(|| format!("and {} more", hooks.len() - MOST)));
    let message = match hooks.len() {
        1 => "a hook runs where a failure leads back to it".to_owned(),
        count => format!("{count} hooks run where a failure leads back to it"),
    };
    let finding = Finding::new(NAME, Severity::Info, message).about(format!("revision {revision}"));
    vec![finding.seen_by(evidence).hint("if one of them fails, the rollback fails")]
}

fn annotation<'a>(object: &'a Object, key: &str) -> &'a str {
    object.node.find(&["metadata", "annotations", key]).and_then(Node::as_str).unwrap_or_default()
}

//! Objects that a failed revision has made, and that nothing deletes any more.

use std::collections::BTreeMap;

use super::LeftBehind;
use crate::checks::{Check, Finding, Severity, Snapshot, capped};

const NAME: &str = "left-over";

/// So many objects are named.
const MOST_NAMED: usize = 20;

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "objects in the cluster that only failed revisions have", run)
        .rights("get Helm's storage; get the objects of failed revisions");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let left = match &snapshot.left_over {
        Ok(left) => left,
        Err(reason) => {
            let message = format!("what failed revisions have left behind: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let mut by_revision: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for one in &left.objects {
        by_revision.entry(one.revision).or_default().push(one.object.clone());
    }
    let mut findings = Vec::new();
    for (revision, objects) in by_revision {
        let count = objects.len();
        let what = if count == 1 { "an object".to_owned() } else { format!("{count} objects") };
        let objects = capped(objects, MOST_NAMED);
        let message = format!("it has failed and left {what} behind that this upgrade neither has nor deletes");
        let finding = Finding::new(NAME, Severity::Warning, message).about(format!("revision {revision}"));
        findings.push(
            finding.seen_by(objects).hint("kubectl delete them if nothing uses them: helm does not know them any more"),
        );
    }
    findings.extend(beyond(left));
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "no failed revision has left anything behind"));
    }
    findings
}

/// What was not looked at any more, where there is too much of it.
fn beyond(left: &LeftBehind) -> Option<Finding> {
    let some = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("one more {one}")),
        count => Some(format!("{count} more {many}")),
    };
    let revisions = some(left.unread, "failed revision", "failed revisions");
    let objects = some(left.unlooked, "object of those that were read", "objects of those that were read");
    let what: Vec<String> = revisions.into_iter().chain(objects).collect();
    let message = format!("what failed revisions have left behind was not looked for in {}", what.join(" and "));
    (!what.is_empty()).then(|| Finding::new(NAME, Severity::Unknown, message))
}

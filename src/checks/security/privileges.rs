//! Whether pods gain access to their node, or privileges: host namespaces and paths, capabilities, root.

use crate::checks::scene::{distinct, listed};
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::diff::key_differences::{self, KeyDifference, Topic};
use crate::diff::release::Both;

const NAME: &str = "privileges";

pub(crate) const CHECK: Check = Check::new(NAME, "whether pods gain privileges: host access, capabilities, root", run);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = differences(snapshot, Topic::Privileges).iter().map(finding).collect();
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "no pod gains privileges"));
    }
    findings
}

/// The key differences about something that are more than a notice.
pub(super) fn differences(snapshot: &Snapshot<'_>, topic: Topic) -> Vec<KeyDifference> {
    let releases = snapshot.releases;
    let namespaces = Both { old: releases.old.namespace.as_str(), new: releases.new.namespace.as_str() };
    let all = key_differences::find(&snapshot.diff.manifest, namespaces, true);
    all.into_iter().filter(|one| one.topic == topic && one.severity >= key_differences::Severity::Warning).collect()
}

fn finding(one: &KeyDifference) -> Finding {
    let objects = distinct(one.objects.iter().map(ToString::to_string));
    let gained: Vec<String> =
        one.turns.iter().filter(|turn| turn.old.is_none()).filter_map(|turn| turn.new.clone()).collect();
    let message = match (gained.is_empty(), one.place.is_empty()) {
        (true, _) => one.text(),
        (false, true) => format!("its pods gain {}", listed(&gained)),
        (false, false) => format!("its container {} gains {}", one.place, listed(&gained)),
    };
    let finding = Finding::new(NAME, Severity::Warning, message).about(listed(&objects));
    finding.hint("ask what it is for; a pod with access to its node can take over what else runs there")
}

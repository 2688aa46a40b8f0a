//! Whether what changes reaches the pods: a template that is not rolled out, a ConfigMap or Secret that changes while the pods that
//! use it stay.

use crate::checks::scene::listed;
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::diff::key_differences::{self, Topic};
use crate::diff::release::Both;

const NAME: &str = "restarts";

pub(crate) const CHECK: Check = Check::new(
    NAME,
    "whether changes reach the pods: OnDelete, partitions, config that changes without a restart",
    run,
);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let releases = snapshot.releases;
    let namespaces = Both { old: releases.old.namespace.as_str(), new: releases.new.namespace.as_str() };
    let all = key_differences::find(&snapshot.diff.manifest, namespaces, true);
    // A gap is said by the check of availability.
    let found = all.into_iter().filter(|one| {
        one.topic == Topic::Restarts
            && one.severity >= key_differences::Severity::Warning
            && !one.note.contains("with a gap")
    });
    let mut findings: Vec<Finding> = found
        .map(|one| {
            let objects: Vec<String> = one.objects.iter().map(ToString::to_string).collect();
            let changed: Vec<String> = one.turns.iter().map(|turn| turn.what.clone()).collect();
            let evidence = (!changed.is_empty()).then(|| format!("changed: {}", changed.join(", ")));
            let message = one.note.clone();
            let hint = match message.starts_with("should restart") {
                true => "kubectl rollout restart after the upgrade, or a checksum of it in an annotation of the pod template",
                false => "the pods stay as they are until they are replaced by hand",
            };
            let finding = Finding::new(NAME, Severity::Warning, message).about(listed(&objects));
            finding.seen_by(evidence.into_iter().collect()).hint(hint)
        })
        .collect();
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "what changes reaches the pods that use it"));
    }
    findings
}

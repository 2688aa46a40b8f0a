//! Whether the very manifest has failed before.

use super::{Check, Finding, Severity, Snapshot};

const NAME: &str = "known-bad";

pub(super) const CHECK: Check =
    Check::new(NAME, "the revisions that are marked as bad", run).rights("get Helm's storage");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for bad in &snapshot.bad {
        let about = format!("revision {}", bad.revision);
        match &bad.same {
            Ok(None) => {}
            Ok(Some(description)) => {
                let message = "the upgrade would apply the same manifest, and it is marked as bad";
                let finding = Finding::new(NAME, Severity::Warning, message).about(about);
                findings.push(finding.seen_by(vec![description.clone()]).hint(
                    "if what was wrong is put right outside the chart, go on; else change the chart or the values",
                ));
            }
            Err(reason) => {
                let message = format!("it is marked as bad, and could not be compared: {reason}");
                findings.push(Finding::new(NAME, Severity::Unknown, message).about(about));
            }
        }
    }
    if findings.is_empty() {
        let message = match snapshot.bad.len() {
            0 => "no revision is marked as bad",
            _ => "no bad revision has this manifest",
        };
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

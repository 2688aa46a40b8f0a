//! How many revisions there are, and how old the last one is.

use jiff::SignedDuration;

use crate::checks::{Check, Finding, Severity, Snapshot};

const NAME: &str = "history";

/// From so many revisions on there are more than anybody keeps on purpose: twice what Helm and this program keep.
const MANY: usize = 20;

/// After so long, the cluster and the chart have gone different ways.
const LONG: SignedDuration = SignedDuration::from_hours(365 * 24);

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "how many revisions are stored, and how old the last one is", run)
        .worst(Severity::Info)
        .rights("list Helm's storage");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let entries = snapshot.history.entries();
    let mut findings = Vec::new();
    let oldest = entries.iter().filter_map(|entry| entry.created).min();
    if entries.len() > MANY {
        let since = oldest.map(|oldest| format!(", the oldest of {}", day(oldest))).unwrap_or_default();
        let message = format!("{} revisions are stored{since}", entries.len());
        let hint = format!("helm safe-upgrade prune {} -n {}", snapshot.release, snapshot.namespace);
        findings.push(Finding::new(NAME, Severity::Info, message).hint(hint));
    }
    if let Some(last) = entries.last()
        && let Some(created) = last.created
        && snapshot.now.duration_since(created) > LONG
    {
        let days = snapshot.now.duration_since(created).as_hours() / 24;
        let message = format!("it is the last one, and {days} days old: much may have changed around it");
        findings.push(Finding::new(NAME, Severity::Info, message).about(format!("revision {}", last.revision)));
    }
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, format!("{} revisions are stored", entries.len())));
    }
    findings
}

fn day(time: jiff::Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

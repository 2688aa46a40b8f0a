//! How old the index is that the chart was found in.

use jiff::SignedDuration;

use super::super::snapshot::Place;
use super::super::{Check, Finding, Severity, Snapshot};
use super::seen::Index;

const NAME: &str = "repository-index";

pub(crate) const CHECK: Check = Check::new(NAME, "how old the index of the chart's repository is on this machine", run);

/// An index that is older may lack versions that matter.
const OLD: SignedDuration = SignedDuration::from_hours(24);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let pass = |message: &str| vec![Finding::new(NAME, Severity::Pass, message)];
    match &snapshot.chart_seen.index {
        Some(Ok(index)) => vec![judge(snapshot, index)],
        Some(Err(reason)) => vec![Finding::new(NAME, Severity::Unknown, reason.clone())],
        None if snapshot.chart.place == Place::Repository => pass("helm has read the repository's index just now"),
        None => pass("the chart is not of a repository with an index"),
    }
}

fn judge(snapshot: &Snapshot<'_>, index: &Index) -> Finding {
    let age = snapshot.now.duration_since(index.fetched);
    let about = format!("repository {}", index.repository);
    if age <= OLD {
        return Finding::new(NAME, Severity::Pass, "its index is less than a day old").about(about);
    }
    let hours = age.as_hours();
    let shown = if hours < 48 { format!("{hours} hours") } else { format!("{} days", hours / 24) };
    // With an exact version, the same chart is taken whatever is new.
    let severity = if super::pinned::names_one(&snapshot.chart) { Severity::Info } else { Severity::Warning };
    let message = format!("its index is {shown} old: what was published since is not seen");
    let finding = Finding::new(NAME, severity, message).about(about);
    finding
        .seen_by(vec![format!("fetched {:.0}", index.fetched)])
        .hint(format!("helm repo update {}", index.repository))
}

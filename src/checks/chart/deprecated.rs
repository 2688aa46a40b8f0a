//! Whether the chart is still cared for.

use super::super::{Check, Finding, Severity, Snapshot};
use super::{before, named};
use crate::manifest::node::Node;
use crate::manifest::version::Version;

const NAME: &str = "deprecated";

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether the chart, a later version of it or a chart in it is deprecated", run);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let new = &snapshot.releases.new.chart;
    let is_so = |metadata: &Node| metadata.get("deprecated").and_then(Node::as_bool).unwrap_or_default();
    let hint = "its home page, or its description, often names what takes its place";
    let mut findings = Vec::new();
    if is_so(&new.metadata) {
        let was_so = before(snapshot).is_some_and(|chart| is_so(&chart.metadata));
        let (severity, message) = match was_so {
            true => (Severity::Info, "the chart is deprecated, as it was before"),
            false => (Severity::Warning, "the chart is deprecated: nobody cares for it any more"),
        };
        findings.push(Finding::new(NAME, severity, message).about(named(new)).hint(hint));
    } else if let Some(later) = later(snapshot) {
        let message = format!("the newest version of the chart is deprecated: {later}");
        findings.push(Finding::new(NAME, Severity::Info, message).about(named(new)).hint(hint));
    }
    let inner: Vec<String> = snapshot
        .chart_seen
        .subcharts
        .iter()
        .filter(|chart| chart.deprecated)
        .map(|chart| format!("{}-{}", chart.name, chart.version))
        .collect();
    if !inner.is_empty() {
        let message = "charts in it are deprecated";
        findings.push(Finding::new(NAME, Severity::Info, message).about(named(new)).seen_by(inner));
    }
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "the chart is not deprecated"));
    }
    findings
}

/// The newest version in the repository, if that is deprecated.
fn later(snapshot: &Snapshot<'_>) -> Option<String> {
    let index = snapshot.chart_seen.index.as_ref()?.as_ref().ok()?;
    let versions = index.versions.iter().filter_map(|one| Some((Version::parse(&one.version)?, one)));
    let newest = versions.filter(|(version, _)| version.is_release()).max_by(|a, b| a.0.cmp(&b.0))?.1;
    newest.deprecated.then(|| newest.version.clone())
}

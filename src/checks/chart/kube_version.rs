//! Whether the chart, and the charts in it, are for the server's version of Kubernetes.

use super::super::{Check, Finding, Severity, Snapshot};
use super::named;
use crate::manifest::constraint::Constraint;
use crate::manifest::node::Node;
use crate::manifest::version::Version;

const NAME: &str = "kube-version";

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether the chart and the charts in it are for the server's version (kubeVersion)", run)
        .worst(Severity::Blocker);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let new = &snapshot.releases.new.chart;
    let own = new.metadata.get("kubeVersion").and_then(Node::as_str).unwrap_or_default();
    let inner = snapshot.chart_seen.subcharts.iter();
    let inner = inner.map(|chart| (format!("{}-{}", chart.name, chart.version), chart.kube_version.as_str(), false));
    let ranges: Vec<(String, &str, bool)> =
        std::iter::once((named(new), own, true)).chain(inner).filter(|(_, range, _)| !range.is_empty()).collect();
    if ranges.is_empty() {
        return vec![Finding::new(NAME, Severity::Pass, "the chart does not say which versions it is for")];
    }
    let server = match &snapshot.apis {
        Ok(apis) => &apis.server,
        Err(reason) => {
            let message = format!("the server's version could not be asked for: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let Some(version) = Version::parse(server) else {
        return vec![Finding::new(NAME, Severity::Unknown, format!("the server's version is none: {server:?}"))];
    };
    let findings: Vec<Finding> = ranges
        .into_iter()
        .filter_map(|(chart, range, is_own)| {
            let (severity, message) = judge((range, is_own), (server, &version))?;
            Some(Finding::new(NAME, severity, message).about(chart))
        })
        .collect();
    match findings.is_empty() {
        true => vec![Finding::new(NAME, Severity::Pass, format!("the chart is for Kubernetes {server}"))],
        false => findings,
    }
}

/// Helm refuses a chart that is not for the server, and does not look at the charts in it. Newer Helms leave out what a provider
/// adds to the version, older ones do not: what suits one of them is fine.
fn judge((range, is_own): (&str, bool), (server, version): (&str, &Version)) -> Option<(Severity, String)> {
    let Some(constraint) = Constraint::parse(range) else {
        return Some((Severity::Unknown, format!("which versions of Kubernetes it is for: {range:?} is no range")));
    };
    if constraint.allows(version) || constraint.allows(&version.release()) {
        return None;
    }
    let message = format!("it is for Kubernetes {range}, and the server has {server}");
    Some(match is_own {
        true => (Severity::Blocker, message + ": helm refuses it"),
        false => (Severity::Warning, message + ": helm does not look at charts in a chart"),
    })
}

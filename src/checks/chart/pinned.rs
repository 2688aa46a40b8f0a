//! Whether the chart that was named is the same chart tomorrow.

use super::super::snapshot::{ChartReference, Place};
use super::super::{Check, Finding, Severity, Snapshot};

const NAME: &str = "pinned";

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether the chart's version is named exactly, and by its digest in a registry", run);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let ChartReference { named, place, version } = &snapshot.chart;
    let used = snapshot.releases.new.chart.version();
    let pass = |message: String| vec![Finding::new(NAME, Severity::Pass, message).about(named.as_str())];
    match place {
        Place::Local => return pass("the chart is on this machine".to_owned()),
        Place::Url => return pass("the chart is named by its URL".to_owned()),
        Place::Registry if is_digest(named) => return pass("the chart is named by its digest".to_owned()),
        Place::Registry if names_one(&snapshot.chart) => {
            let message = "its version is named, and its digest is not: in a registry a version can be pushed again";
            let finding = Finding::new(NAME, Severity::Info, message).about(named.as_str());
            return vec![finding.hint("oci://HOST/NAME@sha256:…, with the digest that helm pull prints")];
        }
        Place::Registry | Place::Repository => {}
    }
    let (message, evidence) = match version.as_deref() {
        Some(version) if is_exact(version) => return pass(format!("the version is named: {version}")),
        Some(range) => ("its version is a range: the same command takes another chart once there is one", range),
        None => ("no version is named: the same command takes another chart once there is one", ""),
    };
    let mut seen = vec![format!("taken now: {used}")];
    seen.extend((!evidence.is_empty()).then(|| format!("--version {evidence}")));
    let finding = Finding::new(NAME, Severity::Warning, message).about(named.as_str()).seen_by(seen);
    vec![finding.hint(format!("--version {used}"))]
}

/// Whether the same command takes a chart of the same version tomorrow.
pub(super) fn names_one(chart: &ChartReference) -> bool {
    match chart.place {
        Place::Local | Place::Url => true,
        Place::Registry if is_digest(&chart.named) || tag(&chart.named).is_some_and(is_exact) => true,
        Place::Registry | Place::Repository => chart.version.as_deref().is_some_and(is_exact),
    }
}

/// Three numbers, and what SemVer allows behind them. With fewer it is a range for Helm.
fn is_exact(version: &str) -> bool {
    let version = version.trim().trim_start_matches('v');
    let numbers = version.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = numbers.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let rest_is_plain = version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+_".contains(&byte));
    parts.len() == 3 && parts.iter().all(is_number) && rest_is_plain
}

fn is_digest(named: &str) -> bool {
    named.rsplit_once("@sha256:").is_some_and(|(_, digest)| digest.len() == 64)
}

/// The tag of a chart in a registry; a colon before the last slash is of the host's port.
fn tag(named: &str) -> Option<&str> {
    named.rsplit('/').next()?.split_once(':').map(|(_, tag)| tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_exact_with_three_numbers_only() {
        for exact in ["1.2.3", "v1.2.3", "1.2.3-rc.1", "1.2.3+build"] {
            assert!(is_exact(exact), "{exact}");
        }
        for range in ["1", "1.2", "^1.2.3", "~1.2.3", ">=1.2.3", "1.2.x", "*", "", "1.2.3 - 2.0.0", "1.2.3 || 2.0.0"] {
            assert!(!is_exact(range), "{range}");
        }
    }

    #[test]
    fn a_port_is_no_tag() {
        assert_eq!(tag("oci://registry:5000/charts/web"), None);
        assert_eq!(tag("oci://registry:5000/charts/web:1.2.3"), Some("1.2.3"));
    }
}

//! From which version of the application to which.

use super::super::{Check, Finding, Severity, Snapshot};
use super::before;
use crate::manifest::version::Version;

const NAME: &str = "app-version";

pub(crate) const CHECK: Check = Check::new(NAME, "from which version of the application to which (appVersion)", run);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let new = snapshot.releases.new.chart.app_version();
    let Some(old) = before(snapshot).map(|chart| chart.app_version()) else {
        return vec![Finding::new(NAME, Severity::Pass, "there is none to compare with")];
    };
    if old == new {
        return vec![Finding::new(NAME, Severity::Pass, "the application's version stays")];
    }
    let shown = |version: &str| if version.is_empty() { "none".to_owned() } else { version.to_owned() };
    let turn = format!("from {} to {}", shown(old), shown(new));
    let (severity, message) = match (Version::parse(old.trim()), Version::parse(new.trim())) {
        (Some(from), Some(to)) if to < from => (Severity::Warning, format!("the application goes back, {turn}")),
        (Some(from), Some(to)) if to.major > from.major => {
            (Severity::Warning, format!("the application has a new major version, {turn}"))
        }
        _ => (Severity::Pass, format!("the application goes {turn}")),
    };
    let finding = Finding::new(NAME, severity, message);
    match severity {
        Severity::Pass => vec![finding],
        _ => vec![finding.hint("see that it can read what the version before has stored, and the other way round")],
    }
}

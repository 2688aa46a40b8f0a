//! From which version of the chart to which, and whether the same version is the same chart.

use std::collections::BTreeMap;

use super::super::{Check, Finding, Severity, Snapshot};
use super::{before, named};
use crate::manifest::version::Version;
use crate::release::{Chart, values};

const NAME: &str = "chart-version";

pub(crate) const CHECK: Check =
    Check::new(NAME, "from which version of the chart to which, and whether the same version is the same chart", run);

/// So many files are named that differ.
const MOST_FILES: usize = 10;

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let new = &snapshot.releases.new.chart;
    if snapshot.is_first {
        return vec![Finding::new(NAME, Severity::Pass, "it is the first installation").about(named(new))];
    }
    let Some(old) = before(snapshot) else {
        let old = &snapshot.releases.old.chart;
        let message = format!("another chart than before, which was {}", named(old));
        let finding = Finding::new(NAME, Severity::Warning, message).about(named(new));
        return vec![finding.hint("see that the release and the chart are those that you mean")];
    };
    let (severity, message, hint) = match (Version::parse(old.version()), Version::parse(new.version())) {
        (Some(from), Some(to)) if from == to => return vec![same(snapshot, old, new)],
        (Some(from), Some(to)) => judge(&from, &to, (old.version(), new.version())),
        _ => {
            let message = format!("how far it goes: {:?} or {:?} is no version", old.version(), new.version());
            (Severity::Unknown, message, None)
        }
    };
    let finding = Finding::new(NAME, severity, message).about(named(new));
    vec![hint.into_iter().fold(finding, Finding::hint)]
}

fn judge(from: &Version, to: &Version, (old, new): (&str, &str)) -> (Severity, String, Option<&'static str>) {
    let turn = format!("from {old} to {new}");
    if to < from {
        let hint = "charts are rarely made to go back: rather roll back, helm safe-upgrade rollback";
        return (Severity::Warning, format!("it goes back, {turn}"), Some(hint));
    }
    if to.major > from.major {
        let message = match to.major - from.major {
            1 => format!("a new major version, {turn}"),
            majors => format!("{majors} major versions at once, {turn}"),
        };
        return (Severity::Warning, message, Some("read what changed: major versions break with what was"));
    }
    let skipped = to.minor.saturating_sub(from.minor).saturating_sub(1);
    if skipped > 0 {
        let versions = if skipped == 1 { "minor version" } else { "minor versions" };
        return (Severity::Info, format!("{skipped} {versions} skipped, {turn}"), None);
    }
    if from.major == 0 && to.minor > from.minor {
        return (Severity::Info, format!("{turn}: below 1.0.0, a new minor version may break with what was"), None);
    }
    if !to.is_release() && from.is_release() {
        return (Severity::Info, format!("{turn}, which is no release yet"), None);
    }
    (Severity::Pass, turn, None)
}

/// The same version: its files are to be the same as well.
fn same(snapshot: &Snapshot<'_>, old: &Chart, new: &Chart) -> Finding {
    if old.files.is_empty() || new.files.is_empty() {
        let message = "whether the same version is the same chart: the files of one of both are not known";
        return Finding::new(NAME, Severity::Unknown, message).about(named(new));
    }
    let mut files: BTreeMap<&str, [Option<[u8; 32]>; 2]> = BTreeMap::new();
    for (side, chart) in [old, new].into_iter().enumerate() {
        for file in &chart.files {
            files.entry(&file.name).or_default()[side] = Some(file.digest);
        }
    }
    let mut differing: Vec<String> = files
        .into_iter()
        .filter_map(|(name, digests)| match digests {
            [None, Some(_)] => Some(format!("{name}: added")),
            [Some(_), None] => Some(format!("{name}: removed")),
            [old, new] => (old != new).then(|| format!("{name}: changed")),
        })
        .collect();
    if !snapshot.chart_seen.reuses_values && !keeps_values(snapshot) && old.values != new.values {
        differing.push("values.yaml: changed".to_owned());
    }
    if differing.is_empty() {
        let message = format!("the same version as before, {}, with the same files", new.version());
        return Finding::new(NAME, Severity::Pass, message).about(named(new));
    }
    let more = differing.len().saturating_sub(MOST_FILES);
    differing.truncate(MOST_FILES);
    differing.extend((more > 0).then(|| format!("and {more} more")));
    let message = format!("the same version as before, {}, with other content", new.version());
    let finding = Finding::new(NAME, Severity::Warning, message).about(named(new)).seen_by(differing);
    finding.hint("a version names one chart: give what is changed a new one")
}

/// Whether the defaults that are stored of the revision before have its values in them, as `--reuse-values` leaves them.
fn keeps_values(snapshot: &Snapshot<'_>) -> bool {
    let old = &snapshot.releases.old;
    !old.config.is_empty() && values::computed(&old.chart.values, &old.config) == old.chart.values
}

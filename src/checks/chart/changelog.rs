//! What is told of every version in between, and what of it breaks.

use super::super::snapshot::Place;
use super::super::{Check, Finding, Severity, Snapshot, capped};
use super::changes::{Entry, Told, between};
use super::{named, versions};
use crate::manifest::version::Version;

const NAME: &str = "changelog";

pub(crate) const CHECK: Check =
    Check::new(NAME, "what is told of every version in between, and what of it breaks", run);

/// So many lines are shown of a finding.
const MOST: usize = 40;

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let new = &snapshot.releases.new.chart;
    let pass = |message: &str| vec![Finding::new(NAME, Severity::Pass, message).about(named(new))];
    let Some((after, to)) = versions(snapshot) else { return pass("there are no two versions to compare") };
    if to <= after {
        return pass("the chart's version does not go up");
    }
    let told = between(&snapshot.chart_seen, new, (&after, &to));
    let findings = findings(snapshot, &told, (&after, &to));
    findings.into_iter().map(|finding| finding.about(named(new))).collect()
}

fn findings(snapshot: &Snapshot<'_>, told: &Told, (after, to): (&Version, &Version)) -> Vec<Finding> {
    let (breaking, rest): (Vec<&Entry>, Vec<&Entry>) = told.entries.iter().partition(|entry| entry.breaking);
    let mut findings = Vec::new();
    if !breaking.is_empty() {
        let count = match breaking.len() {
            1 => "1 entry tells".to_owned(),
            many => format!("{many} entries tell"),
        };
        let message = format!("{count} of what breaks, or is to be done, from {after} to {to}");
        findings.push(Finding::new(NAME, Severity::Warning, message).seen_by(lines(&breaking)));
    }
    if !rest.is_empty() {
        let message = format!("what changed from {after} to {to}");
        findings.push(Finding::new(NAME, Severity::Info, message).seen_by(lines(&rest)));
    }
    // Where the versions are not known, that nothing tells of one of them says nothing more.
    if !told.is_complete {
        findings.push(incomplete(snapshot, (after, to)));
    } else if !told.silent.is_empty() {
        findings.push(silent(snapshot, &told.silent));
    }
    findings
}

/// The versions in between are not known.
fn incomplete(snapshot: &Snapshot<'_>, (after, to): (&Version, &Version)) -> Finding {
    let reason = match (&snapshot.chart_seen.index, snapshot.chart.place) {
        (Some(Err(reason)), _) => reason.clone(),
        (_, Place::Local) => "a chart on this machine is in no index".to_owned(),
        (_, Place::Url) => "a chart at a URL is in no index".to_owned(),
        (_, Place::Registry) => "helm does not list the versions in a registry".to_owned(),
        (_, Place::Repository) => "helm keeps no index for --repo; helm repo add does".to_owned(),
    };
    let message = format!("which versions there are between {after} and {to}, and what they changed, is not known");
    let hint = format!("read the chart's release notes; a CHANGELOG.md in it that goes back to {after} would tell");
    Finding::new(NAME, Severity::Unknown, message).seen_by(vec![reason]).hint(hint)
}

/// What nothing is told of.
fn silent(snapshot: &Snapshot<'_>, versions: &[Version]) -> Finding {
    let shown: Vec<String> = versions.iter().take(MOST).map(Version::to_string).collect();
    let more = versions.len().saturating_sub(MOST);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let message = format!("nothing tells what changed in {}{more}", shown.join(", "));
    let looked = match (&snapshot.chart_seen.unreadable, &snapshot.chart_seen.index) {
        (Some(reason), _) => format!("the chart's files could not be read: {reason}"),
        (None, Some(Err(reason))) => reason.clone(),
        (None, _) => {
            "looked for: artifacthub.io/changes, CHANGELOG.md, CHANGES.md, UPGRADE.md, UPGRADING.md, README.md"
                .to_owned()
        }
    };
    Finding::new(NAME, Severity::Unknown, message).seen_by(vec![looked])
}

fn lines(entries: &[&Entry]) -> Vec<String> {
    let line = |entry: &&Entry| match entry.source.as_str() {
        "" => format!("{}: {}", entry.version, entry.text),
        source => format!("{} ({source}): {}", entry.version, entry.text),
    };
    capped(entries.iter().map(line).collect(), MOST)
}

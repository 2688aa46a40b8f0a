//! Whether the same chart has been proven in another place before.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::snapshot::Known;
use super::{Check, Finding, Severity, Snapshot, capped};
use crate::diff::changes::{Step, location};
use crate::manifest::node::{Node, Value};

const NAME: &str = "tested-first";

/// So many keys are told.
const MOST: usize = 20;

/// Values are compared to this depth.
const MAX_DEPTH: usize = 64;

pub(super) const CHECK: Check =
    Check::new(NAME, "whether the same chart is proven in the place that --proven-in names", run)
        .worst(Severity::Blocker)
        .rights("there: list and get Helm's storage");

/// What is known of the other place.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    /// As the user named it.
    pub place: String,
    /// How long the chart must have been proven there.
    pub long: SignedDuration,
    /// The digest of the chart of the upgrade.
    pub content: Option<String>,
    /// What is proven there; `None` where there is no such release.
    pub proven: Known<Option<ProvenThere>>,
}

/// What is proven in another place.
#[derive(Clone, Debug, Default)]
pub struct ProvenThere {
    /// The revisions that are, the newest first, as far as they were read.
    pub revisions: Vec<Proven>,
    /// How many were not read, the oldest.
    pub unread: usize,
}

/// A revision that is proven in another place.
#[derive(Clone, Debug, Default)]
pub struct Proven {
    /// Its number.
    pub revision: u32,
    /// Since when it is proven.
    pub since: Timestamp,
    /// The chart's name and version.
    pub chart: (String, String),
    /// The digest of the chart, where it was read: that of a chart of another name or version is not.
    pub content: Option<String>,
    /// The values that it was rendered with. May hold secrets; only keys are told.
    pub values: Node,
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let Some(there) = snapshot.elsewhere else {
        return vec![Finding::new(NAME, Severity::Pass, "no other place is asked for")];
    };
    let about = |severity, message: String| Finding::new(NAME, severity, message).about(there.place.clone());
    let hint = "upgrade there first, and let it be proven";
    let proven = match &there.proven {
        Ok(Some(proven)) => proven,
        Ok(None) => {
            return vec![
                about(Severity::Blocker, "nothing is proven there: there is no such release".to_owned()).hint(hint),
            ];
        }
        Err(reason) => {
            return vec![about(Severity::Unknown, format!("whether the chart is proven there: {reason}"))];
        }
    };
    let new = &snapshot.releases.new;
    let (name, version) = (new.chart.name(), new.chart.version());
    let same: Vec<&Proven> =
        proven.revisions.iter().filter(|one| (one.chart.0.as_str(), one.chart.1.as_str()) == (name, version)).collect();
    let Some(newest) = same.first() else {
        return vec![unproven(proven, &format!("{name}-{version}")).about(there.place.clone()).hint(hint)];
    };
    let is_other = |one: &&&Proven| matches!((&one.content, &there.content), (Some(a), Some(b)) if a != b);
    let Some(fitting) = same.iter().find(|one| !is_other(one)) else {
        let message = format!("{name}-{version} is proven there with other content: one version, two charts");
        return vec![about(Severity::Blocker, message).seen_by(vec![told(newest)]).hint(hint)];
    };
    let mut found = Vec::new();
    let since = snapshot.now.duration_since(fitting.since);
    if fitting.content.is_none() || there.content.is_none() {
        let message = format!("{name}-{version} is proven there; whether with the same content can't be told");
        found.push(about(Severity::Unknown, message).seen_by(vec![told(fitting)]));
    }
    // The first of its like counts: proven once more is no less proven.
    let longest = same.iter().filter(|one| !is_other(one)).map(|one| one.since).min().unwrap_or(fitting.since);
    let since = since.max(snapshot.now.duration_since(longest));
    if since < there.long {
        let left = SignedDuration::from_secs((there.long - since).as_secs() + 1);
        let message =
            format!("{name}-{version} is proven there for {}, and not for {}", short(since), short(there.long));
        let wait = format!("wait for another {}", short(left));
        found.push(about(Severity::Blocker, message).seen_by(vec![told(fitting)]).hint(wait));
    }
    found.extend(differing(&fitting.values, snapshot).map(|lines| {
        let message = format!("values differ from those of revision {} there", fitting.revision);
        about(Severity::Info, message).seen_by(lines)
    }));
    if !found.iter().any(|finding| finding.severity <= Severity::Unknown) {
        let message =
            format!("{name}-{version} is proven there as revision {} since {:.0}", fitting.revision, fitting.since);
        found.push(about(Severity::Pass, message));
    }
    found
}

/// None of what was read has the chart.
fn unproven(proven: &ProvenThere, chart: &str) -> Finding {
    let mut seen: Vec<String> = proven.revisions.iter().take(5).map(told).collect();
    if seen.is_empty() {
        seen.push("no revision there is proven".to_owned());
    }
    if proven.unread > 0 {
        seen.push(format!("not read: {} older ones", proven.unread));
        let message = format!("whether {chart} is proven there: only the newest proven revisions were read");
        return Finding::new(NAME, Severity::Unknown, message).seen_by(seen);
    }
    Finding::new(NAME, Severity::Blocker, format!("{chart} is not proven there")).seen_by(seen)
}

fn told(one: &Proven) -> String {
    let (name, version) = &one.chart;
    format!("revision {}: {name}-{version}, proven {:.0}", one.revision, one.since)
}

/// `26h 5m`; below a minute in seconds.
fn short(long: SignedDuration) -> String {
    let (minutes, seconds) = (long.as_secs() / 60, long.as_secs().max(0));
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m"),
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h {minutes}m"),
    }
}

/// The keys whose values differ, if any do. No value is told: it may be secret.
fn differing(there: &Node, snapshot: &Snapshot<'_>) -> Option<Vec<String>> {
    let mut keys = BTreeSet::new();
    compare(there, &snapshot.releases.new.computed_values(), &mut Vec::new(), &mut keys);
    (!keys.is_empty()).then(|| capped(keys.into_iter().collect(), MOST))
}

fn compare<'n>(there: &'n Node, here: &'n Node, steps: &mut Vec<&'n str>, found: &mut BTreeSet<String>) {
    if there == here || steps.len() > MAX_DEPTH {
        return;
    }
    let (Value::Map(theirs), Value::Map(ours)) = (there.value(), here.value()) else {
        found.insert(named(steps, ""));
        return;
    };
    for (key, theirs) in theirs {
        steps.push(key);
        match here.get(key) {
            Some(ours) => compare(theirs, ours, steps, found),
            None => _ = found.insert(named(steps, " (only there)")),
        }
        steps.pop();
    }
    for (key, _) in ours.iter().filter(|(key, _)| there.get(key).is_none()) {
        steps.push(key);
        found.insert(named(steps, " (only here)"));
        steps.pop();
    }
}

fn named(steps: &[&str], which: &str) -> String {
    let place = location(&steps.iter().map(|step| Step::Key(step)).collect::<Vec<_>>());
    format!("{place}{which}")
}

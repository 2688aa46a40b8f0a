//! The checks that need no cluster.

use std::collections::BTreeSet;

use super::{Fate, Task, kube_version};
use crate::checks::apis::{Apis, newest_known};
use crate::checks::chart::ChartSeen;
use crate::checks::release::LeftBehind;
use crate::checks::snapshot::values::GivenValues;
use crate::checks::snapshot::{ChartReference, Objects, Place};
use crate::checks::wanted::Lists;
use crate::checks::window::Window;
use crate::checks::{Findings, Severity, Snapshot, Terms};
use crate::command::evidence::Secrets;
use crate::command::revdiff::Outcome;
use crate::manifest::document::Object;
use crate::manifest::mask::Masker;
use crate::release::Release;
use crate::release::history::History;

/// What they are: all that they look at is in the charts.
const OFFLINE: [&str; 13] = [
    "app-version",
    "availability",
    "chart-version",
    "deletions",
    "deprecated",
    "deprecated-api",
    "image-pull",
    "image-tag",
    "migration",
    "privileges",
    "restarts",
    "services",
    "target-api",
];

/// What they find. What only a cluster can tell is left out, and so is what passes.
pub(super) fn findings(outcome: &Outcome, task: &Task, masker: &Masker, terms: &Terms) -> Findings {
    if task.fate == Fate::Removed {
        // What goes is told by the differences; nothing runs any more that could be wrong.
        return Findings::default();
    }
    let releases = &outcome.releases;
    let open = |release: &Release| -> Vec<Object> {
        release.documents().iter().flat_map(|document| masker.open(document)).collect()
    };
    let objects = Objects { old: open(&releases.old), new: open(&releases.new), back: Ok(None) };
    let missing = || "it needs a cluster".to_owned();
    let target = kube_version(&task.environment);
    let server = target.or_else(newest_known).map(|version| format!("v{version}")).unwrap_or_default();
    let (history, lists, window, values) =
        (History::default(), Lists::default(), Window::default(), GivenValues::none());
    let snapshot = Snapshot {
        now: jiff::Timestamp::now(),
        release: &releases.new.name,
        namespace: &releases.new.namespace,
        is_first: task.fate == Fate::Added,
        history: &history,
        deployed: None,
        troubles: &[],
        target: None,
        goes_back: false,
        releases,
        objects: &objects,
        lists: &lists,
        diff: &outcome.diff,
        chart: ChartReference { named: task.chart.clone(), place: Place::Local, version: None },
        chart_seen: ChartSeen::default(),
        no_hooks: false,
        owner: Ok(None),
        bad: Vec::new(),
        rights: Err(missing()),
        trials: Err(missing()),
        rehearsal: Err(missing()),
        apis: Ok(Apis { server, target, unserved: BTreeSet::new() }),
        values: &values,
        live: None,
        helm_keeps: 0,
        record_size: Ok(None),
        left_over: Ok(LeftBehind::default()),
        grants: Err(missing()),
        window: &window,
        elsewhere: None,
        canary: None,
    };
    let mut findings = Findings::of(&snapshot, terms);
    let is_told = |check: &str, severity: Severity| {
        OFFLINE.contains(&check) && !matches!(severity, Severity::Unknown | Severity::Pass)
    };
    findings.findings.retain(|finding| is_told(finding.check, finding.severity));
    findings.blocked.retain(|check| OFFLINE.contains(check));
    findings.off.retain(|check| OFFLINE.contains(check));
    if !masker.masks() {
        return findings;
    }
    let secrets = Secrets::of(&[&releases.old, &releases.new], masker);
    findings.rewritten(|text| secrets.mask(text))
}

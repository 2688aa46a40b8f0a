//! What a look at one release, and a run of it, come to for the batch.

use crate::checks::{Findings, Severity};
use crate::command::revdiff::Outcome as Shown;
use crate::diff::resources::Change;
use crate::error::Kind;
use crate::execute::Prepared;
use crate::release::Release;
use crate::release::history::History;
use crate::upgrade::batch::Outcome;
use crate::upgrade::batch::event::{Changes, Looked};
use crate::upgrade::batch::kept::Told;
use crate::upgrade::event::Report;
use crate::upgrade::next::Ending;
use crate::upgrade::target::is_rollback;

/// Whether it may be over soon, without anything being changed.
pub(super) fn may_pass(kind: Kind) -> bool {
    matches!(kind, Kind::Unreachable | Kind::Cluster | Kind::Unauthorized | Kind::Locked)
}

/// How a run ended.
pub(super) fn of_report(report: &Report) -> Told {
    let outcome = match report.ending {
        Ending::Upgraded | Ending::Passed | Ending::WentBack => Outcome::Upgraded,
        Ending::Nothing => Outcome::Unchanged,
        Ending::NotBegun | Ending::RolledBack | Ending::Unproven if report.interrupted => Outcome::Interrupted,
        Ending::Unproven => Outcome::Unproven,
        Ending::NotBegun => Outcome::Refused,
        Ending::RolledBack => Outcome::RolledBack,
        Ending::Kept | Ending::NoWayBack | Ending::Uninstalled | Ending::NotRolledBack | Ending::Overtaken => {
            Outcome::Failed
        }
    };
    let why = report.cause.as_ref().or(report.reasons.first()).unwrap_or(&report.summary);
    let reason = (!outcome.is_good()).then(|| why.clone());
    let Report { from, revision, deployed, .. } = *report;
    Told { from, revision, deployed, evidence: report.evidence.clone(), ..Told::new(outcome, reason) }
}

/// The same with what was known before the run: what the checks warned of, and whether there was a release. Where there was none,
/// what runs then as revision 1 was installed by the run.
pub(super) fn with_look(told: Told, is_first: bool, findings: &Findings) -> Told {
    let installed = is_first && told.revision == Some(1) && told.deployed == Some(1);
    Told { installed, warnings: Some(warnings(findings)), ..told }
}

/// The checks that have found something to be thought of, or could not tell, each once.
fn warnings(findings: &Findings) -> Vec<String> {
    let warns = |severity: Severity| matches!(severity, Severity::Warning | Severity::Unknown);
    let mut names: Vec<String> = Vec::new();
    for finding in findings.findings.iter().filter(|finding| warns(finding.severity)) {
        if names.iter().all(|name| name != finding.check) {
            names.push(finding.check.to_owned());
        }
    }
    names
}

/// A release that was let go of, as Helm tells it.
pub(super) struct Left {
    pub(super) history: History,
    /// What Helm says of the last revision, if it can be read.
    pub(super) description: Option<String>,
}

impl Left {
    /// The revision that the run has made after this one. Each helm that was lost has made one, and the way back makes one as well.
    fn made_after(&self, before: u32) -> u32 {
        let newest = self.history.entries().last().filter(|last| {
            let is_upgrade = self.description.as_ref().is_some_and(|description| !is_rollback(description));
            match last.status_hint.as_str() {
                "pending-upgrade" | "pending-install" => true,
                "deployed" => is_upgrade,
                _ => false,
            }
        });
        newest.map_or(before + 1, |newest| newest.revision)
    }
}

/// What becomes of a release that was let go of at once, by what Helm says of it now. `before` was its last revision when the run began.
pub(super) fn let_go(before: u32, left: Option<&Left>) -> Told {
    let told = |revision: Option<u32>, deployed: Option<u32>, what: &str| {
        let reason = Some(format!("let go of at once, as asked: {what}"));
        Told { revision, deployed, ..Told::new(Outcome::Interrupted, reason) }
    };
    let Some(left) = left else {
        return told(Some(before + 1), None, "what became of it could not be seen");
    };
    let mut deployed = left.history.entries().iter().rev().filter(|entry| entry.status_hint == "deployed");
    let deployed = deployed.next().map(|entry| entry.revision);
    let Some(last) = left.history.entries().last() else { return told(None, None, "it was not installed") };
    let what = format!("revision {} is {}", last.revision, last.status_hint);
    // One that was taken up after a crash may be pending still.
    match (last.revision > before, last.status_hint.starts_with("pending")) {
        (true, _) => told(Some(left.made_after(before)), deployed, &what),
        (false, true) => told(Some(last.revision), deployed, &what),
        (false, false) => told(None, deployed, "it was not changed"),
    }
}

/// Why the checks stop an upgrade, if they do.
pub(super) fn refusal(findings: &Findings) -> Option<String> {
    let blocker = |name: &str| {
        let of = |finding: &&crate::checks::Finding| finding.check == name && finding.severity == Severity::Blocker;
        let message = findings.findings.iter().find(of).map(|finding| finding.message.clone()).unwrap_or_default();
        format!("{name}: {message}")
    };
    let all: Vec<String> = findings.blocked.iter().map(|name| blocker(name)).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// What a look has found of a release that may be upgraded.
pub(super) fn fill(looked: &mut Looked, prepared: &Prepared, findings: &Findings) {
    let chart = |release: &Release| Some(format!("{}-{}", release.chart.name(), release.chart.version()));
    let Shown { releases, diff, .. } = &prepared.proposed.outcome;
    looked.from_chart = if prepared.proposed.is_first { None } else { chart(&releases.old) };
    looked.to_chart = chart(&releases.new);
    let count = |change: Change| diff.manifest.resources.iter().filter(|one| one.change == change).count();
    looked.changes = Changes {
        added: count(Change::Added),
        changed: count(Change::Modified),
        removed: count(Change::Removed),
        any: prepared.proposed.changes,
    };
    looked.blockers = findings.blocked.iter().map(|name| (*name).to_owned()).collect();
    looked.warnings = warnings(findings);
    if let Some(reason) = refusal(findings) {
        (looked.outcome, looked.reason) = (Some(Outcome::Refused), Some(reason));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::history::Entry;

    #[test]
    fn what_was_let_go_of_is_as_helm_says() {
        let seen = |before: u32, revisions: &[(u32, &str)], description: &str| {
            let entry = |(revision, status): &(u32, &str)| Entry {
                revision: *revision,
                status_hint: (*status).to_owned(),
                ..Entry::default()
            };
            let history = History::new(revisions.iter().map(entry).collect());
            let told = let_go(before, Some(&Left { history, description: Some(description.to_owned()) }));
            assert_eq!(told.outcome, Outcome::Interrupted);
            (told.revision, told.deployed, told.reason.unwrap().rsplit(": ").next().unwrap().to_owned())
        };
        let pending = (Some(4), Some(3), "revision 4 is pending-upgrade".to_owned());
        let preparing = "Preparing upgrade";
        assert_eq!(seen(3, &[(3, "deployed"), (4, "pending-upgrade")], preparing), pending);
        assert_eq!(seen(4, &[(3, "deployed"), (4, "pending-upgrade")], preparing), pending, "it was taken up");
        let back = (Some(4), Some(5), "revision 5 is deployed".to_owned());
        assert_eq!(seen(3, &[(3, "superseded"), (4, "failed"), (5, "deployed")], "Rollback to 3"), back);
        let again = (Some(5), Some(5), "revision 5 is deployed".to_owned());
        let lost = [(3, "superseded"), (4, "failed"), (5, "deployed")];
        assert_eq!(seen(3, &lost, "Upgrade complete"), again, "a helm was lost before");
        let again = (Some(5), Some(3), "revision 5 is pending-upgrade".to_owned());
        assert_eq!(seen(3, &[(3, "deployed"), (4, "failed"), (5, "pending-upgrade")], preparing), again);
        assert_eq!(seen(3, &[(3, "deployed")], ""), (None, Some(3), "it was not changed".to_owned()));
        assert_eq!(seen(0, &[], ""), (None, None, "it was not installed".to_owned()));
        assert_eq!(let_go(3, None).revision, Some(4));
    }

    #[test]
    fn a_look_that_was_interrupted_is_looked_at_again() {
        let report = |ending, interrupted| Report {
            interrupted,
            revision: Some(3),
            ..Report::unchanged(("web", "shop"), 3, ending, String::new())
        };
        let outcome = |ending, interrupted| of_report(&report(ending, interrupted)).outcome;
        assert_eq!(outcome(Ending::Unproven, true), Outcome::Interrupted);
        assert_eq!(outcome(Ending::Unproven, false), Outcome::Unproven);
        assert_eq!(outcome(Ending::RolledBack, true), Outcome::Interrupted);
        assert_eq!(outcome(Ending::NotRolledBack, true), Outcome::Failed);
    }
}

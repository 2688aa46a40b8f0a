//! Whether there is a good revision to go back to where the upgrade fails.

use super::{Check, Finding, Severity, Snapshot};

const NAME: &str = "way-back";

pub(super) const CHECK: Check = Check::new(NAME, "the revision that a failure leads back to, and how good it is", run)
    .worst(Severity::Blocker)
    .rights("list Helm's storage; get the objects of the deployed revision");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    if snapshot.is_first {
        let message = "it is the first installation: there is nothing to go back to, and a failure leaves it as it is";
        let hint = "--on-failure=uninstall removes it instead";
        return vec![Finding::new(NAME, Severity::Info, message).hint(hint)];
    }
    let mut findings: Vec<Finding> = troubles(snapshot).into_iter().collect();
    match snapshot.target {
        Some(target) if is_proven(snapshot, target) => {
            let message = format!("a failure leads back to revision {target}, which is proven");
            findings.push(Finding::new(NAME, Severity::Pass, message).about(format!("revision {target}")));
        }
        Some(target) => {
            let message = "a failure leads back to it, and it is not proven: it was only seen ready just now";
            let hint = format!(
                "prove it first: helm safe-upgrade {} -n {} with its own chart and values",
                snapshot.release, snapshot.namespace
            );
            findings
                .push(Finding::new(NAME, Severity::Warning, message).about(format!("revision {target}")).hint(hint));
        }
        None => findings.push(none(snapshot)),
    }
    findings
}

fn none(snapshot: &Snapshot<'_>) -> Finding {
    let Some(deployed) = snapshot.deployed else {
        // Nothing that works is at stake.
        let message = "no revision is deployed, and none is proven: there is nothing to go back to";
        return Finding::new(NAME, Severity::Warning, message);
    };
    // Objects that do not change need no way back.
    if snapshot.releases.old.manifest.is_same_as(&snapshot.releases.new.manifest) {
        let message = format!("the objects are those of revision {deployed}: there is nothing to take back");
        return Finding::new(NAME, Severity::Pass, message);
    }
    let severity = if snapshot.goes_back { Severity::Blocker } else { Severity::Warning };
    let message = "there is no revision to go back to: none is proven, and the deployed one was not seen good";
    let finding = Finding::new(NAME, severity, message).about(format!("revision {deployed}"));
    finding.hint("go on without a way back: --accept way-back")
}

/// What is wrong with the deployed revision now.
fn troubles(snapshot: &Snapshot<'_>) -> Option<Finding> {
    let deployed = snapshot.deployed?;
    if snapshot.troubles.is_empty() {
        return None;
    }
    let message = "it is deployed, and not ready or not live as its manifest says";
    let hint = format!(
        "helm safe-upgrade diagnose {0} -n {1}; helm revdiff live {0} -n {1}",
        snapshot.release, snapshot.namespace
    );
    let finding = Finding::new(NAME, Severity::Warning, message).about(format!("revision {deployed}"));
    Some(finding.seen_by(snapshot.troubles.to_vec()).hint(hint))
}

fn is_proven(snapshot: &Snapshot<'_>, revision: u32) -> bool {
    snapshot.history.entries().iter().any(|entry| entry.revision == revision && entry.marks.is_proven())
}

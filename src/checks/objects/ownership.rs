//! Whether objects that are new to the release are there already, and whose they are.

use super::{folded, named, trials};
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::manifest::live::Ownership;

const NAME: &str = "ownership";

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "whose the objects are that are new to the release and there already", run)
        .worst(Severity::Blocker)
        .rights("get the new objects");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let trials = match trials(NAME, snapshot) {
        Ok(trials) => trials,
        Err(findings) => return findings,
    };
    let (mut foreign, mut taken, mut leaving, mut unknown) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for trial in trials.applied().filter(|trial| trial.is_new) {
        let name = named(snapshot, trial);
        match &trial.live {
            Ok(None) => {}
            Ok(Some(owner)) if owner.deleting => {
                let message = "it is on its way out: helm would write to it, and it would be gone then".to_owned();
                leaving.push((name, message, Vec::new(), Some("wait until it is gone".to_owned())));
            }
            Ok(Some(owner)) if owner.is_of(snapshot.release, snapshot.namespace) => {}
            Ok(Some(owner)) => {
                let message = format!("it is there already, and {}", whose(owner));
                let (to, message, hint) = match trials.takes_ownership {
                    true => (&mut taken, format!("{message}: the upgrade takes it over"), None),
                    false => (&mut foreign, format!("{message}: helm would fail"), Some(HINT.to_owned())),
                };
                to.push((name, message, Vec::new(), hint));
            }
            Err(reason) => {
                unknown.push((name, format!("whether it is there already is not known: {reason}"), Vec::new(), None));
            }
        }
    }
    let mut findings = folded(NAME, Severity::Blocker, foreign);
    findings.extend(folded(NAME, Severity::Unknown, unknown));
    findings.extend(folded(NAME, Severity::Warning, taken));
    findings.extend(folded(NAME, Severity::Warning, leaving));
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "no new object is there already as somebody else's"));
    }
    findings
}

const HINT: &str = "give it another name, or take it over with --take-ownership: then it goes when this release goes";

fn whose(owner: &Ownership) -> String {
    match (&owner.release, &owner.release_namespace, &owner.managed_by) {
        (Some(release), Some(namespace), _) => format!("belongs to release {release:?} in namespace {namespace:?}"),
        (Some(release), None, _) => format!("belongs to release {release:?}"),
        (None, _, Some(manager)) if manager != "Helm" => format!("is managed by {manager}"),
        (None, ..) => "belongs to no release".to_owned(),
    }
}

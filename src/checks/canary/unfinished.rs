//! Whether a canary of the release is under way: an upgrade beside it would take the release out of its hands in the middle of a step.

use crate::checks::wanted::ListedKind;
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot, Wanted};
use crate::manifest::observed::Observed;
use crate::release::marks::canary_of;

const NAME: &str = "canary-unfinished";

pub(crate) const CHECK: Check = Check::new(NAME, "whether a canary of the release is under way", run)
    .worst(Severity::Blocker)
    .rights("get the secret helm-safe-upgrade.canary.RELEASE")
    .wants(wants);

/// Where it would be seen.
pub(crate) fn wanted(release: &str, namespace: &str) -> Wanted {
    let secrets = ListedKind::new("", "v1", "secrets", "Secret");
    Wanted { name: Some(canary_of(release)), ..Wanted::within(secrets, namespace) }
}

/// Its own steps know of it.
fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let asked = proposal.canary.is_none().then(|| wanted(proposal.release, proposal.namespace));
    asked.into_iter().collect()
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    if snapshot.canary.is_some() {
        return vec![Finding::new(NAME, Severity::Pass, "it is a step of the canary")];
    }
    let named = (snapshot.release, snapshot.namespace);
    vec![told(snapshot.lists.get(&wanted(named.0, named.1)), named)]
}

/// What is said of a release where this was seen.
pub(crate) fn told(seen: Result<&[Observed], &str>, (release, namespace): (&str, &str)) -> Finding {
    let found = match seen {
        Ok(found) => found.first(),
        Err(reason) => {
            let message = format!("whether a canary of the release is under way: {reason}");
            return Finding::new(NAME, Severity::Unknown, message);
        }
    };
    let Some(canary) = found else {
        return Finding::new(NAME, Severity::Pass, "no canary of the release is under way");
    };
    let since = canary.text(&["metadata", "creationTimestamp"]);
    let finding = Finding::new(NAME, Severity::Blocker, "a canary of the release is under way")
        .seen_by((!since.is_empty()).then(|| format!("since {since}")).into_iter().collect());
    finding.hint(format!(
        "helm safe-upgrade canary promote {release} -n {namespace} goes on with it, and canary abort {release} goes back"
    ))
}

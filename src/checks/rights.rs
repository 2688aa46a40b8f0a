//! Whether the user may do what follows, as far as the server's access rules tell before it is tried.

use std::collections::BTreeMap;

use super::scene::listed;
use super::snapshot::{Need, Permission};
use super::{Check, Finding, Severity, Snapshot};

const NAME: &str = "rights";

pub(super) const CHECK: Check =
    Check::new(NAME, "whether you may do what the upgrade, watching it and going back need", run)
        .worst(Severity::Blocker)
        .rights("none; every user may ask");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let rights = match &snapshot.rights {
        Ok(rights) => rights,
        Err(reason) => {
            return vec![Finding::new(
                NAME,
                Severity::Unknown,
                format!("your rights could not be asked for: {reason}"),
            )];
        }
    };
    let mut missing: BTreeMap<Lacking<'_>, Vec<&str>> = BTreeMap::new();
    let mut unanswered: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for permission in &rights.asked {
        let Permission { verb, resource, namespace, names, need, allowed } = permission;
        match allowed {
            Ok(true) => {}
            Ok(false) => missing.entry((*need, resource, namespace.as_deref(), names)).or_default().push(verb),
            Err(reason) => unanswered.entry(reason).or_default().push(format!("{verb} {resource}")),
        }
    }
    let mut findings: Vec<Finding> = missing.iter().map(|(what, verbs)| lacking(*what, verbs)).collect();
    for (reason, asked) in unanswered {
        let message = format!("whether you may do all that is needed: {reason}");
        findings.push(Finding::new(NAME, Severity::Unknown, message).seen_by(asked));
    }
    if let Some(reason) = snapshot.way_back().err().filter(|_| snapshot.goes_back) {
        let message = format!("whether you may do what going back needs: {reason}");
        findings.push(Finding::new(NAME, Severity::Unknown, message));
    }
    if !rights.unserved.is_empty() {
        let message = "the server does not serve these kinds yet, so nobody can say what you may do with them";
        let finding = Finding::new(NAME, Severity::Unknown, message).seen_by(rights.unserved.clone());
        findings.push(finding.hint("custom resource definitions must be there before the upgrade"));
    }
    if findings.is_empty() {
        let message = format!("you may do all that is needed: {} rights asked for", rights.asked.len());
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

/// What for, of which kind, in which namespace, and of which objects; none is all.
type Lacking<'a> = (Need, &'a str, Option<&'a str>, &'a [String]);

fn lacking((need, resource, namespace, names): Lacking<'_>, verbs: &[&str]) -> Finding {
    let (severity, consequence) = match need {
        Need::Upgrade => (Severity::Blocker, "helm would fail"),
        Need::GoingBack => (Severity::Blocker, "going back would fail"),
        Need::Cleaning => (Severity::Warning, "going back would leave new objects behind"),
        Need::Freeing => {
            (Severity::Warning, "going back would wait for pods of StatefulSets that somebody must delete by hand")
        }
        Need::Watching => (Severity::Warning, "what becomes of them would not be seen"),
        Need::Evidence => (Severity::Warning, "the evidence of a failure would lack them"),
        Need::Lease => (Severity::Warning, "two runs at once could not be told apart"),
        Need::Pruning => (Severity::Warning, "old revisions would stay"),
    };
    let place = namespace.map(|namespace| format!(" in namespace {namespace:?}")).unwrap_or_default();
    let verbs = verbs.join(", ");
    let message = format!("you may not {verbs} {resource}{place}: {consequence}");
    let scope = namespace.map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
    let first = verbs.split(", ").next().unwrap_or_default();
    let one = names.first().map(|name| format!("/{name}")).unwrap_or_default();
    let hint = format!("a Role or ClusterRole must allow it; try: kubectl auth can-i {first} {resource}{one}{scope}");
    let of = (!names.is_empty()).then(|| format!("of the objects {}", listed(names)));
    Finding::new(NAME, severity, message).about(resource).seen_by(of.into_iter().collect()).hint(hint)
}

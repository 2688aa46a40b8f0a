//! Whether the roles of the manifests give rights that the user does not have: the server lets nobody give away more than they hold.

use super::snapshot::Need;
use super::{Check, Finding, Severity, Snapshot, capped};

const NAME: &str = "escalation";

/// So many rights are named for a role.
const MOST_NAMED: usize = 10;

pub(super) const CHECK: Check =
    Check::new(NAME, "whether the roles and bindings that change give rights that you do not have", run)
        .worst(Severity::Blocker)
        .rights("get roles, clusterroles that bindings refer to");

/// What a Role, a ClusterRole or a binding gives, and the user does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    /// Which object: `Role/web`.
    pub object: String,
    /// Whether the upgrade makes it so, or going back.
    pub need: Need,
    /// The rights that the user lacks: `create secrets in namespace "shop"`.
    pub missing: Vec<String>,
    /// What could not be told, and why: a sentence each.
    pub unknown: Vec<String>,
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let all = match &snapshot.grants {
        Ok(all) => all,
        Err(reason) => {
            let message = format!("whether you may give the rights of the roles: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let mut findings: Vec<Finding> = going_back(snapshot).into_iter().collect();
    for one in all {
        if !one.missing.is_empty() {
            let consequence = match one.need {
                Need::GoingBack => "the server would refuse it when going back",
                _ => "the server refuses it",
            };
            let what = if one.missing.len() == 1 { "a right" } else { "rights" };
            let message = format!("it gives {what} that you do not have: {consequence}");
            let finding = Finding::new(NAME, Severity::Blocker, message).about(one.object.as_str());
            let hint =
                "somebody who has these rights must make it, or give you the verb escalate on roles, bind for bindings";
            findings.push(finding.seen_by(capped(one.missing.clone(), MOST_NAMED)).hint(hint));
        }
        if !one.unknown.is_empty() {
            let message = "whether you have all the rights that it gives";
            let finding = Finding::new(NAME, Severity::Unknown, message).about(one.object.as_str());
            findings.push(finding.seen_by(capped(one.unknown.clone(), MOST_NAMED)));
        }
    }
    if findings.is_empty() {
        let message = match all.len() {
            0 => "no role and no binding changes",
            _ => "you have all the rights that the roles and bindings give",
        };
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

/// The roles of a revision that could not be read may give anything.
fn going_back(snapshot: &Snapshot<'_>) -> Option<Finding> {
    let reason = snapshot.way_back().err().filter(|_| snapshot.goes_back)?;
    let message = format!("whether you may give the rights of the roles of the revision to go back to: {reason}");
    Some(Finding::new(NAME, Severity::Unknown, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::says_all;

    fn says(grants: Vec<Grants>) -> Vec<(Severity, String)> {
        let found = says_all(|snapshot| snapshot.grants = Ok(grants));
        let found = found.into_iter().filter(|one| one.check == NAME);
        found.map(|one| (one.severity, one.evidence.join("\n"))).collect()
    }

    #[test]
    fn what_the_user_does_not_hold_can_not_be_given() {
        let grants = |missing: &[&str], unknown: &[&str]| Grants {
            object: "Role/web".into(),
            need: Need::Upgrade,
            missing: missing.iter().map(|text| (*text).to_owned()).collect(),
            unknown: unknown.iter().map(|text| (*text).to_owned()).collect(),
        };
        assert_eq!(says(vec![])[0].0, Severity::Pass);
        assert_eq!(says(vec![grants(&[], &[])])[0].0, Severity::Pass);
        assert_eq!(says(vec![grants(&["get pods"], &[])]), [(Severity::Blocker, "get pods".to_owned())]);
        assert_eq!(says(vec![grants(&[], &["no"])])[0].0, Severity::Unknown);
        let many = says(vec![grants(&["get pods"; 15], &[])]);
        assert!(many[0].1.ends_with("and 5 more"), "{many:?}");
    }
}

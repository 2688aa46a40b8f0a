//! Severities as a configuration has them: what a check finds may matter more, or less, than this program thinks.

use super::Severity;
use crate::diff::select::matches;

/// What becomes of the findings of checks. Of rules that speak of the same, the last one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Severities(pub Vec<Rule>);

/// What becomes of the findings of one check, or of those that a pattern names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The check; `*` and `?` stand for any text and any character.
    pub check: String,
    /// Of findings with this severity; `None` for all but `pass` and `unknown`.
    pub found: Option<Severity>,
    /// What they become; `None` leaves them out.
    pub becomes: Option<Severity>,
}

impl Severities {
    /// What a finding becomes; `None` where it is left out. What passed has passed.
    #[must_use]
    pub fn of(&self, check: &str, severity: Severity) -> Option<Severity> {
        if severity == Severity::Pass {
            return Some(severity);
        }
        let speaks = |rule: &&Rule| {
            let fits = match rule.found {
                Some(found) => found == severity,
                None => severity != Severity::Unknown,
            };
            fits && matches(&rule.check, check)
        };
        self.0.iter().rev().find(speaks).map_or(Some(severity), |rule| rule.becomes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Severity::{Blocker, Info, Pass, Unknown, Warning};

    fn rule(check: &str, found: Option<Severity>, becomes: Option<Severity>) -> Rule {
        Rule { check: check.into(), found, becomes }
    }

    #[test]
    fn the_last_rule_that_speaks_of_a_finding_counts() {
        let severities = Severities(vec![
            rule("*", Some(Unknown), Some(Blocker)),
            rule("rights", None, Some(Warning)),
            rule("pinned", None, None),
            rule("rights", Some(Warning), Some(Info)),
            rule("rights", Some(Unknown), None),
        ]);
        for (check, found, becomes) in [
            ("pending", Unknown, Some(Blocker)),
            ("pending", Warning, Some(Warning)),
            ("rights", Blocker, Some(Warning)),
            ("rights", Warning, Some(Info)),
            ("rights", Unknown, None),
            ("rights", Pass, Some(Pass)),
            ("pinned", Warning, None),
            ("pinned", Unknown, Some(Blocker)),
        ] {
            assert_eq!(severities.of(check, found), becomes, "{check} {found:?}");
        }
    }
}

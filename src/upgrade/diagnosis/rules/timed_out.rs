//! Helm's time was up: which objects it waited for, and why each.

use crate::upgrade::diagnosis::message::{between, count, has_any, listed, short};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// How Helm 3 and Helm 4 say it.
const WORDS: [&str; 4] = [
    "timed out waiting for the condition",
    "context deadline exceeded",
    "would exceed context deadline",
    "timed out waiting for",
];
/// More objects than these are only counted.
const MOST: usize = 5;

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let Some(text) = evidence.said().find(|text| has_any(text, &WORDS)) else { return Vec::new() };
    let mut waits: Vec<String> =
        evidence.waits.iter().map(|wait| format!("{} ({})", wait.object, short(&wait.why))).collect();
    let objects: Vec<String> = evidence.waits.iter().map(|wait| wait.object.clone()).collect();
    if waits.is_empty() {
        waits = told_by_helm(text);
    }
    let what = match waits.len() {
        0 => "the time for the upgrade was up before all was ready".to_owned(),
        n if n > MOST => {
            waits.truncate(MOST);
            format!("the time was up; it waited for {} and {}", waits.join(", "), count(n - MOST, "more object"))
        }
        _ => format!("the time was up; it waited for {}", listed(&waits)),
    };
    let hint = "find out what hinders them; a longer --timeout helps only if they get ready by themselves";
    let mut cause = Cause::possible(what, hint);
    cause.objects = objects.into_iter().take(20).collect();
    vec![cause]
}

/// `resource Deployment/shop/web not ready. status: InProgress, message: Available: 0/1` (`statuswait.go` of Helm 4)
fn told_by_helm(text: &str) -> Vec<String> {
    let parts = text.split("resource ").skip(1).filter_map(|part| {
        let (name, _) = part.split_once(" not ready. status: ")?;
        let mut words = name.split('/');
        let (kind, name) = (words.next()?, words.next_back()?);
        let message =
            between(part, "message: ", "\n").or_else(|| part.split_once("message: ").map(|(_, rest)| rest))?;
        Some(format!("{}/{name} ({})", kind.to_lowercase(), short(message)))
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::evidence::Wait;
    use super::super::super::scene::{found, said, says};
    use super::*;

    #[test]
    fn what_was_waited_for_is_named() {
        let wait = |object: &str, why: &str| Wait { object: object.to_owned(), why: why.to_owned() };
        let waits = vec![wait("deployment/web", "0 of 2 pods are ready"), wait("job/seed", "not complete")];
        let told = says(
            "timed-out",
            &Evidence { waits, ..said("Error: UPGRADE FAILED: timed out waiting for the condition") },
        );
        assert!(
            told.starts_with(
                "the time was up; it waited for deployment/web (0 of 2 pods are ready) and job/seed (not complete) | "
            ),
            "{told}"
        );
    }

    #[test]
    fn helm_4_names_them_itself() {
        let text = "Error: UPGRADE FAILED: resource Deployment/shop/web not ready. status: InProgress, message: Available: 0/1\ncontext deadline exceeded";
        assert!(
            says("timed-out", &said(text))
                .starts_with("the time was up; it waited for deployment/web (Available: 0/1) | ")
        );
    }

    #[test]
    fn another_failure_is_no_timeout() {
        assert_eq!(
            found(
                "timed-out",
                &said("Error: UPGRADE FAILED: pre-upgrade hooks failed: job failed: BackoffLimitExceeded")
            ),
            []
        );
    }
}

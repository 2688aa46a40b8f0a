//! A quota or a limit range of the namespace refuses pods or objects.

use crate::upgrade::diagnosis::message::{after, before, between, has, short};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// `pods "web-1" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2`
/// (`resourcequota` of Kubernetes' `apiserver`).
const EXCEEDED: &str = "exceeded quota: ";
/// `pods "web-1" is forbidden: failed quota: small: must specify limits.cpu for: web`
const FAILED: &str = "failed quota: ";
/// `pods "web-1" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi` (`limitranger`).
const RANGE: [&str; 3] = [" usage per Container is ", " usage per Pod is ", " usage per PersistentVolumeClaim is "];

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let causes = evidence.complaints().filter_map(|(object, text)| {
        let cause = exceeded(evidence, text).or_else(|| unspecified(text)).or_else(|| range(evidence, text))?;
        Some(match object {
            Some(object) => cause.on(object),
            None => cause,
        })
    });
    causes.take(10).collect()
}

fn exceeded(evidence: &Evidence, text: &str) -> Option<Cause> {
    let rest = after(text, EXCEEDED)?;
    let name = before(rest, ", requested: ")?;
    let requested = between(rest, "requested: ", ", used: ")?;
    let used = between(rest, ", used: ", ", limited: ")?;
    let limited = after(rest, ", limited: ")
        .map(|rest| rest.split_whitespace().next().unwrap_or(rest).trim_end_matches(['.', ';']))?;
    let see = evidence.kubectl(&format!("describe resourcequota {name}"));
    Some(Cause::certain(
        format!(
            "the quota {name} is used up: {} is asked for, {} of {} is in use",
            short(requested),
            short(used),
            short(limited)
        ),
        format!(
            "free some of it, lower what the release asks for (a rolling update needs room for one more pod), or have the quota raised: {see}"
        ),
    ))
}

fn unspecified(text: &str) -> Option<Cause> {
    let rest = after(text, FAILED)?;
    let (name, what) = rest.split_once(": ")?;
    Some(Cause::certain(
        format!("the quota {name} wants every container to {}", short(what.trim_start_matches("must "))),
        "set resources.requests and resources.limits in the values",
    ))
}

fn range(evidence: &Evidence, text: &str) -> Option<Cause> {
    if !RANGE.iter().any(|words| has(text, words)) {
        return None;
    }
    let why = after(text, "is forbidden: ").unwrap_or(text);
    Some(Cause::certain(
        format!("the namespace's limits refuse it: {}", short(why)),
        format!("set resources within the limits: {}", evidence.kubectl("describe limitrange")),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, said, says, web, with};

    #[test]
    fn a_quota_that_is_used_up_is_told_by_events() {
        let message = "Error creating: pods \"web-1\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2";
        let told = says("quota", &web().event("replicaset/web-6d5f", "FailedCreate", message));
        assert!(
            told.starts_with("the quota small is used up: pods=1 is asked for, pods=2 of pods=2 is in use | free some"),
            "{told}"
        );
    }

    #[test]
    fn or_by_the_workload_itself() {
        let set = "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: web-6d5f, namespace: shop}\nstatus: {conditions: [{type: ReplicaFailure, status: 'True', message: 'pods \"web-1\" is forbidden: failed quota: small: must specify limits.cpu for: web'}]}\n";
        assert!(
            says("quota", &with(&[set]))
                .starts_with("the quota small wants every container to specify limits.cpu for: web")
        );
    }

    #[test]
    fn limits_of_the_namespace() {
        let text = "pods \"web\" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi";
        assert!(
            says("quota", &said(text))
                .contains("maximum memory usage per Container is 1Gi, but limit is 2Gi | set resources within")
        );
    }

    #[test]
    fn another_prohibition_is_no_quota() {
        assert_eq!(found("quota", &said("pods \"web\" is forbidden: error looking up service account shop/web")), []);
    }
}

//! A hook that failed, with the last words of its pod.

use crate::manifest::observed::Observed;
use crate::upgrade::diagnosis::evidence::name_of;
use crate::upgrade::diagnosis::message::{after, before, headline, last_line, short};
use crate::upgrade::diagnosis::{Cause, Evidence, container};

/// How Helm says which kind of hooks failed (`upgrade.go` and `install.go` of its package `action`); of those of a rollback it does not.
const FAILED: [(&str, &str); 4] = [
    ("pre-upgrade hooks failed", "pre-upgrade"),
    ("post-upgrade hooks failed", "post-upgrade"),
    ("failed pre-install", "pre-install"),
    ("failed post-install", "post-install"),
];

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let said =
        evidence.said().find_map(|text| FAILED.iter().find_map(|(words, event)| Some((after(text, words)?, *event))));
    let hooks: Vec<&Observed> =
        evidence.objects.iter().filter(|object| !object.annotation("helm.sh/hook").is_empty()).collect();
    let mut causes: Vec<Cause> = Vec::new();
    for hook in hooks {
        if is_failed(hook) {
            let events = hook.annotation("helm.sh/hook");
            let event = said.map_or(events, |(_, event)| event);
            causes.push(cause(evidence, hook, event));
        }
    }
    match (causes.is_empty(), said) {
        // Deleted already, or never made: all there is are Helm's words.
        (true, Some((rest, event))) => {
            let why = short(&headline(rest.trim_start_matches([':', ' '])));
            let hint = format!(
                "keep the hook's Job to see its log: helm.sh/hook-delete-policy without hook-failed; {}",
                evidence.helm(&format!("get hooks {}", evidence.release))
            );
            vec![Cause::certain(format!("a {event} hook failed: {why}"), hint)]
        }
        _ => causes,
    }
}

fn is_failed(hook: &Observed) -> bool {
    hook.condition("Failed").is_some_and(|condition| condition.is_true()) || hook.text(&["status", "phase"]) == "Failed"
}

fn cause(evidence: &Evidence, hook: &Observed, event: &str) -> Cause {
    let name = name_of(hook);
    let of_hook = |pod: &&Observed| {
        pod.uid() == hook.uid() && !pod.uid().is_empty()
            || pod.owner().is_some_and(|owner| owner.name == hook.name() && owner.kind == hook.text(&["kind"]))
    };
    let pod = evidence.of_kind("Pod").filter(of_hook).last();
    let words = pod.and_then(|pod| {
        let containers = container::of(pod);
        let failed = containers.iter().find(|container| container.crashes()).or(containers.last())?;
        evidence.log(pod.name(), failed.name).and_then(|log| last_line(&log.text)).map(short)
    });
    let condition = hook.condition("Failed");
    let reason = condition.map(|condition| short(condition.text("message"))).filter(|text| !text.is_empty());
    let said = words.or(reason).map(|words| format!(": {words}")).unwrap_or_default();
    let event = before(event, ",").unwrap_or(event);
    let log = evidence.kubectl(&format!("logs {name}"));
    let nothing = match event {
        "pre-upgrade" | "pre-rollback" => "nothing else of the release was changed; ",
        _ => "",
    };
    Cause::certain(format!("{name}: the {event} hook failed{said}"), format!("{nothing}the whole log: {log}")).on(name)
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, said, says, with};
    use super::*;

    const JOB: &str = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, namespace: shop, annotations: {helm.sh/hook: pre-upgrade}}\nstatus: {conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded, message: Job has reached the specified backoff limit}]}\n";
    const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: migrate-x, namespace: shop, ownerReferences: [{kind: Job, name: migrate, uid: j, controller: true}]}\nspec: {containers: [{name: migrate, image: m}]}\nstatus: {phase: Failed, containerStatuses: [{name: migrate, state: {terminated: {exitCode: 1}}}]}\n";

    #[test]
    fn its_last_words_are_told() {
        let evidence = Evidence { helm_output: "Error: UPGRADE FAILED: pre-upgrade hooks failed: 1 error occurred:\n\t* job migrate failed: BackoffLimitExceeded".to_owned(), ..with(&[JOB, POD]) };
        let told = says("hook", &evidence.log_of("migrate-x", "migrate", "applying 12\nERROR: column exists"));
        assert_eq!(
            told,
            "job/migrate: the pre-upgrade hook failed: ERROR: column exists | nothing else of the release was changed; the whole log: kubectl logs job/migrate -n shop"
        );
    }

    #[test]
    fn without_a_log_the_job_says_why() {
        assert!(
            says("hook", &with(&[JOB, POD]))
                .starts_with("job/migrate: the pre-upgrade hook failed: Job has reached the specified backoff limit")
        );
    }

    #[test]
    fn a_hook_that_is_gone_is_told_by_helm() {
        let told = says(
            "hook",
            &said(
                "Error: UPGRADE FAILED: post-upgrade hooks failed: 1 error occurred: * job smoke failed: BackoffLimitExceeded",
            ),
        );
        assert!(told.starts_with("a post-upgrade hook failed: job smoke failed: BackoffLimitExceeded"), "{told}");
    }

    #[test]
    fn a_job_of_the_release_is_no_hook() {
        assert_eq!(found("hook", &with(&[&JOB.replace(", annotations: {helm.sh/hook: pre-upgrade}", ""), POD])), []);
        assert_eq!(found("hook", &with(&[&JOB.replace("type: Failed", "type: Complete")])), []);
    }
}

//! A container that was killed as it took more memory than its limit.

use crate::upgrade::diagnosis::container::Container;
use crate::upgrade::diagnosis::{Cause, Evidence};

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let containers = evidence.containers();
    let killed = containers.iter().filter(|container| is_killed(container));
    let causes = killed.map(|container| {
        let workload = evidence.workload(container.pod);
        let limit = limit(container);
        let (what, hint) = match &limit {
            Some(limit) => (
                format!("was killed as it took more memory than its limit of {limit}"),
                "raise resources.limits.memory in the values, or have the program use less (heap size, workers, caches)",
            ),
            None => (
                "was killed as the node ran out of memory; it has no limit of its own".to_owned(),
                "set resources.requests.memory and limits.memory to what the program needs",
            ),
        };
        Cause::certain(format!("{workload}: container {} {what}", container.name), hint).on(container.pod_name())
    });
    causes.collect()
}

/// Whether it was killed for its memory and is not well since.
pub(super) fn is_killed(container: &Container<'_>) -> bool {
    container.exit().is_some_and(|exit| exit.reason == "OOMKilled") && !container.is_ready()
}

fn limit(container: &Container<'_>) -> Option<String> {
    let limit = container.spec.find(&["resources", "limits", "memory"])?;
    Some(super::amount(limit))
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, pod, says, with};

    const KILLED: &str = "restartCount: 3, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 137, reason: OOMKilled}}";

    #[test]
    fn the_limit_is_named() {
        let told = says("out-of-memory", &with(&[&pod("web-1", KILLED)]));
        assert!(
            told.starts_with(
                "deployment/web: container web was killed as it took more memory than its limit of 128Mi | raise"
            ),
            "{told}"
        );
    }

    #[test]
    fn without_a_limit_the_node_was_full() {
        let text = pod("web-1", KILLED).replace(", limits: {memory: 128Mi}", "");
        assert!(says("out-of-memory", &with(&[&text])).contains("it has no limit of its own"));
    }

    #[test]
    fn one_kill_long_ago_is_over() {
        let well = pod("web-1", KILLED)
            .replace("ready: false", "ready: true")
            .replace("waiting: {reason: CrashLoopBackOff}", "running: {}");
        assert_eq!(found("out-of-memory", &with(&[&well])), []);
    }

    #[test]
    fn a_kill_by_a_signal_is_no_lack_of_memory() {
        assert_eq!(found("out-of-memory", &with(&[&pod("web-1", &KILLED.replace("OOMKilled", "Error"))])), []);
    }
}

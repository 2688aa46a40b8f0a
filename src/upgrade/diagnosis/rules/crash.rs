//! A container that ends with an error, with its exit code and its last words.

use crate::upgrade::diagnosis::container::{Container, Exit};
use crate::upgrade::diagnosis::message::{has, last_line, short};
use crate::upgrade::diagnosis::{Cause, Evidence};

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let containers = evidence.containers();
    let crashed = containers.iter().filter(|container| {
        container.crashes()
            && !super::out_of_memory::is_killed(container)
            && !super::port_in_use::is_in_use(evidence, container)
    });
    crashed.map(|container| cause(evidence, container)).collect()
}

fn cause(evidence: &Evidence, container: &Container<'_>) -> Cause {
    let workload = evidence.workload(container.pod);
    let init = if container.init { "init container" } else { "container" };
    let exit = container.exit();
    let ends = match exit {
        // A program of which nothing is known but that it is started again and again.
        None => "ends again and again".to_owned(),
        Some(Exit { code: 0, .. }) => "ends, and should go on".to_owned(),
        Some(Exit { code, .. }) => format!("ends with exit code {code}{}", meaning(code)),
    };
    let words = last_words(evidence, container);
    let said = words.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
    let previous = if container.restarts() > 0 { " --previous" } else { "" };
    let log = evidence.kubectl(&format!("logs {} -c {}{previous}", container.pod.name(), container.name));
    let hint = match (&words, exit) {
        (Some(words), _) if is_unreachable(words) => {
            format!("check that what it connects to runs and is named right in the values; the whole log: {log}")
        }
        (_, Some(Exit { code: 0, .. })) => {
            "its program ends by itself: use a Job, or give it a command that goes on".to_owned()
        }
        (_, Some(Exit { code: 126..=128, .. })) => {
            format!(
                "correct command and args in the values, or use the image that has the program; the whole log: {log}"
            )
        }
        _ => format!("the whole log: {log}"),
    };
    let sentence = format!("{workload}: {init} {} {ends}{said}", container.name);
    Cause::likely(sentence, hint).on(container.pod_name())
}

/// The last line of its log, else what it left as its termination message.
pub(super) fn last_words(evidence: &Evidence, container: &Container<'_>) -> Option<String> {
    let log = evidence.log(container.pod.name(), container.name).and_then(|log| last_line(&log.text));
    let left = container.exit().and_then(|exit| last_line(exit.message));
    log.or(left).map(short)
}

fn is_unreachable(words: &str) -> bool {
    let signs = [
        "connection refused",
        "no such host",
        "cannot reach",
        "could not connect",
        "connection timed out",
        "i/o timeout",
        "ECONNREFUSED",
        "getaddrinfo",
        "name or service not known",
    ];
    signs.iter().any(|sign| has(words, sign))
}

/// What an exit code means by convention of shells (`128 + signal`).
fn meaning(code: i64) -> &'static str {
    match code {
        126 => " (its program may not be executed)",
        127 => " (its program was not found)",
        134 => " (it aborted)",
        137 => " (it was killed)",
        139 => " (a memory fault)",
        143 => " (it was told to stop)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Certainty;
    use super::super::super::scene::{found, pod, says, with};

    const LOOP: &str = "restartCount: 3, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1, reason: Error}}";

    #[test]
    fn exit_code_and_last_words_are_told() {
        let evidence = with(&[&pod("web-1", LOOP)]).log_of(
            "web-1",
            "web",
            "starting\nfatal: cannot reach database \"orders\": connection refused\n\n",
        );
        assert_eq!(
            says("crash", &evidence),
            "deployment/web: container web ends with exit code 1: fatal: cannot reach database \"orders\": connection refused | check that what it \
             connects to runs and is named right in the values; the whole log: kubectl logs web-1 -c web --previous -n shop"
        );
        assert_eq!(found("crash", &evidence)[0].certainty, Certainty::Likely);
    }

    #[test]
    fn without_a_log_the_termination_message_is_quoted() {
        let text = pod("web-1", &LOOP.replace("reason: Error", "reason: Error, message: 'no licence'"));
        assert!(says("crash", &with(&[&text])).contains("exit code 1: no licence | the whole log"));
    }

    #[test]
    fn codes_with_a_meaning_are_explained() {
        assert!(
            says("crash", &with(&[&pod("web-1", &LOOP.replace("exitCode: 1", "exitCode: 127"))]))
                .contains("127 (its program was not found)")
        );
        assert!(
            says("crash", &with(&[&pod("web-1", &LOOP.replace("exitCode: 1", "exitCode: 0"))])).contains("use a Job")
        );
    }

    #[test]
    fn a_container_that_was_restarted_and_runs_does_not_crash() {
        let text = pod("web-1", "restartCount: 1, state: {running: {}}, lastState: {terminated: {exitCode: 1}}");
        assert_eq!(found("crash", &with(&[&text])), []);
    }

    #[test]
    fn a_lack_of_memory_and_a_port_in_use_have_rules_of_their_own() {
        assert_eq!(found("crash", &with(&[&pod("web-1", &LOOP.replace("reason: Error", "reason: OOMKilled"))])), []);
        assert_eq!(
            found("crash", &with(&[&pod("web-1", LOOP)]).log_of("web-1", "web", "bind: address already in use")),
            []
        );
    }
}

//! A diagnosis for the tests of its formats.

use super::{Diagnosis, LogLines, Moment, ObjectLine, SignLine};
use crate::upgrade::diagnosis::{Cause, Certainty};

/// A release with most of what can be told.
#[allow(clippy::too_many_lines)] // it is one value
pub(super) fn example() -> Diagnosis {
    let cause = |rule, sentence: &str, hint: &str, certainty| Cause {
        rule,
        sentence: sentence.to_owned(),
        hint: hint.to_owned(),
        certainty,
        objects: vec!["pod/web-1".to_owned()],
    };
    Diagnosis {
        release: "web".to_owned(),
        namespace: "shop".to_owned(),
        revision: 7,
        status: "failed".to_owned(),
        description: "Upgrade \"web\" failed: context deadline exceeded".to_owned(),
        chart: "web-1.2.0".to_owned(),
        at: "2026-01-02T03:04:05Z".to_owned(),
        causes: vec![
            cause(
                "crash",
                "deployment/web: container web ends with exit code 1: fatal: cannot reach database \"orders\": connection refused",
                "check that what it connects to runs and is named right in the values; the whole log: kubectl logs web-1 -c web --previous -n shop",
                Certainty::Likely,
            ),
            cause(
                "timed-out",
                "the time was up; it waited for deployment/web (0 of 2 pods are ready)",
                "find out what hinders them",
                Certainty::Possible,
            ),
        ],
        signs: vec![SignLine {
            rule: "crash-loop".to_owned(),
            object: "deployment/web".to_owned(),
            pod: Some("web-1".to_owned()),
            container: Some("web".to_owned()),
            message: "crashes: exit code 1".to_owned(),
            seconds: Some(130),
        }],
        objects: vec![
            ObjectLine {
                object: "deployment/web".to_owned(),
                state: "waiting",
                why: "0 of 2 pods are ready".to_owned(),
                ready: 0,
                wanted: 2,
            },
            ObjectLine { object: "service/web".to_owned(), state: "ready", ..ObjectLine::default() },
        ],
        logs: vec![LogLines {
            pod: "web-1".to_owned(),
            container: "web".to_owned(),
            previous: true,
            lines: vec!["starting".to_owned(), "fatal: \u{1b}[31m`x`".to_owned()],
        }],
        timeline: vec![Moment {
            at: "2026-01-02T03:03:00Z".to_owned(),
            what: "pod/web-1 BackOff: Back-off | <b>".to_owned(),
            count: 3,
            notable: true,
        }],
        unread: vec!["nodes: you may not list them".to_owned()],
        ..Diagnosis::default()
    }
}

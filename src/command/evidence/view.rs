//! From what was gathered to what is told of it.

use jiff::Timestamp;

use crate::command::evidence::Subject;
use crate::command::evidence::secrets::Secrets;
use crate::report::diagnosis::{Diagnosis, LogLines, Moment, ObjectLine, SignLine};
use crate::upgrade::diagnosis::evidence::{Evidence, named};
use crate::upgrade::diagnosis::{Cause, Certainty};
use crate::upgrade::judge::{Judgement, Sign, State};

/// So many lines of each log are told.
const LINES: usize = 20;
/// So many logs.
const MOST_LOGS: usize = 6;
/// So many moments, the last ones.
const MOST_MOMENTS: usize = 200;

/// What it is made of.
pub(super) struct Parts<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) evidence: &'a Evidence,
    pub(super) judgement: &'a Judgement,
    pub(super) signs: Vec<Sign>,
    pub(super) causes: Vec<Cause>,
    pub(super) unread: Vec<String>,
}

/// What is told.
pub(super) fn diagnosis(parts: &Parts<'_>, secrets: &Secrets) -> Diagnosis {
    let Parts { subject, evidence, judgement, signs, causes, unread } = parts;
    let now = evidence.now.unwrap_or_default();
    let release = subject.release;
    let objects: Vec<ObjectLine> = judgement
        .rows
        .iter()
        .map(|row| {
            let (state, why) = match &row.state {
                State::Ready => ("ready", ""),
                State::Waiting(why) => ("waiting", why.as_str()),
                State::Failed(why) => ("failed", why.as_str()),
                State::Unverified(why) => ("unverified", why.as_str()),
                State::Unknown(why) => ("unknown", why.as_str()),
            };
            ObjectLine {
                object: row.key.to_string(),
                state,
                why: secrets.mask(why),
                ready: row.ready,
                wanted: row.wanted,
            }
        })
        .collect();
    // What can't be seen is not well: it is unknown.
    let open = objects.iter().any(|object| matches!(object.state, "waiting" | "failed" | "unknown"));
    let wrong = causes.iter().any(|cause| cause.certainty != Certainty::Possible);
    Diagnosis {
        release: release.name.clone(),
        namespace: release.namespace.clone(),
        revision: release.revision,
        status: evidence.status.clone(),
        description: evidence.description.clone(),
        chart: format!("{}-{}", release.chart.name(), release.chart.version()),
        at: shown(now),
        healthy: evidence.status == "deployed" && signs.is_empty() && !open && !wrong,
        causes: causes.clone(),
        signs: signs.iter().map(|sign| self::sign(sign, evidence, now, secrets)).collect(),
        objects,
        logs: logs(evidence),
        timeline: timeline(subject, evidence, secrets),
        unread: unread.clone(),
        kept: None,
    }
}

/// A sign, and for how long it is there: by the pod's own condition where it is seen for the first time now.
fn sign(sign: &Sign, evidence: &Evidence, now: Timestamp, secrets: &Secrets) -> SignLine {
    let pod = sign.pod.as_ref().and_then(|name| evidence.object("Pod", name));
    let told = pod.and_then(|pod| {
        let conditions =
            ["ContainersReady", "PodScheduled", "Ready"].into_iter().filter_map(|name| pod.condition(name));
        let open = conditions.filter(|condition| condition.is_false());
        open.filter_map(|condition| condition.text("lastTransitionTime").parse::<Timestamp>().ok()).min()
    });
    let since = told.map_or(sign.since, |told| told.min(sign.since));
    let seconds = now.duration_since(since).as_secs();
    SignLine {
        rule: sign.rule.to_owned(),
        object: sign.object.to_string(),
        pod: sign.pod.clone(),
        container: sign.container.clone(),
        message: secrets.mask(&sign.message),
        seconds: (seconds > 0).then_some(seconds),
    }
}

/// The last lines of logs: of a container that was started again those of the run before.
fn logs(evidence: &Evidence) -> Vec<LogLines> {
    let mut told: Vec<LogLines> = Vec::new();
    for log in &evidence.logs {
        let best = evidence.log(&log.pod, &log.container);
        if best != Some(log) || told.len() >= MOST_LOGS {
            continue;
        }
        let lines: Vec<&str> = log.text.lines().filter(|line| !line.trim().is_empty()).collect();
        let skipped = lines.len().saturating_sub(LINES);
        let lines: Vec<String> = lines.into_iter().skip(skipped).map(str::to_owned).collect();
        // Pods of one workload say the same.
        if told.iter().any(|other| other.container == log.container && other.lines == lines) {
            continue;
        }
        told.push(LogLines { pod: log.pod.clone(), container: log.container.clone(), previous: log.previous, lines });
    }
    told
}

/// What happened, by time: our own moments and the events.
fn timeline(subject: &Subject<'_>, evidence: &Evidence, secrets: &Secrets) -> Vec<Moment> {
    let own = subject.timeline.iter().map(|moment| (moment.at, secrets.mask(&moment.what), 1, true));
    let events = evidence.events.iter().filter_map(|event| {
        let object = named(&event.kind, &event.name);
        Some((event.last?, format!("{object} {}: {}", event.reason, event.message), event.count, event.warning))
    });
    let mut moments: Vec<_> = own.chain(events).collect();
    moments.sort_by_key(|(at, ..)| *at);
    let skipped = moments.len().saturating_sub(MOST_MOMENTS);
    let moments = moments.into_iter().skip(skipped);
    moments.map(|(at, what, count, notable)| Moment { at: shown(at), what, count, notable }).collect()
}

/// A time in whole seconds.
fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

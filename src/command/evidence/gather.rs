//! Gathering: the cluster's lists first, then logs of what fails in them, then the rules.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::command::evidence::secrets::Secrets;
use crate::command::evidence::{Gathered, Subject, cluster, logs, view};
use crate::manifest::mask::Masker;
use crate::manifest::observed::Observed;
use crate::release::Release;
use crate::upgrade::diagnosis::evidence::{Changes, Event, Evidence, Wait};
use crate::upgrade::diagnosis::{Cause, diagnose, supplied};
use crate::upgrade::judge::{Judge, Judgement, Patience, State};

/// Gathering takes no longer than this: what comes after must not wait for it.
pub const LONGEST: Duration = Duration::from_secs(10);
/// Of Helm's output no more than this is looked at, in bytes: its end.
const OUTPUT: usize = 256 * 1024;
/// More events are not kept.
const MOST_EVENTS: usize = 1_000;

/// Gathers all there is to know of a release now, and what the rules make of it. Takes at most [`LONGEST`]; what could not be read by
/// then, or may not be, is named in [`Diagnosis::unread`](crate::report::diagnosis::Diagnosis::unread).
pub async fn gather<C: Cluster>(
    cluster: &C,
    masker: &Masker,
    subject: Subject<'_>,
    now: fn() -> Timestamp,
) -> Gathered {
    let until = Instant::now() + LONGEST;
    let releases: Vec<&Release> = std::iter::once(subject.release).chain(subject.previous).collect();
    let secrets = Secrets::of(&releases, masker);
    let mut read = cluster::read(cluster, subject.release, until).await;
    let judgement = Judge::new(Patience { wait_for_jobs: true, ..Patience::default() }).judge(&read.world, now());
    let mut evidence = evidence(&subject, &secrets, &mut read, now());
    evidence.waits = waits(&judgement, &secrets);
    let (found, unread) = logs::read(cluster, &evidence, until).await;
    evidence.logs = found;
    for log in &mut evidence.logs {
        log.text = secrets.mask(&log.text);
    }
    let mask =
        |cause: Cause| Cause { sentence: secrets.mask(&cause.sentence), hint: secrets.mask(&cause.hint), ..cause };
    let causes = diagnose(&evidence).into_iter().map(mask).collect();
    let unread = read.unread.into_iter().chain(unread).map(|reason| secrets.mask(&reason)).collect();
    let signs = signs(&judgement, subject.judgement);
    let diagnosis = view::diagnosis(
        &view::Parts { subject: &subject, evidence: &evidence, judgement: &judgement, signs, causes, unread },
        &secrets,
    );
    Gathered { evidence, diagnosis, diff: secrets.mask(subject.diff), secrets }
}

fn evidence(subject: &Subject<'_>, secrets: &Secrets, read: &mut cluster::Read, now: Timestamp) -> Evidence {
    let release = subject.release;
    let told = supplied::changes(subject.previous, release);
    let mut events: Vec<Event> = read.events.iter().map(event).collect();
    events.sort_by_key(|event| event.last);
    let excess = events.len().saturating_sub(MOST_EVENTS);
    events.drain(..excess);
    let messages: Vec<&str> = events.iter().map(|event| event.message.as_str()).collect();
    let messages = secrets.mask_all(&messages);
    for (event, message) in events.iter_mut().zip(messages) {
        event.message = message;
    }
    Evidence {
        release: release.name.clone(),
        namespace: release.namespace.clone(),
        revision: release.revision,
        status: subject.status.clone(),
        description: secrets.mask(&subject.description),
        history: subject.history.clone(),
        objects: std::mem::take(&mut read.objects),
        events,
        logs: Vec::new(),
        helm_output: secrets.mask(end_of(subject.helm_output)),
        owner: subject.owner.clone(),
        changes: Changes {
            values_files: subject.changes.values_files.clone(),
            reuse_values: subject.changes.reuse_values,
            chart_argument: subject.changes.chart_argument.clone(),
            ..told
        },
        rollback: subject.rollback.clone(),
        waits: Vec::new(),
        now: Some(now),
    }
}

/// The end of a text, from a character on.
fn end_of(text: &str) -> &str {
    let start = text.len().saturating_sub(OUTPUT);
    (start..=text.len()).find_map(|at| text.get(at..)).unwrap_or_default()
}

/// An event as it is; its message is not masked yet.
fn event(object: &Observed) -> Event {
    let time = |keys: &[&str]| object.text(keys).parse().ok();
    let last = time(&["series", "lastObservedTime"])
        .or_else(|| time(&["lastTimestamp"]))
        .or_else(|| time(&["eventTime"]))
        .or_else(|| time(&["metadata", "creationTimestamp"]));
    Event {
        kind: object.text(&["involvedObject", "kind"]).to_owned(),
        name: object.text(&["involvedObject", "name"]).to_owned(),
        reason: object.text(&["reason"]).to_owned(),
        message: object.text(&["message"]).to_owned(),
        warning: object.text(&["type"]) == "Warning",
        count: object.number(&["series", "count"]).or_else(|| object.number(&["count"])).unwrap_or(1),
        last,
    }
}

/// The objects that are not ready, and why.
fn waits(judgement: &Judgement, secrets: &Secrets) -> Vec<Wait> {
    let rows = judgement.rows.iter().filter_map(|row| match &row.state {
        State::Waiting(why) | State::Failed(why) | State::Unknown(why) => {
            Some(Wait { object: row.key.to_string(), why: secrets.mask(why) })
        }
        State::Ready | State::Unverified(_) => None,
    });
    rows.collect()
}

/// What is wrong now, and what was wrong when it was judged last.
fn signs(now: &Judgement, before: Option<&Judgement>) -> Vec<crate::upgrade::judge::Sign> {
    let mut signs = before.map(|before| before.signs.clone()).unwrap_or_default();
    for sign in &now.signs {
        let same = |known: &crate::upgrade::judge::Sign| {
            known.rule == sign.rule
                && known.object == sign.object
                && known.pod == sign.pod
                && known.container == sign.container
        };
        if !signs.iter().any(same) {
            signs.push(sign.clone());
        }
    }
    signs
}

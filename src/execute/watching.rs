//! Watching a release until it is ready or has failed, while Helm is at work, and after.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Listener;
use super::feed::Feed;
use super::interrupts::Interrupts;
use super::scope::Scope;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::helm::{Ended, Running};
use crate::release::Release;
use crate::upgrade::event::{Event, Task};
use crate::upgrade::judge::{Judge, Judgement, Patience, Row, Sign, State, Verdict};
use crate::upgrade::world::World;

/// How often the table is drawn at least: ages and times left move on.
const TICK: Duration = Duration::from_secs(1);
/// Many changes at once are looked at together.
const TOGETHER: Duration = Duration::from_millis(20);
/// Helm ends itself when its time is over; this much later we end it.
const BEYOND_HELMS: Duration = Duration::from_secs(5);
/// How long a helm that was asked to stop may take.
const TO_STOP: Duration = Duration::from_secs(10);
/// How long to wait for the first lists.
const TO_LIST: Duration = Duration::from_secs(30);

/// A release under watch.
pub(super) struct Watching<'a, C> {
    cluster: &'a C,
    feed: Feed<'a, C>,
    pub(super) world: World,
    patience: Patience,
    unserved: bool,
}

/// What is watched for, and for how long.
pub(super) struct Term<'a> {
    pub(super) task: Task,
    pub(super) timeout: Duration,
    pub(super) interrupts: &'a Interrupts,
    /// So many interrupts were there before.
    pub(super) seen: u32,
    pub(super) listener: &'a dyn Listener,
    /// Masks what is secret in what Helm says.
    pub(super) mask: &'a (dyn Fn(&str) -> String + Sync),
}

/// How it ended.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) how: How,
    pub(super) last: Judgement,
    /// How Helm ended, if it ran and did.
    pub(super) helm: Option<Ended>,
    pub(super) took: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    /// Helm succeeded and all is ready.
    Ready,
    /// These signs outlasted their grace.
    Failed(Vec<Sign>),
    /// Helm failed by itself.
    HelmFailed(String),
    /// Helm was lost: that says nothing of the release.
    HelmLost(String),
    /// Helm succeeded, and what is not seen to be ready can't be seen at all.
    Unseen(Vec<String>),
    /// The time is over.
    TimedOut,
    /// The user wants no more.
    Interrupted(&'static str),
}

impl<'a, C: Cluster> Watching<'a, C> {
    /// Begins to watch, and returns once each kind of object was seen. What is there now was there before.
    pub(super) async fn open(cluster: &'a C, releases: &[&Release], patience: Patience) -> Result<Self, Error> {
        let scope = Scope::of(cluster, releases).await?;
        let mut world = World::new(scope.wanted);
        let mut feed = Feed::new(cluster, scope.queries);
        if timeout(TO_LIST, feed.listed(&mut world)).await.is_err()
            && let Some(reason) = feed.lost()
        {
            let error = Error::new(crate::error::Kind::Unreachable, format!("cannot watch the release: {reason}"));
            return Err(error);
        }
        world.mark_before();
        Ok(Self { cluster, feed, world, patience, unserved: scope.unserved })
    }

    /// Watches until there is a verdict. A helm that is still at work then is asked to stop, and waited for.
    pub(super) async fn until_settled(
        &mut self,
        release: &Release,
        mut running: Option<&mut Running>,
        term: &Term<'_>,
    ) -> Watched {
        let began = Instant::now();
        let deadline = began + term.timeout;
        let mut judge = Judge::new(self.patience.clone());
        let mut helm: Option<Ended> = None;
        let mut teller = Teller::new(term, began);
        let (how, last) = loop {
            let judgement = judge.judge(&self.world, Timestamp::now());
            teller.tell(&judgement);
            let at_work = running.is_some() && helm.is_none();
            if let Verdict::Failed(signs) = &judgement.verdict {
                break (How::Failed(signs.clone()), judgement);
            }
            if judgement.verdict == Verdict::Ready && !at_work {
                break (How::Ready, judgement);
            }
            if !at_work && running.is_some() && judgement.is_only_unknown() && self.feed.lost().is_none() {
                break (How::Unseen(waited_for(&judgement)), judgement);
            }
            let over = if at_work { deadline + BEYOND_HELMS } else { deadline };
            let again = judgement.look_again.map_or(TICK, until).clamp(Duration::from_millis(1), TICK);
            tokio::select! {
                () = self.feed.next(&mut self.world) => sleep(TOGETHER).await,
                ended = ended(&mut running), if at_work => {
                    let ended = masked(ended, term);
                    let message = (!ended.success).then(|| ended.message.clone());
                    let (task, success) = (term.task, ended.success);
                    term.listener.hear(&Event::HelmEnded { task, success, message: ended.message.clone() });
                    let is_lost = ended.is_lost();
                    helm = Some(ended);
                    if let Some(message) = message.clone().filter(|_| is_lost) {
                        break (How::HelmLost(message), judgement);
                    }
                    if let Some(message) = message {
                        _ = self.feed.refresh(&mut self.world).await;
                        break (How::HelmFailed(message), judge.judge(&self.world, Timestamp::now()));
                    }
                    self.catch_up(release).await;
                }
                () = term.interrupts.more_than(term.seen) => {
                    break (How::Interrupted(term.interrupts.asked().unwrap_or("SIGINT")), judgement);
                }
                () = sleep_until(over) => break (How::TimedOut, judgement),
                () = sleep(again) => {}
            }
        };
        if let Some(running) = running.filter(|_| helm.is_none()) {
            helm = Some(masked(stop(running, term).await, term));
        }
        Watched { how, last, helm, took: began.elapsed() }
    }

    /// Waits until something has changed. May be dropped while it waits.
    pub(super) async fn change(&mut self) {
        self.feed.next(&mut self.world).await;
        sleep(TOGETHER).await;
    }

    /// Looks at everything anew.
    pub(super) async fn refresh(&mut self) -> Result<(), Error> {
        Ok(self.feed.refresh(&mut self.world).await?)
    }

    /// Looks at everything anew, and at kinds that came with the chart, so that nothing is ready for being seen late.
    async fn catch_up(&mut self, release: &Release) {
        if self.unserved
            && let Ok(scope) = Scope::of(self.cluster, &[release]).await
        {
            scope.wanted.into_iter().for_each(|wanted| self.world.want(wanted));
            scope.queries.into_iter().for_each(|query| self.feed.add(query));
            self.unserved = scope.unserved;
            _ = timeout(TO_LIST, self.feed.listed(&mut self.world)).await;
        }
        // What fails to be listed comes by its watch.
        _ = self.feed.refresh(&mut self.world).await;
    }
}

/// Helm may quote values.
fn masked(ended: Ended, term: &Term<'_>) -> Ended {
    if ended.success {
        return ended;
    }
    Ended { message: (term.mask)(&ended.message), output: (term.mask)(&ended.output), ..ended }
}

async fn ended(running: &mut Option<&mut Running>) -> Ended {
    match running {
        Some(running) => running.wait().await,
        None => std::future::pending().await,
    }
}

/// Asks helm to stop, and ends it if it does not, or if the user wants to let go at once.
async fn stop(running: &mut Running, term: &Term<'_>) -> Ended {
    running.interrupt();
    let patience = async {
        tokio::select! {
            () = sleep(TO_STOP) => {}
            () = term.interrupts.more_than(term.seen + 1) => {}
        }
    };
    tokio::select! {
        ended = running.wait() => return ended,
        () = patience => {}
    }
    running.kill();
    running.wait().await
}

/// Tells how it stands, where that is news or a second has passed.
pub(super) struct Teller<'a> {
    term: &'a Term<'a>,
    began: Instant,
    last: Option<(Instant, Vec<Row>, Vec<Sign>)>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(term: &'a Term<'a>, began: Instant) -> Self {
        Self { term, began, last: None }
    }

    pub(super) fn tell(&mut self, judgement: &Judgement) {
        let (rows, signs) = (&judgement.rows, &judgement.signs);
        let known = |(at, known_rows, known_signs): &(Instant, Vec<Row>, Vec<Sign>)| {
            at.elapsed() < TICK && known_rows == rows && known_signs == signs
        };
        if self.last.as_ref().is_some_and(known) {
            return;
        }
        self.last = Some((Instant::now(), rows.clone(), signs.clone()));
        let (rows, signs) = (rows.clone(), signs.clone());
        let (task, elapsed) = (self.term.task, self.began.elapsed().as_secs_f64());
        self.term.listener.hear(&Event::Progress { task, rows, signs, elapsed });
    }
}

pub(super) fn until(time: Timestamp) -> Duration {
    Duration::try_from(time.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO)
}

/// What is not ready, a sentence each.
pub(super) fn waited_for(judgement: &Judgement) -> Vec<String> {
    let rows = judgement.rows.iter().filter(|row| !matches!(row.state, State::Ready | State::Unverified(_)));
    rows.map(|row| format!("{}: {}", row.key, row.state.told().1)).collect()
}

/// How a release stands at one time, by one list of each kind.
pub(super) async fn look_once<C: Cluster>(
    cluster: &C,
    release: &Release,
    patience: Patience,
) -> Result<Judgement, Error> {
    let scope = Scope::of(cluster, &[release]).await?;
    let mut world = World::new(scope.wanted);
    let mut feed = Feed::new(cluster, scope.queries);
    feed.refresh(&mut world).await?;
    Ok(Judge::new(patience).judge(&world, Timestamp::now()))
}

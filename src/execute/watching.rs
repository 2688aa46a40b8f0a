//! Watching a release until it is ready or has failed, while Helm is at work, and after.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Listener;
use super::clock::Clock;
use super::feed::Feed;
use super::interrupts::Interrupts;
use super::lost_nodes;
use super::patience::AWAY;
use super::scope::Scope;
use crate::cluster::{Cluster, ClusterError, ObjectRef, Only, Resource};
use crate::error::{Error, Kind};
use crate::helm::{Ended, Running};
use crate::release::Release;
use crate::upgrade::event::{Event, Task};
use crate::upgrade::held_up::{HeldUp, held_up};
use crate::upgrade::judge::{Judge, Judgement, Patience, Row, Sign, State, Verdict};
use crate::upgrade::world::World;

/// How often the table is drawn at least: ages and times left move on.
const TICK: Duration = Duration::from_secs(1);
/// Many changes at once are looked at together.
const TOGETHER: Duration = Duration::from_millis(20);
/// A helm that has ended is seen to have ended within this time.
const LAST_LOOK: Duration = Duration::from_millis(500);
/// How long a helm that was asked to stop may take.
const TO_STOP: Duration = Duration::from_secs(10);
/// A pod that is not ready for so long, and nothing else happens, is waited for in vain.
const STUCK: Duration = Duration::from_secs(5);
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
    /// How long it may take until all is ready.
    pub(super) timeout: Duration,
    pub(super) interrupts: &'a Interrupts,
    /// So many interrupts were there before.
    pub(super) seen: u32,
    pub(super) listener: &'a dyn Listener,
    /// Masks what is secret in what Helm says.
    pub(super) mask: &'a (dyn Fn(&str) -> String + Sync),
}

/// A helm at work.
pub(super) struct Work<'a> {
    pub(super) running: &'a mut Running,
    /// After so long it hangs.
    pub(super) longest: Duration,
    /// Of a rollback: since when there are pods of what it goes back from.
    pub(super) failed_since: Option<Timestamp>,
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
        lost_nodes::look_for(cluster, &mut world).await;
        Ok(Self { cluster, feed, world, patience, unserved: scope.unserved })
    }

    /// Watches until there is a verdict. A helm that is still at work then is asked to stop, and waited for.
    pub(super) async fn until_settled(
        &mut self,
        release: &Release,
        mut work: Option<Work<'_>>,
        term: &Term<'_>,
    ) -> Watched {
        let mut course = Course::begin(term, &self.patience, work.as_ref());
        let (how, last) = loop {
            let judgement = course.judge(&self.world);
            if let Some(how) = self.verdict(&mut course, judgement).await {
                break how;
            }
            self.free(&mut course).await;
            let again = course.again;
            tokio::select! {
                () = self.feed.next(&mut self.world) => sleep(TOGETHER).await,
                ended = ended(&mut work), if course.at_work => {
                    if let Some(how) = self.take_end(&mut course, ended, release).await {
                        break (how, course.judge(&self.world));
                    }
                }
                () = term.interrupts.more_than(term.seen) => {
                    let how = How::Interrupted(term.interrupts.asked().unwrap_or("SIGINT"));
                    break (how, course.judge(&self.world));
                }
                () = sleep_until(course.over) => {
                    if let Some(how) = self.run_out(&mut course, &mut work, release).await {
                        break (how, course.judge(&self.world));
                    }
                }
                () = sleep(again) => {}
            }
        };
        if let Some(work) = work.filter(|_| course.at_work) {
            course.helm = Some(masked(stop(work.running, term).await, term));
        }
        Watched { how, last, helm: course.helm, took: course.began.elapsed() }
    }

    /// The verdict, if there is one. What was last heard may be old, as after a sleep of the machine, so no failure rests on it, and
    /// no success: everything is looked at anew first. Where that can't be done there is no verdict.
    async fn verdict(&mut self, course: &mut Course<'_>, judgement: Judgement) -> Option<(How, Judgement)> {
        let how = self.conclusion(course, &judgement)?;
        if course.is_fresh && !matches!(how, How::Failed(_)) {
            return Some((how, judgement));
        }
        self.look_anew(course).await?.ok()?;
        let judgement = course.judge(&self.world);
        Some((self.conclusion(course, &judgement)?, judgement))
    }

    /// What follows from what is known.
    fn conclusion(&self, course: &Course<'_>, judgement: &Judgement) -> Option<How> {
        match &judgement.verdict {
            Verdict::Failed(signs) => Some(How::Failed(signs.clone())),
            _ if course.at_work => None,
            Verdict::Ready => Some(How::Ready),
            Verdict::Waiting => {
                let unseen = course.with_helm && judgement.is_only_unknown() && self.feed.lost().is_none();
                unseen.then(|| How::Unseen(waited_for(judgement)))
            }
        }
    }

    /// Looks at everything anew. `None` where the user interrupts it.
    async fn look_anew(&mut self, course: &mut Course<'_>) -> Option<Result<(), ClusterError>> {
        let term = course.term;
        let looked = tokio::select! {
            looked = self.feed.refresh(&mut self.world) => looked,
            () = term.interrupts.more_than(term.seen) => return None,
        };
        course.is_fresh |= looked.is_ok();
        Some(looked)
    }

    /// Deletes pods of what is gone back from that hold up their StatefulSet, each once. Of others, and where that is not allowed, it
    /// is said.
    async fn free(&self, course: &mut Course<'_>) {
        let Some(since) = course.failed_since else { return };
        for HeldUp { set, pod, uid, made } in course.stuck(held_up(&self.world)) {
            if !course.freed.insert(uid.clone()) {
                continue;
            }
            let says =
                format!("{set} waits for pod {pod}, which is not ready and not of the revision that is gone back to");
            let command = format!("kubectl delete pod {pod} -n {}", set.namespace);
            let at = ObjectRef { resource: Resource::PODS, namespace: Some(set.namespace), name: pod };
            let only = Only { uid: Some(uid.clone()), resource_version: None };
            let deleted = match made.is_some_and(|made| made >= since) {
                true => self.cluster.delete(&at, &only).await.map_err(Some),
                false => Err(None),
            };
            course.term.listener.hear(&match deleted {
                Ok(()) => Event::Notice { text: format!("{says}: it is deleted, and made anew") },
                Err(Some(ClusterError::NotFound { .. } | ClusterError::Conflict { .. })) => continue,
                Err(None) => Event::Warning { text: format!("{says}; it was there before; by hand: {command}") },
                Err(Some(error @ ClusterError::Forbidden(_))) => {
                    Event::Warning { text: format!("{says}; {error}; by hand: {command}") }
                }
                Err(Some(_)) => {
                    // It is tried again.
                    course.freed.remove(&uid);
                    continue;
                }
            });
        }
    }

    /// Takes in how Helm has ended. A success is none yet.
    async fn take_end(&mut self, course: &mut Course<'_>, ended: Ended, release: &Release) -> Option<How> {
        let ended = masked(ended, course.term);
        let (task, success, message) = (course.term.task, ended.success, ended.message.clone());
        course.term.listener.hear(&Event::HelmEnded { task, success, message: message.clone() });
        let is_lost = ended.is_lost();
        course.helm = Some(ended);
        course.at_work = false;
        if success {
            course.go_on();
            // Where the user interrupts it, the loop says so.
            course.is_fresh = tokio::select! {
                is_fresh = self.catch_up(release) => is_fresh,
                () = course.term.interrupts.more_than(course.term.seen) => false,
            };
            return None;
        }
        if is_lost {
            return Some(How::HelmLost(message));
        }
        match self.look_anew(course).await.map(|looked| looked.map_err(Error::from)) {
            // It may have failed for that alone.
            Some(Err(error)) if error.kind == Kind::Unreachable => Some(How::HelmLost(message)),
            Some(_) => Some(How::HelmFailed(message)),
            None => Some(How::Interrupted(course.term.interrupts.asked().unwrap_or("SIGINT"))),
        }
    }

    /// The time is over. That is no failure of a helm that has ended meanwhile, as while this process was stopped, nor of what can't be
    /// seen at the moment.
    async fn run_out(
        &mut self,
        course: &mut Course<'_>,
        work: &mut Option<Work<'_>>,
        release: &Release,
    ) -> Option<How> {
        if let Some(work) = work.as_mut().filter(|_| course.at_work) {
            if let Ok(ended) = timeout(LAST_LOOK, work.running.wait()).await {
                return self.take_end(course, ended, release).await;
            }
            let ended = stop(work.running, course.term).await;
            if ended.success {
                return self.take_end(course, ended, release).await;
            }
            (course.helm, course.at_work) = (Some(masked(ended, course.term)), false);
            return Some(How::TimedOut);
        }
        match self.look_anew(course).await? {
            Ok(()) => {
                let judgement = course.judge(&self.world);
                Some(self.conclusion(course, &judgement).unwrap_or(How::TimedOut))
            }
            Err(_) if course.over.elapsed() < AWAY => {
                sleep(TICK).await;
                None
            }
            Err(error) => Some(How::Unseen(vec![error.to_string()])),
        }
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

    /// Looks at everything anew, and at kinds that came with the chart, so that nothing is ready for being seen late. Whether all
    /// could be looked at.
    async fn catch_up(&mut self, release: &Release) -> bool {
        if self.unserved
            && let Ok(scope) = Scope::of(self.cluster, &[release]).await
        {
            scope.wanted.into_iter().for_each(|wanted| self.world.want(wanted));
            scope.queries.into_iter().for_each(|query| self.feed.add(query));
            self.unserved = scope.unserved;
            _ = timeout(TO_LIST, self.feed.listed(&mut self.world)).await;
        }
        self.feed.refresh(&mut self.world).await.is_ok()
    }
}

/// Helm may quote values.
fn masked(ended: Ended, term: &Term<'_>) -> Ended {
    if ended.success {
        return ended;
    }
    Ended { message: (term.mask)(&ended.message), output: (term.mask)(&ended.output), ..ended }
}

async fn ended(work: &mut Option<Work<'_>>) -> Ended {
    match work {
        Some(work) => work.running.wait().await,
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

/// A watch under way.
struct Course<'t> {
    term: &'t Term<'t>,
    began: Instant,
    clock: Clock,
    judge: Judge,
    teller: Teller<'t>,
    /// When its time is over.
    over: Instant,
    /// How long what is not ready when Helm has succeeded has at least to become so.
    grace: Duration,
    with_helm: bool,
    at_work: bool,
    /// Whether everything was looked at since Helm has ended.
    is_fresh: bool,
    helm: Option<Ended>,
    failed_since: Option<Timestamp>,
    /// The pods that were deleted, as they held up their StatefulSet, by their uid.
    freed: HashSet<String>,
    /// Since when a pod holds up its StatefulSet, by its uid.
    held: HashMap<String, Instant>,
    /// After what time to look again, though nothing has changed.
    again: Duration,
}

impl<'t> Course<'t> {
    fn begin(term: &'t Term<'t>, patience: &Patience, work: Option<&Work<'_>>) -> Self {
        let began = Instant::now();
        let with_helm = work.is_some();
        Self {
            term,
            began,
            clock: Clock::start(),
            judge: Judge::new(patience.clone()),
            teller: Teller::new(term, began),
            over: after(began, work.map_or(term.timeout, |work| work.longest)),
            grace: Duration::try_from(patience.fail_fast_after).unwrap_or_default(),
            with_helm,
            at_work: with_helm,
            is_fresh: !with_helm,
            helm: None,
            failed_since: work.and_then(|work| work.failed_since),
            freed: HashSet::new(),
            held: HashMap::new(),
            again: TICK,
        }
    }

    /// Those that hold up their StatefulSet for so long that it is more than a moment.
    fn stuck(&mut self, held: Vec<HeldUp>) -> Vec<HeldUp> {
        self.held.retain(|uid, _| held.iter().any(|held| held.uid == *uid));
        let mut since = |held: &HeldUp| *self.held.entry(held.uid.clone()).or_insert_with(Instant::now);
        held.into_iter().filter(|held| since(held).elapsed() >= STUCK).collect()
    }

    fn judge(&mut self, world: &World) -> Judgement {
        let judgement = self.judge.judge(world, self.clock.now());
        self.teller.tell(&judgement);
        let again = judgement.look_again.map_or(TICK, |time| self.clock.until(time));
        self.again = again.clamp(Duration::from_millis(1), TICK);
        judgement
    }

    /// Helm has succeeded: what is not ready yet has what is left of the time, and not too little. Who wants to end has no such
    /// patience.
    fn go_on(&mut self) {
        self.over = after(self.began, self.term.timeout);
        if self.term.interrupts.asked().is_none() {
            self.over = self.over.max(after(Instant::now(), self.grace));
        }
    }
}

/// So long after a time; no time is too long.
fn after(time: Instant, wait: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    time + wait.min(YEAR)
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
    lost_nodes::look_for(cluster, &mut world).await;
    Ok(Judge::new(patience).judge(&world, Timestamp::now()))
}

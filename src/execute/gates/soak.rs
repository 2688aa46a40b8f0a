//! Watching on for a while: the gates are asked again and again, and restarts and readiness are watched all along.

use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _, join, join_all};
use jiff::SignedDuration;
use tokio::time::{Instant, sleep, sleep_until};

use super::ask::{Asker, shown};
use super::nodes::standing;
use super::{Gates, Soak};
use crate::cluster::Cluster;
use crate::execute::Listener;
use crate::execute::clock::Clock;
use crate::execute::patience::AWAY;
use crate::execute::run::Run;
use crate::execute::watching::{Teller, Term, Watching, waited_for};
use crate::helm::Helm;
use crate::release::history::History;
use crate::storage::Storage;
use crate::upgrade::event::{Event, GateState, Task};
use crate::upgrade::gates::series::Series;
use crate::upgrade::gates::vigil::Vigil;
use crate::upgrade::gates::{Answer, Gate, Says};
use crate::upgrade::judge::{Judge, Judgement, Verdict};
use crate::upgrade::world::World;

/// How often it is looked at least.
const TICK: Duration = Duration::from_secs(1);
/// And at most.
const SHORTEST: Duration = Duration::from_millis(10);

/// What was asked at one time.
struct Asked {
    /// The answers of the gates.
    answers: Vec<Answer>,
    /// The revisions there are, if they could be read.
    history: Option<History>,
}

/// A soak under way.
struct Course<'r> {
    soak: Soak,
    gates: &'r [Gate],
    began: Instant,
    series: Vec<Series>,
    /// When the gates are asked next; `None` once they were asked at the end.
    due: Option<Instant>,
    listener: &'r dyn Listener,
    clock: Clock,
    judge: Judge,
    vigil: Vigil,
    /// Since when it can't be seen how it stands at the end.
    unseen_since: Option<Instant>,
}

/// What went wrong, a sentence each, and how everything stands then.
struct Trouble {
    sentences: Vec<String>,
    judgement: Judgement,
}

impl<C: Cluster, H: Helm> Run<'_, '_, C, H> {
    /// Watches on. `None` if the user interrupts it, or somebody else changes the release.
    pub(in crate::execute) async fn soak(&mut self, gates: &Gates, soak: Soak) -> Option<Answer> {
        let mut watching = self.watching.take()?;
        let said = self.watch_on(&mut watching, (gates, soak)).await;
        self.watching = Some(watching);
        match said? {
            Ok(answer) => Some(answer),
            Err(trouble) => {
                self.failure.judgement = Some(trouble.judgement);
                // All is told, and the first is the answer.
                let mut sentences = trouble.sentences.into_iter();
                let first = sentences.next().unwrap_or_default();
                self.reasons.extend(sentences);
                Some(Answer::failed(first))
            }
        }
    }

    async fn watch_on(
        &self,
        watching: &mut Watching<'_, C>,
        (gates, soak): (&Gates, Soak),
    ) -> Option<Result<Answer, Trouble>> {
        let seams = self.seams;
        let judge = Judge::new(self.options.patience.clone());
        let grace = self.options.patience.fail_fast_after;
        let (asker, name) = (self.asker(gates), self.name());
        let began = Instant::now();
        let (interrupts, listener) = (seams.interrupts, seams.listener);
        let term =
            Term { task: Task::Soak, timeout: soak.duration, interrupts, seen: 0, listener, mask: &str::to_owned };
        let mut teller = Teller::new(&term, began);
        let mut course = self.course((gates, soak), (judge, began), &watching.world);
        let mut asking: Option<BoxFuture<'_, Asked>> = None;
        loop {
            let judgement = match course.look_well(watching).await {
                Ok(judgement) => judgement,
                Err(trouble) => return Some(Err(trouble)),
            };
            tokio::select! {
                asked = course.ask_nodes(seams.cluster) => if asked { continue },
                () = seams.interrupts.more_than(0) => return None,
            }
            teller.tell(&judgement);
            if asking.is_none() && course.is_over(&judgement, grace) {
                let settled = tokio::select! {
                    answer = course.settle(watching, seams.cluster) => answer.transpose(),
                    () = seams.interrupts.more_than(0) => return None,
                };
                if settled.is_some() {
                    return settled;
                }
            }
            if self.keeper.lost_to().is_some() {
                return None;
            }
            let again =
                course.vigil.look_again(&judgement, course.clock.now()).map_or(TICK, |time| course.clock.until(time));
            let due = course.due.filter(|_| asking.is_none());
            tokio::select! {
                () = watching.change() => {}
                asked = asked(&mut asking) => {
                    asking = None;
                    if asked.history.as_ref().is_some_and(|history| self.is_overtaken(history)) {
                        return None;
                    }
                    course.take_in(asked.answers);
                }
                () = at(due) => {
                    asking = Some(ask_now((&asker, &gates.gates), (seams.storage, name)).boxed());
                    course.asked();
                }
                () = seams.interrupts.more_than(0) => return None,
                () = sleep(again.clamp(SHORTEST, TICK)) => {}
            }
        }
    }

    fn course<'r>(
        &'r self,
        (gates, soak): (&'r Gates, Soak),
        (mut judge, began): (Judge, Instant),
        world: &World,
    ) -> Course<'r> {
        let grace = self.options.patience.fail_fast_after;
        let clock = Clock::start();
        let vigil = Vigil::begin(world, &judge.judge(world, clock.now()), grace);
        Course {
            soak,
            gates: &gates.gates,
            began,
            series: gates.gates.iter().map(|_| Series::new(soak.threshold)).collect(),
            due: Some(began),
            listener: self.seams.listener,
            vigil: vigil.of_everything(self.counts_everything()),
            clock,
            judge,
            unseen_since: None,
        }
    }
}

/// Asks all gates at the same time, and whether there is a newer revision.
async fn ask_now<C: Cluster, H: Helm>(
    (asker, gates): (&Asker<'_, C>, &[Gate]),
    (storage, name): (&Storage<C, H>, &str),
) -> Asked {
    let answers = join_all(gates.iter().map(|gate| asker.ask(gate)));
    let (answers, history) = join(answers, storage.history(name)).await;
    // If it can't be read now, it is asked again.
    Asked { answers, history: history.ok() }
}

impl Course<'_> {
    /// How it stands.
    fn look(&mut self, world: &World) -> Result<Judgement, Trouble> {
        let now = self.clock.now();
        let judgement = self.judge.judge(world, now);
        let mut sentences = self.vigil.troubles(world, &judgement, now);
        sentences.extend(self.failed());
        if sentences.is_empty() { Ok(judgement) } else { Err(Trouble { sentences, judgement }) }
    }

    /// The same, where no trouble rests on what was so a while ago: it is looked at anew first. Where that can't be done it is no
    /// trouble yet, unless a gate has failed.
    async fn look_well<C: Cluster>(&mut self, watching: &mut Watching<'_, C>) -> Result<Judgement, Trouble> {
        let trouble = match self.look(&watching.world) {
            Err(trouble) if self.failed().is_none() => trouble,
            said => return said,
        };
        match watching.refresh().await {
            Ok(()) => self.look(&watching.world),
            Err(_) => Ok(trouble.judgement),
        }
    }

    /// Asks the nodes on which it depends what a restart or lost readiness means, if any.
    async fn ask_nodes<C: Cluster>(&mut self, cluster: &C) -> bool {
        let nodes = self.vigil.unheard_nodes();
        if nodes.is_empty() {
            return false;
        }
        let answers = standing(cluster, nodes).await;
        self.vigil.hear(answers, self.clock.now());
        true
    }

    /// The end: is all that was seen still so? `None` where that can't be seen at the moment.
    async fn settle<C: Cluster>(
        &mut self,
        watching: &mut Watching<'_, C>,
        cluster: &C,
    ) -> Result<Option<Answer>, Trouble> {
        if let Err(error) = watching.refresh().await {
            let is_away = self.unseen_since.get_or_insert_with(Instant::now).elapsed() < AWAY;
            let unseen = || Answer::inconclusive(format!("how it stands at the end can't be seen: {error}"));
            return Ok((!is_away).then(unseen));
        }
        let mut judgement = self.look(&watching.world)?;
        if self.ask_nodes(cluster).await {
            judgement = self.look(&watching.world)?;
        }
        if judgement.is_only_unknown() {
            return Ok(Some(Answer::inconclusive("not all of it may be looked at")));
        }
        if judgement.verdict != Verdict::Ready {
            let waits = waited_for(&judgement);
            let what = waits.first().map_or("not all of it can be seen", String::as_str);
            return Ok(Some(Answer::inconclusive(format!("at the end not all is ready: {what}"))));
        }
        Ok(Some(self.end()))
    }

    /// The gates are being asked now; when are they to be asked next?
    fn asked(&mut self) {
        let end = self.began + self.soak.duration;
        let now = Instant::now();
        self.due = match now >= end {
            // One that has failed, and not often enough, is asked until it is clear.
            true => None,
            false => Some((now + self.soak.interval).min(end)),
        };
        let left = end.saturating_duration_since(now);
        if !left.is_zero() {
            let detail = format!("{} left", shown(left));
            self.tell(&format!("soak {}", shown(self.soak.duration)), GateState::Running, detail);
        }
    }

    fn take_in(&mut self, answers: Vec<Answer>) {
        let listener = self.listener;
        for ((series, gate), answer) in self.series.iter_mut().zip(self.gates).zip(answers) {
            let (state, why) = (state(answer.says), answer.why.clone());
            if series.add(answer) {
                let row = match series.row() {
                    (0, _) => String::new(),
                    (failed, threshold) => format!(" (failed {failed} of {threshold} times in a row)"),
                };
                listener.hear(&Event::Gate { name: gate.name(), state, detail: format!("{why}{row}") });
            }
        }
        if self.due.is_none() && self.series.iter().any(Series::is_undecided) {
            self.due = Some(Instant::now() + self.soak.interval);
        }
    }

    /// Whether it is over. What is not ready at the end is waited for, within its grace.
    fn is_over(&self, judgement: &Judgement, grace: SignedDuration) -> bool {
        let passed = SignedDuration::try_from(self.began.elapsed()).unwrap_or(SignedDuration::MAX);
        let end = SignedDuration::try_from(self.soak.duration).unwrap_or(SignedDuration::MAX);
        let is_open = judgement.verdict != Verdict::Ready && !judgement.is_only_unknown();
        self.due.is_none() && passed >= if is_open { end.saturating_add(grace) } else { end }
    }

    /// The gate that has failed for good.
    fn failed(&self) -> Option<String> {
        let (series, gate) = self.series.iter().zip(self.gates).find(|(series, _)| series.has_failed())?;
        let why = series.last().map(|answer| answer.why.clone()).unwrap_or_default();
        Some(format!("{}: {why}", gate.name()))
    }

    /// What the gates came to, and what there was besides.
    fn end(&self) -> Answer {
        let unsure = self.series.iter().zip(self.gates).find_map(|(series, gate)| {
            let last = series.last().filter(|last| last.says == Says::Inconclusive)?;
            Some(format!("{}: {}", gate.name(), last.why))
        });
        match unsure.or_else(|| self.vigil.doubts().first().cloned()) {
            Some(why) => Answer::inconclusive(why),
            None => Answer::passed("ready all along, and nothing was restarted"),
        }
    }

    fn tell(&self, name: &str, state: GateState, detail: String) {
        self.listener.hear(&Event::Gate { name: name.to_owned(), state, detail });
    }
}

async fn asked(asking: &mut Option<BoxFuture<'_, Asked>>) -> Asked {
    match asking {
        Some(asking) => asking.await,
        None => std::future::pending().await,
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

pub(in crate::execute) fn state(says: Says) -> GateState {
    match says {
        Says::Passed => GateState::Passed,
        Says::Failed => GateState::Failed,
        Says::Inconclusive => GateState::Inconclusive,
    }
}

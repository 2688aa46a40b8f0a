//! The loop of a batch: how its releases stand goes in, [`next`] says what to do, and it is done. Each release is a run of its own,
//! and what has ended is kept before anything else is begun.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;

use super::interrupts::Interrupts;
use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::record::batch::Store;
use crate::upgrade::batch::Outcome;
use crate::upgrade::batch::event::BatchEvent;
use crate::upgrade::batch::kept::{Entry, Kept, Told};
use crate::upgrade::batch::next::{Action, Terms, Why, next};
use crate::upgrade::batch::order::Order;

/// A soak is never slept through in one go: clocks may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// What is done to the releases of a batch, by their position.
pub trait Releases {
    /// Upgrades one, under guard. However it ends is told.
    fn upgrade(&self, at: usize) -> impl Future<Output = Told>;

    /// Brings one back to the revision that was deployed before, under guard.
    fn undo(&self, at: usize, to: Option<u32>) -> impl Future<Output = Told>;

    /// Why one is not ready any more, if it is not.
    fn trouble(&self, at: usize) -> impl Future<Output = Option<String>>;

    /// Hears what happens.
    fn hear(&self, event: &BatchEvent<'_>);
}

/// A batch to run.
pub struct Batch<'a, C, R> {
    /// What is done to its releases.
    pub releases: &'a R,
    /// In which order.
    pub order: &'a Order,
    /// How.
    pub terms: Terms,
    /// Where its state is kept.
    pub store: &'a Store<C>,
    /// What ends it before its time.
    pub interrupts: &'a Interrupts,
}

impl<C: Cluster, R: Releases> Batch<'_, C, R> {
    /// Runs it to its end. That a release fails is no error, but in what is kept.
    ///
    /// # Errors
    /// If the state can't be kept any more, once what was at work has ended.
    pub async fn run(&self, kept: &mut Kept) -> Result<(), Error> {
        let mut running = FuturesUnordered::new();
        let mut ended: Vec<(usize, Told)> = Vec::new();
        let mut broken = self.store.write(&kept.write()).await.err();
        loop {
            for (at, told) in ended.drain(..) {
                self.end(kept, at, told);
                // A state that is not kept is worse than none: what is at work ends, and nothing new is begun.
                broken = broken.or(self.store.write(&kept.write()).await.err());
            }
            let stopped = self.interrupts.asked().is_some() || broken.is_some();
            match next(self.order, kept, (&self.terms, stopped), Timestamp::now()) {
                Action::Start(at) => {
                    kept.releases[at].begin(Timestamp::now());
                    let state = kept.write();
                    if let Err(error) = meanwhile(&mut running, &mut ended, self.store.write(&state)).await {
                        kept.releases[at].running = false;
                        broken = Some(error);
                        continue;
                    }
                    self.releases.hear(&BatchEvent::BatchBegun { release: &kept.releases[at].id });
                    running.push(async move { (at, self.releases.upgrade(at).await) });
                }
                Action::Skip(at, why) => ended.push((at, Told::new(Outcome::Skipped, Some(reason(kept, why))))),
                Action::Wait => {
                    let asked = u32::from(self.interrupts.asked().is_some());
                    tokio::select! {
                        done = running.next() => ended.extend(done),
                        // Each release hears of it by itself; here it only begins nothing new.
                        () = self.interrupts.more_than(asked), if asked == 0 => {}
                    }
                }
                Action::Soak(until) => self.soak(kept, until).await,
                Action::LookAgain(wave) => {
                    self.look_again(kept, wave).await;
                    broken = broken.or(self.store.write(&kept.write()).await.err());
                }
                Action::Undo(at) => {
                    self.releases.hear(&BatchEvent::BatchUndoing { release: &kept.releases[at].id });
                    ended.push((at, self.releases.undo(at, kept.releases[at].from).await));
                }
                Action::End => break,
            }
        }
        kept.ended = kept.is_over().then(Timestamp::now);
        broken = broken.or(self.store.write(&kept.write()).await.err());
        self.releases.hear(&BatchEvent::BatchDone { batch: kept });
        broken.filter(|_| !kept.is_over()).map_or(Ok(()), Err)
    }

    fn end(&self, kept: &mut Kept, at: usize, told: Told) {
        kept.releases[at].end(told, Timestamp::now());
        self.releases.hear(&BatchEvent::BatchEnded { release: &kept.releases[at] });
    }

    async fn soak(&self, kept: &Kept, until: Timestamp) {
        let before = kept.releases.iter().filter(|entry| entry.outcome.is_some()).map(|entry| entry.wave).max();
        self.releases.hear(&BatchEvent::BatchSoaking { wave: before.unwrap_or_default(), until });
        while let Ok(left) = Duration::try_from(until.duration_since(Timestamp::now()))
            && !left.is_zero()
            && self.interrupts.asked().is_none()
        {
            tokio::select! {
                () = tokio::time::sleep(left.min(LONGEST_SLEEP)) => {}
                () = self.interrupts.more_than(0) => {}
            }
        }
    }

    /// What was upgraded in a wave must still be ready after its soak; what is not has failed.
    async fn look_again(&self, kept: &mut Kept, wave: u32) {
        for at in 0..kept.releases.len() {
            let entry = &kept.releases[at];
            if entry.wave != wave || entry.outcome != Some(Outcome::Upgraded) {
                continue;
            }
            if let Some(trouble) = self.releases.trouble(at).await {
                let told = Told::new(Outcome::Failed, Some(format!("not ready any more after the soak: {trouble}")));
                self.end(kept, at, told);
            }
        }
        kept.looked_again = Some(wave);
    }
}

/// Goes on with what is at work while something else is awaited.
async fn meanwhile<T, F: Future<Output = (usize, Told)>>(
    running: &mut FuturesUnordered<F>,
    ended: &mut Vec<(usize, Told)>,
    awaited: impl Future<Output = T>,
) -> T {
    let mut awaited = pin!(awaited);
    loop {
        tokio::select! {
            result = &mut awaited => return result,
            Some(done) = running.next(), if !running.is_empty() => ended.push(done),
        }
    }
}

/// Why what needs a release is left out.
#[must_use]
pub fn needs_bad(need: &Entry) -> String {
    let became = match need.outcome {
        Some(Outcome::Failed | Outcome::RolledBack) => "failed",
        Some(Outcome::Unproven) => "is not proven",
        Some(Outcome::Refused) => "was refused",
        Some(Outcome::Undone | Outcome::NotUndone) => "was brought back",
        Some(Outcome::Interrupted) => "was interrupted",
        _ => "was skipped",
    };
    format!("needs {}, which {became}", need.id)
}

fn reason(kept: &Kept, why: Why) -> String {
    match why {
        Why::Needs(need) => needs_bad(&kept.releases[need]),
        Why::Failures(1) => "another release failed".to_owned(),
        Why::Failures(count) => format!("{count} releases failed"),
    }
}

/// What an error of a release's run comes to.
#[must_use]
pub fn told(error: &Error) -> Told {
    let outcome = match error.kind {
        Kind::RolledBack => Outcome::RolledBack,
        Kind::Interrupted => Outcome::Interrupted,
        Kind::NotRolledBack => Outcome::Failed,
        _ => Outcome::Refused,
    };
    Told::new(outcome, Some(error.message.clone()))
}

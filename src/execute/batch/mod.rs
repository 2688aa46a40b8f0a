//! The loop of a batch: how its releases stand goes in, [`next`] says what to do, and it is done. Each release is a run of its own,
//! and what has ended is kept before anything else is begun.

mod again;
mod remove;

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures::stream::{self, FuturesUnordered, StreamExt as _};
use jiff::Timestamp;

pub use self::again::{Again, look_again};
pub use self::remove::remove;
use super::interrupts::Interrupts;
use super::patience::{AWAY, patiently};
use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::record::batch::Store;
use crate::upgrade::batch::Outcome;
use crate::upgrade::batch::event::{BatchEvent, Progress};
use crate::upgrade::batch::kept::{Entry, Kept, Revisions, Told};
use crate::upgrade::batch::next::{Action, Terms, Why, next};
use crate::upgrade::batch::order::Order;

/// A soak is never slept through in one go: clocks may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// What is done to the releases of a batch, by their position.
pub trait Releases {
    /// Upgrades one, under guard. However it ends is told.
    fn upgrade(&self, at: usize) -> impl Future<Output = Told>;

    /// The revisions of one now, as far as they can be read.
    fn revisions(&self, at: usize) -> impl Future<Output = Revisions>;

    /// Brings one back to the revision that was deployed before, under guard. Nothing is told where an interrupt ended it.
    fn undo(&self, at: usize, undo: Undo) -> impl Future<Output = Option<Told>>;

    /// Looks at one again, of which this revision was made.
    fn look_again(&self, at: usize, revision: Option<u32>) -> impl Future<Output = Again>;

    /// Hears what happens.
    fn hear(&self, event: &BatchEvent<'_>);
}

/// What is undone of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undo {
    /// The revision that was made.
    pub revision: Option<u32>,
    /// The one that was deployed before.
    pub to: Option<u32>,
    /// Between which times it was installed, where there was nothing before.
    pub installed: Option<(Timestamp, Timestamp)>,
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
        let mut broken = self.write(kept).await.err();
        loop {
            while !ended.is_empty() {
                let (at, told) = ended.remove(0);
                self.end(kept, at, told);
                // A state that is not kept is worse than none: what is at work ends, and nothing new is begun.
                if broken.is_none() {
                    broken = meanwhile(&mut running, &mut ended, self.write(kept)).await.err();
                }
            }
            let stopped = self.interrupts.asked().is_some() || broken.is_some();
            match next(self.order, kept, (&self.terms, stopped), Timestamp::now()) {
                Action::Start(at) => {
                    if kept.releases[at].from.is_none() || kept.releases[at].taken_up {
                        let seen = meanwhile(&mut running, &mut ended, self.releases.revisions(at)).await;
                        if !ended.is_empty() || kept.releases[at].give_up(seen) {
                            continue;
                        }
                        kept.releases[at].start_from(seen);
                    }
                    kept.releases[at].begin(Timestamp::now());
                    if let Err(error) = meanwhile(&mut running, &mut ended, self.write(kept)).await {
                        (kept.releases[at].running, kept.releases[at].started) = (false, None);
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
                    broken = self.write(kept).await.err();
                }
                Action::Undo(at) => ended.extend(self.undo(kept, at).await),
                Action::End => break,
            }
        }
        kept.ended = kept.is_over().then(Timestamp::now);
        broken = self.write_last(kept, broken).await;
        self.releases.hear(&BatchEvent::BatchDone { batch: kept });
        broken.filter(|_| !kept.is_over()).map_or(Ok(()), Err)
    }

    /// A server that is away for a while is waited for.
    async fn write(&self, kept: &Kept) -> Result<(), Error> {
        let state = kept.write();
        patiently(AWAY, || self.store.write(&state)).await
    }

    /// Once more, for what has ended since. There is no patience left where it failed before.
    async fn write_last(&self, kept: &Kept, broken: Option<Error>) -> Option<Error> {
        match broken {
            None => self.write(kept).await.err(),
            Some(error) => self.store.write(&kept.write()).await.err().map(|_| error),
        }
    }

    /// Brings one back. Where that was interrupted nothing is told: it is still to be brought back.
    async fn undo(&self, kept: &Kept, at: usize) -> Option<(usize, Told)> {
        let entry = &kept.releases[at];
        self.releases.hear(&BatchEvent::BatchUndoing { release: &entry.id });
        let installed = entry.started.zip(entry.ended).filter(|_| entry.installed);
        let undo = Undo { revision: entry.revision, to: entry.from, installed };
        self.releases.undo(at, undo).await.map(|told| (at, entry.brought_back(told)))
    }

    fn end(&self, kept: &mut Kept, at: usize, told: Told) {
        kept.releases[at].end(told, Timestamp::now());
        let progress = Progress::of(kept, self.terms.concurrency);
        self.releases.hear(&BatchEvent::BatchEnded { release: &kept.releases[at], progress });
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
        let upgraded = |entry: &Entry| entry.wave == wave && entry.outcome == Some(Outcome::Upgraded);
        let of = |(at, entry): (usize, &Entry)| upgraded(entry).then_some((at, entry.revision));
        let wanted: Vec<(usize, Option<u32>)> = kept.releases.iter().enumerate().filter_map(of).collect();
        let looking = wanted.into_iter().map(|(at, revision)| async move {
            let again = self.releases.look_again(at, revision).await;
            (at, again)
        });
        let mut looking = stream::iter(looking).buffer_unordered(self.terms.concurrency.max(1));
        let mut seen = Vec::new();
        while let Some(found) = looking.next().await {
            seen.push(found);
        }
        if seen.iter().any(|(_, again)| *again == Again::Stopped) {
            return;
        }
        for (at, again) in seen {
            if let Some(told) = again.told(&kept.releases[at]) {
                // The time until then is that of the soak, and what is made in it is not the batch's.
                let ended = kept.releases[at].ended;
                self.end(kept, at, told);
                kept.releases[at].ended = ended;
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
        Why::Wave(wave) => format!("a release of wave {wave} failed"),
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

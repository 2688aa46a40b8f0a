//! The loop of a canary: what is kept and how the release stands goes in, [`next`] says what to do, and it is done. Each step is a
//! guarded upgrade, and what became of it is kept before anything else is begun.

use std::time::Duration;

use futures::future::join;
use jiff::Timestamp;
use tokio::time::timeout;

use super::Seams;
use super::gates::{Gates, web};
use super::interrupts::Interrupts;
use super::keeper::Keeper;
use super::patience::{AWAY, patiently, waits_no_longer};
use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::record::Records;
use crate::record::canary::Store;
use crate::storage::Storage;
use crate::upgrade::canary::LABEL;
use crate::upgrade::canary::event::{CanaryEvent, Outcome, Told};
use crate::upgrade::canary::kept::{Ended, Kept, Metric, Why};
use crate::upgrade::canary::next::{Action, Revision, Standing, Terms, next, standing};
use crate::upgrade::event::Report;
use crate::upgrade::gates::{Gate, prometheus};
use crate::upgrade::next::Ending;

/// So many of the newest revisions tell how a release stands.
const LOOKED_AT: usize = 3;

/// What is done to the release of a canary.
pub trait Steps {
    /// How the release stands.
    fn standing(&self, kept: &Kept) -> impl Future<Output = Result<Standing, Error>>;

    /// Whether the canary has made anything: a revision, or a release beside it.
    fn has_made(&self, kept: &Kept) -> impl Future<Output = Result<bool, Error>>;

    /// Makes a step, under guard.
    fn step(&self, kept: &Kept, at: usize) -> impl Future<Output = Result<Made, Error>>;

    /// Brings the release back to the revision from before, under guard.
    fn go_back(&self, kept: &Kept) -> impl Future<Output = Result<Report, Error>>;

    /// Waits until the release has all of its pods, where not the canary but somebody else has left it as it is. `is_back` says that
    /// it is at the revision from before.
    fn leave(&self, kept: &Kept, is_back: bool) -> impl Future<Output = Result<(), Error>>;

    /// Takes away what ran beside the release, once the canary is over.
    fn clean_up(&self, kept: &Kept) -> impl Future<Output = Result<(), Error>>;

    /// Asks somebody whether it goes on; `None` where nobody is there.
    fn confirm(&self, kept: &Kept) -> impl Future<Output = Option<bool>>;

    /// Hears what happens.
    fn hear(&self, event: &CanaryEvent<'_>);
}

/// What became of a step.
#[derive(Debug)]
pub enum Made {
    /// Its upgrade ended, well or badly.
    Ended(Box<Report>),
    /// A check says no, for this reason: nothing was done.
    Refused(Error),
}

/// A canary to run.
pub struct Canary<'a, C, S> {
    /// What is done to its release.
    pub steps: &'a S,
    /// Where it is kept.
    pub store: &'a Store<'a, C>,
    /// What ends it before its time.
    pub interrupts: &'a Interrupts,
}

/// How it went.
#[derive(Debug)]
pub struct Concluded {
    /// How.
    pub outcome: Outcome,
    /// Of the last guarded upgrade or rollback, where there was one.
    pub report: Option<Report>,
    /// What should be known besides, a sentence each.
    pub notes: Vec<String>,
    /// Why a step was refused.
    pub refused: Option<Error>,
    /// Why what ran beside the release is not taken away.
    pub left: Option<Error>,
}

impl Concluded {
    fn of(outcome: Outcome, report: Option<Report>) -> Self {
        Self { outcome, report, notes: Vec::new(), refused: None, left: None }
    }
}

impl<C: Cluster, S: Steps> Canary<'_, C, S> {
    /// Runs it, while no other run of it does.
    ///
    /// # Errors
    /// If another run is at work on it, the release can't be looked at, or the canary can't be kept any more. It goes on when it is
    /// run again.
    pub async fn run_alone<H: Helm>(
        &self,
        (seams, who): (&Seams<'_, C, H>, &str),
        kept: &mut Kept,
        terms: Terms,
    ) -> Result<Concluded, Error> {
        let name = format!("canary.{}", kept.release);
        let keeper = Keeper::take(seams, &name, who).await.map_err(|error| match error.kind {
            Kind::Locked => {
                let message = format!("another run of the canary of release \"{}\" is at work", kept.release);
                Error::new(Kind::Locked, message)
                    .hint(format!("wait for it; helm safe-upgrade canary status {} shows how far it is", kept.release))
            }
            _ => error,
        })?;
        let result = keeper.while_held(self.run(kept, terms)).await;
        if !self.interrupts.twice() {
            keeper.give_back().await;
        }
        result
    }

    /// Runs it until it is over, or does not go on. That a step fails is no error, but in what comes back. Errors are that the release
    /// can't be looked at, or the canary not be kept any more. It goes on when it is run again.
    async fn run(&self, kept: &mut Kept, mut terms: Terms) -> Result<Concluded, Error> {
        let mut last: Option<Report> = None;
        loop {
            let standing = tokio::select! {
                biased;
                standing = patiently(AWAY, || self.steps.standing(kept)) => standing?,
                why = waits_no_longer(self.interrupts) => return Err(self.stopped(kept, why)),
            };
            let action = next(kept, standing, terms);
            if let Some(why) = self.interrupts.asked().filter(|_| matches!(action, Action::Step(_) | Action::Confirm)) {
                return Err(self.stopped(kept, why));
            }
            let concluded = match action {
                Action::Step(at) => {
                    let concluded = self.make(kept, at, &mut last).await?;
                    // A word of the user counts once.
                    terms = Terms::default();
                    concluded
                }
                Action::Confirm => match self.steps.confirm(kept).await {
                    Some(true) => {
                        terms.promote = true;
                        None
                    }
                    // The loop says why it ends.
                    Some(false) if self.interrupts.asked().is_some() => None,
                    _ => Some(Concluded::of(Outcome::Paused, last.take())),
                },
                Action::Halt => Some(Concluded::of(halted(kept), last.take())),
                Action::GoBack => Some(self.go_back(kept, terms).await?),
                Action::IsBack => Some(self.is_back(kept, terms).await?),
                Action::Finish => {
                    if let Standing::Proven(revision) = standing {
                        kept.prove(revision, Timestamp::now());
                    }
                    Some(self.over(kept, Outcome::Proven, last.take()).await?)
                }
                Action::LeaveAlone => Some(self.leave(kept, Outcome::Overtaken, last.take()).await?),
            };
            if let Some(concluded) = concluded {
                let left = concluded.left.as_ref().map(|error| error.message.as_str());
                let (outcome, canary) = (concluded.outcome, Box::new(Told::of(kept)));
                self.steps.hear(&CanaryEvent::CanaryDone { outcome, canary, left });
                return Ok(concluded);
            }
        }
    }

    fn stopped(&self, kept: &Kept, why: &str) -> Error {
        let message = format!("the canary of release \"{}\" was stopped between two steps by {why}", kept.release);
        Error::new(Kind::Interrupted, message).hint("the same command goes on with it")
    }

    /// Makes a step. What comes back ends the run.
    async fn make(&self, kept: &mut Kept, at: usize, last: &mut Option<Report>) -> Result<Option<Concluded>, Error> {
        kept.begin(at, Timestamp::now());
        self.keep(kept).await?;
        let steps = kept.steps.len();
        let title = kept.steps[at].title.clone();
        self.steps.hear(&CanaryEvent::CanaryStepBegun { number: at + 1, steps, title: &title });
        let report = match self.steps.step(kept, at).await {
            Ok(Made::Ended(report)) => *report,
            Ok(Made::Refused(error)) => return self.refused(kept, error).await.map(Some),
            Err(error) => return Err(self.broken(kept, error).await),
        };
        self.steps.hear(&CanaryEvent::CanaryStepEnded { number: at + 1, report: &report });
        let reason = report.reasons.first().unwrap_or(&report.summary).clone();
        let revision = report.revision.or(report.deployed);
        // What came after this run's own revision is somebody else's, and what it has made beside the release is none of that.
        let newest = match kept.stable.is_some() && !kept.is_last(at) {
            true => kept.before,
            false => revision.unwrap_or(kept.newest),
        };
        // What can't be seen may be there.
        let has_made = self.steps.has_made(kept).await.unwrap_or(true);
        let ended = Ended { ending: report.ending, revision, newest, has_made, reason };
        if kept.end(&ended, Timestamp::now()) {
            let outcome = outcome(&report);
            let concluded = match outcome {
                Outcome::Overtaken => self.leave(kept, outcome, Some(report)).await,
                _ => self.over(kept, outcome, Some(report)).await,
            };
            return concluded.map(Some);
        }
        self.keep(kept).await?;
        *last = Some(report);
        let waits = kept.halted.as_ref().filter(|halt| halt.why != Why::Confirm);
        Ok(waits.map(|_| Concluded::of(halted(kept), last.take())))
    }

    /// Keeps how far it is, also where the API server is away for a while: what it has done must not be forgotten.
    async fn keep(&self, kept: &Kept) -> Result<(), Error> {
        let bytes = kept.write();
        patiently(AWAY, || self.store.write(&bytes)).await
    }

    async fn forget(&self) -> Result<(), Error> {
        patiently(AWAY, || self.store.remove()).await
    }

    /// A check says no to a step. Of a canary that has done nothing yet nothing is kept.
    async fn refused(&self, kept: &mut Kept, error: Error) -> Result<Concluded, Error> {
        kept.done.retain(|done| done.passed);
        kept.refuse(&error.message, Timestamp::now());
        match kept.passed > 0 || self.steps.has_made(kept).await.unwrap_or(true) {
            true => self.keep(kept).await?,
            false => self.forget().await?,
        }
        Ok(Concluded { refused: Some(error), ..Concluded::of(Outcome::Refused, None) })
    }

    /// A run that could not end: where nothing was done, nothing is kept of it.
    async fn broken(&self, kept: &Kept, error: Error) -> Error {
        if kept.passed == 0 && self.steps.has_made(kept).await.is_ok_and(|made| !made) {
            // That it stays is no harm: it can be aborted.
            _ = self.store.remove().await;
        }
        error
    }

    /// Goes back to the revision from before.
    async fn go_back(&self, kept: &mut Kept, terms: Terms) -> Result<Concluded, Error> {
        let report = self.steps.go_back(kept).await?;
        let back = matches!(report.ending, Ending::WentBack | Ending::RolledBack | Ending::Nothing);
        if back || report.ending == Ending::Unproven {
            let outcome = if terms.abort { Outcome::Aborted } else { Outcome::RolledBack };
            return self.over(kept, outcome, Some(report)).await;
        }
        if report.ending == Ending::Overtaken {
            return self.leave(kept, Outcome::Overtaken, Some(report)).await;
        }
        let now = Timestamp::now();
        // So that what this has made is not somebody else's to the next run.
        kept.newest = report.revision.unwrap_or_default().max(kept.newest);
        kept.fail(&report.summary, now);
        self.keep(kept).await?;
        Ok(Concluded::of(Outcome::NotRolledBack, Some(report)))
    }

    /// The release is at the revision from before, although this run has not brought it there.
    async fn is_back(&self, kept: &mut Kept, terms: Terms) -> Result<Concluded, Error> {
        let outcome = if terms.abort { Outcome::Aborted } else { Outcome::RolledBack };
        self.leave(kept, outcome, None).await
    }

    /// It is over, as soon as the release has all of its pods.
    async fn leave(&self, kept: &mut Kept, outcome: Outcome, report: Option<Report>) -> Result<Concluded, Error> {
        if let Err(error) = self.steps.leave(kept, outcome != Outcome::Overtaken).await {
            // The second release stays, since it bears the traffic.
            kept.fail(&error.message, Timestamp::now());
            self.keep(kept).await?;
            return Ok(Concluded { notes: vec![error.message], ..Concluded::of(Outcome::NotRolledBack, report) });
        }
        self.over(kept, outcome, report).await
    }

    /// It is over: nothing is kept of it any more.
    async fn over(&self, kept: &mut Kept, outcome: Outcome, report: Option<Report>) -> Result<Concluded, Error> {
        let mut concluded = Concluded::of(outcome, report);
        concluded.left = patiently(AWAY, || self.steps.clean_up(kept)).await.err();
        self.forget().await?;
        Ok(concluded)
    }
}

/// Why it does not go on.
fn halted(kept: &Kept) -> Outcome {
    match kept.halted.as_ref().map(|halt| halt.why) {
        Some(Why::Unclear) => Outcome::Unclear,
        Some(Why::Refused) => Outcome::Refused,
        Some(Why::Failed) => Outcome::NotRolledBack,
        Some(Why::Paused | Why::Confirm) | None => Outcome::Paused,
    }
}

/// What the end of the last upgrade is to the canary.
fn outcome(report: &Report) -> Outcome {
    match report.ending {
        Ending::Upgraded | Ending::Nothing | Ending::Passed | Ending::WentBack => Outcome::Proven,
        Ending::NotBegun | Ending::RolledBack | Ending::Uninstalled if report.interrupted => Outcome::Interrupted,
        Ending::RolledBack | Ending::Uninstalled => Outcome::RolledBack,
        Ending::NotBegun => Outcome::Refused,
        Ending::Overtaken => Outcome::Overtaken,
        Ending::Unproven => Outcome::Unclear,
        Ending::Kept | Ending::NoWayBack | Ending::NotRolledBack => Outcome::NotRolledBack,
    }
}

/// How a release stands to what is kept of its canary.
///
/// # Errors
/// If it can't be looked at.
pub async fn look<C: Cluster, H: Helm>(storage: &Storage<C, H>, kept: &Kept) -> Result<Standing, Error> {
    let history = storage.history(&kept.release).await?;
    let entries = history.entries();
    let records = Records::of(storage)?;
    let mut revisions = Vec::new();
    for entry in &entries[entries.len().saturating_sub(LOOKED_AT)..] {
        let label = match records.label(&kept.release, entry.revision, LABEL).await {
            Ok(label) => label,
            Err(error) if error.kind == Kind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let (number, status) = (entry.revision, entry.status_hint.clone());
        let (bad, proven) = (entry.marks.is_bad(), entry.marks.is_proven());
        let mut revision = Revision { number, status, bad, proven, label, ..Revision::default() };
        // Only what the newest one holds counts, and only where nothing else says whose it is.
        if entries.last().map(|last| last.revision) == Some(number) && number != kept.newest {
            let (base, newest) =
                join(storage.read(&kept.release, kept.base), storage.read(&kept.release, number)).await;
            let newest = newest?;
            // Nothing is as it was before where nobody knows that any more.
            let base =
                base.map(Some).or_else(|error| if error.kind == Kind::NotFound { Ok(None) } else { Err(error) })?;
            revision.is_base =
                base.is_some_and(|base| newest.manifest.is_same_as(&base.manifest) && newest.config == base.config);
            revision.description = newest.info.description;
        }
        revisions.push(revision);
    }
    Ok(standing(kept, &revisions))
}

/// What the queries of the gates give before anything is done.
///
/// # Errors
/// If one gives nothing: what comes later could be compared with nothing.
pub async fn measure<C: Cluster>(cluster: &C, namespace: &str, gates: &Gates) -> Result<Vec<Metric>, Error> {
    let mut metrics = Vec::new();
    for gate in &gates.gates {
        let Gate::Prometheus(address, condition) = gate else { continue };
        let (path, query) = condition.request();
        let address = address.below(path, &query);
        let patience = gates.timeout.max(Duration::from_secs(1));
        let samples = match timeout(patience, web::get(&address, cluster, namespace)).await {
            Ok(Ok(answer)) => prometheus::samples(answer.status, &answer.body),
            Ok(Err(why)) => Err(why),
            Err(_) => Err("no answer in time".to_owned()),
        };
        let samples = samples.map_err(|why| {
            let message = format!("cannot compare with before: {} gives nothing: {why}", gate.name());
            Error::new(Kind::Refused, message)
                .hint("--max-ratio takes queries that give a number before the first step, too")
        })?;
        metrics.push(Metric { gate: key(gate), samples });
    }
    Ok(metrics)
}

/// The gates, each of which is compared with what the same one gave `before`.
#[must_use]
pub fn compared((gates, before): (Vec<Gate>, &[Gate]), metrics: &[Metric], ratio: f64) -> Vec<Gate> {
    let with = |(gate, before): (Gate, &Gate)| {
        let metric = metrics.iter().find(|metric| metric.gate == key(before));
        match (gate, metric) {
            (Gate::Prometheus(address, condition), Some(metric)) => {
                Gate::Prometheus(address, condition.compared(ratio, metric.samples.clone()))
            }
            (gate, _) => gate,
        }
    };
    gates.into_iter().zip(before).map(with).collect()
}

/// What a query is found again by.
fn key(gate: &Gate) -> String {
    match gate {
        Gate::Prometheus(address, condition) => format!("{address} {}", condition.query()),
        _ => String::new(),
    }
}

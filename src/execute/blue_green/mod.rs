//! The loop of a blue-green roll-out: how far it is kept to be and where the traffic is go in, [`next`] says what to do, and it is done.
//!
//! Upgrades, tests, gates and the soak are guarded upgrades of the releases: [`crate::execute::run`]. What is done here besides is
//! leading the traffic and retiring a release. How far it is is kept before each step, so that a run that was killed goes on.

mod arrival;
mod back;
mod pause;
mod released;
mod retire;
mod router;
pub mod routes;
mod stands;
mod steps;

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::gates::Gates;
use super::keeper::Keeper;
use super::patience::{AWAY, patiently};
use super::{Listener, Options, Prepared, Seams};
use crate::cluster::Cluster;
use crate::command::revdiff;
use crate::command::upgrade::Request;
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::record::blue_green::{Store, pair};
use crate::record::blue_green_flags::Flags;
use crate::upgrade::blue_green::event::{BlueGreenEvent, Step};
use crate::upgrade::blue_green::kept::Kept;
use crate::upgrade::blue_green::next::{Action, Phase, State, next};
use crate::upgrade::blue_green::traffic::Traffic;
use crate::upgrade::blue_green::{Outcome, Retire};

/// A wait is never slept through in one go: clocks may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// So long somebody else's upgrade of a router is waited for: longer than most take, and not for ever, since helm may have been killed.
const SETTLES_WITHIN: Duration = Duration::from_secs(600);

/// So often it is looked in the meantime.
const SETTLES_EVERY: Duration = Duration::from_secs(2);

/// So often the traffic is led somewhere while somebody else leads it away.
const MOST_ATTEMPTS: u32 = 5;

/// Hears what happens.
pub trait Teller: Sync {
    /// Something has happened in the roll-out.
    fn tell(&self, event: &BlueGreenEvent<'_>);

    /// Who hears what happens to this release.
    fn listener(&self, release: &str) -> &dyn Listener;
}

/// A guarded upgrade of one release.
#[derive(Debug)]
pub struct Order {
    /// What it is made of.
    pub request: Request,
    /// How it is guarded.
    pub options: Options,
    /// How its diff is made.
    pub compare: revdiff::Options,
}

/// A roll-out to run.
pub struct Rollout<'a, C, H> {
    /// Where it acts.
    pub seams: Seams<'a, C, H>,
    /// Hears what happens.
    pub teller: &'a dyn Teller,
    /// The upgrade of the idle release.
    pub idle: &'a Order,
    /// What was found of it; none where it goes on after that was tested.
    pub prepared: Option<Prepared>,
    /// The upgrade of the router that leads the traffic to the idle release, where there is a router.
    pub router: Option<&'a Order>,
    /// The one that leads it back, over what somebody else has changed of the router since.
    pub router_back: Option<&'a Order>,
    /// The values by which the router leads the traffic.
    pub values: &'a routes::RouterValues,
    /// Where the state is kept.
    pub store: &'a Store<'a, C>,
    /// Where the flags of one that pauses are kept.
    pub flags: &'a Flags<'a, C>,
    /// The flags that another run goes on with, where it begins.
    pub typed: Option<Vec<String>>,
    /// Asks whoever is there, where somebody is.
    pub ask: Option<fn(&str) -> Option<String>>,
    /// Whether it is given up.
    pub aborts: bool,
    /// How long after its proof the release from before is retired.
    pub retire_after: Duration,
    /// Whether the idle release is removed where it was installed by this, and fails.
    pub removes: bool,
    /// What is asked of the idle release with the traffic.
    pub after: Gates,
    /// How long the traffic may take to arrive.
    pub arrival: Duration,
}

impl<C: Cluster, H: Helm> Rollout<'_, C, H> {
    /// Runs it to its end, and keeps how it ended. That it fails is no error, but in what is kept.
    ///
    /// # Errors
    /// If somebody else is at work on it, the API server stays away, or the state can't be kept. It goes on when it is run again.
    pub async fn run(&self, kept: &mut Kept) -> Result<Outcome, Error> {
        let names = (kept.roles.live.as_str(), kept.roles.idle.as_str());
        let keeper =
            Keeper::take(&self.seams, &format!("blue-green.{}", pair(names.0, names.1)), &self.idle.options.who)
                .await
                .map_err(|error| match error.kind {
                    Kind::Locked => Error::new(
                        Kind::Locked,
                        format!("another roll-out of {} and {} is under way", names.0, names.1),
                    )
                    .hint("wait for it; helm safe-upgrade blue-green status shows how far it is"),
                    _ => error,
                })?;
        let result = keeper.while_held(self.go(kept)).await;
        if !self.seams.interrupts.twice() {
            keeper.give_back().await;
        }
        let outcome = result.map_err(|error| back::in_view_of(kept, error))?;
        // What was not seen to be back is still to be led back.
        let goes_on = [Outcome::Waiting, Outcome::Unproven, Outcome::NotSwitchedBack, Outcome::Paused];
        if !goes_on.contains(&outcome) {
            kept.ended = Some(Timestamp::now());
            kept.phase = Phase::Ended;
        }
        kept.outcome = Some(outcome);
        // What has come of it is so, whether it can be kept or not.
        if let Err(error) = self.keep(kept).await {
            self.warn(format!("that it has ended is not kept: {error}"));
        } else if !kept.is_open() {
            self.forget_flags(kept).await;
        }
        self.teller.tell(&BlueGreenEvent::BlueGreenDone { rollout: kept });
        Ok(outcome)
    }

    async fn go(&self, kept: &mut Kept) -> Result<Outcome, Error> {
        // What says that it pauses is only said once it can be promoted. Flags alone do no harm.
        self.keep_flags(kept).await?;
        self.keep(kept).await?;
        let mut led = 0;
        let mut told = None;
        let mut pending_since = None;
        loop {
            if self.seams.interrupts.twice() {
                let message = format!("let go of the roll-out to {} at once, as asked", kept.roles.idle);
                return Err(Error::new(Kind::Interrupted, message).hint("run it again: it goes on where it was"));
            }
            let (seen, state) = self.state(kept, pending_since).await?;
            let action = next(&state, Timestamp::now());
            pending_since = pending_since.filter(|_| seen.pending);
            if matches!(action, Action::Switch | Action::SwitchBack) {
                led += 1;
                if led > MOST_ATTEMPTS {
                    let message =
                        format!("cannot switch the traffic: somebody else changes {} all the time", kept.switch);
                    return Err(Error::new(Kind::Locked, message).hint("find out who, then run it again"));
                }
            }
            let ended = match action {
                Action::Test => self.test(kept).await?,
                Action::Pause => self.pause(kept).await?,
                Action::Switch => self.switch(kept, &seen).await?,
                Action::Confirm => self.confirm(kept, &seen).await?,
                Action::Soak => self.soak(kept).await?,
                Action::SwitchBack => self.switch_back(kept, (&seen, &state)).await?,
                Action::ConfirmBack => self.confirm_back(kept).await?,
                Action::LookAgain => {
                    self.look_again(&seen, &mut pending_since).await;
                    None
                }
                Action::Wait(until) => self.wait(kept, until, &mut told).await,
                Action::Retire => self.retire(kept).await?,
                Action::End(outcome) => {
                    if outcome == Outcome::Aborted {
                        self.give_up(kept).await;
                    }
                    Some(self.over(kept, outcome, (&seen, &state)))
                }
            };
            if let Some(outcome) = ended {
                return Ok(outcome);
            }
        }
    }

    /// What is known now, where the router has been seen to be changed by somebody since then.
    async fn state(&self, kept: &Kept, pending_since: Option<Instant>) -> Result<(routes::Now, State), Error> {
        let stands = self.stands(kept).await?;
        let counts = matches!(kept.phase, Phase::Testing | Phase::Paused | Phase::Switching | Phase::Proven);
        let live_changed = counts && self.has_live_changed(kept).await?;
        // The traffic is looked at last: what was asked for before must not count for more than what is there since.
        let interrupted = self.seams.interrupts.asked().is_some();
        let seen = patiently(AWAY, || routes::now(&self.seams, &kept.switch, self.values)).await?;
        let state = State {
            phase: kept.phase,
            traffic: Traffic::of(&seen.route, (&kept.before, &kept.after)),
            interrupted: interrupted || self.aborts,
            aborted: self.aborts,
            retire: kept.retire,
            due: kept.due,
            unsettled: seen.unsettled.is_some(),
            pending: seen.pending && pending_since.is_none_or(|since| since.elapsed() < SETTLES_WITHIN),
            live_changed,
            idle_changed: stands.changed,
            idle_failed: stands.failed,
        };
        Ok((seen, state))
    }

    /// Lets a moment pass while somebody changes the router, which is said once.
    async fn look_again(&self, seen: &routes::Now, pending_since: &mut Option<Instant>) {
        if pending_since.is_none() {
            *pending_since = Some(Instant::now());
            let why = seen.unsettled.as_deref().unwrap_or_default();
            self.warn(format!("{why}: what comes of it is waited for"));
        }
        tokio::select! {
            () = tokio::time::sleep(SETTLES_EVERY) => {}
            () = self.seams.interrupts.more_than(1) => {}
        }
    }

    /// Why it ends here, where that is not said yet.
    fn over(&self, kept: &mut Kept, outcome: Outcome, (seen, state): (&routes::Now, &State)) -> Outcome {
        let is_before = matches!(kept.phase, Phase::Testing | Phase::Paused | Phase::Switching);
        let reason = match (outcome, &state.traffic) {
            (Outcome::Overtaken, Traffic::Elsewhere(to)) => Some(format!("{} leads elsewhere now: {to}", kept.switch)),
            (Outcome::Overtaken, _) if state.idle_changed => {
                Some(format!("{} was changed by somebody else since it was tested", kept.roles.idle))
            }
            (Outcome::Overtaken, Traffic::Live) if is_before && state.live_changed => {
                let live = &kept.roles.live;
                Some(format!(
                    "{live} was changed by somebody else since it was looked at, or somebody is at work on it"
                ))
            }
            (Outcome::Overtaken, _) if seen.unsettled.is_some() => seen.unsettled.clone(),
            (Outcome::Overtaken, Traffic::Live) => Some(format!("{} leads to {} again", kept.switch, kept.roles.live)),
            (Outcome::Overtaken, Traffic::Idle) => {
                Some(format!("{} leads to {} already", kept.switch, kept.roles.idle))
            }
            (Outcome::Aborted, _) => Some(self.asked()),
            (Outcome::Interrupted | Outcome::Waiting, _) => {
                Some(format!("interrupted by {}", self.seams.interrupts.asked().unwrap_or("a signal")))
            }
            (Outcome::Switched, _) if state.live_changed && kept.retire != Retire::Keep => {
                Some(format!("{} was changed by somebody else, and is left as it is", kept.roles.live))
            }
            _ => None,
        };
        kept.reason = reason.or(kept.reason.take());
        outcome
    }

    /// Why no more is wanted.
    fn asked(&self) -> String {
        match self.seams.interrupts.asked() {
            None if self.aborts => format!("given up by {}", self.idle.options.who),
            asked => format!("interrupted by {}", asked.unwrap_or("a signal")),
        }
    }

    async fn keep(&self, kept: &Kept) -> Result<(), Error> {
        let bytes = kept.write();
        patiently(AWAY, || self.store.write(&bytes)).await
    }

    /// What a guarded run of a release acts on.
    fn seams_of(&self, release: &str) -> Seams<'_, C, H> {
        Seams { listener: self.teller.listener(release), ..self.seams }
    }

    fn begins(&self, step: Step, text: String) {
        self.teller.tell(&BlueGreenEvent::BlueGreenStep { step, text });
    }

    fn ends(&self, step: Step, good: bool, text: String) {
        self.teller.tell(&BlueGreenEvent::BlueGreenStepEnded { step, good, text });
    }

    async fn wait(&self, kept: &Kept, until: Timestamp, told: &mut Option<Timestamp>) -> Option<Outcome> {
        let left = Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default();
        if told.replace(until) != Some(until) {
            self.teller.tell(&BlueGreenEvent::BlueGreenWaiting { release: &kept.roles.live, until });
        }
        tokio::select! {
            () = tokio::time::sleep(left.min(LONGEST_SLEEP)) => {}
            () = self.seams.interrupts.more_than(0) => {}
        }
        None
    }
}

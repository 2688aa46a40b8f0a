//! An API server that is away for a while: what can't be asked now is asked again.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::gates::shown;
use super::interrupts::{Interrupts, stopped};
use super::run::Run;
use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::upgrade::next::Step;

/// How long an API server may be away before a step is given up.
pub const AWAY: Duration = Duration::from_secs(90);
/// However long a step may take.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A server that is not away answers within this time.
const TO_ANSWER: Duration = Duration::from_secs(2);

/// Tries until it works, fails for another reason than that the server does not answer, or the time is over.
///
/// # Errors
/// What the last attempt failed with.
pub async fn patiently<T, F>(within: Duration, mut attempt: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let end = Instant::now() + within;
    let mut wait = FIRST_WAIT;
    loop {
        match attempt().await {
            Err(error) if may_pass(error.kind) && Instant::now() + wait < end => {
                sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            result => return result,
        }
    }
}

/// Ends when the user has interrupted the run, and a server that is not away would have answered since: what has interrupted it.
pub(super) async fn waits_no_longer(interrupts: &Interrupts) -> &'static str {
    interrupts.more_than(0).await;
    sleep(TO_ANSWER).await;
    interrupts.asked().unwrap_or("a signal")
}

impl<C: Cluster, H: Helm> Run<'_, '_, C, H> {
    /// Tries as [`patiently`] does: for a short while until something was done to the release, and after that for as long as the step may
    /// take, as giving up would leave the release in the middle of it. Once the user has interrupted it, it is for no longer than he
    /// gives the way back.
    pub(super) async fn persistently<T, F>(&self, attempt: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let result = tokio::select! {
            biased;
            result = self.while_it_may_take(attempt) => result,
            error = self.called_off() => Err(error),
        };
        let gives_up = |error: &Error| may_pass(error.kind) || error.kind == Kind::Interrupted;
        result.map_err(|error| match self.is_under_way() && gives_up(&error) {
            true => {
                let name = self.name();
                let left = format!("release \"{name}\" is left as it is, and may be pending");
                error.while_doing(&left).hint(way_on(name, self.seams.storage.namespace()))
            }
            false => error,
        })
    }

    /// As [`patiently`], for what is not needed to leave the release in order.
    pub(super) async fn for_a_while<T, F>(&self, attempt: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        tokio::select! {
            biased;
            result = patiently(AWAY, attempt) => result,
            error = self.called_off() => Err(error),
        }
    }

    /// Writes down what is being done. Who has interrupted the run does not wait for that.
    pub(super) async fn note(&self, phase: &str, revision: u32) {
        tokio::select! {
            () = self.keeper.note(phase, revision) => {}
            _ = waits_no_longer(self.seams.interrupts) => {}
        }
    }

    /// Ends when who has interrupted the run waits no longer. Where nothing is begun that is at once, and else once there was time to lead
    /// the release back.
    async fn called_off(&self) -> Error {
        let interrupts = self.seams.interrupts;
        let why = waits_no_longer(interrupts).await;
        if !self.is_under_way() {
            return stopped(self.name());
        }
        let grace = self.options.grace;
        let within = shown(grace);
        self.notice(format!(
            "interrupted by {why}, and the API server does not answer: it is waited for up to {within}, to bring the release into order; \
             interrupt again to let go at once"
        ));
        sleep(grace.saturating_sub(TO_ANSWER)).await;
        let message = format!("interrupted by {why}, and the API server did not answer within {within}");
        Error::new(Kind::Interrupted, message)
    }

    async fn while_it_may_take<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let end = Instant::now() + self.patience();
        let mut result = patiently(AWAY, &mut attempt).await;
        // A server that answers, though with errors, is not waited for any longer.
        if matches!(&result, Err(error) if error.kind == Kind::Unreachable) {
            result = patiently(end.saturating_duration_since(Instant::now()), attempt).await;
        }
        result
    }

    /// How long the API server may be away now.
    fn patience(&self) -> Duration {
        let (whole, back) = (self.options.apply.waiting.timeout, self.options.rollback_timeout);
        let left = match (self.going_back.has_begun(), self.state.applied) {
            (true, _) => self.going_back.remaining(back),
            (false, Step::Open) => self.applying.remaining(whole),
            // What comes next may take so long.
            (false, _) => back,
        };
        let most = if self.has_begun() { left } else { AWAY };
        most.clamp(AWAY, LONGEST)
    }

    /// Whether something was done to the release, or may have been.
    pub(super) fn has_begun(&self) -> bool {
        self.going_back.has_begun() || (self.applying.has_begun() && !self.state.look_only)
    }

    /// Whether giving up would leave the release in the middle of something. A failed step of a staged roll-out is led back from, also where
    /// it was only looked at.
    pub(super) fn is_under_way(&self) -> bool {
        self.has_begun() || (self.state.is_staged && self.state.has_failed())
    }
}

/// What to do about a release that is left in the middle of a step.
pub(super) fn way_on(name: &str, namespace: &str) -> String {
    format!("helm safe-upgrade unlock {name} -n {namespace}; or run the upgrade again, which takes it up")
}

/// A token may be renewed, and a server may come back.
fn may_pass(kind: Kind) -> bool {
    matches!(kind, Kind::Unreachable | Kind::Cluster | Kind::Unauthorized)
}

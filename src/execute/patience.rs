//! An API server that is away for a while: what can't be asked now is asked again.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

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

impl<C: Cluster, H: Helm> Run<'_, '_, C, H> {
    /// Tries as [`patiently`] does: for a short while until something was done to the release, and after that for as long as the step may
    /// take, as giving up would leave the release in the middle of it.
    pub(super) async fn persistently<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let end = Instant::now() + self.patience();
        let mut result = patiently(AWAY, &mut attempt).await;
        // A server that answers, though with errors, is not waited for any longer.
        if matches!(&result, Err(error) if error.kind == Kind::Unreachable) {
            result = patiently(end.saturating_duration_since(Instant::now()), attempt).await;
        }
        result.map_err(|error| match self.has_begun() && may_pass(error.kind) {
            true => {
                let name = self.name();
                let left = format!("release \"{name}\" is left as it is, and may be pending");
                error.while_doing(&left).hint(way_on(name, self.seams.storage.namespace()))
            }
            false => error,
        })
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
        // Who wants to end has less patience.
        let most = if self.has_begun() && self.seams.interrupts.asked().is_none() { left } else { AWAY };
        most.clamp(AWAY, LONGEST)
    }

    /// Whether something was done to the release, or may have been.
    pub(super) fn has_begun(&self) -> bool {
        self.going_back.has_begun() || (self.applying.has_begun() && !self.state.look_only)
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

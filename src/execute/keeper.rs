//! Holding the release's lease while a run is at work.

use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use super::Seams;
use super::patience::patiently;
use super::prepare::{judged, locked, observe_owner};
use crate::cluster::Cluster;
use crate::error::Error;
use crate::helm::Helm;
use crate::record::{self, Acquired, Holder, Judged, Lease, Left, RENEW_EVERY, Renewal};
use crate::upgrade::event::Event;

/// So long it is tried to say that nothing is left to do.
const TO_GIVE_BACK: Duration = Duration::from_secs(10);

/// The lease, if one could be had.
pub(super) struct Keeper<'a, C> {
    lease: Option<Lease<'a, C>>,
    /// A random text that only this run has.
    pub(super) run: String,
    /// Who has it now, where it was lost.
    lost: Mutex<Option<String>>,
}

/// Removes the lease that a dead owner has left, where there is nothing else to do. One that can't be removed ends by itself.
pub async fn clear_lease<C: Cluster, H: Helm>(seams: &Seams<'_, C, H>, name: &str, who: &str) {
    let Ok(Some(seen)) = observe_owner(seams, name).await else { return };
    if judged(&seen) != Judged::Live
        && let Ok(keeper) = Keeper::take(seams, name, who).await
    {
        keeper.give_back().await;
    }
}

impl<'a, C: Cluster> Keeper<'a, C> {
    /// Takes the lease. Without the right to have one it is warned, and gone on.
    pub(super) async fn take<H: Helm>(seams: &Seams<'a, C, H>, name: &str, who: &str) -> Result<Self, Error> {
        let me = Holder::of_this_process(who.split('@').next().unwrap_or_default());
        let namespace = seams.storage.namespace();
        let lease = match record::acquire(seams.cluster, namespace, name, &me, Timestamp::now).await? {
            Acquired::Held(lease) => Some(*lease),
            Acquired::Busy { holder, since, .. } => return Err(locked(name, &holder, since)),
            Acquired::NoRight(reason) => {
                let text = format!("two runs at once can't be told apart, for want of a lease: {reason}");
                seams.listener.hear(&Event::Warning { text });
                None
            }
        };
        let run = me.identity.rsplit(':').next().unwrap_or_default().to_owned();
        Ok(Self { lease, run, lost: Mutex::default() })
    }

    /// What a dead owner has left behind.
    pub(super) fn left(&self) -> Option<&Left> {
        self.lease.as_ref()?.left.as_ref()
    }

    /// Writes down what is being done. That it fails for a moment is no reason to stop.
    pub(super) async fn note(&self, phase: &str, revision: u32) {
        if let Some(lease) = &self.lease
            && let Ok(renewal) = lease.note(phase, Some(revision)).await
        {
            self.heed(renewal);
        }
    }

    /// Who has the lease now, if it was lost.
    pub(super) fn lost_to(&self) -> Option<String> {
        self.lost.lock().ok()?.clone()
    }

    /// Does the work, and renews the lease all along.
    pub(super) async fn while_held<T>(&self, work: impl Future<Output = T>) -> T {
        let renewing = async {
            loop {
                sleep(RENEW_EVERY).await;
                if let Some(lease) = &self.lease
                    && let Ok(renewal) = lease.renew().await
                {
                    self.heed(renewal);
                }
            }
        };
        tokio::select! {
            result = work => result,
            () = renewing => std::future::pending().await,
        }
    }

    /// Gives it back. If that fails, it ends by itself, and is to name no revision then, as if something were left to do.
    pub(super) async fn give_back(&self) {
        if let Some(lease) = &self.lease
            && self.lost_to().is_none()
            && lease.release().await.is_err()
        {
            _ = patiently(TO_GIVE_BACK, || lease.note("end", None)).await;
        }
    }

    /// Ends in the middle, so that the next run takes up what is left. If that can't be written, the lease ends with this process.
    pub(super) async fn leave(&self) {
        if let Some(lease) = &self.lease
            && self.lost_to().is_none()
        {
            _ = lease.leave().await;
        }
    }

    fn heed(&self, renewal: Renewal) {
        if let Renewal::Lost(to) = renewal
            && let Ok(mut lost) = self.lost.lock()
        {
            *lost = Some(to.unwrap_or_else(|| "somebody who has deleted it".to_owned()));
        }
    }
}

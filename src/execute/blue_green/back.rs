//! The way back: leading the traffic to where it was, once somebody answers there, and removing what has failed.

use super::Rollout;
use super::arrival::{Arrival, Enough, Goal, Readiness, arrival, readiness};
use super::routes::{Now, now};
use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::execute::patience::{AWAY, patiently};
use crate::helm::Helm;
use crate::upgrade::blue_green::event::Step;
use crate::upgrade::blue_green::kept::Kept;
use crate::upgrade::blue_green::next::{Phase, State};
use crate::upgrade::blue_green::traffic::Traffic;
use crate::upgrade::blue_green::{Outcome, Switch};

impl<C: Cluster, H: Helm> Rollout<'_, C, H> {
    /// Leads the traffic back, if somebody answers there.
    pub(super) async fn switch_back(
        &self,
        kept: &mut Kept,
        (seen, state): (&Now, &State),
    ) -> Result<Option<Outcome>, Error> {
        self.keep(kept).await?;
        self.begins(Step::SwitchBack, format!("switch {} back: {} becomes {}", kept.switch, kept.after, kept.before));
        if kept.phase != Phase::GoingBack {
            let why = match (state.idle_failed, kept.revision) {
                (true, Some(revision)) => format!("revision {revision} of {} failed with the traffic", kept.roles.idle),
                _ => self.asked(),
            };
            // Nothing is wrong with what has the traffic, so it is not taken away for nobody.
            if !state.idle_failed
                && let Some(outcome) = self.stays(kept, &why).await?
            {
                return Ok(Some(outcome));
            }
            kept.reason = Some(why);
            kept.phase = Phase::GoingBack;
            self.keep(kept).await?;
        }
        if let Some(why) = self.await_readiness(&kept.switch, back(kept), 1).await? {
            let why = format!("no ready pod of {}: {why}; so the traffic was not led there", kept.roles.live);
            return Ok(Some(self.not_back(kept, why)));
        }
        let (Switch::Release { name }, Some(before)) = (kept.switch.clone(), kept.router_revision) else {
            self.lead(&kept.switch, (seen, &kept.after, &kept.before)).await?;
            return Ok(None);
        };
        match self.router_back(kept, (&name, before), seen).await? {
            None => Ok(None),
            Some(why) => Ok(Some(self.not_back(kept, why))),
        }
    }

    /// After an interrupt: the traffic stays where it is if nobody answers where it was.
    pub(super) async fn stays(&self, kept: &mut Kept, why: &str) -> Result<Option<Outcome>, Error> {
        let looked = || readiness(&self.seams, &kept.switch, back(kept));
        let Readiness::Nobody(nobody) = patiently(AWAY, looked).await? else { return Ok(None) };
        let why = format!("{why}; no ready pod of {}: {nobody}; so the traffic was not led back", kept.roles.live);
        Ok(Some(self.over_at(Step::SwitchBack, kept, (why, Outcome::Unproven))))
    }

    /// It is not back, which is said beside why it should be.
    fn not_back(&self, kept: &mut Kept, why: String) -> Outcome {
        self.ends(Step::SwitchBack, false, why.clone());
        kept.reason = Some(match kept.reason.take() {
            // It was tried before, and has failed in the same way.
            Some(reason) if reason.ends_with(&why) => reason,
            Some(reason) => format!("{reason}; {why}"),
            None => why,
        });
        Outcome::NotSwitchedBack
    }

    /// Sees that the traffic is back, and removes what has failed where that is wanted.
    pub(super) async fn confirm_back(&self, kept: &mut Kept) -> Result<Option<Outcome>, Error> {
        // One interrupt may be why it is led back; only another one lets go of it.
        match arrival(&self.seams, &kept.switch, back(kept), (self.arrival, 1)).await? {
            Arrival::Stopped => Ok(None),
            Arrival::Missing(why) => {
                let why = format!("the traffic did not arrive at {}: {why}", kept.roles.live);
                Ok(Some(self.not_back(kept, why)))
            }
            arrived => {
                let is_seen = matches!(arrived, Arrival::Arrived(_));
                let text = self.told(arrived);
                self.ends(Step::SwitchBack, true, format!("{} has the traffic again: {text}", kept.roles.live));
                if self.removes && kept.first_install {
                    match is_seen {
                        true => self.remove_failed(&kept.roles.idle).await,
                        false => self.warn(format!("{} is not removed: it may still have traffic", kept.roles.idle)),
                    }
                }
                Ok(Some(if self.aborts { Outcome::Aborted } else { Outcome::SwitchedBack }))
            }
        }
    }

    /// Removes what was installed by this roll-out and has not come to the switch, where that is wanted. A release to which somebody has
    /// led the traffic in the meantime stays: bad pods are better than none.
    pub(super) async fn remove_without_traffic(&self, kept: &Kept) {
        if !self.removes || !kept.first_install {
            return;
        }
        let idle = &kept.roles.idle;
        let seen = patiently(AWAY, || now(&self.seams, &kept.switch, self.values)).await;
        let is_live = |seen: &Now| Traffic::of(&seen.route, (&kept.before, &kept.after)) == Traffic::Live;
        match seen {
            Ok(seen) if seen.unsettled.is_none() && is_live(&seen) => self.remove_failed(idle).await,
            Ok(_) => self.warn(format!("{idle} is not removed: somebody has led the traffic elsewhere")),
            Err(error) => self.warn(format!("{idle} is not removed, since it may have traffic: {error}")),
        }
    }

    /// Removes what has failed without the traffic. That it can't is no harm to the other one.
    pub(super) async fn remove_failed(&self, idle: &str) {
        if let Err(error) = self.remove(idle).await {
            self.warn(format!("{idle} is not removed: {error}"));
        }
    }
}

/// The way back. It led to somebody before, whatever has been added for the new release since.
fn back(kept: &Kept) -> Goal<'_> {
    Goal { route: &kept.before, other: &kept.after, enough: Enough::One }
}

/// The error of a roll-out, in the light of where that leaves the traffic: what has failed with the traffic and could not be led back is
/// more than what can be run again at leisure.
pub(super) fn in_view_of(kept: &Kept, error: Error) -> Error {
    if kept.phase != Phase::GoingBack || matches!(error.kind, Kind::Locked | Kind::Interrupted) {
        return error;
    }
    let message = format!("the traffic was not seen to be back at {}: {error}", kept.roles.live);
    Error::new(Kind::NotRolledBack, message).hint("run the same command again: it goes on leading the traffic back")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::blue_green::traffic::Route;
    use crate::upgrade::blue_green::{Retire, Roles};

    fn kept(phase: Phase) -> Kept {
        let route = || Route::Release { to: String::new() };
        Kept {
            schema_version: 1,
            order: String::new(),
            roles: Roles { live: "blue".to_owned(), idle: "green".to_owned() },
            switch: Switch::Service { name: "web".to_owned() },
            chart: String::new(),
            before: route(),
            after: route(),
            live_revision: 1,
            live_made: None,
            first_install: false,
            revision: None,
            made: None,
            router_revision: None,
            router_made: None,
            router_chart: None,
            retire: Retire::Keep,
            pause: None,
            promoted_by: None,
            phase,
            by: String::new(),
            started: jiff::Timestamp::UNIX_EPOCH,
            switched: None,
            due: None,
            ended: None,
            outcome: None,
            reason: None,
        }
    }

    #[test]
    fn what_stops_the_way_back_is_no_common_error() {
        let away = || Error::new(Kind::Unreachable, "cannot reach the API server");
        assert_eq!(in_view_of(&kept(Phase::Soaking), away()).kind, Kind::Unreachable);
        let error = in_view_of(&kept(Phase::GoingBack), away());
        assert_eq!(error.kind, Kind::NotRolledBack);
        assert_eq!(error.message, "the traffic was not seen to be back at blue: cannot reach the API server");
        let theirs = Error::new(Kind::Locked, "somebody else works on this roll-out");
        assert_eq!(in_view_of(&kept(Phase::GoingBack), theirs).kind, Kind::Locked);
    }
}

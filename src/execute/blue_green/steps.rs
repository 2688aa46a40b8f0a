//! The steps of a roll-out: testing the idle release, leading the traffic there, and watching it.

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::Rollout;
use super::arrival::{Arrival, EVERY, Enough, Goal, Readiness, arrival, readiness};
use super::router::Routed;
use super::routes::{Now, lead};
use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::execute::patience::{AWAY, patiently};
use crate::execute::prepare::prepare_standing;
use crate::execute::veil::Veil;
use crate::execute::{Options, Prepared, Stage, run};
use crate::helm::Helm;
use crate::release::Release;
use crate::upgrade::blue_green::event::Step;
use crate::upgrade::blue_green::kept::Kept;
use crate::upgrade::blue_green::next::Phase;
use crate::upgrade::blue_green::traffic::Route;
use crate::upgrade::blue_green::{Outcome, Switch};
use crate::upgrade::event::{Event, Report};
use crate::upgrade::next::Ending;

impl<C: Cluster, H: Helm> Rollout<'_, C, H> {
    /// Upgrades or installs the idle release, and tests it. It is not marked as proven before it was seen with the traffic.
    pub(super) async fn test(&self, kept: &mut Kept) -> Result<Option<Outcome>, Error> {
        let idle = &kept.roles.idle;
        self.begins(Step::Test, format!("upgrade and test {idle}, while {} has the traffic", kept.roles.live));
        // Where it is to be removed, that is done here, once it is seen that nobody has led the traffic there meanwhile.
        let options = staged(&self.idle.options, false);
        let Some(prepared) = &self.prepared else {
            return Err(Error::new(Kind::Refused, format!("cannot test release \"{idle}\": nothing was rendered")));
        };
        let report = run::run(&self.seams_of(idle), prepared, &options).await?;
        kept.revision = report.revision.or(report.deployed);
        let good = matches!(report.ending, Ending::Passed | Ending::Upgraded | Ending::Nothing);
        if good {
            let revision = kept.revision.unwrap_or_default();
            self.ends(Step::Test, true, format!("{} is good so far: revision {revision}", kept.roles.idle));
            kept.made = self.made(&kept.roles.idle, kept.revision).await?;
            kept.phase = self.tested(kept);
            self.keep(kept).await?;
            return Ok(None);
        }
        let why = self.why(&report, &prepared.proposed.outcome.releases.new);
        self.ends(Step::Test, false, format!("{why}; {} was not touched", kept.roles.live));
        kept.reason = Some(why);
        if matches!(report.ending, Ending::Kept | Ending::NoWayBack) {
            self.remove_without_traffic(kept).await;
        }
        Ok(Some(match report.ending {
            _ if report.interrupted => Outcome::Interrupted,
            Ending::Overtaken => Outcome::Overtaken,
            _ => Outcome::Failed,
        }))
    }

    /// Leads the traffic to the idle release. Whether it is there is seen next.
    pub(super) async fn switch(&self, kept: &mut Kept, seen: &Now) -> Result<Option<Outcome>, Error> {
        // Whoever has taken over in between has written to it, and this fails.
        self.keep(kept).await?;
        let (before, after) = (&kept.before, &kept.after);
        self.begins(Step::Switch, format!("switch {}: {before} becomes {after}", kept.switch));
        let Some(order) = self.router.filter(|_| matches!(kept.switch, Switch::Release { .. })) else {
            if let Some(why) = self.await_readiness(&kept.switch, self.there(kept), 0).await? {
                return Ok(Some(self.not_ready(kept, &why)));
            }
            self.lead(&kept.switch, (seen, &kept.before, &kept.after)).await?;
            return Ok(None);
        };
        let Routed { ending, why: reason, made } = self.upgrade_router(kept, order, seen).await?;
        match ending {
            Some(Ending::Upgraded | Ending::Nothing | Ending::Unproven) => {
                // Whether it is good is told by the soak.
                if ending == Some(Ending::Unproven) {
                    self.warn(reason);
                }
                kept.router_made = made.or(kept.router_made);
                self.keep(kept).await.map(|()| None)
            }
            ending if is_untouched(ending, seen.unsettled.is_some()) => {
                let stopped = self.seams.interrupts.asked().is_some();
                let outcome = if stopped { Outcome::Interrupted } else { Outcome::Failed };
                Ok(Some(self.over_at(Step::Switch, kept, (reason, outcome))))
            }
            Some(Ending::Overtaken) => Ok(Some(self.over_at(Step::Switch, kept, (reason, Outcome::Overtaken)))),
            // What the upgrade that was cut off has made is taken back.
            Some(Ending::NotBegun) => {
                self.ends(Step::Switch, false, reason.clone());
                kept.reason = Some(reason);
                kept.phase = Phase::GoingBack;
                self.keep(kept).await.map(|()| None)
            }
            _ => {
                kept.phase = Phase::GoingBack;
                let outcome = self.over_at(Step::Switch, kept, (reason, Outcome::NotSwitchedBack));
                self.keep(kept).await?;
                Ok(Some(outcome))
            }
        }
    }

    /// Leads the traffic by one patch. That its answer was lost is no harm: what came of it is seen next.
    pub(super) async fn lead(&self, switch: &Switch, ways: (&Now, &Route, &Route)) -> Result<(), Error> {
        patiently(AWAY, || lead(&self.seams, switch, ways)).await
    }

    /// The way to the idle release.
    pub(super) fn there<'k>(&self, kept: &'k Kept) -> Goal<'k> {
        let enough = Enough::of(&kept.switch, &self.idle.options.told.terms.accepted);
        Goal { route: &kept.after, other: &kept.before, enough }
    }

    /// Waits until somebody answers where a route leads, no longer than until there were more than so many interrupts: why nobody does,
    /// where that stays so. What may not be seen is taken for good.
    pub(super) async fn await_readiness(
        &self,
        switch: &Switch,
        goal: Goal<'_>,
        interrupts: u32,
    ) -> Result<Option<String>, Error> {
        let end = Instant::now() + self.arrival;
        loop {
            let Readiness::Nobody(why) = patiently(AWAY, || readiness(&self.seams, switch, goal)).await? else {
                return Ok(None);
            };
            if Instant::now() >= end {
                return Ok(Some(why));
            }
            tokio::select! {
                () = sleep(EVERY) => {}
                () = self.seams.interrupts.more_than(interrupts) => return Ok(Some(why)),
            }
        }
    }

    /// Nothing is led to where nobody answers.
    fn not_ready(&self, kept: &mut Kept, why: &str) -> Outcome {
        if self.seams.interrupts.asked().is_some() {
            return self.over_at(Step::Switch, kept, ("interrupted".to_owned(), Outcome::Interrupted));
        }
        let why = format!("no ready pod of {} yet: {why}", kept.roles.idle);
        self.over_at(Step::Switch, kept, (why, Outcome::Failed))
    }

    /// Ends at a step, and says why.
    pub(super) fn over_at(&self, step: Step, kept: &mut Kept, (why, outcome): (String, Outcome)) -> Outcome {
        self.ends(step, false, why.clone());
        kept.reason = Some(why);
        outcome
    }

    /// Sees that the traffic arrives.
    pub(super) async fn confirm(&self, kept: &mut Kept, seen: &Now) -> Result<Option<Outcome>, Error> {
        match arrival(&self.seams, &kept.switch, self.there(kept), (self.arrival, 0)).await? {
            // What follows from that is seen next.
            Arrival::Stopped => {
                self.ends(Step::Switch, false, "stopped before the traffic was seen to arrive".to_owned());
                return Ok(None);
            }
            Arrival::Missing(why) => {
                self.ends(Step::Switch, false, why.clone());
                kept.reason = Some(format!("the traffic did not arrive at {}: {why}", kept.roles.idle));
                kept.phase = Phase::GoingBack;
            }
            arrived => {
                let text = self.told(arrived);
                self.ends(Step::Switch, true, format!("{} has the traffic: {text}", kept.roles.idle));
                kept.switched = Some(Timestamp::now());
                kept.phase = Phase::Soaking;
                self.clear_router(kept, seen).await;
            }
        }
        self.keep(kept).await.map(|()| None)
    }

    pub(super) fn told(&self, arrival: Arrival) -> String {
        match arrival {
            Arrival::Arrived(text) | Arrival::Missing(text) => text,
            Arrival::Stopped => String::new(),
            Arrival::Unseen(why) => {
                self.warn(format!("whether the traffic arrives can't be seen: {why}"));
                "as far as the object says".to_owned()
            }
        }
    }

    /// Watches the idle release with the traffic: the gates and the soak, without the tests, which have passed. Only now it is marked as
    /// proven. Nothing of it is changed.
    pub(super) async fn soak(&self, kept: &mut Kept) -> Result<Option<Outcome>, Error> {
        let idle = &kept.roles.idle;
        self.begins(Step::Soak, format!("watch {idle} with the traffic"));
        let seams = self.seams_of(idle);
        let mut options = staged(&self.idle.options, true);
        options.gates = self.after.clone();
        let order = (&options, &self.idle.compare);
        let prepared = as_it_is(prepare_standing(&seams, &self.idle.request, order).await?, idle)?;
        let report = run::run(&seams, &prepared, &options).await?;
        match report.ending {
            Ending::Upgraded | Ending::Passed | Ending::Nothing => {
                self.ends(Step::Soak, true, format!("{idle} is proven with the traffic"));
                kept.due = Some(Timestamp::now().saturating_add(self.retire_after).unwrap_or(Timestamp::MAX));
                kept.phase = Phase::Proven;
                self.keep(kept).await.map(|()| None)
            }
            // Nobody knows that it is bad, so the traffic stays, and so does the way back.
            Ending::Unproven | Ending::Overtaken => {
                let why = self.why(&report, &prepared.proposed.outcome.releases.new);
                Ok(Some(self.over_at(Step::Soak, kept, (why, Outcome::Unproven))))
            }
            _ => {
                let why = self.why(&report, &prepared.proposed.outcome.releases.new);
                self.ends(Step::Soak, false, why.clone());
                if report.interrupted
                    && let Some(outcome) = self.stays(kept, &why).await?
                {
                    self.call_deployed(kept).await;
                    return Ok(Some(outcome));
                }
                kept.reason = Some(why);
                kept.phase = Phase::GoingBack;
                self.keep(kept).await.map(|()| None)
            }
        }
    }

    /// Why a guarded upgrade of a release ended as it did, one sentence. It is kept, so it holds no secret of that release, whatever the
    /// user wants to see.
    pub(super) fn why(&self, report: &Report, release: &Release) -> String {
        let why = report.cause.as_ref().or(report.reasons.first()).unwrap_or(&report.summary);
        if self.seams.masker.masks() {
            return why.clone();
        }
        Veil::new(self.seams.listener, vec![release], (&self.idle.options.mask_key, true)).mask_to_keep(why)
    }

    pub(super) fn warn(&self, text: String) {
        self.seams.listener.hear(&Event::Warning { text });
    }
}

/// Whether a router is as it was before its upgrade ended like this: it is back at its revision from before, or was not changed at
/// all. Where an upgrade that was cut off was made again, that this was not begun says nothing of what the first one has changed.
fn is_untouched(ending: Option<Ending>, is_again: bool) -> bool {
    match ending {
        Some(Ending::RolledBack) | None => true,
        Some(Ending::NotBegun) => !is_again,
        Some(_) => false,
    }
}

/// A step of the roll-out. Nothing leads back from it but the traffic.
fn staged(options: &Options, is_last: bool) -> Options {
    Options { stage: Some(Stage { target: None, is_last, label: None }), ..options.clone() }
}

/// What stands, so that nothing of it is changed: what has the traffic is only watched.
fn as_it_is(mut prepared: Prepared, name: &str) -> Result<Prepared, Error> {
    if prepared.deployed.is_none() || prepared.deployed != Some(prepared.proposed.last) {
        let message = format!("cannot watch release \"{name}\": its last revision is not deployed");
        return Err(Error::new(Kind::Refused, message).hint(format!("helm safe-upgrade status {name}")));
    }
    prepared.nothing_to_do = true;
    Ok(prepared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_of_which_an_upgrade_was_cut_off_is_not_taken_to_be_untouched() {
        for (ending, is_again, expected) in [
            (None, false, true),
            (Some(Ending::NotBegun), false, true),
            (Some(Ending::NotBegun), true, false),
            (Some(Ending::RolledBack), true, true),
            (Some(Ending::NotRolledBack), false, false),
        ] {
            assert_eq!(is_untouched(ending, is_again), expected, "{ending:?} {is_again}");
        }
    }
}

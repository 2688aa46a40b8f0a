//! The steps of a roll-out: testing the idle release, leading the traffic there, watching it, and leading the traffic back.

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::routes::{Arrival, EVERY, Now, arrival, lead, not_ready};
use super::{Order, Rollout};
use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::execute::checklist;
use crate::execute::interrupts::Interrupts;
use crate::execute::patience::{AWAY, patiently};
use crate::execute::{Options, Prepared, Seams, Stage, prepare, prepare_rollback, run};
use crate::helm::Helm;
use crate::upgrade::blue_green::event::Step;
use crate::upgrade::blue_green::kept::Kept;
use crate::upgrade::blue_green::next::Phase;
use crate::upgrade::blue_green::{Outcome, Switch};
use crate::upgrade::event::{Event, Report};
use crate::upgrade::next::{Ending, OnFailure};

impl<C: Cluster, H: Helm> Rollout<'_, C, H> {
    /// Upgrades or installs the idle release, and tests it. It is not marked as proven before it was seen with the traffic.
    pub(super) async fn test(&self, kept: &mut Kept) -> Result<Option<Outcome>, Error> {
        let idle = &kept.roles.idle;
        self.begins(Step::Test, format!("upgrade and test {idle}, while {} has the traffic", kept.roles.live));
        let mut options = staged(&self.idle.options, false);
        if self.removes && kept.first_install {
            options.on_failure = OnFailure::Uninstall;
        }
        let report = run::run(&self.seams_of(idle), &self.prepared, &options).await?;
        kept.revision = report.revision.or(report.deployed);
        let good = matches!(report.ending, Ending::Passed | Ending::Upgraded | Ending::Nothing);
        if good {
            let revision = kept.revision.unwrap_or_default();
            self.ends(Step::Test, true, format!("{} is good so far: revision {revision}", kept.roles.idle));
            kept.phase = Phase::Switching;
            self.keep(kept).await?;
            return Ok(None);
        }
        kept.reason = Some(why(&report));
        self.ends(Step::Test, false, format!("{}; {} was not touched", why(&report), kept.roles.live));
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
        if let Some(outcome) = self.await_ready(kept).await? {
            return Ok(Some(outcome));
        }
        let (before, after) = (&kept.before, &kept.after);
        let Some(order) = self.router.filter(|_| matches!(kept.switch, Switch::Release { .. })) else {
            lead(&self.seams, &kept.switch, (seen, before, after)).await?;
            return Ok(None);
        };
        let (ending, reason) = self.upgrade_router(order).await?;
        match ending {
            Some(Ending::Upgraded | Ending::Nothing) => Ok(None),
            // It is back at its revision from before, or was not changed at all.
            Some(Ending::RolledBack | Ending::NotBegun) | None => {
                self.ends(Step::Switch, false, reason.clone());
                kept.reason = Some(reason);
                let stopped = self.seams.interrupts.asked().is_some();
                Ok(Some(if stopped { Outcome::Interrupted } else { Outcome::Failed }))
            }
            Some(_) => {
                self.ends(Step::Switch, false, reason.clone());
                kept.reason = Some(reason);
                kept.phase = Phase::GoingBack;
                self.keep(kept).await?;
                Ok(Some(Outcome::NotSwitchedBack))
            }
        }
    }

    /// Waits until pods are ready where the traffic is to go: nothing is led to where nobody answers.
    async fn await_ready(&self, kept: &mut Kept) -> Result<Option<Outcome>, Error> {
        let end = Instant::now() + self.arrival;
        let (before, after) = (&kept.before, &kept.after);
        let why = loop {
            let Some(why) = patiently(AWAY, || not_ready(&self.seams, after, before)).await? else { return Ok(None) };
            if self.seams.interrupts.asked().is_some() {
                return Ok(Some(self.over_before(kept, "interrupted".to_owned(), Outcome::Interrupted)));
            }
            if Instant::now() >= end {
                break why;
            }
            sleep(EVERY).await;
        };
        let why = format!("no ready pod of {} yet: {why}", kept.roles.idle);
        Ok(Some(self.over_before(kept, why, Outcome::Failed)))
    }

    /// Ends before the switch, and says why.
    fn over_before(&self, kept: &mut Kept, why: String, outcome: Outcome) -> Outcome {
        self.ends(Step::Switch, false, why.clone());
        kept.reason = Some(why);
        outcome
    }

    /// Upgrades the router under guard: how that ended, if it was begun, and why.
    async fn upgrade_router(&self, order: &Order) -> Result<(Option<Ending>, String), Error> {
        let name = &order.request.upgrade.release;
        let seams = self.seams_of(name);
        let prepared = prepare(&seams, &order.request, (&order.options, &order.compare), &()).await?;
        if let Some(error) = prepared.locked {
            return Err(error);
        }
        // The values lead there already, which is seen next.
        if prepared.nothing_to_do {
            return Ok((Some(Ending::Nothing), String::new()));
        }
        let findings = checklist::run(&seams, &order.request, &order.options, (&prepared, None)).await;
        if !findings.blocked.is_empty() {
            return Ok((None, format!("{name} is blocked by the checks {}", findings.blocked.join(", "))));
        }
        let report = run::run(&seams, &prepared, &order.options).await?;
        Ok((Some(report.ending), why(&report)))
    }

    /// Sees that the traffic arrives.
    pub(super) async fn confirm(&self, kept: &mut Kept) -> Result<Option<Outcome>, Error> {
        match arrival(&self.seams, &kept.switch, (&kept.after, &kept.before), (self.arrival, 0)).await {
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
            }
        }
        self.keep(kept).await.map(|()| None)
    }

    fn told(&self, arrival: Arrival) -> String {
        match arrival {
            Arrival::Arrived(text) | Arrival::Missing(text) => text,
            Arrival::Stopped => String::new(),
            Arrival::Unseen(why) => {
                let text = format!("whether the traffic arrives can't be seen: {why}");
                self.seams.listener.hear(&Event::Warning { text });
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
        let prepared = prepare(&seams, &self.idle.request, order, &()).await?;
        let prepared = as_it_is(prepared, idle)?;
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
                self.ends(Step::Soak, false, why(&report));
                kept.reason = Some(why(&report));
                Ok(Some(Outcome::Unproven))
            }
            _ => {
                self.ends(Step::Soak, false, why(&report));
                kept.reason = Some(why(&report));
                kept.phase = Phase::GoingBack;
                self.keep(kept).await.map(|()| None)
            }
        }
    }

    /// Leads the traffic back.
    pub(super) async fn switch_back(&self, kept: &mut Kept, seen: &Now) -> Result<Option<Outcome>, Error> {
        self.keep(kept).await?;
        self.begins(Step::SwitchBack, format!("switch {} back: {} becomes {}", kept.switch, kept.after, kept.before));
        if kept.phase != Phase::GoingBack {
            let asked = self.seams.interrupts.asked().unwrap_or("a signal");
            kept.reason = Some(format!("interrupted by {asked}"));
            kept.phase = Phase::GoingBack;
            self.keep(kept).await?;
        }
        let (Switch::Release { name }, Some(order), Some(revision)) = (&kept.switch, self.router, kept.router_revision)
        else {
            lead(&self.seams, &kept.switch, (seen, &kept.after, &kept.before)).await?;
            return Ok(None);
        };
        // Whatever has interrupted the run, this is the way back that it has asked for.
        let never = Interrupts::never();
        let seams = Seams { interrupts: &never, ..self.seams_of(name) };
        let prepared = prepare_rollback(&seams, (name, Some(revision)), &order.compare, &()).await?;
        let report = run::roll_back(&seams, &prepared, &order.options).await?;
        if report.ending == Ending::WentBack {
            return Ok(None);
        }
        self.ends(Step::SwitchBack, false, why(&report));
        kept.reason = Some([kept.reason.take().unwrap_or_default(), why(&report)].join("; "));
        Ok(Some(Outcome::NotSwitchedBack))
    }

    /// Sees that the traffic is back, and removes what has failed where that is wanted.
    pub(super) async fn confirm_back(&self, kept: &mut Kept) -> Result<Option<Outcome>, Error> {
        // One interrupt may be why it is led back; only another one lets go of it.
        match arrival(&self.seams, &kept.switch, (&kept.before, &kept.after), (self.arrival, 1)).await {
            Arrival::Stopped => Ok(None),
            Arrival::Missing(why) => {
                self.ends(Step::SwitchBack, false, why.clone());
                let reason = kept.reason.take().unwrap_or_default();
                kept.reason = Some(format!("{reason}; the traffic did not arrive at {}: {why}", kept.roles.live));
                Ok(Some(Outcome::NotSwitchedBack))
            }
            arrived => {
                let text = self.told(arrived);
                self.ends(Step::SwitchBack, true, format!("{} has the traffic again: {text}", kept.roles.live));
                if self.removes && kept.first_install {
                    self.remove(&kept.roles.idle).await?;
                }
                Ok(Some(Outcome::SwitchedBack))
            }
        }
    }

    /// Whether somebody else has made another revision of the release from before, or is at work on it.
    pub(super) async fn has_live_changed(&self, kept: &Kept) -> Result<bool, Error> {
        let live = &kept.roles.live;
        match crate::execute::prepare::observe_owner(&self.seams, live).await {
            Err(error) if error.kind == Kind::Locked => return Ok(true),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        let history = self.seams.storage.history(live).await?;
        Ok(history.revisions().last().is_some_and(|last| *last != kept.live_revision))
    }

    /// Whether the last revision of the other one is not the one that was tested.
    pub(super) async fn has_idle_changed(&self, kept: &Kept) -> Result<bool, Error> {
        let Some(tested) = kept.revision else { return Ok(false) };
        let history = patiently(AWAY, || self.seams.storage.history(&kept.roles.idle)).await?;
        // On the way back it may be removed already.
        let gone = kept.phase != Phase::GoingBack;
        Ok(history.revisions().last().map_or(gone, |last| *last != tested))
    }
}

/// A step of the roll-out. Nothing leads back from it but the traffic.
fn staged(options: &Options, is_last: bool) -> Options {
    Options { stage: Some(Stage { target: None, is_last, label: None }), ..options.clone() }
}

/// What was prepared, so that nothing is changed whatever is rendered now: what has the traffic is only watched.
fn as_it_is(mut prepared: Prepared, name: &str) -> Result<Prepared, Error> {
    if prepared.deployed.is_none() || prepared.deployed != Some(prepared.proposed.last) {
        let message = format!("cannot watch release \"{name}\": its last revision is not deployed");
        return Err(Error::new(Kind::Refused, message).hint(format!("helm safe-upgrade status {name}")));
    }
    let releases = &mut prepared.proposed.outcome.releases;
    releases.new = releases.old.clone();
    prepared.nothing_to_do = true;
    Ok(prepared)
}

/// Why a guarded upgrade ended as it did, one sentence.
fn why(report: &Report) -> String {
    report.cause.as_ref().or(report.reasons.first()).unwrap_or(&report.summary).clone()
}

//! A router, which leads the traffic by its values: upgrading it under guard, to the new release and back.

use super::routes::Now;
use super::{Order, Rollout};
use crate::cluster::Cluster;
use crate::error::Error;
use crate::execute::interrupts::Interrupts;
use crate::execute::patience::{AWAY, patiently};
use crate::execute::{Seams, Stage, checklist, prepare, prepare_rollback, run};
use crate::helm::Helm;
use crate::release::Release;
use crate::upgrade::blue_green::kept::Kept;
use crate::upgrade::next::Ending;

/// What became of the upgrade of a router.
pub(super) struct Routed {
    /// How it ended, if it was begun.
    pub(super) ending: Option<Ending>,
    /// Why.
    pub(super) why: String,
    /// The revision that it made.
    pub(super) made: Option<u32>,
}

impl Routed {
    fn not_made(ending: Option<Ending>, why: String) -> Self {
        Self { ending, why, made: None }
    }
}

/// How a router leads back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By its revision from before: nothing but our own switch came after that.
    Rollback,
    /// By an upgrade, with the values of the release from before over those that it has.
    Upgrade,
    /// Somebody else is not done with it.
    Theirs,
}

impl Way {
    /// The way back of a router, of which the switch has made a revision, as far as that is known.
    fn of(made: Option<u32>, last: Option<u32>, is_unsettled: bool) -> Self {
        match made {
            Some(_) if made == last => Self::Rollback,
            // Our own upgrade of it was cut off.
            None if is_unsettled => Self::Rollback,
            _ if is_unsettled => Self::Theirs,
            _ => Self::Upgrade,
        }
    }
}

impl<C: Cluster, H: Helm> Rollout<'_, C, H> {
    /// Upgrades the router under guard. One that somebody else has upgraded since it was looked at, at this revision, is left to them.
    pub(super) async fn upgrade_router(
        &self,
        order: &Order,
        (before, seen): (Option<u32>, &Now),
    ) -> Result<Routed, Error> {
        let name = &order.request.upgrade.release;
        let seams = self.seams_of(name);
        let mut options = order.options.clone();
        // One that was cut off is made again: it was judged when it began, and so was the way back.
        let is_again = seen.unsettled.is_some();
        if is_again {
            options.stage = Some(Stage { target: before, is_last: true, label: None });
        }
        let prepared = prepare(&seams, &order.request, (&options, &order.compare), &()).await?;
        if let Some(error) = prepared.locked {
            return Err(error);
        }
        if let (Some(now), Some(before)) = (prepared.deployed.filter(|now| Some(*now) != before), before) {
            let why = format!("release {name} was upgraded by somebody else: to revision {now}, from {before}");
            return Ok(Routed::not_made(Some(Ending::Overtaken), why));
        }
        // The values lead there already, which is seen next.
        if prepared.nothing_to_do {
            return Ok(Routed::not_made(Some(Ending::Nothing), String::new()));
        }
        if !is_again {
            let findings = checklist::run(&seams, &order.request, &options, (&prepared, None)).await;
            if !findings.blocked.is_empty() {
                let why = format!("{name} is blocked by the checks {}", findings.blocked.join(", "));
                return Ok(Routed::not_made(None, why));
            }
        }
        let report = run::run(&seams, &prepared, &options).await?;
        let why = self.why(&report, &prepared.proposed.outcome.releases.new);
        Ok(Routed { ending: Some(report.ending), why, made: report.revision })
    }

    /// Leads back by the router: why that can't be, or has failed.
    pub(super) async fn router_back(
        &self,
        kept: &mut Kept,
        (name, before): (&str, u32),
        seen: &Now,
    ) -> Result<Option<String>, Error> {
        let history = patiently(AWAY, || self.seams.storage.history(name)).await?;
        let last = history.entries().last().map(|last| last.revision);
        match (Way::of(kept.router_made, last, seen.unsettled.is_some()), self.router_back) {
            (Way::Rollback, _) => {
                // What the rollback makes is our own as well, should it be cut off.
                kept.router_made = None;
                self.keep(kept).await?;
                self.roll_router_back((name, before)).await
            }
            (Way::Upgrade, Some(order)) => self.lead_router_back(order).await,
            _ => {
                let why =
                    seen.unsettled.clone().unwrap_or_else(|| format!("release {name} was changed by somebody else"));
                Ok(Some(format!("{why}; {}", by_hand(name))))
            }
        }
    }

    async fn roll_router_back(&self, (name, before): (&str, u32)) -> Result<Option<String>, Error> {
        let Some(order) = self.router else { return Ok(None) };
        // Whatever has interrupted the run, this is the way back that it has asked for.
        let never = Interrupts::never();
        let seams = Seams { interrupts: &never, ..self.seams_of(name) };
        let prepared = patiently(AWAY, || prepare_rollback(&seams, (name, Some(before)), &order.compare, &())).await?;
        let report = run::roll_back(&seams, &prepared, &order.options).await?;
        let is_back = report.ending == Ending::WentBack;
        Ok((!is_back).then(|| self.why(&report, &prepared.outcome.releases.new)))
    }

    /// A rollback would take back what somebody else has changed of it since the switch.
    async fn lead_router_back(&self, order: &Order) -> Result<Option<String>, Error> {
        let name = &order.request.upgrade.release;
        let never = Interrupts::never();
        let seams = Seams { interrupts: &never, ..self.seams_of(name) };
        let looked = || prepare(&seams, &order.request, (&order.options, &order.compare), &());
        let mut prepared = patiently(AWAY, looked).await?;
        if let Some(error) = prepared.locked.take() {
            return Err(error);
        }
        let releases = &prepared.proposed.outcome.releases;
        let chart = |release: &Release| format!("{}-{}", release.chart.name(), release.chart.version());
        if chart(&releases.old) != chart(&releases.new) {
            let theirs = chart(&releases.old);
            return Ok(Some(format!("release {name} was upgraded by somebody else, to {theirs}; {}", by_hand(name))));
        }
        if prepared.nothing_to_do {
            return Ok(None);
        }
        self.warn(format!(
            "release {name} was changed by somebody else: it is led back by an upgrade, which keeps that"
        ));
        let mut options = order.options.clone();
        options.stage = Some(Stage { target: prepared.deployed, is_last: true, label: None });
        let report = run::run(&seams, &prepared, &options).await?;
        let is_back = matches!(report.ending, Ending::Upgraded | Ending::Nothing | Ending::Unproven);
        Ok((!is_back).then(|| self.why(&report, &prepared.proposed.outcome.releases.new)))
    }
}

fn by_hand(name: &str) -> String {
    format!("lead it back by its values: helm upgrade {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_goes_back_by_a_rollback_only_over_what_is_our_own() {
        for (made, last, is_unsettled, expected) in [
            (Some(3), Some(3), false, Way::Rollback),
            (Some(3), Some(3), true, Way::Rollback),
            (Some(3), Some(4), false, Way::Upgrade),
            (Some(3), Some(4), true, Way::Theirs),
            (None, Some(3), true, Way::Rollback),
            (None, Some(3), false, Way::Upgrade),
        ] {
            assert_eq!(Way::of(made, last, is_unsettled), expected, "{made:?} {last:?} {is_unsettled}");
        }
    }
}

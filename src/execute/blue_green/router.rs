//! A router, which leads the traffic by its values: upgrading it under guard, to the new release and back.

use super::routes::Now;
use super::{Order, Rollout};
use crate::chart::{Location, locate};
use crate::cluster::Cluster;
use crate::command::upgrade::Request;
use crate::error::Error;
use crate::execute::interrupts::Interrupts;
use crate::execute::patience::{AWAY, patiently};
use crate::execute::{Seams, Stage, checklist, clear_lease, prepare, prepare_rollback, run};
use crate::helm::Helm;
use crate::record::Records;
use crate::release::Release;
use crate::release::history::History;
use crate::release::marks::LED_BACK;
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
    /// The way back of a router, of which the switch has made a revision, as far as that is known; and whether the last one is of a way
    /// back by an upgrade.
    fn of((made, last): (Option<u32>, Option<u32>), is_unsettled: bool, is_led_back: bool) -> Self {
        match made {
            Some(_) if made == last => Self::Rollback,
            // Our own way back was cut off, over what somebody else has changed: a rollback would take that back.
            _ if is_led_back => Self::Upgrade,
            // Our own upgrade of it was cut off.
            None if is_unsettled => Self::Rollback,
            _ if is_unsettled => Self::Theirs,
            _ => Self::Upgrade,
        }
    }
}

impl<C: Cluster, H: Helm> Rollout<'_, C, H> {
    /// Upgrades the router under guard. One that somebody else has upgraded since it was looked at, at this revision, is left to them.
    pub(super) async fn upgrade_router(&self, kept: &mut Kept, order: &Order, seen: &Now) -> Result<Routed, Error> {
        let before = kept.router_revision;
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
        let releases = &prepared.proposed.outcome.releases;
        kept.router_chart = Some(chart_of(if prepared.nothing_to_do { &releases.old } else { &releases.new }));
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
        self.keep(kept).await?;
        let report = run::run(&seams, &prepared, &options).await?;
        let why = self.why(&report, &prepared.proposed.outcome.releases.new);
        Ok(Routed { ending: Some(report.ending), why, made: report.revision })
    }

    /// Removes the lease of an upgrade of the router that was cut off, now that it is seen to lead to the new release: by it the next
    /// upgrade of the router would lead back, maybe to a release that is gone by then.
    pub(super) async fn clear_router(&self, kept: &Kept, seen: &Now) {
        if let (Some(order), None, None) = (self.router, kept.router_made, &seen.unsettled) {
            let name = &order.request.upgrade.release;
            clear_lease(&self.seams_of(name), name, &order.options.who).await;
        }
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
        let is_led_back = match last {
            Some(last) => self.is_led_back(kept, (name, last)).await?,
            None => false,
        };
        match (Way::of((kept.router_made, last), seen.unsettled.is_some(), is_led_back), self.router_back) {
            (Way::Rollback, _) => {
                // What the rollback makes is our own as well, should it be cut off.
                kept.router_made = None;
                self.keep(kept).await?;
                self.roll_router_back((name, before)).await
            }
            (Way::Upgrade, Some(order)) => self.lead_router_back(kept, (order, &history)).await,
            _ => {
                let why =
                    seen.unsettled.clone().unwrap_or_else(|| format!("release {name} was changed by somebody else"));
                Ok(Some(format!("{why}; {}", by_hand(name))))
            }
        }
    }

    /// Whether this roll-out has made a revision of the router to lead back by it. Where a storage holds no labels, that is not known.
    async fn is_led_back(&self, kept: &Kept, (name, revision): (&str, u32)) -> Result<bool, Error> {
        let Ok(records) = Records::of(self.seams.storage) else { return Ok(false) };
        let label = patiently(AWAY, || records.label(name, revision, LED_BACK)).await?;
        Ok(label == Some(format!("{revision}.{}", kept.id())))
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
    async fn lead_router_back(
        &self,
        kept: &Kept,
        (order, history): (&Order, &History),
    ) -> Result<Option<String>, Error> {
        let name = &order.request.upgrade.release;
        let deployed = patiently(AWAY, || self.seams.storage.deployed(name, history)).await?;
        let theirs = chart_of(&deployed);
        // What was recorded of our own switch tells: the newest chart of a repository may be another one by now.
        if kept.router_chart.as_ref().is_some_and(|ours| *ours != theirs) {
            return Ok(Some(format!("release {name} was upgraded by somebody else, to {theirs}; {}", by_hand(name))));
        }
        let request = with_chart_of(&order.request, &deployed);
        let never = Interrupts::never();
        let seams = Seams { interrupts: &never, ..self.seams_of(name) };
        let looked = || prepare(&seams, &request, (&order.options, &order.compare), &());
        let mut prepared = patiently(AWAY, looked).await?;
        if let Some(error) = prepared.locked.take() {
            return Err(error);
        }
        let found = chart_of(&prepared.proposed.outcome.releases.new);
        if found != theirs {
            let chart = &order.request.upgrade.chart;
            return Ok(Some(format!("release {name} has {theirs}, and {chart} is {found} by now; {}", by_hand(name))));
        }
        if prepared.nothing_to_do {
            return Ok(None);
        }
        self.warn(format!(
            "release {name} was changed by somebody else: it is led back by an upgrade, which keeps that"
        ));
        let mut options = order.options.clone();
        let label = Some((LED_BACK, kept.id()));
        options.stage = Some(Stage { target: prepared.deployed, is_last: true, label });
        let report = run::run(&seams, &prepared, &options).await?;
        let is_back = matches!(report.ending, Ending::Upgraded | Ending::Nothing | Ending::Unproven);
        Ok((!is_back).then(|| self.why(&report, &prepared.proposed.outcome.releases.new)))
    }
}

fn chart_of(release: &Release) -> String {
    format!("{}-{}", release.chart.name(), release.chart.version())
}

/// The same with the chart that is deployed: leading back is no upgrade to what was published since.
fn with_chart_of(request: &Request, deployed: &Release) -> Request {
    let mut request = request.clone();
    if locate(&request.upgrade.chart) == Location::Remote {
        request.upgrade.flags.chart.version = Some(deployed.chart.version().to_owned());
    }
    request
}

fn by_hand(name: &str) -> String {
    format!("lead it back by its values: helm upgrade {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_goes_back_by_a_rollback_only_over_what_is_our_own() {
        for (made, last, is_unsettled, is_led_back, expected) in [
            (Some(3), Some(3), false, false, Way::Rollback),
            (Some(3), Some(3), true, false, Way::Rollback),
            (Some(3), Some(4), false, false, Way::Upgrade),
            (Some(3), Some(4), true, false, Way::Theirs),
            (None, Some(3), true, false, Way::Rollback),
            (None, Some(3), false, false, Way::Upgrade),
            // Our own way back over somebody else's change was cut off: it is made again, and nothing is taken back.
            (Some(3), Some(5), true, true, Way::Upgrade),
            (None, Some(5), true, true, Way::Upgrade),
        ] {
            let way = Way::of((made, last), is_unsettled, is_led_back);
            assert_eq!(way, expected, "{made:?} {last:?} {is_unsettled} {is_led_back}");
        }
    }
}

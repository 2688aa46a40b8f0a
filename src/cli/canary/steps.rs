//! The steps of a canary that runs within its release: what the loop has done is done here.

use super::screen::Screen;
use super::work::{At, Work};
use super::{back, beside, hint_of};
use crate::cli::console::StepName;
use crate::cli::guard::ask;
use crate::cli::policy;
use crate::error::Error;
use crate::execute::canary::{Made, Steps, look};
use crate::execute::{self, AWAY, Options, patiently};
use crate::upgrade::canary::event::CanaryEvent;
use crate::upgrade::canary::kept::Kept;
use crate::upgrade::canary::next::Standing;
use crate::upgrade::event::Report;

/// The steps of one release.
pub(super) struct Release<'w, 'a> {
    pub(super) work: &'w Work<'a>,
    pub(super) screen: &'w Screen<'w>,
}

/// A step of what is kept.
pub(super) fn at<'k>(kept: &'k Kept, at: usize, label: &'k str) -> At<'k> {
    At { steps: &kept.steps, at, base: Some(kept.base), label, metrics: &kept.metrics, stable: kept.stable.as_ref() }
}

impl Release<'_, '_> {
    /// Looks once more, has the checks look, and makes the step.
    pub(super) async fn make(&self, kept: &Kept, step: At<'_>) -> Result<Made, Error> {
        let work = self.work;
        let (request, options) = (work.request(step), work.options(step)?);
        let name = StepName { number: step.at + 1, steps: step.steps.len() };
        let console = work.console(work.telling, &request.upgrade.release, Some(name));
        let deaf = work.console(crate::cli::console::Telling::Nothing, "", None);
        let prepared = work.prepare((&request, &options), &deaf).await?;
        if let Some(error) = prepared.locked {
            return Err(error);
        }
        same_chart(kept, &prepared.proposed.outcome.releases.new.chart)?;
        let mut options: Options = options;
        if !prepared.nothing_to_do {
            let checked = work.check((&request, &options), &prepared, &deaf).await;
            work.run.progress.clear();
            if let Err(error) = checked.refuse("upgrade") {
                checked.show(&work.run)?;
                return Ok(Made::Refused(error));
            }
            if let Some(recorded) = policy::recorded(&options, &checked.findings, prepared.proposed.is_first) {
                options = recorded;
            }
        }
        work.run.progress.clear();
        let report = execute::run::run(&work.seams(&console), &prepared, &options).await;
        console.clear();
        report.map(|report| Made::Ended(Box::new(report)))
    }

    /// The newest revision of the release.
    pub(super) async fn newest(&self) -> Result<u32, Error> {
        let history = patiently(AWAY, || self.work.storage.history(self.work.name())).await?;
        Ok(history.revisions().last().copied().unwrap_or_default())
    }

    /// Rolls the release back to the revision from before.
    pub(super) async fn roll_back(&self, kept: &Kept) -> Result<Report, Error> {
        let work = self.work;
        let console = work.console(work.telling, &kept.release, None);
        let seams = work.seams(&console);
        let mut options = work.options.clone();
        // The revision was good before: what the steps were asked is not asked of it.
        options.gates.test = None;
        options.gates.gates.clear();
        options.gates.soak = None;
        let wanted = (kept.release.as_str(), Some(kept.base));
        let looking = || execute::prepare_rollback(&seams, wanted, &work.run.options, &());
        let prepared = patiently(AWAY, looking).await?;
        let report = execute::run::roll_back(&seams, &prepared, &options).await;
        console.clear();
        report
    }
}

/// A canary goes on with the chart that it was begun with.
fn same_chart(kept: &Kept, chart: &crate::release::Chart) -> Result<(), Error> {
    let same = (chart.name(), chart.version()) == (kept.chart.name.as_str(), kept.chart.version.as_str())
        && (kept.chart.content.is_none() || chart.content.is_none() || kept.chart.content == chart.content);
    if same {
        return Ok(());
    }
    let message = format!(
        "cannot go on with the canary of release \"{}\": it was begun with {}-{}, and {} is another chart now",
        kept.release, kept.chart.name, kept.chart.version, kept.chart.named
    );
    Err(Error::new(crate::error::Kind::Refused, message).hint(hint_of(kept, "abort")))
}

impl Steps for Release<'_, '_> {
    async fn standing(&self, kept: &Kept) -> Result<Standing, Error> {
        look(&self.work.storage, kept).await
    }

    async fn has_made(&self, kept: &Kept) -> Result<bool, Error> {
        if self.newest().await? != kept.before {
            return Ok(true);
        }
        match &kept.stable {
            Some(stable) => Ok(!self.work.storage.history(&stable.canary).await?.is_empty()),
            None => Ok(false),
        }
    }

    async fn step(&self, kept: &Kept, number: usize) -> Result<Made, Error> {
        let label = kept.label(number);
        let step = at(kept, number, &label);
        match step.beside() {
            Some(stable) => beside::grow(self, kept, (step, stable)).await,
            None => back::make(self, kept, step).await,
        }
    }

    async fn go_back(&self, kept: &Kept) -> Result<Report, Error> {
        back::go_back(self, kept).await
    }

    async fn leave(&self, kept: &Kept, is_back: bool) -> Result<(), Error> {
        back::leave(self, kept, is_back).await
    }

    async fn clean_up(&self, kept: &Kept) -> Result<(), Error> {
        match &kept.stable {
            Some(stable) => beside::remove(self, kept, stable).await,
            None => Ok(()),
        }
    }

    async fn confirm(&self, kept: &Kept) -> Option<bool> {
        if !self.work.has_somebody() {
            return None;
        }
        let next = &kept.steps.get(kept.passed)?.title;
        let question = format!(
            "Step {} of {} has passed. Go on with {}? [y/N] ",
            kept.passed,
            kept.steps.len(),
            crate::report::style::clean(next)
        );
        let asking = tokio::task::spawn_blocking(move || ask(&question));
        let answer = tokio::select! {
            answer = asking => answer.ok().flatten(),
            () = self.work.interrupts.more_than(0) => None,
        };
        Some(matches!(answer.as_deref().map(str::trim), Some("y" | "Y" | "yes" | "Yes")))
    }

    fn hear(&self, event: &CanaryEvent<'_>) {
        self.screen.hear(event);
    }
}

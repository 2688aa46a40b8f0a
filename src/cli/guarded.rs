//! A guarded upgrade from the look to the end: what is shown, what is asked, and what is done then.

use crate::cli::args::GuardArgs;
use crate::cli::checklist::{self, Checked};
use crate::cli::console::{Console, Telling};
use crate::cli::guard::{Answer, Question, confirm, finish, is_attended};
use crate::cli::plan::{Following, Making};
use crate::cli::policy;
use crate::cli::revdiff::Run;
use crate::cluster::Cluster;
use crate::command::Stages;
use crate::command::upgrade::Request;
use crate::error::{EXIT_OK, Error};
use crate::execute::checklist::elsewhere::Place;
use crate::execute::interrupts::stopped;
use crate::execute::plan::{unlock, verify};
use crate::execute::{self, Options, Prepared, Seams};
use crate::helm::Helm;

/// What is wanted of an upgrade.
pub(super) enum Purpose {
    /// To make it.
    Upgrade,
    /// To know whether anything speaks against it.
    Check,
    /// To save a plan of it.
    Plan(Making),
    /// To make the one of a plan.
    Apply(Box<Following>),
}

/// An upgrade, and where it is made.
pub(super) struct Guarded<'g, 'a, C, H> {
    pub(super) run: &'g Run<'a>,
    pub(super) seams: &'g Seams<'g, C, H>,
    pub(super) request: &'g Request,
    pub(super) options: &'g Options,
    pub(super) guard: &'g GuardArgs,
    pub(super) telling: Telling,
    pub(super) console: &'g Console,
    /// Where the same chart must be proven.
    pub(super) place: Option<Place<C, H>>,
}

impl<C: Cluster, H: Helm> Guarded<'_, '_, C, H> {
    /// Looks, and does what is wanted. Returns the exit code.
    pub(super) async fn go(&self, purpose: Purpose, stages: &dyn Stages, dry: bool) -> Result<u8, Error> {
        let key = match &purpose {
            // Before anything of the plan is used.
            Purpose::Apply(following) => Some(unlock(self.seams, &following.plan, &following.chart).await?),
            _ => None,
        };
        let prepared = self.prepare(stages).await?;
        if matches!(purpose, Purpose::Check) {
            let checked = self.check(&prepared).await;
            self.run.progress.clear();
            checked.print(self.run)?;
            return checked.refuse("upgrade").map(|()| EXIT_OK);
        }
        if let Some(error) = prepared.locked {
            return Err(error);
        }
        if let (Purpose::Apply(following), Some(key)) = (&purpose, &key) {
            verify(self.seams, (&following.plan, key), (&prepared, self.options)).await?;
        }
        let is_plan = matches!(purpose, Purpose::Plan(_));
        let mut recorded = None;
        if prepared.nothing_to_do && !is_plan {
            self.run.progress.clear();
            if prepared.deployed_proven || dry || !self.may_prove(&prepared).await? {
                // The lease is all that tells of a run that was cut off.
                if !prepared.goes_on() {
                    execute::clear_lease(self.seams, &self.request.upgrade.release, &self.options.who).await;
                }
                return finish(&prepared.nothing_to_do_report(), self.run, self.telling);
            }
        } else {
            let checked = self.check(&prepared).await;
            self.run.progress.clear();
            self.run.show(&prepared.proposed.outcome)?;
            checked.show(self.run)?;
            checked.refuse("upgrade")?;
            if let Purpose::Plan(making) = purpose {
                let what = (self.request, self.options, &prepared);
                return making.save((self.run, self.seams), what, &checked).await.map(|()| EXIT_OK);
            }
            if dry {
                return Ok(EXIT_OK);
            }
            self.confirm(&prepared, &checked).await?;
            recorded = policy::recorded(self.options, &checked.findings, prepared.proposed.is_first);
        }
        self.run.progress.clear();
        let report = execute::run::run(self.seams, &prepared, recorded.as_ref().unwrap_or(self.options)).await;
        self.console.clear();
        finish(&report?, self.run, self.telling)
    }

    /// Whether a revision that needs no change may be proven: tests and gates run then, a mark is set, old revisions go.
    async fn may_prove(&self, prepared: &Prepared) -> Result<bool, Error> {
        let name = &self.request.upgrade.release;
        if !self.guard.yes && !is_attended() {
            return Ok(false);
        }
        let chart = &prepared.proposed.outcome.releases.new.chart;
        let chart = format!("{}-{}", chart.name(), chart.version());
        let findings = execute::checklist::of_unchanged(self.seams, name, &self.options.told.terms).await;
        let checked = Checked::of((name, self.seams.storage.namespace()), chart, findings, self.guard);
        if let Err(error) = checked.refuse("prove") {
            checked.show(self.run)?;
            return Err(error);
        }
        let revision = prepared.deployed.unwrap_or_default();
        let back = match prepared.target.filter(|_| prepared.goes_on()) {
            Some(target) => format!(" A failure leads back to revision {target}."),
            None => String::new(),
        };
        let ask = format!("Nothing to change.{back} Prove revision {revision} of {name}? [y/N] ");
        let question = Question { doing: "prove", release: name, ask, shows: false };
        confirm(question, self.guard.yes, self.seams.interrupts).await.map(|_| true)
    }

    async fn prepare(&self, stages: &dyn Stages) -> Result<Prepared, Error> {
        let preparing = execute::prepare(self.seams, self.request, (self.options, &self.run.options), stages);
        tokio::select! {
            prepared = preparing => prepared,
            () = self.seams.interrupts.more_than(0) => Err(stopped(&self.request.upgrade.release)),
        }
    }

    async fn check(&self, prepared: &Prepared) -> Checked {
        let place = self.place.as_ref();
        checklist::look(self.run, self.seams, (self.request, self.options), (prepared, place), self.guard).await
    }

    /// Asks until there is a yes or a no. What is asked to be seen is shown once more.
    async fn confirm(&self, prepared: &Prepared, checked: &Checked) -> Result<(), Error> {
        let name = &self.request.upgrade.release;
        let ask = format!("Upgrade {name}? [y]es, [N]o, show [d]iff, show [c]hecks: ");
        loop {
            let question = Question { doing: "upgrade", release: name, ask: ask.clone(), shows: true };
            match confirm(question, self.guard.yes, self.seams.interrupts).await? {
                Answer::Yes => return Ok(()),
                Answer::Diff => self.run.show_paged(&prepared.proposed.outcome)?,
                Answer::Checks => checked.show(self.run)?,
            }
        }
    }
}

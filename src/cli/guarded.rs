//! A guarded upgrade from the look to the end: what is shown, what is asked, and what is done then.

use crate::cli::args::GuardArgs;
use crate::cli::checklist::{self, Checked};
use crate::cli::console::{Console, Telling};
use crate::cli::guard::{Question, confirm, finish, stopped};
use crate::cli::revdiff::Run;
use crate::cluster::Cluster;
use crate::command::Stages;
use crate::command::upgrade::Request;
use crate::error::{EXIT_OK, Error};
use crate::execute::{self, Options, Prepared, Seams};
use crate::helm::Helm;

/// What is wanted of an upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To make it.
    Upgrade,
    /// To know whether anything speaks against it.
    Check,
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
}

impl<C: Cluster, H: Helm> Guarded<'_, '_, C, H> {
    /// Looks, and does what is wanted. Returns the exit code.
    pub(super) async fn go(&self, purpose: Purpose, stages: &dyn Stages, dry: bool) -> Result<u8, Error> {
        let Self { run, seams, request, options, .. } = self;
        let preparing = execute::prepare(seams, request, (options, &run.options), stages);
        let prepared = tokio::select! {
            prepared = preparing => prepared?,
            () = seams.interrupts.more_than(0) => return Err(stopped(&request.upgrade.release)),
        };
        if purpose == Purpose::Check {
            let checked = self.check(&prepared).await;
            run.progress.clear();
            checked.print(run)?;
            return checked.refuse("upgrade").map(|()| EXIT_OK);
        }
        if let Some(error) = prepared.locked {
            return Err(error);
        }
        if prepared.nothing_to_do && prepared.deployed_proven {
            run.progress.clear();
            execute::clear_lease(seams, &request.upgrade.release, &options.who).await;
            return finish(&prepared.nothing_to_do_report(), run, self.telling);
        }
        if !prepared.nothing_to_do {
            let checked = self.check(&prepared).await;
            run.progress.clear();
            run.show(&prepared.proposed.outcome)?;
            checked.show(run)?;
            checked.refuse("upgrade")?;
            if dry {
                return Ok(EXIT_OK);
            }
            self.confirm().await?;
        }
        run.progress.clear();
        let report = execute::run::run(seams, &prepared, options).await;
        self.console.clear();
        finish(&report?, run, self.telling)
    }

    async fn check(&self, prepared: &Prepared) -> Checked {
        checklist::look(self.run, self.seams, (self.request, self.options, prepared), &self.guard.accept).await
    }

    async fn confirm(&self) -> Result<(), Error> {
        let name = &self.request.upgrade.release;
        let question = Question { doing: "upgrade", release: name, ask: format!("Upgrade {name}? [y/N] ") };
        confirm(question, self.guard.yes, self.seams.interrupts).await
    }
}

//! One release of a batch: from what is planned to a guarded upgrade, with a connection, a configuration and a verdict of its own.

use std::time::{Duration, Instant};

use clap::Parser as _;
use tokio::time::timeout;

use super::given::Item;
use super::hush;
use super::outcome::{Left, fill, let_go, may_pass, of_report, refusal, with_look};
use super::places::{Place, Places};
use super::screen::{Ear, Screen};
use crate::checks::Findings;
use crate::cli::args::{BatchArgs, Command, GuardArgs, GuardedArgs, OnFailureArg, SafeUpgrade};
use crate::cli::guard::order;
use crate::cli::policy;
use crate::cli::revdiff::Run;
use crate::command::upgrade::Request;
use crate::config::batch::{OnFailure, Reuse};
use crate::config::policy::Policy;
use crate::error::{Error, Kind};
use crate::execute::batch::{Again, Releases, Undo, look_again, told};
use crate::execute::checklist::{self, elsewhere};
use crate::execute::interrupts::{Interrupts, stopped};
use crate::execute::{self, Options, Prepared, Seams};
use crate::upgrade::batch::Outcome;
use crate::upgrade::batch::event::{BatchEvent, Changes, Looked};
use crate::upgrade::batch::kept::{Revisions, Told};
use crate::upgrade::event::Report;

/// The lease of whoever was killed counts for a quarter of a minute, and is then watched for some seconds.
pub(super) const UNTIL_FREE: Duration = Duration::from_secs(45);
/// How often it is looked whether it is free.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(3);

/// No longer is looked at what was let go of.
const TO_SEE: Duration = Duration::from_secs(3);

/// The releases of a batch, and what they are upgraded with.
pub(super) struct Upgrades<'a> {
    pub(super) arguments: &'a BatchArgs,
    pub(super) items: &'a [Item],
    pub(super) places: &'a Places<'a>,
    /// The policies of the configuration.
    pub(super) policies: Vec<Policy>,
    pub(super) interrupts: &'a Interrupts,
    pub(super) screen: &'a Screen,
    /// The positions of those that were being upgraded when the batch was killed.
    pub(super) killed: Vec<usize>,
}

/// What the run of one release is made with.
pub(super) struct Setting<'a> {
    pub(super) place: Place,
    pub(super) run: Run<'a>,
    request: Request,
    pub(super) options: Options,
    pub(super) guard: GuardArgs,
    /// As of the item.
    is_ground: bool,
    proven_in: Option<elsewhere::Place<crate::cluster::KubeCluster, crate::helm::process::HelmProcess>>,
}

/// What a look found.
pub(super) enum Seen {
    /// There is nothing to do, and nothing to prove.
    Nothing(Report),
    /// This may be done.
    May(Box<Prepared>, Findings),
}

impl<'a> Upgrades<'a> {
    /// Whether any release is watched on after its upgrade, as flags, plan or configuration say.
    pub(super) fn any_soaks(&self) -> bool {
        let said = self.policies.iter().chain(self.items.iter().flat_map(|item| &item.planned.policies));
        self.arguments.gates.soak.is_some() || said.into_iter().any(|policy| policy.gates.soak.is_some())
    }

    /// The arguments of a guarded upgrade of this release alone.
    fn arguments_of(&self, item: &Item) -> Result<GuardedArgs, Error> {
        let planned = &item.planned;
        let words = ["helm-safe-upgrade", "upgrade", "--", &planned.release, &planned.chart];
        let parsed = SafeUpgrade::try_parse_from(words).map(SafeUpgrade::wanted);
        let Ok(Command::Upgrade(guarded)) = parsed else {
            return Err(Error::new(Kind::Usage, format!("cannot upgrade release {:?}", planned.release)));
        };
        let (mut guarded, run) = (*guarded, &self.arguments.run);
        // Nobody is asked anything while others are at work.
        guarded.guard.yes = true;
        guarded.guard.accept.clone_from(&run.accept);
        guarded.terms.override_window.clone_from(&run.override_window);
        guarded.guard.fail_fast_after = run.fail_fast_after;
        guarded.guard.evidence.clone_from(&run.evidence);
        guarded.gates = self.arguments.gates.clone();
        guarded.values.files.clone_from(&planned.values);
        guarded.values.set.clone_from(&planned.set);
        guarded.values.set_string.clone_from(&planned.set_string);
        guarded.reuse.reset_values = planned.reuse == Some(Reuse::Reset);
        guarded.reuse.reuse_values = planned.reuse == Some(Reuse::Reuse);
        guarded.reuse.reset_then_reuse_values = planned.reuse == Some(Reuse::ResetThenReuse);
        guarded.source.chart_version.clone_from(&planned.version);
        guarded.source.repo.clone_from(&planned.repo);
        guarded.apply.install = planned.install;
        guarded.apply.create_namespace = planned.create_namespace;
        guarded.apply.timeout = planned.timeout.and_then(|long| long.try_into().ok()).unwrap_or(run.timeout);
        guarded.failure.on_failure = match planned.on_failure {
            None | Some(OnFailure::Rollback) => OnFailureArg::Rollback,
            Some(OnFailure::Keep) => OnFailureArg::Keep,
            Some(OnFailure::Uninstall) => OnFailureArg::Uninstall,
        };
        guarded.diff.config.clone_from(&run.config);
        guarded.diff.display.clone_from(&self.arguments.fleet.display);
        guarded.diff.cluster = self.places.arguments(item.id.context.as_deref(), Some(&item.id.namespace))?;
        Ok(guarded)
    }

    pub(super) async fn setting(&self, item: &Item) -> Result<Setting<'a>, Error> {
        let environment = self.places.environment;
        let mut guarded = self.arguments_of(item)?;
        let named = (item.id.release.as_str(), item.id.namespace.as_str());
        let policies: Vec<Policy> = self.policies.iter().chain(&item.planned.policies).cloned().collect();
        let policy = Policy::of(&policies, named.0, named.1);
        policy::gates(&mut guarded.gates, &policy);
        policy::keep(&mut guarded.keep, &policy);
        let (request, mut options) = order(&guarded, environment)?;
        options.told.terms = policy::terms(&guarded, &policy);
        options.told.window = policy::window(&guarded, &policy, false);
        let proven_in = policy::elsewhere(&guarded, &policy, named, environment).await;
        let place = self.places.place(&item.id).await?;
        let run = Run::new(guarded.diff, environment)?;
        Ok(Setting { place, run, request, options, guard: guarded.guard, is_ground: item.is_ground, proven_in })
    }

    /// Looks at a release, and has the checks look.
    ///
    /// # Errors
    /// Why it may not be upgraded.
    pub(super) async fn see(&self, setting: &Setting<'_>, ear: &Ear<'_>) -> Result<Seen, Error> {
        let seams = self.seams(setting, ear)?;
        let Setting { run, request, options, proven_in, is_ground, .. } = setting;
        let seeing = async {
            let mut prepared = execute::prepare(&seams, request, (options, &run.options), &()).await?;
            if let Some(error) = prepared.locked.take() {
                return Err(error);
            }
            if prepared.nothing_to_do && (prepared.deployed_proven || *is_ground) {
                if !prepared.goes_on() {
                    execute::clear_lease(&seams, &request.upgrade.release, &options.who).await;
                }
                return Ok(Seen::Nothing(prepared.nothing_to_do_report()));
            }
            if *is_ground {
                let message =
                    format!("release \"{}\" would be upgraded, and --only does not name it", request.upgrade.release);
                return Err(Error::new(Kind::Refused, message));
            }
            if prepared.nothing_to_do {
                let terms = &options.told.terms;
                let findings = checklist::of_unchanged(&seams, &request.upgrade.release, terms).await;
                return Ok(Seen::May(Box::new(prepared), findings));
            }
            let findings = checklist::run(&seams, request, options, (&prepared, proven_in.as_ref())).await;
            Ok(Seen::May(Box::new(prepared), findings))
        };
        tokio::select! {
            seen = seeing => seen,
            () = self.interrupts.more_than(0) => Err(stopped(&request.upgrade.release)),
        }
    }

    pub(super) fn seams<'s>(
        &'s self,
        setting: &'s Setting<'_>,
        ear: &'s Ear<'_>,
    ) -> Result<Seams<'s, crate::cluster::KubeCluster, crate::helm::process::HelmProcess>, Error> {
        Ok(Seams {
            storage: &setting.place.storage,
            helm: &setting.place.helm,
            cluster: setting.place.cluster()?,
            masker: &setting.run.masker,
            listener: ear,
            interrupts: self.interrupts,
        })
    }

    /// What would be done to a release, in short. Nothing of what was read for it is kept.
    pub(super) async fn look(&self, at: usize, needs: &[usize]) -> Looked {
        let item = &self.items[at];
        let mut looked = Looked {
            id: item.id.clone(),
            wave: item.planned.wave,
            needs: needs.iter().map(|&need| self.items[need].id.clone()).collect(),
            from_chart: None,
            to_chart: None,
            changes: Changes::default(),
            blockers: Vec::new(),
            warnings: Vec::new(),
            outcome: None,
            reason: None,
            again: false,
        };
        let ear = self.screen.deaf(at);
        let seen = match self.setting(item).await {
            Ok(setting) => match self.see(&setting, &ear).await {
                Err(error) => Err(hush::hushed(&setting.place, item, &setting.run.masker, error).await),
                seen => seen,
            },
            Err(error) => Err(error),
        };
        match seen {
            Err(error) => {
                let told = told(&error);
                (looked.outcome, looked.reason) = (Some(told.outcome), told.reason);
                looked.again = may_pass(error.kind);
            }
            Ok(Seen::Nothing(report)) => {
                (looked.outcome, looked.reason) = (Some(Outcome::Unchanged), Some(report.summary));
            }
            Ok(Seen::May(prepared, findings)) => fill(&mut looked, &prepared, &findings),
        }
        looked
    }

    /// As [`Self::see`]; of a release that was being upgraded when the batch was killed, the lease that was left is waited for.
    async fn see_free(&self, at: usize, setting: &Setting<'_>, ear: &Ear<'_>) -> Result<Seen, Error> {
        let end = Instant::now() + UNTIL_FREE;
        loop {
            let seen = self.see(setting, ear).await;
            let is_locked = seen.as_ref().is_err_and(|error| error.kind == Kind::Locked);
            if !is_locked || !self.killed.contains(&at) || Instant::now() > end {
                return seen;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.interrupts.more_than(0) => return seen,
            }
        }
    }

    async fn try_upgrade(&self, at: usize) -> Result<Told, Error> {
        let item = &self.items[at];
        let ear = self.screen.ear(at, &item.id);
        let setting = self.setting(item).await?;
        let (prepared, findings) = match self.see_free(at, &setting, &ear).await {
            Err(error) => return Err(hush::hushed(&setting.place, item, &setting.run.masker, error).await),
            Ok(Seen::Nothing(report)) => return Ok(of_report(&report)),
            Ok(Seen::May(prepared, findings)) => (prepared, findings),
        };
        if let Some(reason) = refusal(&findings) {
            return Ok(Told::new(Outcome::Refused, Some(reason)));
        }
        let seams = self.seams(&setting, &ear)?;
        let recorded = policy::recorded(&setting.options, &findings, prepared.proposed.is_first);
        let options = recorded.as_ref().unwrap_or(&setting.options);
        match execute::run::run(&seams, &prepared, options).await {
            Ok(report) => Ok(with_look(of_report(&report), prepared.proposed.is_first, &findings)),
            Err(error) if error.kind == Kind::Locked => Err(error),
            // The user wants no more, and helm may have been at work.
            Err(error) if error.kind == Kind::Interrupted => {
                let left = timeout(TO_SEE, left(&setting.place, &item.id.release)).await;
                let before = prepared.history.revisions().last().copied().unwrap_or_default();
                Ok(let_go(before, left.ok().and_then(Result::ok).as_ref()))
            }
            // It had begun: nobody knows how it stands.
            Err(error) => Err(Error { kind: Kind::NotRolledBack, ..error }),
        }
    }

    async fn try_revisions(&self, at: usize) -> Result<Revisions, Error> {
        let id = &self.items[at].id;
        let place = self.places.place(id).await?;
        let history = place.storage.history(&id.release).await?;
        let deployed = history.entries().iter().rev().find(|entry| entry.status_hint == "deployed");
        Ok(Revisions { deployed: deployed.map(|entry| entry.revision), last: history.revisions().last().copied() })
    }

    async fn try_look_again(&self, at: usize, revision: Option<u32>) -> Result<Again, Error> {
        let item = &self.items[at];
        let setting = self.setting(item).await?;
        let ear = self.screen.deaf(at);
        let seams = self.seams(&setting, &ear)?;
        Ok(look_again(&seams, (&item.id.release, revision), &setting.options).await)
    }
}

/// A release that was let go of, as Helm tells it now.
async fn left(place: &Place, name: &str) -> Result<Left, Error> {
    let history = place.storage.history(name).await?;
    let description = match history.revisions().last() {
        Some(last) => place.storage.head(name, *last).await.ok().map(|head| head.description),
        None => None,
    };
    Ok(Left { history, description })
}

impl Releases for Upgrades<'_> {
    async fn upgrade(&self, at: usize) -> Told {
        let told = self.try_upgrade(at).await.unwrap_or_else(|error| told(&error));
        self.screen.over(at);
        told
    }

    async fn revisions(&self, at: usize) -> Revisions {
        self.try_revisions(at).await.unwrap_or_default()
    }

    async fn undo(&self, at: usize, undo: Undo) -> Option<Told> {
        let told = self.try_undo(at, undo).await;
        self.screen.over(at);
        let is_undone = told.as_ref().is_ok_and(|told| told.outcome == Outcome::Undone);
        if self.interrupts.asked().is_some() && !is_undone {
            return None;
        }
        Some(told.unwrap_or_else(|error| Told::new(Outcome::NotUndone, Some(error.message))))
    }

    async fn look_again(&self, at: usize, revision: Option<u32>) -> Again {
        self.try_look_again(at, revision).await.unwrap_or_else(|error| Again::Unseen(error.message))
    }

    fn hear(&self, event: &BatchEvent<'_>) {
        self.screen.hear(event);
    }
}

//! `helm safe-upgrade blue-green`: two releases side by side. Look which is live, show what would be done, ask once; then upgrade and
//! test the other one, lead the traffic there, watch it, and retire the one from before.

mod going_on;
mod look;
mod orders;
mod screen;
mod status;

use jiff::Timestamp;

use self::going_on::Word;
use self::look::{Begins, Looked, Looker};
use self::orders::{Ordered, names};
use self::screen::{Deaf, Screen};
use crate::cli::args::{BlueGreenArgs, BlueGreenCommand, Format};
use crate::cli::checklist::Checked;
use crate::cli::console::Telling;
use crate::cli::guard::{Answer, Question, ask, confirm, is_attended};
use crate::cli::revdiff::Run;
use crate::cli::{Environment, connection, output, policy};
use crate::cluster::{Cluster, KubeCluster};
use crate::error::{EXIT_OK, Error, Kind};
use crate::execute::Seams;
use crate::execute::blue_green::routes::now;
use crate::execute::blue_green::{Rollout, Teller as _};
use crate::execute::interrupts::{Interrupts, stopped};
use crate::helm::process::HelmProcess;
use crate::record::blue_green::Store;
use crate::record::blue_green_flags::Flags;
use crate::report::blue_green as report;
use crate::upgrade::blue_green::event::{BlueGreenEvent, Planned};
use crate::upgrade::blue_green::kept::{Kept, SCHEMA_VERSION};
use crate::upgrade::blue_green::next::Phase;
use crate::upgrade::blue_green::traffic::Traffic;
use crate::upgrade::blue_green::{Outcome, Retire};
use crate::upgrade::next::OnFailure;

/// Runs the command and returns the exit code.
pub(super) async fn run(mut arguments: BlueGreenArgs, environment: &Environment) -> Result<u8, Error> {
    let word = match arguments.command.take() {
        None => None,
        Some(BlueGreenCommand::Status(status)) => return status::run(*status, environment).await,
        Some(BlueGreenCommand::Promote(promote)) => Some((Word::Promote, *promote)),
        Some(BlueGreenCommand::Abort(abort)) => Some((Word::Abort, *abort)),
    };
    let how = word.as_ref().map(|(word, _)| *word);
    if let Some(word) = word {
        arguments = going_on::arguments(word, environment).await?;
    }
    let telling = match arguments.diff.format() {
        Format::Text | Format::SideBySide | Format::Paths | Format::Stat => Telling::Story,
        Format::Json => Telling::Events,
        _ => {
            return Err(Error::new(Kind::Usage, "cannot tell a roll-out in this format")
                .hint("formats are text, side-by-side, paths, stat and json"));
        }
    };
    let storage = connection::storage(&arguments.diff.cluster, environment).await?;
    let ordered = Ordered::of(arguments, storage.namespace())?;
    let interrupts = Interrupts::listen(environment.is_of_helm())?;
    let run = Run::new(ordered.guarded.diff.clone(), environment)?;
    // The changes are shown in short, unless another form is asked for.
    let mut brief = ordered.guarded.diff.clone();
    brief.stat |= brief.format() == Format::Text;
    let brief = Run::new(brief, environment)?;
    let helm = connection::helm(&run.diff.cluster, environment)?;
    let reached = connection::reached(&storage, &run.diff.cluster, environment).await?;
    let cluster: &KubeCluster = &reached;
    let seams = Seams {
        storage: &storage,
        helm: &helm,
        cluster,
        masker: &run.masker,
        listener: &Deaf,
        interrupts: &interrupts,
    };
    let running = Running { run: &run, brief: &brief, seams, telling, environment };
    match how {
        Some(word) => running.go_on(ordered, word).await,
        None => running.go(ordered).await,
    }
}

/// One run of the command.
struct Running<'a> {
    run: &'a Run<'a>,
    brief: &'a Run<'a>,
    seams: Seams<'a, KubeCluster, HelmProcess>,
    telling: Telling,
    environment: &'a Environment,
}

impl Running<'_> {
    async fn go(&self, mut ordered: Ordered) -> Result<u8, Error> {
        let (blue, green) = names(&ordered.switch)?;
        let namespace = self.seams.storage.namespace().to_owned();
        let store = Store::of(self.seams.cluster, &namespace, (&blue, &green));
        let kept = match open(&store).await? {
            Some(kept) => Some(self.as_seen(kept, &ordered).await?),
            None => None,
        };
        if let Some(kept) = kept.as_ref().filter(|kept| kept.has_switched()) {
            fits(kept, &ordered, &store.named())?;
        }
        let mut looked = self.look(&mut ordered, kept.as_ref()).await?;
        self.run.progress.clear();
        let dry = ordered.guarded.apply.dry_run.as_deref().is_some_and(|how| !matches!(how, "none" | "false"));
        let mut kept = match (looked.begins.take(), kept) {
            (Some(begins), kept) => {
                let planned = looked.planned(&begins, &ordered, kept.is_some());
                let new = begun((&ordered, kept.as_ref()), &looked, (&planned, &begins), self.environment);
                // What was begun is gone on with: a release that was only tested does not get the traffic by this.
                let is_new = kept.as_ref().is_none_or(|kept| kept.roles != looked.roles);
                if is_new && begins.is_unchanged() {
                    return self.finish(&Kept { outcome: Some(Outcome::Unchanged), ..new }, &namespace);
                }
                let about = (planned.roles.idle.as_str(), namespace.as_str());
                let guard = &ordered.guarded.guard;
                let checked = Checked::of(about, planned.chart.clone(), begins.findings.clone(), guard);
                self.show(&planned, (&begins, &checked))?;
                checked.refuse("roll out to")?;
                if dry {
                    return Ok(EXIT_OK);
                }
                self.confirm(&ordered, &planned, (&begins, &checked)).await?;
                new
            }
            (None, Some(kept)) => {
                output::print_notice(&report::goes_on(&kept), self.environment);
                if dry {
                    return Ok(EXIT_OK);
                }
                self.confirm_going_on(&ordered, &kept).await?;
                // What has failed is still the reason for going back.
                let reason = kept.reason.clone().filter(|_| kept.phase == Phase::GoingBack);
                Kept { retire: ordered.switch.retire(), outcome: None, reason, ..kept }
            }
            (None, None) => return Ok(EXIT_OK),
        };
        self.roll_out(&ordered, looked, (&mut kept, &store), None).await?;
        self.finish(&kept, &namespace)
    }

    /// What is kept, in the light of where the traffic is: where it was to be switched and was not, it begins again.
    async fn as_seen(&self, kept: Kept, ordered: &Ordered) -> Result<Kept, Error> {
        if kept.phase != Phase::Switching {
            return Ok(kept);
        }
        let values = ordered.router_values(self.seams.helm).await?;
        let seen = now(&self.seams, &kept.switch, &values).await?;
        // Of a router whose upgrade was stopped half-way nobody knows where it leads: that is gone on with.
        let is_live =
            seen.unsettled.is_none() && Traffic::of(&seen.route, (&kept.before, &kept.after)) == Traffic::Live;
        Ok(Kept { phase: if is_live { Phase::Testing } else { kept.phase }, ..kept })
    }

    async fn look(&self, ordered: &mut Ordered, kept: Option<&Kept>) -> Result<Looked, Error> {
        let looker = self.looker();
        let (blue, _) = names(&ordered.switch)?;
        let named = (blue.as_str(), self.seams.storage.namespace());
        let place = policy::elsewhere(&ordered.guarded, &ordered.policy, named, self.environment).await;
        tokio::select! {
            looked = looker.look(ordered, (kept, place.as_ref())) => looked,
            () = self.seams.interrupts.more_than(0) => Err(stopped(&blue)),
        }
    }

    fn looker(&self) -> Looker<'_, KubeCluster, HelmProcess> {
        let stages = self.run.stages(connection::is_quiet(self.seams.storage));
        Looker { seams: Seams { ..self.seams }, compare: &self.run.options, environment: self.environment, stages }
    }

    /// What is needed to go on with what was tested.
    async fn look_on(&self, ordered: &mut Ordered, kept: &Kept) -> Result<Looked, Error> {
        let values = ordered.router_values(self.seams.helm).await?;
        self.looker().as_kept(ordered, kept, values)
    }

    /// Shows what would be done: the steps, the changes against what is live, in short, and the checks.
    fn show(&self, planned: &Planned, (begins, checked): (&Begins, &Checked)) -> Result<(), Error> {
        if self.telling == Telling::Events {
            let screen = Screen::new(self.telling, &[], (self.run.painter(), self.environment));
            screen.tell(&BlueGreenEvent::BlueGreenPlanned { plan: planned });
        } else {
            let text = report::plan(planned, self.run.painter()) + "\n";
            output::write_result(false, self.environment, |out| out.write_all(text.as_bytes()))?;
        }
        if self.telling == Telling::Story {
            let live = &planned.roles.live;
            let text = format!("What {live}, which is live, would change by this:\n");
            output::write_result(false, self.environment, |out| out.write_all(text.as_bytes()))?;
        }
        self.brief.show(&begins.compared.proposed.outcome)?;
        checked.show(self.run)
    }

    async fn confirm(
        &self,
        ordered: &Ordered,
        planned: &Planned,
        (begins, checked): (&Begins, &Checked),
    ) -> Result<(), Error> {
        let idle = &planned.roles.idle;
        let ask = format!(
            "Roll {} out to {idle}, and lead {} there? [y]es, [N]o, show [d]iff, show [c]hecks: ",
            planned.chart, planned.switch
        );
        loop {
            let question = Question { doing: "roll out to", release: idle, ask: ask.clone(), shows: true };
            match confirm(question, ordered.guarded.guard.yes, self.seams.interrupts).await? {
                Answer::Yes => return Ok(()),
                Answer::Diff => self.run.show_paged(&begins.compared.proposed.outcome)?,
                Answer::Checks => checked.show(self.run)?,
            }
        }
    }

    /// Asks whether a roll-out that has switched the traffic goes on.
    async fn confirm_going_on(&self, ordered: &Ordered, kept: &Kept) -> Result<(), Error> {
        let ask = "Go on with it? [y/N] ".to_owned();
        let question = Question { doing: "go on with the roll-out to", release: &kept.roles.idle, ask, shows: false };
        confirm(question, ordered.guarded.guard.yes, self.seams.interrupts).await.map(drop)
    }

    async fn roll_out(
        &self,
        ordered: &Ordered,
        looked: Looked,
        (kept, store): (&mut Kept, &Store<'_, KubeCluster>),
        word: Option<Word>,
    ) -> Result<(), Error> {
        let Looked { idle, prepared, router, values, roles, .. } = looked;
        let router = router.map(|(order, _)| order);
        let router_back = ordered.router(&roles.live, (&self.run.options, self.environment))?;
        let mut releases = vec![roles.live.as_str(), roles.idle.as_str()];
        releases.extend(ordered.switch.switch_release.as_deref());
        let screen = Screen::new(self.telling, &releases, (self.run.painter(), self.environment));
        let flags = Flags::of(self.seams.cluster, self.seams.storage.namespace(), (&roles.live, &roles.idle));
        let removes = ordered.guarded.failure.on_failure.policy() == OnFailure::Uninstall;
        let rollout = Rollout {
            seams: Seams { listener: screen.listener(&roles.idle), ..self.seams },
            teller: &screen,
            after: ordered.after(&idle)?,
            idle: &idle,
            prepared,
            router: router.as_ref(),
            router_back: router_back.as_ref(),
            values: &values,
            store,
            flags: &flags,
            typed: word.is_none().then(|| ordered.typed.clone()),
            ask: (self.telling == Telling::Story && is_attended()).then_some(ask as fn(&str) -> Option<String>),
            aborts: word == Some(Word::Abort),
            retire_after: ordered.switch.retire_after.unwrap_or_default(),
            removes,
            arrival: ordered.switch.switch_timeout,
        };
        let ran = rollout.run(kept).await;
        screen.clear();
        ran.map(drop)
    }

    fn finish(&self, kept: &Kept, namespace: &str) -> Result<u8, Error> {
        if self.telling == Telling::Story {
            let text = report::done(kept, namespace, self.run.painter());
            // What it came to is told by the exit code, whether the report can be written or not.
            if let Err(error) = output::write_result(false, self.environment, |out| out.write_all(text.as_bytes())) {
                output::print_error(&error, self.environment);
            }
        } else if kept.outcome == Some(Outcome::Unchanged) {
            let screen = Screen::new(self.telling, &[], (self.run.painter(), self.environment));
            screen.tell(&BlueGreenEvent::BlueGreenDone { rollout: kept });
        }
        let interrupted = self.seams.interrupts.asked().is_some();
        Ok(match kept.outcome.unwrap_or(Outcome::Unproven) {
            Outcome::Switched | Outcome::Unchanged | Outcome::Paused | Outcome::Aborted => EXIT_OK,
            Outcome::NotSwitchedBack => Kind::NotRolledBack.exit_code(),
            Outcome::Interrupted | Outcome::Waiting => Kind::Interrupted.exit_code(),
            Outcome::Failed | Outcome::SwitchedBack if interrupted => Kind::Interrupted.exit_code(),
            Outcome::Failed | Outcome::SwitchedBack => Kind::RolledBack.exit_code(),
            Outcome::Unproven => Kind::Helm.exit_code(),
            Outcome::Overtaken => Kind::Locked.exit_code(),
        })
    }
}

/// What is kept of a roll-out that was not finished.
async fn open<C: Cluster>(store: &Store<'_, C>) -> Result<Option<Kept>, Error> {
    Ok(kept(store).await?.filter(Kept::is_open))
}

/// What is kept of the last roll-out.
async fn kept<C: Cluster>(store: &Store<'_, C>) -> Result<Option<Kept>, Error> {
    let Some(bytes) = store.read().await? else { return Ok(None) };
    let kept = Kept::read(&bytes).map_err(|cause| {
        Error::new(Kind::Damaged, format!("cannot read the state of the roll-out in {}: {cause}", store.named()))
            .hint("it is of another version of this program, or was changed by hand; delete it to begin anew")
    })?;
    Ok(Some(kept))
}

/// Whether a command goes on with what is kept: it must be the same one, and must not retire in a way that nothing was checked for.
fn fits(kept: &Kept, ordered: &Ordered, place: &str) -> Result<(), Error> {
    if kept.order != ordered.digest {
        return Err(other(kept, place));
    }
    let wanted = ordered.switch.retire();
    if wanted == kept.retire || wanted == Retire::Keep {
        return Ok(());
    }
    let message = format!(
        "cannot go on with the roll-out to {} by --retire {wanted}: it was begun with --retire {}, and whether {} may go was not checked",
        kept.roles.idle, kept.retire, kept.roles.live
    );
    Err(Error::new(Kind::Refused, message)
        .hint(format!("go on with --retire {}, and retire {} by hand once it is proven", kept.retire, kept.roles.live)))
}

/// The error where another roll-out has led the traffic, and was not finished.
fn other(kept: &Kept, place: &str) -> Error {
    let Kept { chart, roles, switch, .. } = kept;
    let message = format!(
        "cannot begin a roll-out: another one, of {chart} to {}, was not finished after it switched {switch}",
        roles.idle
    );
    Error::new(Kind::Refused, message).hint(format!(
        "run it again with its own arguments, and it goes on; or delete {place} to leave everything as it is"
    ))
}

/// A roll-out at its beginning, or at its beginning again.
fn begun(
    (ordered, kept): (&Ordered, Option<&Kept>),
    looked: &Looked,
    (planned, begins): (&Planned, &Begins),
    environment: &Environment,
) -> Kept {
    Kept {
        schema_version: SCHEMA_VERSION,
        order: ordered.digest.clone(),
        roles: planned.roles.clone(),
        switch: planned.switch.clone(),
        chart: planned.chart.clone(),
        before: planned.before.clone(),
        after: planned.after.clone(),
        live_revision: begins.compared.proposed.last,
        live_made: begins.live_made(),
        // What was installed by a run that was killed was not there before, either.
        first_install: looked.prepared.as_ref().is_some_and(|prepared| prepared.proposed.is_first)
            || kept.is_some_and(|kept| kept.first_install && kept.roles == planned.roles),
        revision: None,
        made: None,
        router_revision: looked.router.as_ref().and_then(|(_, revision)| *revision),
        router_made: None,
        router_chart: None,
        retire: planned.retire,
        pause: planned.pause,
        promoted_by: None,
        phase: Phase::Testing,
        by: environment.who(),
        started: Timestamp::now(),
        switched: None,
        due: None,
        ended: None,
        outcome: None,
        reason: None,
    }
}

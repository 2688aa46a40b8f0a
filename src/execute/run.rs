//! The loop: what is known of the run goes in, [`next`] says what to do, and it is done.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::attempts::Attempts;
use super::keeper::Keeper;
use super::patience::way_on;
use super::prepare::Prepared;
use super::rollback::PreparedRollback;
use super::veil::Veil;
use super::watching::Watching;
use super::{Options, Seams};
use crate::cluster::{Cluster, ObjectRef, Resource};
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::release::Release;
use crate::release::history::History;
use crate::upgrade::event::{Event, Part, Report};
use crate::upgrade::next::{Action, Ending, State, Step, next};
use crate::upgrade::world::Earlier;

/// One run.
pub(super) struct Run<'r, 'a, C, H> {
    pub(super) seams: &'r Seams<'a, C, H>,
    pub(super) ground: Ground<'r>,
    /// The upgrade that was prepared; none for a rollback that was asked for.
    pub(super) prepared: Option<&'r Prepared>,
    pub(super) options: &'r Options,
    pub(super) keeper: &'r Keeper<'a, C>,
    /// Hides what is secret in what is told and written.
    pub(super) veil: &'r Veil<'r>,
    pub(super) state: State,
    /// The revision that this run makes or proves.
    pub(super) ours: u32,
    /// The newest revision that this run knows of.
    pub(super) newest: u32,
    /// Why it failed, a sentence each.
    pub(super) reasons: Vec<String>,
    /// What to tell at the end besides.
    pub(super) notes: Vec<String>,
    /// What was watched of the upgrade, for the evidence.
    pub(super) watching: Option<Watching<'a, C>>,
    pub(super) failure: Failure,
    pub(super) parts: Vec<Part>,
    /// The likely cause of the failure.
    pub(super) cause: Cause,
    /// What of the release can't be seen, so that nobody knows whether it is ready.
    pub(super) unseen: Vec<String>,
    /// The revisions that are called deployed, as last seen.
    pub(super) called_deployed: Vec<u32>,
    /// When the record was made of the revision that a rollback goes back from, or of the first of them.
    pub(super) failed_since: Option<Timestamp>,
    /// What was there before the first attempt at the rollback.
    pub(super) before_back: Option<Earlier>,
    /// What interrupted it.
    pub(super) interrupted: Option<&'static str>,
    /// The attempts at the upgrade, and at the rollback.
    pub(super) applying: Attempts,
    pub(super) going_back: Attempts,
    /// Whether Helm was lost too often, so that it is not known whether the revision is bad.
    pub(super) lost: bool,
}

/// What a run starts from.
#[derive(Clone, Copy)]
pub(super) struct Ground<'r> {
    /// The release's name.
    pub(super) name: &'r str,
    /// What a rollback goes away from: what the upgrade makes, or what there is.
    pub(super) current: &'r Release,
    /// What is to run in the end: what the upgrade makes, or the revision to go back to.
    pub(super) wanted: &'r Release,
    /// The revisions there were.
    pub(super) history: &'r History,
    /// The deployed revision.
    pub(super) deployed: Option<u32>,
    /// The last revision, if it is pending and its owner is proven to be gone.
    pub(super) abandoned: Option<u32>,
}

impl Ground<'_> {
    pub(super) fn last(&self) -> u32 {
        self.history.revisions().last().copied().unwrap_or_default()
    }
}

/// What is known of a failure.
#[derive(Default)]
pub(super) struct Failure {
    /// All that Helm printed.
    pub(super) helm: String,
    /// How everything stood at the end.
    pub(super) judgement: Option<crate::upgrade::judge::Judgement>,
}

/// Makes the upgrade that was prepared, and sees to it that the release is good in the end, whatever happens.
///
/// # Errors
/// If somebody else is at work on the release, it was changed since it was looked at, or the API server stays away. How an
/// upgrade ends, well or badly, is no error, but in the report.
pub async fn run<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    prepared: &Prepared,
    options: &Options,
) -> Result<Report, Error> {
    let ground = Ground {
        name: &prepared.proposed.upgrade.release,
        current: &prepared.proposed.outcome.releases.new,
        wanted: &prepared.proposed.outcome.releases.new,
        history: &prepared.history,
        deployed: prepared.deployed,
        abandoned: prepared.abandoned,
    };
    let state = State {
        look_only: prepared.nothing_to_do,
        first_install: prepared.proposed.is_first,
        target: prepared.target,
        more_follow: options.stage.as_ref().is_some_and(|stage| !stage.is_last),
        is_staged: options.stage.is_some() && prepared.target != prepared.deployed,
        ..State::default()
    };
    if prepared.proposed.is_first && options.apply.create_namespace {
        create_namespace(seams).await;
    }
    start(seams, (ground, Some(prepared)), state, options).await
}

/// Goes back to the revision that was asked for, and proves that the release is there.
///
/// # Errors
/// As [`run`].
pub async fn roll_back<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    prepared: &PreparedRollback,
    options: &Options,
) -> Result<Report, Error> {
    let releases = &prepared.outcome.releases;
    let ground = Ground {
        name: &releases.old.name,
        current: &releases.old,
        wanted: &releases.new,
        history: &prepared.history,
        deployed: prepared.deployed,
        abandoned: prepared.abandoned,
    };
    let state = State { rollback_asked: true, target: Some(prepared.target), ..State::default() };
    start(seams, (ground, None), state, options).await
}

/// Makes the namespace as Helm would, so that the release's lease can be in it before Helm is at work. What fails here is left to
/// Helm, which tries again and says why it can't.
async fn create_namespace<C: Cluster, H: Helm>(seams: &Seams<'_, C, H>) {
    let name = seams.storage.namespace();
    let at = ObjectRef { resource: Resource::NAMESPACES, namespace: None, name: name.to_owned() };
    let metadata = serde_json::json!({"name": name, "labels": {"name": name}});
    let body = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}).to_string();
    _ = seams.cluster.create(&at, body.as_bytes()).await;
}

async fn start<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    (ground, prepared): (Ground<'_>, Option<&Prepared>),
    mut state: State,
    options: &Options,
) -> Result<Report, Error> {
    let keeper = Keeper::take(seams, ground.name, &options.who).await?;
    state.is_staged |= prepared.is_some_and(|prepared| prepared.still_goes_on(keeper.left()));
    let old = prepared.map_or(ground.current, |prepared| &prepared.proposed.outcome.releases.old);
    let known = [old, ground.current, ground.wanted];
    // Going back may start pods of a third release.
    let third = match state.target.filter(|target| known.iter().all(|release| release.revision != *target)) {
        Some(target) => seams.storage.read(ground.name, target).await.ok(),
        None => None,
    };
    let releases = known.into_iter().chain(&third).collect();
    let veil = Veil::new(seams.listener, releases, (&options.mask_key, seams.masker.masks()));
    let mut run = Run {
        seams: &Seams { listener: &veil, ..*seams },
        ground,
        prepared,
        options,
        keeper: &keeper,
        veil: &veil,
        state,
        ours: ground.last() + 1,
        newest: ground.last(),
        reasons: Vec::new(),
        notes: Vec::new(),
        watching: None,
        failure: Failure::default(),
        parts: Vec::new(),
        cause: Cause::default(),
        interrupted: None,
        applying: Attempts::default(),
        going_back: Attempts::default(),
        lost: false,
        unseen: Vec::new(),
        called_deployed: Vec::new(),
        failed_since: None,
        before_back: None,
    };
    let letting_go = async {
        seams.interrupts.more_than(1).await;
        // What is under way has this long to end by itself.
        tokio::time::sleep(TO_LET_GO).await;
    };
    let result = keeper
        .while_held(async {
            tokio::select! {
                result = run.go() => result,
                () = letting_go => Err(let_go(seams, ground.name)),
            }
        })
        .await;
    tokio::select! {
        () = run.end_lease(result.is_err()) => {}
        () = seams.interrupts.more_than(1) => {}
    }
    result
}

impl<C: Cluster, H: Helm> Run<'_, '_, C, H> {
    async fn go(&mut self) -> Result<Report, Error> {
        self.take_up().await?;
        loop {
            if self.seams.interrupts.twice() {
                return Err(let_go(self.seams, self.ground.name));
            }
            self.look().await?;
            let action = next(&self.state, self.options.on_failure);
            let began = Instant::now();
            let (name, result) = match action {
                Action::Apply => (self.apply_name(), self.apply().await?),
                Action::Verify => ("gates", self.verify().await?),
                Action::Mark => ("mark", self.mark().await?),
                Action::Prune => ("prune", self.prune().await?),
                Action::KeepEvidence => ("evidence", self.keep_evidence().await?),
                Action::Record => ("record", self.record_failure().await?),
                Action::GoBack(target) => ("rollback", self.go_back(target).await?),
                Action::Prove => ("proof", self.prove().await?),
                Action::Uninstall => ("uninstall", self.uninstall().await?),
                Action::End(ending) => return Ok(self.report(ending)),
            };
            self.took(name, result, began.elapsed());
        }
    }

    /// The run is over; how it ended decides what becomes of the lease.
    async fn end_lease(&self, is_error: bool) {
        match is_error {
            // Who lets go at once leaves it as a proof that its owner is gone.
            _ if self.seams.interrupts.twice() => {}
            // What is left may be pending, and only a lease that names it tells that it is nobody's.
            true if self.is_under_way() => self.keeper.leave().await,
            _ => self.keeper.give_back().await,
        }
    }

    /// What making the upgrade is called: there may be nothing to make.
    fn apply_name(&self) -> &'static str {
        match self.prepared {
            Some(prepared) if prepared.nothing_to_do => "look",
            _ if self.state.first_install => "installation",
            _ => "upgrade",
        }
    }

    pub(super) fn name(&self) -> &str {
        self.ground.name
    }

    pub(super) fn tell(&self, event: &Event) {
        self.seams.listener.hear(event);
    }

    pub(super) fn notice(&self, text: String) {
        self.tell(&Event::Notice { text });
    }

    pub(super) fn took(&mut self, name: &str, result: Option<String>, time: Duration) {
        if let Some(result) = result {
            self.parts.push(Part { name: name.to_owned(), result, seconds: time.as_secs_f64() });
        }
    }

    /// Reads the release again: has somebody else changed it?
    async fn look(&mut self) -> Result<(), Error> {
        let name = self.name().to_owned();
        let history = self.persistently(|| self.seams.storage.history(&name)).await?;
        let newest = history.revisions().last().copied().unwrap_or_default();
        let deployed = history.entries().iter().filter(|entry| entry.status_hint == "deployed");
        self.called_deployed = deployed.map(|entry| entry.revision).collect();
        let is_there = self.state.rollback_asked || (self.state.look_only && self.state.is_staged);
        let first = self.ground.last() + u32::from(!is_there);
        let failed = history.entries().iter().find(|entry| entry.revision == first);
        self.failed_since = failed.and_then(|entry| entry.created);
        if self.is_overtaken(&history) {
            self.state.overtaken_by = Some(newest);
        }
        if let Some(holder) = self.keeper.lost_to() {
            self.notes.push(format!("the lease of the release went to {holder}"));
            self.state.overtaken_by = Some(newest);
        }
        Ok(())
    }

    /// Whether somebody has made another revision, uninstalled the release, or removed the revision that we work with.
    pub(super) fn is_overtaken(&self, history: &History) -> bool {
        if history.revisions().last().is_some_and(|last| *last > self.newest) {
            return true;
        }
        if self.newest < self.ours || self.state.uninstalled != Step::Open {
            return false;
        }
        let entry = history.entries().iter().find(|entry| entry.revision == self.newest);
        entry.is_none_or(|entry| entry.status_hint.starts_with("uninstall"))
    }

    fn report(&mut self, ending: Ending) -> Report {
        let report = Report {
            release: self.name().to_owned(),
            namespace: self.seams.storage.namespace().to_owned(),
            ending,
            interrupted: self.interrupted.is_some(),
            summary: self.summary(ending),
            from: self.ground.deployed,
            revision: (self.newest >= self.ours).then_some(self.ours),
            deployed: self.deployed(ending),
            reasons: [std::mem::take(&mut self.reasons), std::mem::take(&mut self.notes)].concat(),
            cause: self.cause.sentence.take(),
            hint: self.cause.hint.take(),
            evidence: Some(std::mem::take(&mut self.cause.folder)).filter(|folder| !folder.is_empty()),
            archive: Some(std::mem::take(&mut self.cause.archive)).filter(|archive| !archive.is_empty()),
            next: self.advice(ending),
            parts: std::mem::take(&mut self.parts),
        };
        let report = self.veil.report(report);
        self.tell(&Event::Done(report.clone()));
        report
    }

    /// The revision that is deployed in the end.
    fn deployed(&self, ending: Ending) -> Option<u32> {
        match ending {
            Ending::Upgraded | Ending::Unproven | Ending::Passed | Ending::Nothing => Some(self.ours),
            Ending::RolledBack | Ending::WentBack => Some(self.newest),
            Ending::NotBegun => self.ground.deployed,
            _ => None,
        }
    }

    fn summary(&self, ending: Ending) -> String {
        let (name, ours) = (self.name(), self.ours);
        let target = self.state.target.unwrap_or_default();
        let done = if self.state.first_install { "installed" } else { "upgraded" };
        let why = self.interrupted.map_or(String::from("failed"), |why| format!("was interrupted by {why}"));
        match ending {
            Ending::Upgraded if self.newest == self.ground.last() => {
                format!("{name}: nothing to change; revision {ours} is proven now")
            }
            Ending::Upgraded => format!("{name} is {done}: revision {ours} is deployed and proven"),
            Ending::Unproven if self.newest == self.ground.last() => {
                format!("{name}: nothing to change; revision {ours} is not proven")
            }
            Ending::Unproven => format!("{name} is {done}, and revision {ours} is not proven"),
            Ending::Passed => format!("{name} is {done}: revision {ours} has passed; it is marked after the last step"),
            Ending::Nothing => format!("{name}: nothing to change; revision {ours} is deployed, ready and proven"),
            Ending::NotBegun => match (self.interrupted, self.state.rollback_asked) {
                (Some(why), _) => format!("{name} was not changed: interrupted by {why}"),
                (None, true) => format!("{name} was not changed: helm refused the rollback"),
                (None, false) => format!("{name} was not changed: helm refused the upgrade"),
            },
            Ending::WentBack => {
                format!(
                    "{name} is back at revision {target}, as revision {}: ready, as its manifest says, and proven",
                    self.newest
                )
            }
            Ending::NotRolledBack if self.state.rollback_asked => {
                format!("the rollback of {name} to revision {target} {why}")
            }
            Ending::RolledBack => {
                format!("revision {ours} {why}; {name} is back at revision {target}, as revision {}", self.newest)
            }
            Ending::Kept => format!("revision {ours} {why}, and is left as it is"),
            Ending::NoWayBack => format!("revision {ours} {why}, and there is no good revision to go back to"),
            Ending::Uninstalled => format!("the installation {why}, and {name} was uninstalled"),
            Ending::NotRolledBack => format!("revision {ours} {why}, and {name} is NOT back at revision {target}"),
            Ending::Overtaken => {
                let by = self.state.overtaken_by.unwrap_or_default();
                format!("{name} was changed by somebody else (revision {by}); it is left to them")
            }
        }
    }

    /// What to do next.
    fn advice(&self, ending: Ending) -> Vec<String> {
        let (name, namespace) = (self.name(), self.seams.storage.namespace());
        let commands: &[&str] = match ending {
            Ending::Kept | Ending::NoWayBack | Ending::NotRolledBack => &["diagnose", "status"],
            Ending::Overtaken | Ending::Unproven => &["status"],
            _ => &[],
        };
        let mut advice: Vec<String> =
            commands.iter().map(|command| format!("helm safe-upgrade {command} {name} -n {namespace}")).collect();
        if let (Ending::NotRolledBack, Some(target)) = (ending, self.state.target) {
            advice.push(format!("helm safe-upgrade rollback {name} {target} -n {namespace}"));
        }
        advice
    }
}

/// The likely cause of a failure, and where the evidence is.
#[derive(Default)]
pub(super) struct Cause {
    pub(super) sentence: Option<String>,
    pub(super) hint: Option<String>,
    /// The folder; empty where none is kept.
    pub(super) folder: String,
    /// The archive of it; empty as well.
    pub(super) archive: String,
}

/// The error where the user wants no more, at once: the release is as it is, and may be locked.
fn let_go<C: Cluster, H: Helm>(seams: &Seams<'_, C, H>, name: &str) -> Error {
    let namespace = seams.storage.namespace();
    let message = format!("let go of release \"{name}\" at once, as asked: it is left as it is, and may be pending");
    Error::new(Kind::Interrupted, message).hint(way_on(name, namespace))
}

/// How long what is under way may take to end after the second interrupt.
const TO_LET_GO: Duration = Duration::from_secs(2);

/// A step that ended well or not.
pub(super) fn step(good: bool) -> Step {
    if good { Step::Good } else { Step::Bad }
}

//! `helm safe-upgrade canary`: a release that is upgraded in steps: look at all of them, show the plan, ask once, make one after the other.

mod back;
mod begin;
mod beside;
mod given;
mod going_on;
mod look;
mod screen;
mod steps;
mod work;

use self::begin::begin;
use self::going_on::{abort, promote};
use self::screen::Screen;
use self::steps::Release;
use self::work::Work;
use crate::cli::args::{CanaryArgs, CanaryCommand, CanaryStatusArgs, ReportFormat};
use crate::cli::connection::{self, AnyStorage};
use crate::cli::console::Telling;
use crate::cli::{Environment, output};
use crate::error::{EXIT_OK, Error, Kind};
use crate::execute::canary::{Canary, Concluded};
use crate::record::canary::Store;
use crate::report::canary::{StatusView, concluded};
use crate::report::releases::write_json;
use crate::report::rollout::story;
use crate::storage::Storage;
use crate::upgrade::canary::event::{CanaryEvent, Outcome};
use crate::upgrade::canary::kept::Kept;
use crate::upgrade::canary::next::Terms;

/// Runs the command and returns the exit code.
pub(super) async fn run(mut arguments: CanaryArgs, environment: &Environment) -> Result<u8, Error> {
    match arguments.command.take() {
        None => begin(arguments, environment).await,
        Some(CanaryCommand::Status(arguments)) => status(arguments, environment).await,
        Some(CanaryCommand::Promote(arguments)) => promote(arguments, environment).await,
        Some(CanaryCommand::Abort(arguments)) => abort(arguments, environment).await,
    }
}

/// `helm safe-upgrade canary status`.
async fn status(arguments: CanaryStatusArgs, environment: &Environment) -> Result<u8, Error> {
    let storage = connection::storage(&arguments.cluster, environment).await?;
    let cluster = cluster_of(&storage)?;
    let store = Store::of(cluster, storage.namespace(), &arguments.release);
    let kept = kept(&store, &arguments.release, storage.namespace()).await?;
    let standing = crate::execute::canary::look(&storage, &kept).await?;
    let view = StatusView::new(&kept, standing, jiff::Timestamp::now());
    let painter = output::painter(&arguments.display, environment);
    output::write_result(false, environment, |mut out| match arguments.output {
        ReportFormat::Text => view.write_text((painter, environment.columns), &mut out),
        ReportFormat::Json => write_json(&view, &mut out),
    })?;
    Ok(EXIT_OK)
}

/// The cluster, where releases are kept as its objects: a canary is known by their labels.
fn cluster_of(storage: &AnyStorage) -> Result<&crate::cluster::KubeCluster, Error> {
    match storage {
        Storage::Objects { cluster, .. } => Ok(cluster),
        Storage::Helm { .. } => Err(Error::new(
            Kind::Unsupported,
            "cannot run a canary: the storage driver \"sql\" holds no labels, by which its revisions are known",
        )
        .hint("a canary needs HELM_DRIVER=secret or configmap")),
    }
}

/// What is kept of the canary of a release.
async fn kept<C: crate::cluster::Cluster>(store: &Store<'_, C>, release: &str, namespace: &str) -> Result<Kept, Error> {
    match read(store, release).await? {
        Some(kept) => Ok(kept),
        None => Err(Error::new(
            Kind::NotFound,
            format!("no canary of release \"{release}\" is under way in namespace \"{namespace}\""),
        )
        .hint(format!("helm safe-upgrade canary {release} CHART --steps 1,3,10 begins one"))),
    }
}

async fn read<C: crate::cluster::Cluster>(store: &Store<'_, C>, release: &str) -> Result<Option<Kept>, Error> {
    let Some(bytes) = store.read().await? else { return Ok(None) };
    Kept::read(&bytes).map(Some).map_err(|cause| {
        Error::new(Kind::Damaged, format!("cannot read the canary of release \"{release}\": {cause}"))
            .hint(format!("kubectl delete secret helm-safe-upgrade.canary.{release} forgets it"))
    })
}

/// The command that goes on with a canary, or back.
fn hint_of(kept: &Kept, word: &str) -> String {
    format!("helm safe-upgrade canary {word} {} -n {}", kept.release, kept.namespace)
}

/// Runs the loop, and tells how it ended. Returns the exit code.
async fn drive(
    work: &Work<'_>,
    store: &Store<'_, crate::cluster::KubeCluster>,
    kept: &mut Kept,
    terms: Terms,
) -> Result<u8, Error> {
    let name = kept.release.clone();
    let screen = Screen { telling: work.telling, painter: work.run.painter(), release: &name };
    let release = Release { work, screen: &screen };
    if kept.passed > 0 || kept.running.is_some() {
        screen.hear(&CanaryEvent::CanaryResumed { passed: kept.passed, steps: kept.steps.len() });
    }
    let canary = Canary { steps: &release, store, interrupts: work.interrupts };
    let console = work.console(work.telling, &name, None);
    let ended = canary.run_alone((&work.seams(&console), &work.options.who), kept, terms).await?;
    tell(work, kept, &ended, &screen)?;
    if let Some(error) = ended.refused {
        return Err(error);
    }
    match (ended.left, exit_code(ended.outcome)) {
        // Two releases take the traffic: that is no success, however good the release itself is.
        (Some(error), EXIT_OK) => Err(error),
        (left, code) => {
            left.iter().for_each(|error| output::print_error(error, work.run.environment));
            Ok(code)
        }
    }
}

fn tell(work: &Work<'_>, kept: &Kept, ended: &Concluded, screen: &Screen<'_>) -> Result<(), Error> {
    let halts = matches!(ended.outcome, Outcome::Paused | Outcome::Unclear | Outcome::NotRolledBack);
    if let Some(halt) = kept.halted.as_ref().filter(|_| halts) {
        let (promote, abort) = (&hint_of(kept, "promote"), &hint_of(kept, "abort"));
        screen.hear(&CanaryEvent::CanaryHalted { halt, promote, abort });
    }
    if work.telling != Telling::Story {
        return Ok(());
    }
    let painter = work.run.painter();
    let mut lines = Vec::new();
    // How a step ended that is not good, with its reasons and what to do.
    if let Some(report) = ended.report.as_ref().filter(|_| !matches!(ended.outcome, Outcome::Proven | Outcome::Paused))
    {
        lines.extend(story::report(report, painter));
    }
    lines.extend(concluded(kept, ended.outcome, &ended.notes, painter));
    let text = lines.join("\n") + "\n";
    output::write_result(false, work.run.environment, |out| out.write_all(text.as_bytes()))
}

fn exit_code(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Proven | Outcome::Paused | Outcome::Aborted => EXIT_OK,
        Outcome::Unclear => Kind::Helm.exit_code(),
        Outcome::Refused => Kind::Refused.exit_code(),
        Outcome::RolledBack => Kind::RolledBack.exit_code(),
        Outcome::NotRolledBack => Kind::NotRolledBack.exit_code(),
        Outcome::Overtaken => Kind::Locked.exit_code(),
        Outcome::Interrupted => Kind::Interrupted.exit_code(),
    }
}

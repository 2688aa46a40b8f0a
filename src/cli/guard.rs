//! `helm safe-upgrade RELEASE CHART`: from arguments to a release that is good in the end.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use crate::cli::Environment;
use crate::cli::args::{DiffArgs, Format, GateArgs, GuardArgs, GuardedArgs, GuardedRollbackArgs};
use crate::cli::connection;
use crate::cli::console::{Console, Telling};
use crate::cli::diagnose::default_place;
use crate::cli::guarded::{Guarded, Purpose};
use crate::cli::plan::Making;
use crate::cli::policy;
use crate::cli::revdiff::Run;
use crate::cli::{input, output};
use crate::cluster::KubeCluster;
use crate::command::evidence::Place;
use crate::command::upgrade::Request;
use crate::error::{EXIT_CHANGED, EXIT_OK, Error, Kind};
use crate::execute::checklist::Told;
use crate::execute::gates::Gates;
use crate::execute::interrupts::{Interrupts, stopped};
use crate::execute::{self, Options, Seams};
use crate::helm::flags::RenderFlags;
use crate::helm::{Apply, Upgrade, Waiting};
use crate::release::retention::DEFAULT_KEEP;
use crate::report::rollout::{markdown, story};
use crate::upgrade::event::{Event, Report};
use crate::upgrade::judge::Patience;
use crate::upgrade::next::{Ending, OnFailure};

/// Runs the command and returns the exit code.
pub(super) async fn upgrade(
    mut arguments: GuardedArgs,
    purpose: Purpose,
    environment: &Environment,
) -> Result<u8, Error> {
    let purpose = match (purpose, arguments.plan_out.clone()) {
        (Purpose::Upgrade, Some(file)) => Purpose::Plan(Making::of(file, &arguments)?),
        (purpose, _) => purpose,
    };
    let telling = match purpose {
        Purpose::Check => quiet_telling(arguments.diff.format())?,
        _ => telling(arguments.diff.format())?,
    };
    let storage = connection::storage(&arguments.diff.cluster, environment).await?;
    let release = arguments.release.clone().unwrap_or_default();
    let named = (release.as_str(), storage.namespace());
    let policy = policy::of(arguments.diff.config.as_deref(), named.0, named.1)?;
    policy::gates(&mut arguments.gates, &policy);
    arguments.gates.fit_soak(arguments.gates.soak.is_some())?;
    policy::keep(&mut arguments.keep, &policy);
    let (request, mut options) = order(&arguments, environment)?;
    options.told.terms = policy::terms(&arguments, &policy);
    options.told.window = policy::window(&arguments, &policy, matches!(purpose, Purpose::Plan(_)));
    let place = policy::elsewhere(&arguments, &policy, named, environment).await;
    let interrupts = Interrupts::listen(environment.is_of_helm())?;
    let GuardedArgs { guard, apply, diff, .. } = arguments;
    let run = Run::new(diff, environment)?;
    let helm = connection::helm(&run.diff.cluster, environment)?;
    let reached = connection::reached(&storage, &run.diff.cluster, environment).await?;
    let cluster: &KubeCluster = &reached;
    let painter = output::painter(&run.diff.display, environment);
    let console = Console::new(telling, &request.upgrade.release, (painter, environment));
    let seams = Seams {
        storage: &storage,
        helm: &helm,
        cluster,
        masker: &run.masker,
        listener: &console,
        interrupts: &interrupts,
    };
    let stages = run.stages(connection::is_quiet(&storage));
    let (request, options, console) = (&request, &options, &console);
    let guarded = Guarded { run: &run, seams: &seams, request, options, guard: &guard, telling, console, place };
    guarded.go(purpose, stages, is_dry(&apply.dry_run)).await
}

/// Formats that are of a diff alone make no sense here.
fn telling(format: Format) -> Result<Telling, Error> {
    match format {
        Format::Text | Format::SideBySide | Format::Paths | Format::Stat | Format::Markdown => Ok(Telling::Story),
        Format::Json => Ok(Telling::Events),
        Format::Yaml | Format::Github | Format::Html => {
            Err(Error::new(Kind::Usage, "cannot tell an upgrade as yaml, github or html").hint(
                "formats are text, side-by-side, paths, stat, markdown and json; helm revdiff upgrade has the others",
            ))
        }
    }
}

/// The formats of the checklist alone; nothing is told beside it.
fn quiet_telling(format: Format) -> Result<Telling, Error> {
    match format {
        Format::Text | Format::Json | Format::Markdown => Ok(Telling::Nothing),
        _ => Err(Error::new(Kind::Usage, "cannot tell the checks in this format")
            .hint("formats are text, json and markdown")),
    }
}

/// Helm's `--dry-run=none` is none.
fn is_dry(flag: &Option<String>) -> bool {
    flag.as_deref().is_some_and(|how| !matches!(how, "none" | "false"))
}

pub(super) fn order(arguments: &GuardedArgs, environment: &Environment) -> Result<(Request, Options), Error> {
    let missing = |what: &str| {
        Error::new(Kind::Usage, format!("no {what} named"))
            .hint("helm safe-upgrade RELEASE CHART; see helm safe-upgrade --help")
    };
    let release = arguments.release.clone().ok_or_else(|| missing("release"))?;
    let chart = arguments.chart.clone().ok_or_else(|| missing("chart"))?;
    let flags = arguments.flags();
    let stdin = if flags.values.use_stdin() { Some(input::read_stdin("the values")?) } else { None };
    let GuardedArgs { guard, failure, apply, diff, .. } = arguments;
    let upgrade = Upgrade { release, chart, flags, server_side: apply.server_side.clone(), stdin };
    let request =
        Request { upgrade: upgrade.clone(), install: apply.install, told: Default::default(), beyond_schema: true };
    let options = Options {
        apply: Apply {
            upgrade,
            install: apply.install,
            create_namespace: apply.create_namespace,
            skip_crds: apply.skip_crds,
            take_ownership: apply.take_ownership,
            disable_openapi_validation: apply.disable_openapi_validation,
            force_conflicts: apply.force_conflicts,
            description: apply.description.clone(),
            labels: apply.labels.clone(),
            waiting: Waiting {
                timeout: apply.timeout,
                until_ready: true,
                wait_for_jobs: apply.wait_for_jobs,
                no_hooks: diff.no_hooks,
                force: apply.force,
            },
        },
        on_failure: failure.on_failure.policy(),
        patience: patience(guard, apply.wait_for_jobs),
        rollback_timeout: failure.rollback_timeout.unwrap_or(apply.timeout),
        grace: failure.grace,
        cleanup_on_fail: apply.cleanup_on_fail,
        keep: arguments.keep.wanted(environment.text("HELM_MAX_HISTORY")),
        gates: gates((&arguments.gates, &request.upgrade.release), (guard.yes, diff), environment)?,
        chart: arguments.chart.clone().unwrap_or_default(),
        repositories: connection::repositories(&diff.cluster, environment),
        evidence: place(guard, environment),
        mask_key: environment.mask_key,
        shows_secrets: diff.show_secrets || diff.show_secrets_decoded,
        who: environment.who(),
        told: told(arguments, environment),
        remark: None,
        stage: None,
    };
    Ok((request, options))
}

/// What the checklist is told.
fn told(arguments: &GuardedArgs, environment: &Environment) -> Told {
    let helm_keeps = environment.text("HELM_MAX_HISTORY").and_then(|text| text.trim().parse().ok());
    Told { kube_version: arguments.kube_version, helm_keeps: helm_keeps.unwrap_or(DEFAULT_KEEP), ..Told::default() }
}

/// What is asked, and whom where it can't tell: `--yes` and a log have nobody.
fn gates(
    (gates, release): (&GateArgs, &str),
    (yes, diff): (bool, &DiffArgs),
    environment: &Environment,
) -> Result<Gates, Error> {
    let is_told = diff.format() != Format::Json && is_attended();
    Ok(Gates {
        environment: connection::variables(&diff.cluster, environment)?,
        ask: (is_told && !yes).then_some(ask as fn(&str) -> Option<String>),
        ..gates.gates(release)?
    })
}

/// Where evidence is kept.
fn place(guard: &GuardArgs, environment: &Environment) -> Place {
    guard.evidence.clone().map_or_else(|| default_place(environment), Place::new)
}

fn patience(guard: &GuardArgs, wait_for_jobs: bool) -> Patience {
    let fail_fast_after = jiff::SignedDuration::try_from(guard.fail_fast_after).unwrap_or(jiff::SignedDuration::MAX);
    Patience { max_restarts: guard.max_restarts, fail_fast_after, strict: guard.strict, wait_for_jobs }
}

/// Runs `helm safe-upgrade rollback` and returns the exit code.
pub(super) async fn rollback(mut arguments: GuardedRollbackArgs, environment: &Environment) -> Result<u8, Error> {
    let telling = telling(arguments.diff.format())?;
    let storage = connection::storage(&arguments.diff.cluster, environment).await?;
    let policy = policy::of(arguments.diff.config.as_deref(), &arguments.release, storage.namespace())?;
    policy::gates(&mut arguments.gates, &policy);
    arguments.gates.fit_soak(arguments.gates.soak.is_some())?;
    policy::keep(&mut arguments.keep, &policy);
    let options = rollback_options(&arguments, environment)?;
    let GuardedRollbackArgs { release, revision, guard, apply, diff, .. } = arguments;
    let interrupts = Interrupts::listen(environment.is_of_helm())?;
    let run = Run::new(diff, environment)?;
    let helm = connection::helm(&run.diff.cluster, environment)?;
    let reached = connection::reached(&storage, &run.diff.cluster, environment).await?;
    let cluster: &KubeCluster = &reached;
    let console = Console::new(telling, &release, (run.painter(), environment));
    let seams = Seams {
        storage: &storage,
        helm: &helm,
        cluster,
        masker: &run.masker,
        listener: &console,
        interrupts: &interrupts,
    };
    let stages = run.stages(connection::is_quiet(&storage));
    let prepared = tokio::select! {
        prepared = execute::prepare_rollback(&seams, (&release, revision), &run.options, stages) => prepared?,
        () = interrupts.more_than(0) => return Err(stopped(&release)),
    };
    run.progress.clear();
    run.show(&prepared.outcome)?;
    for text in &prepared.warnings {
        seams.listener.hear(&Event::Warning { text: text.clone() });
    }
    if let Some(forward) = &prepared.forward {
        let target = prepared.target;
        let text = format!("going forward may be safer, with the chart that revision {target} had: {forward}");
        seams.listener.hear(&Event::Notice { text });
    }
    if is_dry(&apply.dry_run) {
        return Ok(EXIT_OK);
    }
    let question = Question {
        doing: "roll back",
        release: &release,
        ask: format!("Roll {release} back to revision {}? [y/N] ", prepared.target),
        shows: false,
    };
    confirm(question, guard.yes, &interrupts).await?;
    let report = execute::run::roll_back(&seams, &prepared, &options).await;
    console.clear();
    finish(&report?, &run, telling)
}

fn rollback_options(arguments: &GuardedRollbackArgs, environment: &Environment) -> Result<Options, Error> {
    let GuardedRollbackArgs { release, guard, apply, diff, .. } = arguments;
    let upgrade = Upgrade {
        release: release.clone(),
        chart: String::new(),
        flags: RenderFlags::default(),
        server_side: None,
        stdin: None,
    };
    let waiting = Waiting {
        timeout: apply.timeout,
        until_ready: true,
        wait_for_jobs: apply.wait_for_jobs,
        no_hooks: diff.no_hooks,
        force: apply.force,
    };
    Ok(Options {
        apply: Apply {
            upgrade,
            install: false,
            create_namespace: false,
            skip_crds: false,
            take_ownership: false,
            disable_openapi_validation: false,
            force_conflicts: false,
            description: apply.description.clone(),
            labels: Vec::new(),
            waiting,
        },
        on_failure: OnFailure::Keep,
        patience: patience(guard, apply.wait_for_jobs),
        rollback_timeout: apply.timeout,
        grace: apply.timeout,
        cleanup_on_fail: apply.cleanup_on_fail,
        keep: arguments.keep.wanted(environment.text("HELM_MAX_HISTORY")),
        gates: gates((&arguments.gates, release), (guard.yes, diff), environment)?,
        chart: String::new(),
        repositories: Default::default(),
        evidence: place(guard, environment),
        mask_key: environment.mask_key,
        shows_secrets: diff.show_secrets || diff.show_secrets_decoded,
        who: environment.who(),
        told: Told::default(),
        remark: None,
        stage: None,
    })
}

/// Whether somebody is there to be asked.
pub(super) fn is_attended() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// What is to be confirmed.
pub(super) struct Question<'a> {
    /// As in `upgrade`.
    pub(super) doing: &'a str,
    pub(super) release: &'a str,
    pub(super) ask: String,
    /// Whether the diff and the checks can be shown once more.
    pub(super) shows: bool,
}

/// What the user says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    Diff,
    Checks,
}

/// Asks on a terminal; elsewhere it takes `--yes`. A no is an error.
pub(super) async fn confirm(question: Question<'_>, yes: bool, interrupts: &Interrupts) -> Result<Answer, Error> {
    if yes {
        return Ok(Answer::Yes);
    }
    let Question { doing, release, ask: text, shows } = question;
    if !is_attended() {
        let message = format!("cannot {doing} release \"{release}\": nobody is there to confirm it");
        return Err(Error::new(Kind::Refused, message).hint("look at the diff above, and run it again with --yes"));
    }
    let asking = tokio::task::spawn_blocking(move || ask(&text));
    let answer = tokio::select! {
        answer = asking => answer.unwrap_or(None),
        () = interrupts.more_than(0) => return Err(stopped(release)),
    };
    match answer.as_deref().map(str::trim) {
        Some("y" | "Y" | "yes" | "Yes") => Ok(Answer::Yes),
        Some("d" | "D" | "diff") if shows => Ok(Answer::Diff),
        Some("c" | "C" | "checks") if shows => Ok(Answer::Checks),
        _ => Err(Error::new(Kind::Refused, format!("cannot {doing} release \"{release}\": you said no"))),
    }
}

pub(super) fn ask(question: &str) -> Option<String> {
    _ = write!(std::io::stderr(), "{question}");
    _ = std::io::stderr().flush();
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).ok().map(|_| answer)
}

/// Prints the report, and returns the exit code.
pub(super) fn finish(report: &Report, run: &Run<'_>, telling: Telling) -> Result<u8, Error> {
    if telling == Telling::Story {
        let text = match run.diff.format() {
            Format::Markdown => markdown::report(report),
            _ => story::report(report, run.painter()).join("\n") + "\n",
        };
        // What the run came to is told by the exit code, whether the report can be written or not.
        if let Err(error) = output::write_result(false, run.environment, |out| out.write_all(text.as_bytes())) {
            output::print_error(&error, run.environment);
        }
    }
    Ok(match report.ending {
        Ending::Upgraded | Ending::Passed | Ending::WentBack => EXIT_OK,
        Ending::Nothing if run.diff.detailed_exitcode => EXIT_CHANGED,
        Ending::Nothing => EXIT_OK,
        Ending::Unproven => Kind::Helm.exit_code(),
        _ if report.interrupted => Kind::Interrupted.exit_code(),
        Ending::NotBegun => Kind::Helm.exit_code(),
        Ending::RolledBack => Kind::RolledBack.exit_code(),
        Ending::Kept | Ending::NoWayBack | Ending::Uninstalled | Ending::NotRolledBack => {
            Kind::NotRolledBack.exit_code()
        }
        Ending::Overtaken => Kind::Locked.exit_code(),
    })
}

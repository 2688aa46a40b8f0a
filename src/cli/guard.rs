//! `helm safe-upgrade RELEASE CHART`: from arguments to a release that is good in the end.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use crate::cli::Environment;
use crate::cli::args::{Format, GuardedArgs};
use crate::cli::connection;
use crate::cli::console::{Console, Telling};
use crate::cli::revdiff::Run;
use crate::cli::{input, output};
use crate::command::upgrade::Request;
use crate::error::{EXIT_CHANGED, EXIT_OK, Error, Kind};
use crate::execute::gates::Gates;
use crate::execute::interrupts::Interrupts;
use crate::execute::{self, Options, Prepared, Seams};
use crate::helm::{Apply, Upgrade, Waiting};
use crate::report::rollout::{markdown, story};
use crate::storage::Storage;
use crate::upgrade::event::Report;
use crate::upgrade::judge::Patience;
use crate::upgrade::next::Ending;

/// Runs the command and returns the exit code.
pub(super) async fn upgrade(arguments: GuardedArgs, environment: &Environment) -> Result<u8, Error> {
    let telling = telling(arguments.diff.format())?;
    let (request, options) = order(&arguments, environment)?;
    let interrupts = Interrupts::listen()?;
    let GuardedArgs { guard, apply, diff, .. } = arguments;
    let run = Run::new(diff, environment)?;
    let helm = connection::helm(&run.diff.cluster, environment)?;
    let storage = connection::storage(&run.diff.cluster, environment).await?;
    let elsewhere;
    let cluster = match &storage {
        Storage::Objects { cluster, .. } => cluster,
        Storage::Helm { .. } => {
            elsewhere = connection::cluster(&run.diff.cluster, environment).await?;
            &elsewhere
        }
    };
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
    let preparing = execute::prepare(&seams, &request, (&options, &run.options), stages);
    let prepared = tokio::select! {
        prepared = preparing => prepared?,
        () = interrupts.more_than(0) => return Err(stopped(&request.upgrade.release)),
    };
    run.progress.clear();
    if prepared.nothing_to_do && prepared.deployed_proven {
        return nothing(&prepared, &run, telling);
    }
    if !prepared.nothing_to_do {
        run.show(&prepared.proposed.outcome)?;
        if is_dry(&apply.dry_run) {
            return Ok(EXIT_OK);
        }
        confirm(&prepared, guard.yes, &interrupts).await?;
    }
    let report = execute::run::run(&seams, &prepared, &options).await;
    console.clear();
    finish(&report?, &run, telling)
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

/// Helm's `--dry-run=none` is none.
fn is_dry(flag: &Option<String>) -> bool {
    flag.as_deref().is_some_and(|how| !matches!(how, "none" | "false"))
}

fn order(arguments: &GuardedArgs, environment: &Environment) -> Result<(Request, Options), Error> {
    let missing = |what: &str| {
        Error::new(Kind::Usage, format!("no {what} named"))
            .hint("helm safe-upgrade RELEASE CHART; see helm safe-upgrade --help")
    };
    let release = arguments.release.clone().ok_or_else(|| missing("release"))?;
    let chart = arguments.chart.clone().ok_or_else(|| missing("chart"))?;
    let flags = arguments.flags();
    let stdin = if flags.values.use_stdin() { Some(input::read_stdin("the values")?) } else { None };
    let GuardedArgs { guard, apply, diff, .. } = arguments;
    let upgrade = Upgrade { release, chart, flags, server_side: apply.server_side.clone(), stdin };
    let request = Request { upgrade: upgrade.clone(), install: apply.install, told: Default::default() };
    let fail_fast_after = jiff::SignedDuration::try_from(guard.fail_fast_after).unwrap_or(jiff::SignedDuration::MAX);
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
                wait_for_jobs: apply.wait_for_jobs,
                no_hooks: diff.no_hooks,
                force: apply.force,
            },
        },
        on_failure: guard.on_failure.policy(),
        patience: Patience {
            max_restarts: guard.max_restarts,
            fail_fast_after,
            strict: guard.strict,
            wait_for_jobs: apply.wait_for_jobs,
        },
        rollback_timeout: guard.rollback_timeout.unwrap_or(apply.timeout),
        grace: guard.grace,
        cleanup_on_fail: apply.cleanup_on_fail,
        gates: gates(arguments, environment)?,
        who: environment.who(),
    };
    Ok((request, options))
}

/// What is asked, and whom where it can't tell: `--yes` and a log have nobody.
fn gates(arguments: &GuardedArgs, environment: &Environment) -> Result<Gates, Error> {
    let GuardedArgs { gates, guard, diff, .. } = arguments;
    let is_told = diff.format() != Format::Json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    Ok(Gates {
        environment: connection::variables(&diff.cluster, environment)?,
        ask: (is_told && !guard.yes).then_some(ask as fn(&str) -> Option<String>),
        ..gates.gates()?
    })
}

fn stopped(release: &str) -> Error {
    Error::new(Kind::Interrupted, format!("stopped before anything was done to release \"{release}\""))
}

fn nothing(prepared: &Prepared, run: &Run<'_>, telling: Telling) -> Result<u8, Error> {
    let report = prepared.nothing_to_do_report();
    finish(&report, run, telling)
}

/// Asks on a terminal; elsewhere it takes `--yes`.
async fn confirm(prepared: &Prepared, yes: bool, interrupts: &Interrupts) -> Result<(), Error> {
    if yes {
        return Ok(());
    }
    let name = &prepared.proposed.upgrade.release;
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        let error =
            Error::new(Kind::Refused, format!("cannot upgrade release \"{name}\": nobody is there to confirm it"));
        return Err(error.hint("look at the diff above, and run it again with --yes"));
    }
    let question = format!("Upgrade {name}? [y/N] ");
    let asking = tokio::task::spawn_blocking(move || ask(&question));
    let answer = tokio::select! {
        answer = asking => answer.unwrap_or(None),
        () = interrupts.more_than(0) => return Err(stopped(name)),
    };
    match answer.as_deref().map(str::trim) {
        Some("y" | "Y" | "yes" | "Yes") => Ok(()),
        _ => Err(Error::new(Kind::Refused, format!("release \"{name}\" was not upgraded: you said no"))),
    }
}

fn ask(question: &str) -> Option<String> {
    _ = write!(std::io::stderr(), "{question}");
    _ = std::io::stderr().flush();
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).ok().map(|_| answer)
}

/// Prints the report, and returns the exit code.
fn finish(report: &Report, run: &Run<'_>, telling: Telling) -> Result<u8, Error> {
    if telling == Telling::Story {
        let text = match run.diff.format() {
            Format::Markdown => markdown::report(report),
            _ => story::report(report, run.painter()).join("\n") + "\n",
        };
        output::write_result(false, run.environment, |out| out.write_all(text.as_bytes()))?;
    }
    Ok(match report.ending {
        Ending::Upgraded => EXIT_OK,
        Ending::Nothing if run.diff.detailed_exitcode => EXIT_CHANGED,
        Ending::Nothing => EXIT_OK,
        Ending::Unproven | Ending::NotBegun => Kind::Helm.exit_code(),
        _ if report.interrupted => Kind::Interrupted.exit_code(),
        Ending::RolledBack => Kind::RolledBack.exit_code(),
        Ending::Kept | Ending::NoWayBack | Ending::Uninstalled | Ending::NotRolledBack => {
            Kind::NotRolledBack.exit_code()
        }
        Ending::Overtaken => Kind::Locked.exit_code(),
    })
}

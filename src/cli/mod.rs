//! The command line: arguments and environment in, exit code out. The only place that knows clap, and that prints.

mod apis;
mod args;
mod batch;
mod blue_green;
mod canary;
mod checklist;
mod compatible;
mod complete;
mod configuration;
mod confirm;
mod connection;
mod console;
mod diagnose;
mod environment;
mod fleet;
mod guard;
mod guarded;
mod history;
mod input;
mod list;
mod needs_upgrade;
mod output;
mod plan;
mod policy;
mod progress;
mod prune;
mod pull_request;
mod releases;
mod revdiff;
mod show;
mod status;
mod unlock;
mod versions;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser as _};

pub use environment::Environment;

use crate::error::{EXIT_OK, Error, Kind};
use crate::helm::guard as child_guard;

/// Runs the command that the arguments name, and returns the process's exit code.
#[must_use]
pub fn run(arguments: Vec<OsString>, environment: &Environment) -> ExitCode {
    if arguments.get(1).is_some_and(|word| word == "__complete") {
        // A shell that asks for candidates can't use an error.
        _ = runtime().and_then(|runtime| runtime.block_on(complete::run(&arguments[2..], environment)));
        return ExitCode::from(EXIT_OK);
    }
    if let [_, word] = arguments.as_slice()
        && (word == "--version" || word == "-V")
    {
        // With a release it is Helm's flag, for the chart's version.
        output::print_version();
        return ExitCode::from(EXIT_OK);
    }
    if arguments.get(1).is_some_and(|word| word == child_guard::WORD) {
        return ExitCode::from(u8::try_from(child_guard::run(&arguments[2..])).unwrap_or(1));
    }
    let typed = if is_revdiff(&arguments) { "helm revdiff" } else { "helm safe-upgrade" };
    let first = arguments.get(1).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    let code = match parse(arguments, environment) {
        Ok(command) => match execute(command, environment) {
            Ok(code) => code,
            Err(error) => {
                output::print_error(&error, environment);
                error.kind.exit_code()
            }
        },
        Err(error) => usage(&error, (typed, &first), environment),
    };
    ExitCode::from(code)
}

/// `helm revdiff …` arrives as `helm-safe-upgrade revdiff …`, and should speak of itself as the user typed it.
fn parse(mut arguments: Vec<OsString>, environment: &Environment) -> Result<args::Command, clap::Error> {
    if is_revdiff(&arguments) {
        arguments.remove(1);
        return parse_revdiff(compatible::with_variables(arguments, environment), environment);
    }
    args::SafeUpgrade::try_parse_from(arguments).map(args::SafeUpgrade::wanted)
}

fn parse_revdiff(arguments: Vec<OsString>, environment: &Environment) -> Result<args::Command, clap::Error> {
    match args::Revdiff::try_parse_from(&arguments) {
        Ok(revdiff) => Ok(args::Command::Revdiff(Box::new(revdiff))),
        Err(error) => {
            let unknown = match (error.kind(), error.get(ContextKind::InvalidArg)) {
                (ErrorKind::UnknownArgument, Some(ContextValue::String(flag))) => flag.clone(),
                _ => return Err(error),
            };
            match compatible::without(&arguments, &unknown, environment) {
                Some(rest) => parse_revdiff(rest, environment),
                None => Err(error),
            }
        }
    }
}

fn is_revdiff(arguments: &[OsString]) -> bool {
    arguments.get(1).is_some_and(|word| word == "revdiff")
}

fn execute(command: args::Command, environment: &Environment) -> Result<u8, Error> {
    let runtime = runtime()?;
    let code = runtime.block_on(run_command(command, environment));
    // A question that nobody has answered must not hold up the end.
    runtime.shutdown_background();
    code
}

async fn run_command(command: args::Command, environment: &Environment) -> Result<u8, Error> {
    match command {
        args::Command::Upgrade(guarded) => {
            Box::pin(guard::upgrade(*guarded, guarded::Purpose::Upgrade, environment)).await
        }
        args::Command::Plan(planned) => Box::pin(plan::plan(*planned, environment)).await,
        args::Command::Apply(applied) => Box::pin(plan::apply(*applied, environment)).await,
        args::Command::Check(guarded) => Box::pin(guard::upgrade(*guarded, guarded::Purpose::Check, environment)).await,
        args::Command::Rollback(rollback) => Box::pin(guard::rollback(*rollback, environment)).await,
        args::Command::Revdiff(revdiff) => Box::pin(revdiff::run(*revdiff, environment)).await,
        args::Command::History(arguments) => Box::pin(history::run(*arguments, environment)).await,
        args::Command::Show(arguments) => Box::pin(show::run(arguments, environment)).await,
        args::Command::Status(arguments) => Box::pin(status::run(arguments, environment)).await,
        args::Command::Unlock(arguments) => Box::pin(unlock::run(arguments, environment)).await,
        args::Command::Canary(arguments) => Box::pin(canary::run(*arguments, environment)).await,
        args::Command::Batch(arguments) => Box::pin(batch::run(*arguments, environment)).await,
        args::Command::BlueGreen(arguments) => Box::pin(blue_green::run(*arguments, environment)).await,
        args::Command::List(arguments) => Box::pin(list::run(*arguments, environment)).await,
        args::Command::Versions(arguments) => Box::pin(versions::run(*arguments, environment)).await,
        args::Command::NeedsUpgrade(arguments) => Box::pin(needs_upgrade::run(*arguments, environment)).await,
        args::Command::Apis(arguments) => Box::pin(apis::run(*arguments, environment)).await,
        args::Command::Prune(arguments) => Box::pin(prune::run(arguments, environment)).await,
        args::Command::Diagnose(arguments) => Box::pin(diagnose::run(*arguments, environment)).await,
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Output, format!("cannot start: {error}")))
}

/// Help and version are no errors. A wrong argument must not look like `--detailed-exitcode`'s 2.
fn usage(error: &clap::Error, (typed, first): (&str, &str), environment: &Environment) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // There is nowhere to report to if printing fails.
            _ = error.print();
            EXIT_OK
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            _ = error.print();
            Kind::Usage.exit_code()
        }
        _ => {
            let error = no_chart(error, first).unwrap_or_else(|| wrong_argument(error, typed));
            output::print_error(&error, environment);
            error.kind.exit_code()
        }
    }
}

/// A release without a chart may be a command that is misspelled.
fn no_chart(error: &clap::Error, first: &str) -> Option<Error> {
    let missing = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::MissingRequiredArgument, Some(ContextValue::Strings(missing))) => missing,
        _ => return None,
    };
    if missing.as_slice() != ["<CHART>"] {
        return None;
    }
    let commands = args::SafeUpgrade::command();
    let similar = commands.get_subcommands().map(clap::Command::get_name);
    let similar = similar.max_by(|a, b| strsim::jaro(a, first).total_cmp(&strsim::jaro(b, first)));
    let hint = match similar.filter(|name| strsim::jaro(name, first) > 0.75) {
        Some(name) => {
            format!("did you mean helm safe-upgrade {name}? An upgrade takes a chart: helm safe-upgrade {first} CHART")
        }
        None => format!(
            "an upgrade takes a chart: helm safe-upgrade {first} CHART; the commands are in helm safe-upgrade --help"
        ),
    };
    Some(Error::new(Kind::Usage, format!("no chart named, and no command is {first:?}")).hint(hint))
}

/// Clap's message in the form of all other errors: what is wrong first, then the hint.
fn wrong_argument(error: &clap::Error, typed: &str) -> Error {
    // The usage in clap's message names the command that was typed, subcommand and all.
    let usage = error.to_string();
    let usage = usage.split("Usage: ").nth(1).unwrap_or_default();
    let words: Vec<&str> = usage.split_whitespace().take_while(|word| !word.starts_with(['[', '<', '-'])).collect();
    let typed = if words.len() > 2 { &words.join(" ") } else { typed };
    let text = error.to_string();
    let message = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    let lines: Vec<&str> = message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let similar = error.get(ContextKind::SuggestedArg).or(error.get(ContextKind::SuggestedSubcommand));
    let hint = match similar {
        Some(similar) => format!("did you mean {similar}? See {typed} --help"),
        None => format!("see {typed} --help"),
    };
    Error::new(Kind::Usage, lines.join(" ")).hint(hint)
}

//! Shell completion, as Helm asks plugins for it: the words so far come in, candidates and a directive go out.

use std::ffi::OsString;
use std::io::Write as _;
use std::time::Duration;

use clap::{Arg, CommandFactory as _, Parser as _};

use crate::cli::Environment;
use crate::cli::args::{Revdiff, RevdiffCommand, RevisionArgs, SafeUpgrade};
use crate::cli::connection;
use crate::error::{Error, Kind};
use crate::report::style::clean;

/// Cobra's directive for *no files here*.
const NO_FILES: &str = ":4";

/// A shell waits; without an answer by then there are no candidates.
const PATIENCE: Duration = Duration::from_secs(3);

/// Prints what the last word could become. `words` starts with the subcommand: `revdiff` or `safe-upgrade`.
pub(super) async fn run(words: &[OsString], environment: &Environment) -> Result<(), Error> {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let found = match words.split_first() {
        Some((plugin, rest)) if plugin == "revdiff" => revdiff(rest, environment).await,
        Some((_, rest)) if rest.first().is_some_and(|word| word == "revdiff") && rest.len() > 1 => {
            revdiff(&rest[1..], environment).await
        }
        Some((_, [word])) => subcommands(word),
        _ => Vec::new(),
    };
    let mut lines = found;
    lines.push(NO_FILES.to_owned());
    // What comes from the cluster must not steer the shell's terminal.
    let lines: Vec<String> = lines.iter().map(|line| clean(line).into_owned()).collect();
    writeln!(std::io::stdout(), "{}", lines.join("\n")).map_err(|error| Error::new(Kind::Output, error.to_string()))
}

fn subcommands(word: &str) -> Vec<String> {
    let command = SafeUpgrade::command();
    let all =
        command.get_subcommands().map(|sub| (sub.get_name().to_owned(), sub.get_about().map(ToString::to_string)));
    all.filter(|(name, _)| name.starts_with(word)).map(|(name, about)| described(&name, about)).collect()
}

async fn revdiff(words: &[String], environment: &Environment) -> Vec<String> {
    let Some((last, before)) = words.split_last() else { return Vec::new() };
    let command = Revdiff::command();
    if last.starts_with('-') {
        return flags(&command, last);
    }
    if let Some(values) = before.last().and_then(|flag| values_of(&command, flag)) {
        return values.into_iter().filter(|value| value.starts_with(last.as_str())).collect();
    }
    let arguments = arguments(before);
    let found = tokio::time::timeout(PATIENCE, from_cluster(&arguments, environment)).await;
    let candidates = found.unwrap_or_default();
    candidates.into_iter().filter(|candidate| candidate.starts_with(last.as_str())).collect()
}

/// The arguments typed so far; an incomplete line may not parse, and then only the environment counts.
fn arguments(words: &[String]) -> RevisionArgs {
    let line =
        |words: &[String]| std::iter::once("revdiff".to_owned()).chain(words.iter().cloned()).collect::<Vec<_>>();
    let parsed = Revdiff::try_parse_from(line(words)).map(|revdiff| match revdiff.command {
        Some(RevdiffCommand::Revision(arguments)) => arguments,
        None => revdiff.revision,
    });
    parsed.unwrap_or_else(|_| {
        let mut fallback = Revdiff::parse_from(["revdiff", "x"]).revision;
        fallback.release = None;
        fallback
    })
}

/// Releases for the first word, their revisions for the next two.
async fn from_cluster(arguments: &RevisionArgs, environment: &Environment) -> Vec<String> {
    let Ok(storage) = connection::storage(&arguments.cluster, environment).await else { return Vec::new() };
    match &arguments.release {
        None => storage.names().await.unwrap_or_default(),
        Some(_) if arguments.revisions.len() >= 2 => Vec::new(),
        Some(release) => {
            let history = storage.history(release).await.unwrap_or_default();
            let newest_first = history.entries().iter().rev();
            newest_first.map(|entry| described(&entry.revision.to_string(), Some(entry.status_hint.clone()))).collect()
        }
    }
}

fn flags(command: &clap::Command, word: &str) -> Vec<String> {
    let visible = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let long = visible.filter_map(|argument| Some((format!("--{}", argument.get_long()?), argument)));
    long.filter(|(flag, _)| flag.starts_with(word))
        .map(|(flag, argument)| described(&flag, argument.get_help().map(ToString::to_string)))
        .collect()
}

/// The values of the flag that stands before the word, if it takes one.
fn values_of(command: &clap::Command, flag: &str) -> Option<Vec<String>> {
    let named = |argument: &&Arg| {
        let long = argument.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long));
        let short =
            argument.get_short().is_some_and(|short| flag.strip_prefix('-') == Some(short.to_string().as_str()));
        long || short
    };
    let argument = command.get_arguments().find(named)?;
    if !argument.get_action().takes_values() || argument.is_require_equals_set() {
        return None;
    }
    Some(argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect())
}

fn described(word: &str, what: Option<String>) -> String {
    match what.filter(|what| !what.is_empty()) {
        Some(what) => format!("{word}\t{}", what.lines().next().unwrap_or_default()),
        None => word.to_owned(),
    }
}

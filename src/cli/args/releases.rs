//! What the commands about releases take: history, show, status, unlock, prune.

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::{ClusterArgs, DisplayArgs, FleetArgs, revision};
use crate::release::retention::{DEFAULT_KEEP, DEFAULT_KEEP_PROVEN, Keep};

pub(super) const HISTORY_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade history web              the last 64 revisions
  helm safe-upgrade history web --max 5      the last five
  helm safe-upgrade history web -o json      for a program to read (docs/schema/history.json)
  helm safe-upgrade history -A --since 24h   what happened to all releases in the last day
  helm safe-upgrade history web -A           to every release called web

Without a release, and with -A, --namespaces, --contexts or -l, revisions of many releases are listed as they were made; as JSON they are
in docs/schema/fleet-history.json.";

pub(super) const SHOW_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade show web                      all of the last revision
  helm safe-upgrade show web --revision 3 values  the user's values of revision 3
  helm safe-upgrade show web values --all         the values that the templates saw
  helm safe-upgrade show web manifest -o json";

pub(super) const STATUS_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade status web
  helm safe-upgrade status web -o json    for a program to read (docs/schema/status.json)";

pub(super) const UNLOCK_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade unlock web                 shows whether anybody is at work, and unlocks where surely nobody is
  helm safe-upgrade unlock web --force         asks, and unlocks without proof
  helm safe-upgrade unlock web --force --yes   the same in a script

helm upgrade --force does not unlock a release. Nothing but the status of the pending revision is changed here: it becomes failed.
Exit code: 0; 6 where somebody is or may be at work.";

pub(super) const PRUNE_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade prune web --dry-run            what would be deleted, and why the rest stays
  helm safe-upgrade prune web --keep 5 --yes
  helm safe-upgrade prune --yes                    every release of the namespace
  helm safe-upgrade prune -A --keep-younger-than 30d --yes

The deployed revision, the last one, the last proven ones, what a rollback goes back to and what is pending always stay.";

/// What `helm safe-upgrade history` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryArgs {
    /// The release's name; every release of the namespace if not named.
    pub release: Option<String>,

    /// The most revisions to show, the newest ones; 0 shows all.
    #[arg(long, value_name = "NUMBER", default_value_t = 64)]
    pub max: usize,

    /// Of many releases, only revisions made in so long a time, for example 12h or 7d.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub since: Option<SignedDuration>,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = HistoryFormat::Table)]
    pub output: HistoryFormat,

    #[command(flatten)]
    pub fleet: FleetArgs,
}

/// A format of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum HistoryFormat {
    /// A table for a reader.
    #[value(alias = "text")]
    Table,
    /// One JSON document (docs/schema/history.json).
    Json,
    /// A table for a comment on GitHub or GitLab.
    Markdown,
}

/// A format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ReportFormat {
    /// For a reader.
    #[value(alias = "table")]
    Text,
    /// One JSON document (docs/schema/).
    Json,
}

/// What `helm safe-upgrade show` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct ShowArgs {
    /// The release's name.
    pub release: String,

    /// What to show.
    #[arg(value_enum, default_value_t = ShowPart::All, value_name = "PART")]
    pub part: ShowPart,

    /// The revision; the last one if not named.
    #[arg(long, value_name = "REV", allow_negative_numbers = true, value_parser = revision)]
    pub revision: Option<u32>,

    /// Of the values all that the templates saw, and not only the user's.
    #[arg(short, long)]
    pub all: bool,

    /// Show the content of Secrets, and of values that flow into them.
    #[arg(long)]
    pub show_secrets: bool,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = ShowFormat::Text)]
    pub output: ShowFormat,

    #[command(flatten)]
    pub display: DisplayArgs,

    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// A part of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ShowPart {
    /// Everything.
    All,
    /// The values.
    Values,
    /// The objects without hooks.
    Manifest,
    /// The hooks.
    Hooks,
    /// The notes.
    Notes,
    /// The chart's metadata.
    Chart,
}

/// A format of what a revision holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ShowFormat {
    /// YAML as Helm shows it: objects as documents of their own.
    Text,
    /// One YAML document.
    Yaml,
    /// One JSON document.
    Json,
}

/// What `helm safe-upgrade status` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct StatusArgs {
    /// The release's name.
    pub release: String,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,

    #[command(flatten)]
    pub display: DisplayArgs,

    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// What `helm safe-upgrade unlock` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct UnlockArgs {
    /// The release's name.
    pub release: String,

    /// Unlock although nothing proves that nobody is at work. Asks first.
    #[arg(long)]
    pub force: bool,

    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,

    #[command(flatten)]
    pub display: DisplayArgs,

    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// What `helm safe-upgrade prune` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct PruneArgs {
    /// The release's name; every release of the namespace if not named.
    pub release: Option<String>,

    /// Look in every namespace.
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,

    #[command(flatten)]
    pub keep: KeepArgs,

    /// Configuration file; if not given, the nearest helm-safe-upgrade.yaml from here up to the repository's root.
    #[arg(long, value_name = "FILE")]
    pub config: Option<std::path::PathBuf>,

    /// Only show what would be deleted.
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,

    #[command(flatten)]
    pub display: DisplayArgs,

    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// Which revisions stay when old ones are deleted.
#[derive(Clone, Copy, Debug, Args)]
pub(in crate::cli) struct KeepArgs {
    /// Keep the newest revisions, so many; 0 keeps all. HELM_MAX_HISTORY, or 10, if not given.
    #[arg(long, visible_alias = "history-max", value_name = "NUMBER")]
    keep: Option<u32>,

    /// Keep the newest revisions that were proven good, so many; 2 if not given.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    keep_proven: Option<u32>,

    /// Keep revisions younger than this, for example 12h or 30d.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    keep_younger_than: Option<SignedDuration>,
}

impl KeepArgs {
    /// What stays. `max_history` is `HELM_MAX_HISTORY`.
    pub(in crate::cli) fn wanted(self, max_history: Option<&str>) -> Keep {
        let revisions = self.keep.or_else(|| max_history?.parse().ok()).unwrap_or(DEFAULT_KEEP);
        let proven = self.keep_proven.unwrap_or(DEFAULT_KEEP_PROVEN);
        Keep { revisions, proven, younger_than: self.keep_younger_than }
    }

    /// Fills in what no flag says: the newest, the newest proven, those younger than this.
    pub(in crate::cli) fn or(
        &mut self,
        revisions: Option<u32>,
        proven: Option<u32>,
        younger_than: Option<SignedDuration>,
    ) {
        self.keep = self.keep.or(revisions);
        self.keep_proven = self.keep_proven.or(proven);
        self.keep_younger_than = self.keep_younger_than.or(younger_than);
    }
}

/// `90s`, `12h`, `30d`, `2w`; a day has 24 hours.
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    let wrong = || "it is a duration such as 90s, 12h, 30d or 2w".to_owned();
    let span: Span = text.parse().map_err(|_| wrong())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    if duration.is_negative() { Err(wrong()) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_do() {
        for (text, seconds) in [("90s", 90), ("12h", 43_200), ("30d", 2_592_000), ("2w", 1_209_600), ("1h30m", 5400)] {
            assert_eq!(duration(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "5", "-1h", "d", "1 fortnight", "99999999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}

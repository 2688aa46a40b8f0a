//! What `helm safe-upgrade batch` takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::guard::span;
use super::{FleetArgs, GateArgs};
use crate::config::batch::MOST_AT_ONCE;
use crate::upgrade::batch::shard::Shard;

pub(super) const BATCH_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade batch platform.yaml                the releases of a plan: look at all, show the table, ask, upgrade
  helm safe-upgrade batch platform.yaml --dry-run      only look, and show the table
  helm safe-upgrade batch platform.yaml --yes --concurrency 4 --stop-on-failure
  helm safe-upgrade batch platform.yaml --resume       go on after a crash or Ctrl-C
  helm safe-upgrade batch --chart nginx --to 18.2.0 --from '<18' -A
                                                       every release of a chart that is older
  helm safe-upgrade batch --chart nginx --to 18.2.0 -l team=shop --contexts eu,us --max-failures 2
  helm safe-upgrade batch platform.yaml --yes --rollback-set -o html >report.html
  helm safe-upgrade batch platform.yaml --yes --shard 0/4 --state configmap:ops/platform
  helm safe-upgrade batch report configmap:ops/platform
                                                       the results of all shards together

docs/batch.md says what stands in a plan (docs/schema/batch.json).
Exit code: 0 all are good; 2 with --detailed-exitcode where something would be done; 3 some were refused or skipped; 4 some failed and were rolled back; 5 some failed and were not; 7
interrupted; 1 other errors.";

pub(super) const REPORT_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade batch report configmap:ops/platform     all shards whose state is kept in these ConfigMaps
  helm safe-upgrade batch report results/*.json -o html     the same of files, as a page

Exit code: as that of the batch; 1 if there are no results, or some are missing.";

/// What `helm safe-upgrade batch` takes.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(in crate::cli) struct BatchArgs {
    #[command(subcommand)]
    pub command: Option<BatchCommand>,

    /// The plan: a file with the releases (docs/batch.md).
    #[arg(value_name = "PLAN", required_unless_present = "chart",
          conflicts_with_all = ["chart", "to", "from", "all_namespaces", "namespaces", "contexts", "selector"])]
    pub plan: Option<PathBuf>,

    /// Upgrade the releases of this chart, by its name, or as Helm finds it: repo/name, oci://…, a folder or an archive.
    #[arg(long, value_name = "CHART")]
    pub chart: Option<String>,

    /// To this version of the chart.
    #[arg(long, value_name = "VERSION", requires = "chart")]
    pub to: Option<String>,

    /// Only those whose version is in this range, as in '<18' or '>=17.1 <18'; all older ones if not given.
    #[arg(long, value_name = "RANGE", requires = "chart")]
    pub from: Option<String>,

    #[command(flatten)]
    pub run: BatchRunArgs,

    #[command(flatten)]
    pub gates: GateArgs,

    #[command(flatten)]
    pub fleet: FleetArgs,
}

/// How a batch is run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Batch")]
pub(in crate::cli) struct BatchRunArgs {
    /// Do not ask; needed where there is no terminal.
    #[arg(short = 'y', long)]
    pub yes: bool,

    /// Look, show the table, and change nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// With --dry-run, exit with code 2 if anything would be done and nothing is wrong.
    #[arg(long, requires = "dry_run")]
    pub detailed_exitcode: bool,

    /// Only this release of the plan, as a need names it; may be given several times. What it needs must be as the plan has it already.
    #[arg(long, value_name = "RELEASE", requires = "plan")]
    pub only: Vec<String>,

    /// Upgrade so many releases at the same time; 1 if neither this nor the plan says more.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST_AT_ONCE)))]
    pub concurrency: Option<u16>,

    /// Begin nothing new after more failures than these.
    #[arg(long, value_name = "NUMBER")]
    pub max_failures: Option<usize>,

    /// Begin nothing new after the first failure; the same as --max-failures 0.
    #[arg(long, conflicts_with = "max_failures")]
    pub stop_on_failure: bool,

    /// After a failure, bring all back that runs a new revision, the last one first.
    #[arg(long, conflicts_with_all = ["max_failures", "stop_on_failure"])]
    pub rollback_set: bool,

    /// Where the state of the batch is kept: a file, or configmap:NAMESPACE/NAME.
    #[arg(long, value_name = "PLACE")]
    pub state: Option<String>,

    /// Go on with the batch where it was interrupted or killed; begin it if nothing is kept of it.
    #[arg(long)]
    pub resume: bool,

    /// Upgrade one part of several, for as many machines: 0/4 is the first of four.
    #[arg(long, value_name = "I/N", value_parser = shard, conflicts_with = "rollback_set")]
    pub shard: Option<Shard>,

    /// Go on although this check says no, for every release; may be given several times. docs/checks.md lists the checks.
    #[arg(long, value_name = "CHECK", value_parser = super::guard::check_name)]
    pub accept: Vec<String>,

    /// Go on outside of the windows of the configuration and of the plan, for this reason; the description of each revision that is
    /// made outside of its windows records it.
    #[arg(long, value_name = "REASON", value_parser = super::terms::reason)]
    pub override_window: Option<String>,

    /// How long each upgrade may take until everything is ready, where the plan says nothing.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = span)]
    pub timeout: Duration,

    /// How long pods may be unschedulable, over quota, without their volume or failing their probes before an upgrade has failed.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = span)]
    pub fail_fast_after: Duration,

    /// Folder for the evidence of failures; ~/.local/state/helm-safe-upgrade/evidence if not given.
    #[arg(long, value_name = "FOLDER")]
    pub evidence: Option<PathBuf>,

    /// The configuration file; the nearest helm-safe-upgrade.yaml if not given.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Format of the report; json is one event a line while it runs (docs/schema/batch-events.json).
    #[arg(short, long, value_enum, default_value_t = BatchFormat::Text)]
    pub output: BatchFormat,
}

/// Commands about batches.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum BatchCommand {
    /// Show the results of a batch, those of several shards together.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(Box<BatchReportArgs>),
}

/// What `helm safe-upgrade batch report` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct BatchReportArgs {
    /// Where the states are kept: files, or configmap:NAMESPACE/NAME for all shards of that name.
    #[arg(value_name = "PLACE", required = true)]
    pub places: Vec<String>,

    /// Format of the report.
    #[arg(short, long, value_enum, default_value_t = BatchFormat::Text)]
    pub output: BatchFormat,

    #[command(flatten)]
    pub display: super::DisplayArgs,

    #[command(flatten)]
    pub cluster: super::ClusterArgs,
}

/// A format of the report of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum BatchFormat {
    /// A table for a reader.
    Text,
    /// For a program.
    Json,
    /// For a comment.
    Markdown,
    /// A page.
    Html,
}

fn shard(text: &str) -> Result<Shard, String> {
    Shard::parse(text)
        .ok_or_else(|| "it is the part and how many there are: 0/4 is the first of four, 3/4 the last".to_owned())
}

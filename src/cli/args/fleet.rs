//! What the commands about many releases take.

use clap::{Args, ValueEnum};
use jiff::SignedDuration;

use super::releases::duration;
use super::{ClusterArgs, DisplayArgs};

pub(super) const LIST_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade list -A                         every release, with what runs and whether it is proven
  helm safe-upgrade list -A --failed --pending      those whose last upgrade failed, or hangs
  helm safe-upgrade list -A --unproven --older-than 30d
  helm safe-upgrade list -A --contexts staging,production -o json
                                                    for a program to read (docs/schema/list.json)";

/// Which releases are meant, and where they are.
#[derive(Debug, Args)]
pub(in crate::cli) struct FleetArgs {
    /// Look in every namespace.
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,

    /// Look in these namespaces, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "all_namespaces")]
    pub namespaces: Vec<String>,

    /// Look in these contexts of the kubeconfig, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub contexts: Vec<String>,

    /// Releases with these labels, as in team=shop,tier!=test.
    #[arg(short = 'l', long, value_name = "LABELS")]
    pub selector: Option<String>,

    #[command(flatten)]
    pub display: DisplayArgs,

    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// What `helm safe-upgrade list` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {
    /// Releases whose last revision is pending; with --failed, both.
    #[arg(long)]
    pub pending: bool,

    /// Releases whose last revision failed.
    #[arg(long)]
    pub failed: bool,

    /// Releases of which nobody has proven what runs.
    #[arg(long)]
    pub unproven: bool,

    /// Releases that were last changed longer ago than this, for example 12h or 30d.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub older_than: Option<SignedDuration>,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = TableFormat::Table)]
    pub output: TableFormat,

    #[command(flatten)]
    pub fleet: FleetArgs,
}

/// A format of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TableFormat {
    /// A table for a reader.
    #[value(alias = "text")]
    Table,
    /// One JSON document (docs/schema/).
    Json,
}

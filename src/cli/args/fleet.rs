//! What the commands about many releases take.

use clap::{Args, ValueEnum};
use jiff::SignedDuration;

use super::releases::duration;
use super::{ClusterArgs, DisplayArgs};
use crate::checks::apis::KubeVersion;
use crate::report::fleet::versions::By;

pub(super) const LIST_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade list -A                         every release, with what runs and whether it is proven
  helm safe-upgrade list -A --failed --pending      those whose last upgrade failed, or hangs
  helm safe-upgrade list -A --unproven --older-than 30d
  helm safe-upgrade list -A --contexts staging,production -o json
                                                    for a program to read (docs/schema/list.json)";

pub(super) const VERSIONS_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade versions -A                     which versions of which charts run, and where
  helm safe-upgrade versions nginx -A -o json       of one chart, as in {\"1.3.0\": 8, \"1.2.0\": 15}
  helm safe-upgrade versions -A --contexts staging,production --by context
  helm safe-upgrade versions nginx -A --by app-version";

pub(super) const NEEDS_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade needs-upgrade nginx -A          older than the newest one in the repositories of this machine
  helm safe-upgrade needs-upgrade bitnami/nginx -A --detailed-exitcode
  helm safe-upgrade needs-upgrade nginx -A --target 18.2.0
  helm safe-upgrade needs-upgrade ./charts/web -A   older than the chart in this folder

Exit code: 0; with --detailed-exitcode 2 where a release is older; 1 on errors.";

pub(super) const APIS_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade apis -A                         API versions that do not stay, in all releases
  helm safe-upgrade apis -A --kube-version 1.37 --detailed-exitcode
                                                    is anything in the way of this version?

Exit code: 0; with --detailed-exitcode 2 where a release has an API version that is not served; 1 on errors.";

/// Which releases are meant, and where they are.
#[derive(Clone, Debug, Args)]
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

impl FleetArgs {
    /// Whether it is about more than the one namespace of the command.
    pub(in crate::cli) fn is_wide(&self) -> bool {
        self.all_namespaces || !self.namespaces.is_empty() || !self.contexts.is_empty() || self.selector.is_some()
    }
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

    /// Nothing but the names of the releases, a line each, for another command.
    #[arg(short = 'q', long, conflicts_with = "output")]
    pub short: bool,

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

/// What `helm safe-upgrade versions` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct VersionsArgs {
    /// The chart's name; all charts if not named.
    pub chart: Option<String>,

    /// By what releases are put together; by chart if not given.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub by: Option<ByArg>,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = TableFormat::Table)]
    pub output: TableFormat,

    #[command(flatten)]
    pub fleet: FleetArgs,
}

/// By what releases are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ByArg {
    /// Their chart.
    Chart,
    /// Their namespace.
    Namespace,
    /// Their context of the kubeconfig.
    Context,
    /// The version of what the chart installs.
    AppVersion,
    /// The status of their last revision.
    Status,
    /// Whether what runs was proven good.
    Mark,
}

impl From<ByArg> for By {
    fn from(by: ByArg) -> Self {
        match by {
            ByArg::Chart => Self::Chart,
            ByArg::Namespace => Self::Namespace,
            ByArg::Context => Self::Context,
            ByArg::AppVersion => Self::AppVersion,
            ByArg::Status => Self::Status,
            ByArg::Mark => Self::Mark,
        }
    }
}

/// What `helm safe-upgrade needs-upgrade` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct NeedsArgs {
    /// The chart: its name, repo/name, a folder, an archive or a URL.
    pub chart: String,

    /// The version that releases should have; the newest that the chart's repository has if not given.
    #[arg(long, value_name = "VERSION")]
    pub target: Option<String>,

    /// Take versions that come before a release, too.
    #[arg(long)]
    pub devel: bool,

    /// End with exit code 2 where a release is older.
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = TableFormat::Table)]
    pub output: TableFormat,

    #[command(flatten)]
    pub fleet: FleetArgs,
}

/// What `helm safe-upgrade apis` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct ApisArgs {
    /// The version of Kubernetes to look at it from, as in 1.37; the server's if not given.
    #[arg(long, value_name = "VERSION")]
    pub kube_version: Option<KubeVersion>,

    /// End with exit code 2 where a release has an API version that is not served.
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = TableFormat::Table)]
    pub output: TableFormat,

    #[command(flatten)]
    pub fleet: FleetArgs,
}

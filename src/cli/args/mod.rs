//! The arguments as clap reads them. Nothing is decided here: each command turns its own into typed options.

mod batch;
mod blue_green;
mod canary;
mod chart;
mod cluster;
mod diagnose;
mod diff;
mod fleet;
mod gates;
mod guard;
mod plan;
mod pull_request;
mod releases;
mod terms;
mod typed;
mod upgrade;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use batch::{BatchArgs, BatchCommand, BatchFormat, BatchReportArgs, BatchRunArgs};
pub(super) use blue_green::{BlueGreenArgs, BlueGreenCommand, BlueGreenGoingOnArgs, BlueGreenStatusArgs, SwitchArgs};
pub(super) use canary::{
    CanaryAbortArgs, CanaryArgs, CanaryCommand, CanaryPromoteArgs, CanaryStatusArgs, GoingOnArgs, StepArgs,
};
pub(super) use chart::ChartsArgs;
pub(super) use cluster::ClusterArgs;
pub(super) use diagnose::{DIAGNOSE_EXAMPLES, DiagnoseArgs, DiagnosisFormat};
pub(super) use diff::{DiffArgs, DisplayArgs, Format, NoiseArg, SectionArg, When};
pub(super) use fleet::{ApisArgs, FleetArgs, ListArgs, NeedsArgs, TableFormat, VersionsArgs};
pub(super) use gates::GateArgs;
pub(super) use guard::{GuardArgs, GuardedArgs, GuardedRollbackArgs, OnFailureArg};
pub(super) use plan::{ApplyPlanArgs, PlanArgs};
pub(super) use pull_request::{ForgeArg, PullRequestArgs};
pub(super) use releases::{
    HistoryArgs, HistoryFormat, KeepArgs, PruneArgs, ReportFormat, ShowArgs, ShowFormat, ShowPart, StatusArgs,
    UnlockArgs,
};
pub(super) use terms::TermsArgs;
pub(super) use upgrade::UpgradeArgs;

const SAFE_UPGRADE_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade web ./chart -f prod.yaml            look, check, show the diff, ask, upgrade, watch, prove
  helm safe-upgrade web bitnami/nginx --version 18.2.0 --yes --timeout 10m
  helm safe-upgrade web ./chart --dry-run               only look, check and show the diff
  helm safe-upgrade web ./chart --install --create-namespace -n shop
  helm safe-upgrade web ./chart --proven-in staging/shop/web --proven-for 24h
                                                        only if the same chart has been proven there for a day
  helm safe-upgrade web ./chart --override-window \"fixes the outage of the shop\"
                                                        outside of the windows of the configuration
  helm safe-upgrade upgrade history ./chart             a release that is named like a subcommand

Exit code: 0 upgraded or nothing to do; 3 refused; 4 failed and rolled back; 5 failed and not rolled back; 6 locked;
7 interrupted; 1 other errors.";

const ROLLBACK_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade rollback web              to the newest proven revision whose manifest is another one
  helm safe-upgrade rollback web 3 --yes
  helm safe-upgrade rollback web --dry-run    only look, and show the diff

Exit code: 0 rolled back; 3 refused; 5 the rollback failed; 6 locked; 7 interrupted; 1 other errors.";

/// Upgrade a release under guard: look, show the diff, ask, upgrade, watch; where it fails keep the evidence and go back.
#[derive(Debug, Parser)]
#[command(
    name = "helm-safe-upgrade",
    bin_name = "helm safe-upgrade",
    version,
    // --version is Helm's, of the chart. Alone it is ours; see `cli::run`.
    disable_version_flag = true,
    arg_required_else_help = true,
    after_help = SAFE_UPGRADE_EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(super) struct SafeUpgrade {
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    pub guarded: GuardedArgs,
}

impl SafeUpgrade {
    /// The subcommand; without one it is an upgrade.
    pub(super) fn wanted(self) -> Command {
        self.command.unwrap_or_else(|| Command::Upgrade(Box::new(self.guarded)))
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Upgrade a release; the same as without this word, for releases named like a subcommand.
    #[command(after_help = SAFE_UPGRADE_EXAMPLES)]
    Upgrade(Box<GuardedArgs>),
    /// Go back to a revision under guard; to the newest proven one if none is named.
    #[command(after_help = ROLLBACK_EXAMPLES)]
    Rollback(Box<GuardedRollbackArgs>),
    /// Look for every reason not to make an upgrade; change nothing.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Box<GuardedArgs>),
    /// Save what was reviewed of an upgrade, to be applied later; change nothing.
    #[command(after_help = plan::PLAN_EXAMPLES)]
    Plan(Box<PlanArgs>),
    /// Make exactly the upgrade of a saved plan, or none if something has changed since.
    #[command(after_help = plan::APPLY_EXAMPLES)]
    Apply(Box<ApplyPlanArgs>),
    /// Show what changed between two revisions of a release; the same as `helm revdiff`.
    Revdiff(Box<Revdiff>),
    /// List the revisions of a release: which were proven good or found bad, by whom, and how long that took.
    #[command(after_help = releases::HISTORY_EXAMPLES)]
    History(Box<HistoryArgs>),
    /// Show what a revision holds: values, manifest, hooks, notes, chart. Secrets are masked.
    #[command(after_help = releases::SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Say where a release stands, and what can be done next.
    #[command(after_help = releases::STATUS_EXAMPLES)]
    Status(StatusArgs),
    /// Unlock a release that is stuck in a pending status, where nobody is at work on it.
    #[command(after_help = releases::UNLOCK_EXAMPLES)]
    Unlock(UnlockArgs),
    /// Delete old revisions, and none that is still needed.
    #[command(after_help = releases::PRUNE_EXAMPLES)]
    Prune(PruneArgs),
    /// Upgrade a release in steps, each under guard; only the last one is marked as proven.
    #[command(after_help = canary::CANARY_EXAMPLES, mut_args(canary::without_plans))]
    Canary(Box<CanaryArgs>),
    /// Upgrade many releases in order, each under guard.
    #[command(after_help = batch::BATCH_EXAMPLES)]
    Batch(Box<BatchArgs>),
    /// Upgrade the one of two releases that has no traffic, test it, then lead the traffic to it.
    #[command(after_help = blue_green::BLUE_GREEN_EXAMPLES)]
    BlueGreen(Box<BlueGreenArgs>),
    /// List releases of many namespaces and clusters: what runs, and whether it is proven.
    #[command(after_help = fleet::LIST_EXAMPLES)]
    List(Box<ListArgs>),
    /// Show which versions of charts run where.
    #[command(after_help = fleet::VERSIONS_EXAMPLES)]
    Versions(Box<VersionsArgs>),
    /// List the releases of a chart that are older than a version of it, and how far they are behind.
    #[command(after_help = fleet::NEEDS_EXAMPLES)]
    NeedsUpgrade(Box<NeedsArgs>),
    /// List the API versions in what runs that Kubernetes has removed, or will remove.
    #[command(after_help = fleet::APIS_EXAMPLES)]
    Apis(Box<ApisArgs>),
    /// Say what is wrong with a release now, the likely cause, and what to do.
    #[command(after_help = DIAGNOSE_EXAMPLES)]
    Diagnose(Box<DiagnoseArgs>),
}

const CHECK_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade check web ./chart -f prod.yaml    is there anything that speaks against this upgrade?
  helm safe-upgrade check web ./chart -o json         for a program to read (docs/schema/checks.json)
  helm safe-upgrade check web ./chart --accept rights the same, without a check that is known to say no

The checks are described in docs/checks.md. Nothing is changed.
Exit code: 0; 3 where a check says no that is not accepted; 1 on errors.";

const REVDIFF_EXAMPLES: &str = "\
Examples:
  helm revdiff web                the last two revisions
  helm revdiff web 3              revision 3 and the deployed one
  helm revdiff web 3 5            revision 3 and revision 5
  helm revdiff web 3 5 -o json    the same for a program to read
  helm revdiff upgrade web ./chart -f prod.yaml
                                  what this upgrade would change
  helm revdiff revision rollback  a release that is named like a subcommand

Exit code: 0; with --detailed-exitcode 2 where something changed; 1 on errors.";

const UPGRADE_EXAMPLES: &str = "\
Examples:
  helm revdiff upgrade web ./chart -f prod.yaml --set image.tag=1.27
  helm revdiff upgrade web bitnami/nginx --version 18.2.0 --reset-then-reuse-values
  helm revdiff upgrade web oci://registry.example/charts/web --install
  helm revdiff upgrade web ./chart --kube-version 1.34 --api-versions gateway.networking.k8s.io/v1
                                   as on another cluster; rendered with helm template
  sops -d prod.enc.yaml | helm revdiff upgrade web ./chart -f -

Other flags of helm upgrade (--wait, --atomic, --timeout, …) are taken and change nothing of what is shown.
Exit code: 0; with --detailed-exitcode 2 where something would change; 1 on errors.";

const CHART_EXAMPLES: &str = "\
Examples:
  helm revdiff chart git:main:. .                    the chart here as it is on main, and as it is now
  helm revdiff chart bitnami/nginx@18.1.0 bitnami/nginx@18.2.0 -f prod.yaml
  helm revdiff chart web-1.0.0.tgz ./web --old-values v1.yaml --new-values v2.yaml
  helm revdiff chart oci://registry.example/charts/web@1.2.3 ./web --kube-version 1.31

No cluster is asked. A version may be a range: bitnami/nginx@^18. Dependencies that a folder lacks are fetched into a copy of it.
Exit code: 0; with --detailed-exitcode 2 where something differs; 1 on errors.";

/// Show what changed between two revisions of a release, or would change by an upgrade or a rollback.
#[derive(Debug, Parser)]
#[command(
    name = "helm-safe-upgrade revdiff",
    bin_name = "helm revdiff",
    version,
    after_help = REVDIFF_EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(super) struct Revdiff {
    #[command(subcommand)]
    pub command: Option<RevdiffCommand>,

    #[command(flatten)]
    pub revision: RevisionArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum RevdiffCommand {
    /// Compare two revisions; the same as without this word, for releases named like a subcommand.
    #[command(after_help = REVDIFF_EXAMPLES)]
    Revision(RevisionArgs),
    /// Show what an upgrade would change: the deployed revision against what helm upgrade would apply.
    #[command(after_help = UPGRADE_EXAMPLES)]
    Upgrade(Box<UpgradeArgs>),
    /// Show what a rollback would change.
    #[command(after_help = "Example:\n  helm revdiff rollback web 3   what helm rollback web 3 would change")]
    Rollback(RollbackArgs),
    /// Show drift: what of a release is not in the cluster as its manifest says, and who changed it.
    #[command(after_help = LIVE_EXAMPLES)]
    Live(LiveArgs),
    /// Compare two releases, each at its deployed revision.
    #[command(after_help = "Example:\n  helm revdiff release staging/web production/web")]
    Release(ReleaseArgs),
    /// Compare two charts as they render: in folders, archives, repositories, registries or git. Needs no cluster.
    #[command(alias = "local", after_help = CHART_EXAMPLES)]
    Chart(Box<ChartsArgs>),
    /// Compare every chart that a branch touches, for each environment, and comment on its pull request. Needs no cluster.
    #[command(after_help = pull_request::PULL_REQUEST_EXAMPLES)]
    PullRequest(Box<PullRequestArgs>),
    /// Compare two files with rendered manifests. Needs no cluster.
    #[command(after_help = "Example:\n  helm template ./new | helm revdiff manifest old.yaml -")]
    Manifest(ManifestArgs),
}

/// What `helm revdiff RELEASE [REV1 [REV2]]` takes.
#[derive(Debug, Args)]
pub(super) struct RevisionArgs {
    /// The release's name.
    #[arg(required = true)]
    pub release: Option<String>,

    /// Revisions to compare: none for the last two, one for that and the deployed one.
    #[arg(value_name = "REV", num_args = 0..=2, allow_negative_numbers = true, value_parser = revision)]
    pub revisions: Vec<u32>,

    #[command(flatten)]
    pub diff: DiffArgs,
}

/// What `helm revdiff rollback` takes.
#[derive(Debug, Args)]
pub(super) struct RollbackArgs {
    /// The release's name.
    pub release: String,

    /// The revision to go back to; the one before the last if not named, as helm rollback has it.
    #[arg(value_name = "REV", allow_negative_numbers = true, value_parser = revision)]
    pub revision: Option<u32>,

    #[command(flatten)]
    pub diff: DiffArgs,
}

const LIVE_EXAMPLES: &str = "\
Examples:
  helm revdiff live web                   the deployed revision against the cluster
  helm revdiff live web --revision 3      another one
  helm revdiff live web --detailed-exitcode || echo drift

get and list are enough; with patch a dry run confirms what differs.
Exit code: 0; with --detailed-exitcode 2 where something differs; 1 on errors, and where an object could not be compared.";

/// What `helm revdiff live` takes.
#[derive(Debug, Args)]
pub(super) struct LiveArgs {
    /// The release's name.
    pub release: String,

    /// Revision to compare with the cluster; the deployed one if not named.
    #[arg(long, value_name = "REV", allow_negative_numbers = true, value_parser = revision)]
    pub revision: Option<u32>,

    /// How to compare. fields: the fields that the manifest sets. apply: each object with a dry run of the apply. auto:
    /// by fields, and what differs by a dry run where you may make one.
    #[arg(long, value_enum, default_value_t = CompareArg::Auto, value_name = "HOW")]
    pub compare: CompareArg,

    #[command(flatten)]
    pub diff: DiffArgs,
}

/// How to compare with the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CompareArg {
    /// By fields, and what differs by a dry run where you may make one.
    Auto,
    /// Each object with a dry run of the apply.
    Apply,
    /// The fields that the manifest sets; no right but to read is needed.
    Fields,
}

/// What `helm revdiff release` takes.
#[derive(Debug, Args)]
pub(super) struct ReleaseArgs {
    /// The release to compare from, for example web or shop/web.
    #[arg(value_name = "[NAMESPACE/]OLD")]
    pub old: String,

    /// The release to compare with.
    #[arg(value_name = "[NAMESPACE/]NEW")]
    pub new: String,

    #[command(flatten)]
    pub diff: DiffArgs,
}

/// What `helm revdiff manifest` takes.
#[derive(Debug, Args)]
pub(super) struct ManifestArgs {
    /// File with the rendered manifest to compare from; - is standard input.
    pub old: PathBuf,

    /// File with the rendered manifest to compare with.
    pub new: PathBuf,

    #[command(flatten)]
    pub diff: DiffArgs,
}

fn revision(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a revision is a whole number, 1 or more".to_owned()),
        Ok(number) => Ok(number),
    }
}

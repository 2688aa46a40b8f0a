//! What `helm safe-upgrade RELEASE CHART` takes: Helm's flags of an upgrade with Helm's meaning, and those of the guard.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::gates::GateArgs;
use super::upgrade::{ChartArgs, ReuseArgs, SharedRenderArgs, ValueArgs};
use super::{DiffArgs, KeepArgs, TermsArgs};
use crate::checks::apis::KubeVersion;
use crate::helm::flags::RenderFlags;
use crate::manifest::duration;
use crate::upgrade::next::OnFailure;

/// What `helm safe-upgrade RELEASE CHART` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct GuardedArgs {
    /// The release's name.
    #[arg(required = true)]
    pub release: Option<String>,

    /// The chart: a folder, an archive, repo/name, a URL or oci://….
    #[arg(required = true)]
    pub chart: Option<String>,

    #[command(flatten)]
    pub guard: GuardArgs,

    #[command(flatten)]
    pub terms: TermsArgs,

    #[command(flatten)]
    pub gates: GateArgs,

    #[command(flatten)]
    pub failure: FailureArgs,

    #[command(flatten)]
    pub keep: KeepArgs,

    #[command(flatten)]
    pub values: ValueArgs,

    #[command(flatten)]
    pub reuse: ReuseArgs,

    #[command(flatten)]
    pub source: ChartArgs,

    #[command(flatten)]
    pub render: SharedRenderArgs,

    #[command(flatten)]
    pub apply: ApplyArgs,

    /// Check the API versions of the manifests for this version of Kubernetes too, as before the cluster is upgraded. What is
    /// rendered is for the server, as ever.
    #[arg(long, value_name = "VERSION", value_parser = kube_version, help_heading = "Guard")]
    pub kube_version: Option<KubeVersion>,

    /// Save what was reviewed as a plan, for helm safe-upgrade apply FILE, and change nothing.
    #[arg(long, value_name = "FILE", help_heading = "Guard")]
    pub plan_out: Option<std::path::PathBuf>,

    #[command(flatten)]
    pub diff: DiffArgs,
}

/// How an upgrade or a rollback is guarded.
#[derive(Debug, Args)]
#[command(next_help_heading = "Guard")]
pub(in crate::cli) struct GuardArgs {
    /// Do not ask; needed where there is no terminal.
    #[arg(short = 'y', long)]
    pub yes: bool,

    /// Go on although this check says no; may be given several times. docs/checks.md lists the checks.
    #[arg(long, value_name = "CHECK", value_parser = check_name)]
    pub accept: Vec<String>,

    /// Tell of the checks that passed, too, what they looked at.
    #[arg(long)]
    pub show_passed: bool,

    /// How often a container that crashes may be restarted before the upgrade has failed.
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    pub max_restarts: u32,

    /// How long pods may be unschedulable, over quota, without their volume or failing their probes before the upgrade has failed.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = span)]
    pub fail_fast_after: Duration,

    /// Folder for the evidence of failures; ~/.local/state/helm-safe-upgrade/evidence if not given.
    #[arg(long, value_name = "FOLDER")]
    pub evidence: Option<PathBuf>,

    /// Do not call a release ready while the status of a custom resource says nothing.
    #[arg(long)]
    pub strict: bool,
}

/// What follows where an upgrade fails.
#[derive(Debug, Args)]
#[command(next_help_heading = "Guard")]
pub(in crate::cli) struct FailureArgs {
    /// What to do where the upgrade fails.
    #[arg(long, value_enum, default_value_t = OnFailureArg::Rollback, value_name = "WHAT")]
    pub on_failure: OnFailureArg,

    /// How long a rollback may take; as --timeout if not given.
    #[arg(long, value_name = "DURATION", value_parser = span)]
    pub rollback_timeout: Option<Duration>,

    /// How long an interrupted run may take to go back.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = span)]
    pub grace: Duration,
}

/// What `helm safe-upgrade rollback RELEASE [REV]` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct GuardedRollbackArgs {
    /// The release's name.
    pub release: String,

    /// The revision to go back to; the newest proven one whose manifest differs if not named.
    #[arg(value_name = "REV", allow_negative_numbers = true, value_parser = super::revision)]
    pub revision: Option<u32>,

    #[command(flatten)]
    pub guard: GuardArgs,

    #[command(flatten)]
    pub gates: GateArgs,

    #[command(flatten)]
    pub keep: KeepArgs,

    #[command(flatten)]
    pub apply: ApplyRollbackArgs,

    #[command(flatten)]
    pub diff: DiffArgs,
}

/// Helm's flags for how a rollback is applied.
#[derive(Debug, Args)]
#[command(next_help_heading = "Helm's flags: applying")]
pub(in crate::cli) struct ApplyRollbackArgs {
    /// Look and show the diff, and change nothing.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "server", value_name = "HOW")]
    pub dry_run: Option<String>,

    /// How long to wait for each hook, and for everything to be ready.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = span)]
    pub timeout: Duration,

    /// Wait for Jobs to complete too.
    #[arg(long)]
    pub wait_for_jobs: bool,

    /// Replace objects that can't be changed in place. Helm 4 calls it --force-replace.
    #[arg(long, visible_alias = "force-replace")]
    pub force: bool,

    /// Remove what a failed rollback has created.
    #[arg(long)]
    pub cleanup_on_fail: bool,

    /// Description of the revision.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,

    /// Always so here.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "watcher", value_name = "HOW")]
    pub wait: Option<String>,
}

/// Helm's flags for how an upgrade is applied.
#[derive(Debug, Args)]
#[command(next_help_heading = "Helm's flags: applying")]
pub(in crate::cli) struct ApplyArgs {
    /// Install the release if it does not exist.
    #[arg(short, long)]
    pub install: bool,

    /// Create the namespace of a release that is installed.
    #[arg(long)]
    pub create_namespace: bool,

    /// Look, check and show the diff, and change nothing.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "server", value_name = "HOW")]
    pub dry_run: Option<String>,

    /// How long to wait for each hook, and for everything to be ready.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = span)]
    pub timeout: Duration,

    /// Wait for Jobs to complete too.
    #[arg(long)]
    pub wait_for_jobs: bool,

    /// Replace objects that can't be changed in place. Helm 4 calls it --force-replace.
    #[arg(long, visible_alias = "force-replace")]
    pub force: bool,

    /// Helm 4: take fields over from other field managers.
    #[arg(long)]
    pub force_conflicts: bool,

    /// Helm 4: whether the upgrade is applied by the server; true, false or auto.
    #[arg(long, value_name = "HOW")]
    pub server_side: Option<String>,

    /// Take over objects of other owners.
    #[arg(long)]
    pub take_ownership: bool,

    /// Do not install the chart's custom resource definitions.
    #[arg(long)]
    pub skip_crds: bool,

    /// Do not check the objects against the server's schema.
    #[arg(long)]
    pub disable_openapi_validation: bool,

    /// Remove what a failed upgrade has created, after the evidence is kept.
    #[arg(long)]
    pub cleanup_on_fail: bool,

    /// Description of the revision.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,

    /// Labels of the revision's record.
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub labels: Vec<String>,

    /// Render the notes of subcharts too.
    #[arg(long)]
    pub render_subchart_notes: bool,

    /// Always so here: a failed upgrade is rolled back, to a revision that is good.
    #[arg(long, alias = "rollback-on-failure")]
    pub atomic: bool,

    /// Always so here.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "watcher", value_name = "HOW")]
    pub wait: Option<String>,

    #[arg(long, hide = true)]
    hide_notes: bool,
    #[arg(long, hide = true)]
    hide_secret: bool,
}

/// What to do where an upgrade fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OnFailureArg {
    /// Go back to a good revision; a first installation is kept.
    Rollback,
    /// Leave everything as it is.
    Keep,
    /// As rollback, and a first installation is removed.
    Uninstall,
}

impl OnFailureArg {
    pub(in crate::cli) fn policy(self) -> OnFailure {
        match self {
            Self::Rollback => OnFailure::Rollback,
            Self::Keep => OnFailure::Keep,
            Self::Uninstall => OnFailure::Uninstall,
        }
    }
}

impl GuardedArgs {
    /// The flags of rendering as Helm gets them.
    pub(in crate::cli) fn flags(&self) -> RenderFlags {
        RenderFlags {
            reuse: self.reuse.flag(),
            render_subchart_notes: self.apply.render_subchart_notes,
            ..self.render.flags(&self.source, self.values.flags())
        }
    }
}

/// A length of time as Go reads it: 90s, 5m, 1h30m.
pub(in crate::cli) fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "it is a length of time, as in 90s, 5m or 1h30m".to_owned();
    let nanoseconds = duration::Duration::parse(text).ok_or_else(wrong)?.nanos();
    u64::try_from(nanoseconds).map(Duration::from_nanos).map_err(|_| wrong())
}

/// A version of Kubernetes: 1.37, v1.37.2.
fn kube_version(text: &str) -> Result<KubeVersion, String> {
    text.parse()
}

/// The name of a check, and no other word.
pub(super) fn check_name(text: &str) -> Result<String, String> {
    if text == crate::checks::window::NAME {
        return Err("it takes a reason: --override-window REASON".to_owned());
    }
    let mut names = crate::checks::ALL.iter().map(|check| check.name);
    if names.any(|name| name == text) || crate::checks::blue_green::CHECKS.contains(&text) {
        return Ok(text.to_owned());
    }
    let names: Vec<&str> = crate::checks::ALL.iter().map(|check| check.name).collect();
    let beside = crate::checks::blue_green::CHECKS.join(", ");
    Err(format!("the checks are {}; and of blue-green {beside}", names.join(", ")))
}

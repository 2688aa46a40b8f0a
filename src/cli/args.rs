//! The arguments as clap reads them. Nothing is decided here: each command turns its own into typed options.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Guarded Helm upgrades, in the making: what changes is shown today.
#[derive(Debug, Parser)]
#[command(name = "helm-safe-upgrade", bin_name = "helm safe-upgrade", version, propagate_version = true)]
pub(super) struct SafeUpgrade {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show what changed between two revisions of a release; the same as `helm revdiff`.
    Revdiff(Box<Revdiff>),
}

const REVDIFF_EXAMPLES: &str = "\
Examples:
  helm revdiff web                the last two revisions
  helm revdiff web 3              revision 3 and the deployed one
  helm revdiff web 3 5            revision 3 and revision 5
  helm revdiff web 3 5 -o json    the same for a program to read
  helm revdiff revision rollback  a release that is named like a subcommand

Exit code: 0; with --detailed-exitcode 2 where something changed; 1 on errors.";

/// Show what changed between two revisions of a release, or two releases, or two manifests.
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
    /// Show what a rollback would change.
    #[command(after_help = "Example:\n  helm revdiff rollback web 3   what helm rollback web 3 would change")]
    Rollback(RollbackArgs),
    /// Compare two releases, each at its deployed revision.
    #[command(after_help = "Example:\n  helm revdiff release staging/web production/web")]
    Release(ReleaseArgs),
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

/// What every kind of diff takes.
#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// Unchanged lines to show around each change; -1 shows all lines.
    #[arg(short = 'C', long, value_name = "LINES", default_value_t = 3, allow_negative_numbers = true,
          value_parser = context)]
    pub context: i64,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,

    /// Exit with code 2 if something changed, for example: helm revdiff web --detailed-exitcode || echo changed.
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Show the content of Secrets, and of values that flow into them.
    #[arg(long)]
    pub show_secrets: bool,

    /// Leave out hooks.
    #[arg(long)]
    pub no_hooks: bool,

    /// Compare the values as computed too: the chart's defaults with the user's over them.
    #[arg(long)]
    pub computed_values: bool,

    /// What to do with changes that come with every version of a chart (the labels helm.sh/chart and
    /// app.kubernetes.io/version, checksums): fold makes one line of each. JSON always shows them.
    #[arg(long, value_enum, default_value_t = NoiseArg::Fold, value_name = "HOW")]
    pub noise: NoiseArg,

    /// Show each object by itself, even where several changed in the same way.
    #[arg(long)]
    pub no_fold: bool,

    /// Take a removed and an added object of one kind for the same under another name where this share of their content
    /// is equal, for example 0.5; 0 is off.
    #[arg(short = 'D', long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub find_renames: f64,

    /// Show only these objects: a kind, or kind/name, with * and ?; may be given several times. For example --only 'deployment/web*'.
    #[arg(long, value_name = "KIND[/NAME]")]
    pub only: Vec<String>,

    /// Leave out objects of these kinds, for example --suppress Secret; kind/name works too.
    #[arg(long, value_name = "KIND[/NAME]")]
    pub suppress: Vec<String>,

    /// Do not page the output, even on a terminal.
    #[arg(long)]
    pub no_pager: bool,

    #[command(flatten)]
    pub display: DisplayArgs,

    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// How output looks.
#[derive(Debug, Args)]
pub(super) struct DisplayArgs {
    /// When to use colour; NO_COLOR is honoured.
    #[arg(long, visible_alias = "colour", value_enum, default_value_t = When::Auto, num_args = 0..=1,
          require_equals = true, default_missing_value = "always", value_name = "WHEN")]
    pub color: When,

    /// Use no colour; the same as --color=never.
    #[arg(long)]
    pub no_color: bool,
}

fn revision(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a revision is a whole number, 1 or more".to_owned()),
        Ok(number) => Ok(number),
    }
}

fn number(text: &str) -> Result<f32, String> {
    text.parse().ok().filter(|number: &f32| number.is_finite()).ok_or_else(|| "it is no number".to_owned())
}

fn context(text: &str) -> Result<i64, String> {
    match text.parse() {
        Ok(number) if number >= -1 => Ok(number),
        _ => Err("it is a number of lines, or -1 for all".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("it is not between 0 and 1".to_owned()) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Unified hunks.
    Text,
    /// One line for each change, with its path.
    Paths,
    /// The number of changed lines of each object.
    Stat,
    /// One JSON document (docs/schema/revdiff.json).
    Json,
    /// The same as YAML.
    Yaml,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum NoiseArg {
    /// As any other change.
    Show,
    /// One line for each kind.
    Fold,
    /// Not at all.
    Hide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// On a terminal only.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Helm's own flags for the cluster. Helm takes most of them away and passes them on in the environment; they are
/// accepted here for those it leaves, and for calls without Helm.
#[derive(Debug, Args)]
#[command(next_help_heading = "Helm's flags")]
pub(super) struct ClusterArgs {
    /// Namespace of the release.
    #[arg(short, long, value_name = "NAME")]
    pub namespace: Option<String>,

    /// Path of the kubeconfig file.
    #[arg(long, value_name = "PATH")]
    pub kubeconfig: Option<String>,

    /// Context of the kubeconfig to use.
    #[arg(long, value_name = "NAME")]
    pub kube_context: Option<String>,

    /// Address and port of the API server.
    #[arg(long, value_name = "URL")]
    pub kube_apiserver: Option<String>,

    /// Bearer token to authenticate with.
    #[arg(long, value_name = "TOKEN")]
    pub kube_token: Option<String>,

    /// User to impersonate.
    #[arg(long, value_name = "USER")]
    pub kube_as_user: Option<String>,

    /// Group to impersonate; may be given several times.
    #[arg(long, value_name = "GROUP")]
    pub kube_as_group: Vec<String>,

    /// File with the certificate authority of the API server.
    #[arg(long, value_name = "PATH")]
    pub kube_ca_file: Option<PathBuf>,

    /// Do not check the API server's certificate. Insecure.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub kube_insecure_skip_tls_verify: Option<bool>,

    /// Name to check the API server's certificate against.
    #[arg(long, value_name = "NAME")]
    pub kube_tls_server_name: Option<String>,

    /// Requests a second to the API server, not counting bursts.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = number)]
    pub qps: Option<f32>,

    /// Requests to the API server that may be made at once.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub burst_limit: Option<i64>,

    /// Say on standard error what is done and how long it takes.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub debug: Option<bool>,

    /// Helm's path of the registry configuration; not used here.
    #[arg(long, hide = true)]
    pub registry_config: Option<String>,

    /// Helm's path of the repository cache; not used here.
    #[arg(long, hide = true)]
    pub repository_cache: Option<String>,

    /// Helm's path of the repository configuration; not used here.
    #[arg(long, hide = true)]
    pub repository_config: Option<String>,

    /// Helm 4's path of the content cache; not used here.
    #[arg(long, hide = true)]
    pub content_cache: Option<String>,
}

//! Helm's own flags for an upgrade. Those that have a say in what is rendered are handed to Helm; the others are taken so that a
//! command line of `helm upgrade` works as it is.

use clap::Args;

use super::DiffArgs;
use crate::helm::flags::{ChartFlags, RenderFlags, Reuse, ValueFlags};

/// What `helm revdiff upgrade` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct UpgradeArgs {
    /// The release's name.
    pub release: String,

    /// The chart: a folder, an archive, repo/name, a URL or oci://….
    pub chart: String,

    #[command(flatten)]
    pub values: ValueArgs,

    #[command(flatten)]
    pub reuse: ReuseArgs,

    #[command(flatten)]
    pub source: ChartArgs,

    #[command(flatten)]
    pub render: RenderArgs,

    #[command(flatten)]
    pub diff: DiffArgs,

    #[command(flatten)]
    pub unused: UnusedArgs,
}

/// The values the user supplies.
#[derive(Debug, Args)]
#[command(next_help_heading = "Helm's flags: values")]
pub(in crate::cli) struct ValueArgs {
    /// File or URL with values; - is standard input. May be given several times.
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    pub files: Vec<String>,

    /// Set values, for example --set image.tag=1.27,replicas=3.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,

    /// Set values that are always text.
    #[arg(long, value_name = "KEY=TEXT")]
    pub set_string: Vec<String>,

    /// Set values from the content of files.
    #[arg(long, value_name = "KEY=FILE")]
    pub set_file: Vec<String>,

    /// Set values from JSON, for example --set-json 'limits={"cpu":"1"}'.
    #[arg(long, value_name = "KEY=JSON")]
    pub set_json: Vec<String>,

    /// Set a value that is taken as it is, commas and all.
    #[arg(long, value_name = "KEY=TEXT")]
    pub set_literal: Vec<String>,
}

/// What becomes of the values of the release as it is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Helm's flags: values")]
pub(in crate::cli) struct ReuseArgs {
    /// Start from the values and the chart's defaults of the last revision.
    #[arg(long)]
    pub reuse_values: bool,

    /// Start from the new chart's defaults alone.
    #[arg(long)]
    pub reset_values: bool,

    /// Start from the new chart's defaults, with the values of the last revision over them.
    #[arg(long)]
    pub reset_then_reuse_values: bool,
}

/// Where the chart is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Helm's flags: chart")]
pub(in crate::cli) struct ChartArgs {
    /// Version of the chart, or a range such as ^2.0.0; the newest if not given.
    #[arg(long = "version", value_name = "VERSION")]
    pub chart_version: Option<String>,

    /// URL of the chart's repository.
    #[arg(long, value_name = "URL")]
    pub repo: Option<String>,

    /// Take pre-releases of the chart too.
    #[arg(long)]
    pub devel: bool,

    /// User name at the repository.
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,

    /// Password at the repository.
    #[arg(long, value_name = "PASSWORD")]
    pub password: Option<String>,

    /// Send user name and password to all domains.
    #[arg(long)]
    pub pass_credentials: bool,

    /// Certificate authority of the repository.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<String>,

    /// Certificate to identify with at the repository.
    #[arg(long, value_name = "FILE")]
    pub cert_file: Option<String>,

    /// Key of that certificate.
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<String>,

    /// Do not check the repository's certificate. Insecure.
    #[arg(long)]
    pub insecure_skip_tls_verify: bool,

    /// Use plain HTTP for the registry.
    #[arg(long)]
    pub plain_http: bool,

    /// Verify the chart's signature.
    #[arg(long)]
    pub verify: bool,

    /// Keys to verify the signature with.
    #[arg(long, value_name = "FILE")]
    pub keyring: Option<String>,

    /// Fetch missing dependencies of a chart in a folder first.
    #[arg(long)]
    pub dependency_update: bool,
}

/// How a chart is rendered, for an upgrade or by itself.
#[derive(Debug, Args)]
#[command(next_help_heading = "Helm's flags: rendering")]
pub(in crate::cli) struct SharedRenderArgs {
    /// Program (Helm 4: plugin) that changes the rendered manifest.
    #[arg(long, value_name = "NAME")]
    pub post_renderer: Option<String>,

    /// Argument for the post-renderer; may be given several times.
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub post_renderer_args: Vec<String>,

    /// Do not check the values against the chart's schema.
    #[arg(long, visible_alias = "disable-validation")]
    pub skip_schema_validation: bool,

    /// Let templates look up names in the DNS.
    #[arg(long)]
    pub enable_dns: bool,
}

/// How the chart is rendered.
#[derive(Debug, Args)]
#[command(next_help_heading = "Helm's flags: rendering")]
pub(in crate::cli) struct RenderArgs {
    /// Show an installation if the release does not exist.
    #[arg(short, long, visible_alias = "allow-unreleased")]
    pub install: bool,

    #[command(flatten)]
    pub shared: SharedRenderArgs,

    /// Render the notes of subcharts too.
    #[arg(long)]
    pub render_subchart_notes: bool,

    /// Take over objects of other owners: no difference to what is rendered.
    #[arg(long)]
    pub take_ownership: bool,

    /// Helm 4: whether the upgrade is applied by the server; true, false or auto.
    #[arg(long, value_name = "HOW")]
    pub server_side: Option<String>,

    /// Render as for this version of Kubernetes (with helm template, as helm upgrade has no such flag).
    #[arg(long, value_name = "VERSION")]
    pub kube_version: Option<String>,

    /// Render as if the server had these API versions too (with helm template). May be given several times.
    #[arg(short = 'a', long, value_name = "GROUP/VERSION", value_delimiter = ',')]
    pub api_versions: Vec<String>,

    /// Show the chart's custom resource definitions among the objects (with helm template). Helm never upgrades them.
    #[arg(long)]
    pub include_crds: bool,
}

/// Flags of `helm upgrade` that change nothing of what is rendered.
#[derive(Debug, Args)]
pub(in crate::cli) struct UnusedArgs {
    #[arg(long, hide = true)]
    atomic: bool,
    #[arg(long, hide = true)]
    rollback_on_failure: bool,
    #[arg(long, hide = true)]
    cleanup_on_fail: bool,
    #[arg(long, hide = true)]
    create_namespace: bool,
    #[arg(long, hide = true)]
    description: Option<String>,
    #[arg(long, hide = true)]
    disable_openapi_validation: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    dry_run: Option<String>,
    #[arg(long, hide = true)]
    force: bool,
    #[arg(long, hide = true)]
    force_conflicts: bool,
    #[arg(long, hide = true)]
    force_replace: bool,
    #[arg(long, hide = true)]
    hide_notes: bool,
    #[arg(long, hide = true)]
    hide_secret: bool,
    #[arg(long, hide = true)]
    history_max: Option<i64>,
    #[arg(short, long, hide = true)]
    labels: Vec<String>,
    #[arg(long, hide = true)]
    skip_crds: bool,
    #[arg(long, hide = true)]
    timeout: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "watcher")]
    wait: Option<String>,
    #[arg(long, hide = true)]
    wait_for_jobs: bool,
    /// Of helm-diff.
    #[arg(long, hide = true)]
    pub three_way_merge: bool,
}

impl UpgradeArgs {
    /// The flags as Helm gets them.
    pub(in crate::cli) fn flags(&self) -> RenderFlags {
        RenderFlags {
            reuse: self.reuse.flag(),
            render_subchart_notes: self.render.render_subchart_notes,
            ..self.render.shared.flags(&self.source, self.values.flags())
        }
    }
}

impl SharedRenderArgs {
    /// The flags as Helm gets them; no values are kept from any release.
    pub(in crate::cli) fn flags(&self, source: &ChartArgs, values: ValueFlags) -> RenderFlags {
        RenderFlags {
            chart: source.flags(),
            values,
            dependency_update: source.dependency_update,
            enable_dns: self.enable_dns,
            skip_schema_validation: self.skip_schema_validation,
            post_renderer: self.post_renderer.clone(),
            post_renderer_args: self.post_renderer_args.clone(),
            ..RenderFlags::default()
        }
    }
}

impl ValueArgs {
    pub(in crate::cli) fn flags(&self) -> ValueFlags {
        ValueFlags {
            files: self.files.clone(),
            set: self.set.clone(),
            set_string: self.set_string.clone(),
            set_file: self.set_file.clone(),
            set_json: self.set_json.clone(),
            set_literal: self.set_literal.clone(),
        }
    }
}

impl ReuseArgs {
    /// As in Helm, `--reset-values` wins over `--reuse-values`, and that over `--reset-then-reuse-values`.
    pub(in crate::cli) fn flag(&self) -> Reuse {
        match (self.reset_values, self.reuse_values, self.reset_then_reuse_values) {
            (true, _, _) => Reuse::Reset,
            (_, true, _) => Reuse::Reuse,
            (_, _, true) => Reuse::ResetThenReuse,
            _ => Reuse::IfNoneSupplied,
        }
    }
}

impl ChartArgs {
    pub(in crate::cli) fn flags(&self) -> ChartFlags {
        ChartFlags {
            version: self.chart_version.clone(),
            repo: self.repo.clone(),
            devel: self.devel,
            username: self.username.clone(),
            password: self.password.clone(),
            pass_credentials: self.pass_credentials,
            ca_file: self.ca_file.clone(),
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            plain_http: self.plain_http,
            verify: self.verify,
            keyring: self.keyring.clone(),
        }
    }
}

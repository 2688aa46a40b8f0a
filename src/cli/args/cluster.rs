//! Helm's own flags for the cluster.

use std::path::PathBuf;

use clap::Args;

/// Helm's own flags for the cluster. Helm takes most of them away and passes them on in the environment; they are
/// accepted here for those it leaves, and for calls without Helm.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Helm's flags")]
pub(in crate::cli) struct ClusterArgs {
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

    /// Requests a second to the API server at most, not counting bursts (default: as many as it takes).
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = number)]
    pub qps: Option<f32>,

    /// Requests to the API server that may be made at once before --qps holds.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub burst_limit: Option<i64>,

    /// Say on standard error what is done and how long it takes.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub debug: Option<bool>,

    /// Helm's path of the registry configuration, for what is rendered.
    #[arg(long, hide = true)]
    pub registry_config: Option<String>,

    /// Helm's path of the repository cache, for what is rendered.
    #[arg(long, hide = true)]
    pub repository_cache: Option<String>,

    /// Helm's path of the repository configuration, for what is rendered.
    #[arg(long, hide = true)]
    pub repository_config: Option<String>,

    /// Helm 4's path of the content cache, for what is rendered.
    #[arg(long, hide = true)]
    pub content_cache: Option<String>,
}

fn number(text: &str) -> Result<f32, String> {
    text.parse().ok().filter(|number: &f32| number.is_finite()).ok_or_else(|| "it is no number".to_owned())
}

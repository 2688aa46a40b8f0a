//! What `helm revdiff chart` takes: the flags of `helm template` that have a say in what is rendered.

use clap::Args;

use super::DiffArgs;
use super::upgrade::{ChartArgs, SharedRenderArgs, ValueArgs};
use crate::helm::flags::ValueFlags;
use crate::helm::{Capabilities, Template};

/// What `helm revdiff chart` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct ChartsArgs {
    /// The chart to compare from: a folder, a .tgz, repo/name@version, a URL, oci://… or git:REF:PATH.
    pub old: String,

    /// The chart to compare with.
    pub new: String,

    #[command(flatten)]
    pub values: ValueArgs,

    #[command(flatten)]
    pub own_values: OwnValueArgs,

    #[command(flatten)]
    pub source: ChartArgs,

    #[command(flatten)]
    pub render: TemplateArgs,

    #[command(flatten)]
    pub diff: DiffArgs,
}

/// The values that only one of the charts gets.
#[derive(Debug, Args)]
#[command(next_help_heading = "Helm's flags: values")]
pub(in crate::cli) struct OwnValueArgs {
    /// File or URL with values for the old chart alone, after those for both. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub old_values: Vec<String>,

    /// File or URL with values for the new chart alone, after those for both. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub new_values: Vec<String>,
}

/// How the charts are rendered.
#[derive(Debug, Args)]
#[command(next_help_heading = "Helm's flags: rendering")]
pub(in crate::cli) struct TemplateArgs {
    /// Name of the release to render for.
    #[arg(long, value_name = "NAME", default_value = "release-name")]
    pub release: String,

    /// Render as for an upgrade, and not as for an installation.
    #[arg(long)]
    pub is_upgrade: bool,

    /// Render as for this version of Kubernetes; Helm's own if not given.
    #[arg(long, value_name = "VERSION")]
    pub kube_version: Option<String>,

    /// Render as if the server had these API versions too. May be given several times.
    #[arg(short = 'a', long, value_name = "GROUP/VERSION", value_delimiter = ',')]
    pub api_versions: Vec<String>,

    /// Compare the charts' custom resource definitions too.
    #[arg(long)]
    pub include_crds: bool,

    #[command(flatten)]
    pub shared: SharedRenderArgs,
}

impl ChartsArgs {
    /// The values for the old chart and for the new one.
    pub(in crate::cli) fn both_values(&self) -> [ValueFlags; 2] {
        [&self.own_values.old_values, &self.own_values.new_values].map(|own| {
            let mut flags = self.values.flags();
            flags.files.extend(own.iter().cloned());
            flags
        })
    }

    /// How each of the charts is rendered.
    pub(in crate::cli) fn template(&self, namespace: Option<String>, stdin: Option<Vec<u8>>) -> Template {
        let render = &self.render;
        Template {
            release: render.release.clone(),
            namespace,
            chart: String::new(),
            named: String::new(),
            flags: render.shared.flags(&self.source, ValueFlags::default()),
            is_upgrade: render.is_upgrade,
            capabilities: Capabilities::Told {
                kube_version: render.kube_version.clone(),
                api_versions: render.api_versions.clone(),
                lookups: false,
            },
            include_crds: render.include_crds,
            stdin,
        }
    }
}

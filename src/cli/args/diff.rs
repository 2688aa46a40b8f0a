//! What every kind of diff takes: what is compared, what is shown, and in which form.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use regex::Regex;

use super::ClusterArgs;
use crate::diff::ignore::Rule;
use crate::report::{markdown, side_by_side};

/// The least that --width takes.
const MIN_WIDTH: i64 = side_by_side::NARROWEST as i64;

/// What every kind of diff takes.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct DiffArgs {
    /// Unchanged lines to show around each change; -1 shows all lines.
    #[arg(short = 'C', long, value_name = "LINES", default_value_t = 3, allow_negative_numbers = true,
          value_parser = context)]
    pub context: i64,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub output: Format,

    /// The same as -o stat: the number of changed lines of each object.
    #[arg(long, conflicts_with = "output")]
    pub stat: bool,

    /// Columns of -o side-by-side; those of the terminal if not given, and 160 where there is none.
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(MIN_WIDTH..))]
    pub width: Option<u16>,

    /// The most that -o markdown may print, in bytes; comments on GitHub end at 65536 characters.
    #[arg(long, value_name = "BYTES", default_value_t = 65_000, value_parser = bytes)]
    pub max_bytes: usize,

    /// Exit with code 2 if something changed, for example: helm revdiff web --detailed-exitcode || echo changed.
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Show the content of Secrets, and of values that flow into them.
    #[arg(long)]
    pub show_secrets: bool,

    /// Show the content of Secrets, with data decoded from base64.
    #[arg(long)]
    pub show_secrets_decoded: bool,

    /// Leave out Secrets; the same as --suppress Secret.
    #[arg(short = 'q', long)]
    pub suppress_secrets: bool,

    /// Leave out objects in which all changed lines match this regular expression; may be given several times.
    #[arg(long, value_name = "REGEX")]
    pub suppress_output_line_regex: Vec<Regex>,

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

    /// Take a removed and an added object of one kind for the same under another name where no more than this share of
    /// their content differs, for example 0.5; 0 is off.
    #[arg(short = 'D', long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub find_renames: f64,

    /// Show only these sections, for example --sections key-differences,impact.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LIST")]
    pub sections: Vec<SectionArg>,

    /// Leave out these sections, for example --hide chart,notes.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LIST", conflicts_with = "sections")]
    pub hide: Vec<SectionArg>,

    /// Show only these objects: a kind, or kind/name, with * and ?; may be given several times. For example --only 'deployment/web*'.
    #[arg(long, value_name = "KIND[/NAME]")]
    pub only: Vec<String>,

    /// Leave out objects of these kinds, for example --suppress Secret; kind/name works too.
    #[arg(long, value_name = "KIND[/NAME]")]
    pub suppress: Vec<String>,

    /// Ignore differences: in whole objects (KIND[/NAME]), or at a place in them (a JSON Pointer or a JSONPath, alone or
    /// after KIND[/NAME] and a colon). May be given several times. For example --ignore 'deployment:/spec/replicas'.
    #[arg(long, value_name = "RULE", value_parser = Rule::parse)]
    pub ignore: Vec<Rule>,

    /// Configuration file; if not given, the nearest helm-safe-upgrade.yaml from here up to the repository's root.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Do not page the output, even on a terminal.
    #[arg(long)]
    pub no_pager: bool,

    #[command(flatten)]
    pub display: DisplayArgs,

    #[command(flatten)]
    pub needless: NeedlessArgs,

    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// Flags of helm-diff for what is always so here.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct NeedlessArgs {
    #[arg(long, hide = true)]
    normalize_manifests: bool,
    #[arg(long, hide = true)]
    strip_trailing_cr: bool,
    #[arg(long, hide = true)]
    include_tests: bool,
}

impl DiffArgs {
    /// The format that is wanted.
    pub(in crate::cli) fn format(&self) -> Format {
        if self.stat { Format::Stat } else { self.output }
    }
}

/// How output looks.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct DisplayArgs {
    /// When to use colour; NO_COLOR is honoured.
    #[arg(long, visible_alias = "colour", value_enum, default_value_t = When::Auto, num_args = 0..=1,
          require_equals = true, default_missing_value = "always", value_name = "WHEN")]
    pub color: When,

    /// Use no colour; the same as --color=never.
    #[arg(long)]
    pub no_color: bool,
}

fn context(text: &str) -> Result<i64, String> {
    match text.parse() {
        Ok(number) if number >= -1 => Ok(number),
        _ => Err("it is a number of lines, or -1 for all".to_owned()),
    }
}

fn bytes(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number >= markdown::LEAST_BYTES => Ok(number),
        _ => Err(format!("it is a number of bytes, {} or more", markdown::LEAST_BYTES)),
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("it is not between 0 and 1".to_owned()) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// Unified hunks.
    #[value(alias = "diff")]
    Text,
    /// Two columns, before and after.
    SideBySide,
    /// One line for each change, with its path.
    #[value(alias = "dyff")]
    Paths,
    /// The number of changed lines of each object.
    #[value(alias = "simple")]
    Stat,
    /// One JSON document (docs/schema/revdiff.json).
    #[value(alias = "structured")]
    Json,
    /// The same as YAML.
    Yaml,
    /// A comment on GitHub or GitLab.
    Markdown,
    /// Annotations of GitHub Actions.
    Github,
    /// One file for a browser.
    Html,
}

/// A part of a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SectionArg {
    /// What matters most: images, ports, rights, what is deleted, what restarts.
    KeyDifferences,
    /// Pods times requests and limits.
    Impact,
    /// The objects.
    Resources,
    /// The chart's custom resource definitions, which Helm does not apply.
    Crds,
    /// The values.
    Values,
    /// The chart's metadata.
    Chart,
    /// The notes.
    Notes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum NoiseArg {
    /// As any other change.
    Show,
    /// One line for each kind.
    Fold,
    /// Not at all.
    Hide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum When {
    /// On a terminal only.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

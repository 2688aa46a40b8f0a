//! What `helm safe-upgrade diagnose` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ClusterArgs, DisplayArgs};

pub(in crate::cli) const DIAGNOSE_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade diagnose web                    what is wrong with it now
  helm safe-upgrade diagnose web --evidence ./kept  keep objects, events and logs in a folder
  helm safe-upgrade diagnose web -o json            for a program to read

Nothing is changed. get and list are enough; without some of them, what could not be read is said.
Exit code: 0; with --detailed-exitcode 2 where something is wrong; 1 on errors.";

/// What `helm safe-upgrade diagnose` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct DiagnoseArgs {
    /// The release's name.
    pub release: String,

    /// Revision to look at; the newest if not named.
    #[arg(long, value_name = "REV", allow_negative_numbers = true, value_parser = super::revision)]
    pub revision: Option<u32>,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = DiagnosisFormat::Text)]
    pub output: DiagnosisFormat,

    /// Keep the evidence in this folder: objects, events, logs and this report, with Secrets masked, and an archive of it.
    #[arg(long, value_name = "DIR")]
    pub evidence: Option<PathBuf>,

    /// Exit with code 2 if something is wrong.
    #[arg(long)]
    pub detailed_exitcode: bool,

    #[command(flatten)]
    pub display: DisplayArgs,

    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// How the diagnosis is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum DiagnosisFormat {
    /// For a terminal.
    Text,
    /// One JSON document.
    Json,
    /// A page.
    Markdown,
}

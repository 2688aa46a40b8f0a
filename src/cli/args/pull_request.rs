//! What `helm revdiff pull-request` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::DiffArgs;
use crate::config::pull_request::FailOn;

/// Examples at the end of its help.
pub(in crate::cli) const PULL_REQUEST_EXAMPLES: &str = "\
Examples:
  helm revdiff pull-request --base origin/main                 what this branch changes, as text
  helm revdiff pull-request --base origin/main -o markdown     the same as a comment
  helm revdiff pull-request --comment github                   in a workflow: post the comment, or write over it
  helm revdiff pull-request --comment gitlab                   in a pipeline of GitLab: the same on the merge request
  helm revdiff pull-request --html pages --fail-on warning     a page for each chart; exit code 3 for a warning";

/// What `helm revdiff pull-request` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct PullRequestArgs {
    /// The revision that the branch is to be merged into; in CI that of the pull request, elsewhere origin/HEAD.
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,

    /// The branch.
    #[arg(long, value_name = "REF", default_value = "HEAD")]
    pub head: String,

    /// Post the result as a comment on the pull request that CI runs for, or write over the one that is there.
    #[arg(long, value_name = "FORGE", value_enum)]
    pub comment: Option<ForgeArg>,

    /// The number of the pull request to comment on, where CI does not say it.
    #[arg(long, value_name = "NUMBER", requires = "comment")]
    pub number: Option<u64>,

    /// Where the forge does not let us comment, or there is no token, as on a pull request from a fork, warn and go on.
    #[arg(long, requires = "comment")]
    pub comment_if_allowed: bool,

    /// What keeps this comment apart from others of this program on the same pull request.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub comment_name: String,

    /// Write a page with all differences of each chart into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub html: Option<PathBuf>,

    /// Append the comment to this file as well, such as the job's summary: "$GITHUB_STEP_SUMMARY".
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,

    /// Append what came of it to this file, a NAME=VALUE a line, for later steps of a job: "$GITHUB_OUTPUT". It says changed (true or
    /// false), charts (how many are touched) and comment-url.
    #[arg(long, value_name = "FILE")]
    pub outputs: Option<PathBuf>,

    /// When to end with exit code 3: a blocker of the checks, a warning, any change, or never. A chart that cannot be rendered is an error always.
    #[arg(long, value_name = "WHAT", value_enum)]
    pub fail_on: Option<FailOnArg>,

    #[command(flatten)]
    pub diff: DiffArgs,
}

/// Whose API a comment is posted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ForgeArg {
    /// GitHub: the token is in GITHUB_TOKEN.
    Github,
    /// GitLab: the token is in GITLAB_TOKEN.
    Gitlab,
}

/// When to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum FailOnArg {
    /// At a blocker.
    Blocker,
    /// At a warning or a blocker.
    Warning,
    /// At any change.
    Change,
    /// Never.
    Never,
}

impl FailOnArg {
    /// The same as the configuration has it.
    pub(in crate::cli) fn wanted(self) -> FailOn {
        match self {
            Self::Blocker => FailOn::Blocker,
            Self::Warning => FailOn::Warning,
            Self::Change => FailOn::Change,
            Self::Never => FailOn::Never,
        }
    }
}

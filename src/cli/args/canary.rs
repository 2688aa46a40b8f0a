//! What `helm safe-upgrade canary` takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::guard::{check_name, span};
use super::terms::reason;
use super::typed::Typed;
use super::{ClusterArgs, DisplayArgs, GuardedArgs, ReportFormat};

pub(super) const CANARY_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade canary web ./chart --steps 1,3,10 --interval 2m --gate-http svc/web:80/healthz
  helm safe-upgrade canary web ./chart --steps 1,3,10 --dry-run      only show the plan, the diff and the checks
  helm safe-upgrade canary web ./chart --steps 1,3,10 --keep-stable  as a second release beside ten pods that run
  helm safe-upgrade canary web ./chart --step canary.enabled=true,canary.weight=10 --step canary.weight=100,canary.enabled=false
  helm safe-upgrade canary web ./chart --steps 1,3,10 --replicas-key web.replicas --confirm
  helm safe-upgrade canary web ./chart --steps 1,3,10 --max-ratio 1.2 --gate-prometheus svc/prom:9090 'sum(errors)' '<' 5
  helm safe-upgrade canary web ./chart --steps-file steps.yaml --yes
  helm safe-upgrade canary web ./chart --steps 1,3,10 --yes --pause=1
  helm safe-upgrade canary status web
  helm safe-upgrade canary promote web                               go on after a pause
  helm safe-upgrade canary abort web                                 back to the revision from before

The same command again goes on where a run was killed. docs/canary.md says more.
Exit code: 0 proven, or paused as wanted; 3 refused; 4 a step failed, and the release is back; 5 it is not back; 6 locked;
7 interrupted; 1 other errors, and where a gate could not tell.";

/// What `helm safe-upgrade canary` takes.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, arg_required_else_help = true)]
pub(in crate::cli) struct CanaryArgs {
    /// First, so that it sees all that was typed.
    #[command(flatten)]
    pub typed: Typed,

    #[command(subcommand)]
    pub command: Option<CanaryCommand>,

    #[command(flatten)]
    pub steps: StepArgs,

    #[command(flatten)]
    pub guarded: GuardedArgs,
}

/// The steps.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Steps")]
pub(in crate::cli) struct StepArgs {
    /// How many pods each step has.
    #[arg(long, value_name = "PODS", value_delimiter = ',', conflicts_with_all = ["step", "steps_file"])]
    pub steps: Vec<u32>,

    /// The value that sets how many pods there are; replicaCount if not given.
    #[arg(long, value_name = "KEY")]
    pub replicas_key: Option<String>,

    /// What a step sets, as --set takes it. One for each step, in order; what a step does not say stays as the step before has it.
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "steps_file")]
    pub step: Vec<String>,

    /// File with the steps: values, gates, pauses (docs/canary.md).
    #[arg(long, value_name = "FILE")]
    pub steps_file: Option<PathBuf>,

    /// How long each step is watched before the next one; 2m if not given. The last one is watched for --soak, where that is given.
    #[arg(long, value_name = "DURATION", value_parser = span)]
    pub interval: Option<Duration>,

    /// End after a step, until somebody promotes it: after these steps, or after each.
    #[arg(long, num_args = 0..=1, require_equals = true, value_delimiter = ',', default_missing_value = "0", value_name = "STEPS")]
    pub pause: Vec<usize>,

    /// Ask after each step whether it goes on. Without a terminal it pauses.
    #[arg(long)]
    pub confirm: bool,

    /// The queries of Prometheus gates may give at most so many times what they gave before the first step.
    #[arg(long, value_name = "NUMBER", value_parser = ratio)]
    pub max_ratio: Option<f64>,

    /// Run the canary as a second release RELEASE-canary beside the stable one, which is scaled down as it grows.
    #[arg(long)]
    pub keep_stable: bool,

    /// Set values of the second release alone; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", requires = "keep_stable")]
    pub canary_set: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CanaryCommand {
    /// Show how far the canary of a release is.
    #[command(
        after_help = "Examples:\n  helm safe-upgrade canary status web\n  helm safe-upgrade canary status web -o json"
    )]
    Status(CanaryStatusArgs),
    /// Go on with a canary that pauses.
    #[command(
        after_help = "Examples:\n  helm safe-upgrade canary promote web          the next step, and those after it\n  helm safe-upgrade canary promote web --full   straight to the last step"
    )]
    Promote(CanaryPromoteArgs),
    /// Bring the release back to the revision from before the canary.
    #[command(after_help = "Example:\n  helm safe-upgrade canary abort web --yes")]
    Abort(CanaryAbortArgs),
}

/// What `helm safe-upgrade canary status` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct CanaryStatusArgs {
    /// The release's name.
    pub release: String,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = ReportFormat::Text, value_name = "OUTPUT")]
    pub output: ReportFormat,

    #[command(flatten)]
    pub cluster: ClusterArgs,

    #[command(flatten)]
    pub display: DisplayArgs,
}

/// What `helm safe-upgrade canary promote` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct CanaryPromoteArgs {
    /// The release's name.
    pub release: String,

    /// The chart, where it is not found any more where it was.
    pub chart: Option<String>,

    /// Go straight to the last step.
    #[arg(long)]
    pub full: bool,

    #[command(flatten)]
    pub going_on: GoingOnArgs,
}

/// What `helm safe-upgrade canary abort` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct CanaryAbortArgs {
    /// The release's name.
    pub release: String,

    #[command(flatten)]
    pub going_on: GoingOnArgs,
}

/// What is said anew of a roll-out that goes on; all else is as it was begun with.
#[derive(Debug, Args)]
pub(in crate::cli) struct GoingOnArgs {
    /// Do not ask; needed where there is no terminal.
    #[arg(short = 'y', long)]
    pub yes: bool,

    /// Go on although this check says no; may be given several times. docs/checks.md lists the checks.
    #[arg(long, value_name = "CHECK", value_parser = check_name)]
    pub accept: Vec<String>,

    /// Configuration file, where it is not found any more where it was.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Go on outside of the windows of the configuration, for this reason; the revision's description records it.
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub override_window: Option<String>,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = ReportFormat::Text, value_name = "OUTPUT")]
    pub output: ReportFormat,

    #[command(flatten)]
    pub cluster: ClusterArgs,

    #[command(flatten)]
    pub display: DisplayArgs,
}

/// A canary makes upgrades of its own, of a release that is there.
pub(super) fn without_plans(argument: clap::Arg) -> clap::Arg {
    match argument.get_id().as_str() {
        "plan_out" | "install" | "create_namespace" | "detailed_exitcode" => argument.hide(true),
        _ => argument,
    }
}

fn ratio(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "it is a number greater than zero, as in 1.2".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Command, SafeUpgrade};
    use super::*;

    fn parsed(words: &[&str]) -> CanaryArgs {
        let all = ["helm-safe-upgrade", "canary"].iter().chain(words);
        match SafeUpgrade::try_parse_from(all).unwrap().wanted() {
            Command::Canary(arguments) => *arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_typed_is_typed_again_and_no_value_and_no_token() {
        let line = "web ./chart --steps 1,3 --test --gate-http a --gate-http b --soak 5m --yes --set secret=1 --kube-token t -f v.yaml \
                    --accept quota --version 1.2.3 --interval 3s";
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.extend(["--gate-prometheus", "http://p", "sum(up)", "<", "-1"]);
        let typed = parsed(&words).typed.0;
        let expected = "--test --accept=quota --gate-http=a --gate-http=b --gate-prometheus http://p sum(up) < -1 --soak=5m --interval=3s";
        assert_eq!(typed.join(" "), expected);
        let again: Vec<&str> = typed.iter().map(String::as_str).chain(["--", "web", "./chart"]).collect();
        assert_eq!(parsed(&again).typed.0, typed);
    }

    #[test]
    fn steps_are_of_one_form_and_pauses_after_some_or_all() {
        assert_eq!(parsed(&["web", "c", "--steps", "1,3,10"]).steps.steps, [1, 3, 10]);
        assert_eq!(parsed(&["web", "c", "--steps", "1", "--pause"]).steps.pause, [0]);
        assert_eq!(parsed(&["web", "c", "--steps", "1", "--pause=1,2"]).steps.pause, [1, 2]);
        for wrong in
            ["--steps 1 --step a=1", "--step a=1 --steps-file f", "--max-ratio 0", "--canary-set a=1", "--steps -1"]
        {
            let words = ["helm-safe-upgrade", "canary", "web", "c"].into_iter().chain(wrong.split(' '));
            assert!(SafeUpgrade::try_parse_from(words).is_err(), "{wrong}");
        }
    }
}

//! What `helm safe-upgrade blue-green` takes.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::guard::{ApplyArgs, FailureArgs, span};
use super::typed::Typed;
use super::upgrade::{ChartArgs, SharedRenderArgs, ValueArgs};
use super::{ClusterArgs, DiffArgs, DisplayArgs, GateArgs, GoingOnArgs, GuardArgs, KeepArgs, ReportFormat, TermsArgs};
use crate::upgrade::blue_green::{Pause, Retire, Switch};

pub(super) const BLUE_GREEN_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade blue-green --blue web-blue --green web-green ./web -f prod.yaml --service web --test --soak 2m
                                     upgrade and test the release that has no traffic, then lead service/web to it
  helm safe-upgrade blue-green --blue web-blue --green web-green ./web --ingress web:shop.example.com/ --dry-run
                                     only look: which is live, what would be done, the changes, the checks
  helm safe-upgrade blue-green --blue web-blue --green web-green ./web --switch-release web-router \\
    --switch-chart ./router --switch-set 'backend={release}' --retire uninstall --retire-after 10m --yes
  helm safe-upgrade blue-green --blue web-blue --green web-green ./web --switch-release web-router \\
    --switch-chart ./router --switch-values 'router-{color}.yaml' --retire scale
  helm safe-upgrade blue-green --blue web-blue --green web-green ./web --service web --test --yes --pause
                                     upgrade and test it, and leave the traffic where it is until somebody promotes it
  helm safe-upgrade blue-green status --blue web-blue --green web-green
  helm safe-upgrade blue-green promote --blue web-blue --green web-green
  helm safe-upgrade blue-green abort --blue web-blue --green web-green

Which of the two is live is seen in what leads the traffic. Running the same command again goes on after a crash. See
docs/blue-green.md.
Exit code: 0 the traffic is with the new release, which is proven, or there was nothing to do, or it pauses as wanted; 3 refused; 4 failed, and the traffic is
where it was; 5 failed, and the traffic was not seen to be back; 6 somebody else is at work; 7 interrupted; 1 other errors, or it could
not be told whether it is good.";

const STATUS_EXAMPLES: &str = "\
Example:
  helm safe-upgrade blue-green status --blue web-blue --green web-green";

const PROMOTE_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade blue-green promote --blue web-blue --green web-green
  helm safe-upgrade blue-green promote --blue web-blue --green web-green --yes -o json";

const ABORT_EXAMPLES: &str = "\
Example:
  helm safe-upgrade blue-green abort --blue web-blue --green web-green --yes";

/// What `helm safe-upgrade blue-green` takes.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(in crate::cli) struct BlueGreenArgs {
    /// First, so that it sees all that was typed.
    #[command(flatten)]
    pub typed: Typed,

    #[command(subcommand)]
    pub command: Option<BlueGreenCommand>,

    /// The chart that is rolled out: a folder, an archive, repo/name, a URL or oci://….
    #[arg(required = true)]
    pub chart: Option<String>,

    #[command(flatten)]
    pub switch: SwitchArgs,

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
    pub source: ChartArgs,

    #[command(flatten)]
    pub render: SharedRenderArgs,

    #[command(flatten)]
    pub apply: ApplyArgs,

    #[command(flatten)]
    pub diff: DiffArgs,
}

/// The two releases, what leads the traffic, and what becomes of the one that had it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Blue-green")]
pub(in crate::cli) struct SwitchArgs {
    /// One of the two releases.
    #[arg(long, value_name = "RELEASE", required = true)]
    pub blue: Option<String>,

    /// The other one. Which of them is live is seen in the cluster.
    #[arg(long, value_name = "RELEASE", required = true)]
    pub green: Option<String>,

    /// The Service that leads the traffic: its selector is switched.
    #[arg(long, value_name = "NAME", required_unless_present_any = ["ingress", "switch_release"],
          conflicts_with_all = ["ingress", "switch_release"])]
    pub service: Option<String>,

    /// The Ingress that leads the traffic: its backends are switched, those of a host and a path or all.
    #[arg(long, value_name = "NAME[:HOST/PATH]", conflicts_with = "switch_release")]
    pub ingress: Option<String>,

    /// The release whose values lead the traffic (a router): it is upgraded under guard.
    #[arg(long, value_name = "RELEASE", requires = "switch_chart")]
    pub switch_release: Option<String>,

    /// The chart of that release.
    #[arg(long, value_name = "CHART", requires = "switch_release")]
    pub switch_chart: Option<String>,

    /// The version of that chart.
    #[arg(long, value_name = "VERSION", requires = "switch_release")]
    pub switch_version: Option<String>,

    /// The values that lead the traffic to a release, with {release} in the place of its name and {color} in that of blue or green.
    /// May be given several times.
    #[arg(long, value_name = "KEY=VALUE", requires = "switch_release")]
    pub switch_set: Vec<String>,

    /// The same as a file; {release} and {color} in its path.
    #[arg(long, value_name = "FILE", requires = "switch_release")]
    pub switch_values: Vec<String>,

    /// End before the switch, with the new release tested and ready, until somebody promotes it.
    #[arg(long)]
    pub pause: bool,

    /// Ask before the switch whether it goes on. Without a terminal it pauses.
    #[arg(long)]
    pub confirm: bool,

    /// How long to watch after the switch; as --soak if not given.
    #[arg(long, value_name = "DURATION", value_parser = span)]
    pub switch_soak: Option<Duration>,

    /// How long the traffic may take to arrive at pods that are ready.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = span)]
    pub switch_timeout: Duration,

    /// What becomes of the release that had the traffic; keep, and uninstall with --retire-after.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub retire: Option<RetireArg>,

    /// How long after its proof with the traffic the release from before is retired.
    #[arg(long, value_name = "DURATION", value_parser = span)]
    pub retire_after: Option<Duration>,
}

/// What becomes of the release that had the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum RetireArg {
    /// It stays as it is, so that the traffic can be led back at any time.
    Keep,
    /// Its workloads are scaled to zero.
    Scale,
    /// It is uninstalled.
    Uninstall,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum BlueGreenCommand {
    /// Say which of the two releases is live, and how far a roll-out is.
    #[command(after_help = STATUS_EXAMPLES)]
    Status(Box<BlueGreenStatusArgs>),
    /// Lead the traffic to the release that was tested, and go on from there.
    #[command(after_help = PROMOTE_EXAMPLES)]
    Promote(Box<BlueGreenGoingOnArgs>),
    /// Give a roll-out up: the traffic stays with the release that had it, or is led back there.
    #[command(after_help = ABORT_EXAMPLES)]
    Abort(Box<BlueGreenGoingOnArgs>),
}

/// What `helm safe-upgrade blue-green promote` and `abort` take.
#[derive(Debug, Args)]
pub(in crate::cli) struct BlueGreenGoingOnArgs {
    /// One of the two releases.
    #[arg(long, value_name = "RELEASE")]
    pub blue: String,

    /// The other one.
    #[arg(long, value_name = "RELEASE")]
    pub green: String,

    #[command(flatten)]
    pub going_on: GoingOnArgs,
}

/// What `helm safe-upgrade blue-green status` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct BlueGreenStatusArgs {
    /// One of the two releases.
    #[arg(long, value_name = "RELEASE")]
    pub blue: String,

    /// The other one.
    #[arg(long, value_name = "RELEASE")]
    pub green: String,

    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,

    #[command(flatten)]
    pub display: DisplayArgs,

    #[command(flatten)]
    pub cluster: ClusterArgs,
}

impl SwitchArgs {
    /// What leads the traffic.
    pub(in crate::cli) fn switch(&self) -> Switch {
        match (&self.service, &self.ingress, &self.switch_release) {
            (_, Some(ingress), _) => Switch::ingress(ingress),
            (_, _, Some(name)) => Switch::Release { name: name.clone() },
            (service, _, _) => Switch::Service { name: service.clone().unwrap_or_default() },
        }
    }

    /// How the traffic waits for somebody before it is switched.
    pub(in crate::cli) fn pause(&self) -> Option<Pause> {
        match (self.pause, self.confirm) {
            (true, _) => Some(Pause::Pause),
            (_, true) => Some(Pause::Confirm),
            _ => None,
        }
    }

    /// What becomes of the release from before: nothing, unless it is asked for.
    pub(in crate::cli) fn retire(&self) -> Retire {
        match (self.retire, self.retire_after) {
            (Some(RetireArg::Keep), _) | (None, None) => Retire::Keep,
            (Some(RetireArg::Scale), _) => Retire::Scale,
            (Some(RetireArg::Uninstall), _) | (None, Some(_)) => Retire::Uninstall,
        }
    }
}

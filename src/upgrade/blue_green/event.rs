//! What happens in a roll-out beside what happens in the upgrades that it is made of.

use jiff::Timestamp;
use serde::Serialize;

use super::kept::Kept;
use super::traffic::Route;
use super::{Pause, Retire, Roles, Switch};

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum BlueGreenEvent<'a> {
    /// What is going to be done, before anything is.
    BlueGreenPlanned {
        /// All of it.
        plan: &'a Planned,
    },
    /// A step begins.
    BlueGreenStep {
        /// Which.
        step: Step,
        /// What it does, for a reader.
        text: String,
    },
    /// A step has ended.
    BlueGreenStepEnded {
        /// Which.
        step: Step,
        /// Whether it ended well.
        good: bool,
        /// What it came to, for a reader.
        text: String,
    },
    /// The release that was tested stands ready, and the traffic is where it was: somebody is to say whether it is led there.
    BlueGreenPaused {
        /// Which.
        release: &'a str,
        /// Its revision.
        revision: Option<u32>,
        /// What goes on.
        promote: &'a str,
        /// What gives it up.
        abort: &'a str,
    },
    /// The release from before is retired then.
    BlueGreenWaiting {
        /// Which.
        release: &'a str,
        /// When.
        until: Timestamp,
    },
    /// The roll-out has ended, or was stopped.
    BlueGreenDone {
        /// All of it.
        rollout: &'a Kept,
    },
}

/// A step of a roll-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The idle release is upgraded and tested.
    Test,
    /// The traffic is switched.
    Switch,
    /// The idle release is watched with the traffic.
    Soak,
    /// The traffic is switched back.
    SwitchBack,
    /// The release from before is retired.
    Retire,
}

/// What a roll-out would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Planned {
    /// The namespace of both.
    pub namespace: String,
    /// Which release has the traffic, and which gets it.
    pub roles: Roles,
    /// Name and version of the chart that has the traffic.
    pub live_chart: String,
    /// Its revision.
    pub live_revision: u32,
    /// Name and version of what the other one is; none where it is not installed.
    pub idle_chart: Option<String>,
    /// Name and version of the chart that is rolled out.
    pub chart: String,
    /// What leads the traffic.
    pub switch: Switch,
    /// Where the traffic goes now.
    pub before: Route,
    /// Where it goes then.
    pub after: Route,
    /// What is asked before the switch, a few words each.
    pub tests: Vec<String>,
    /// Whether somebody is to say that it goes on before the switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// What is asked after it.
    pub soak: Vec<String>,
    /// What becomes of the release that has the traffic.
    pub retire: Retire,
    /// How many seconds after it was proven.
    pub retire_after: u64,
    /// Whether it goes on with one that was begun before.
    pub goes_on: bool,
}

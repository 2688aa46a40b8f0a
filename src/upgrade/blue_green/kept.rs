//! What is kept of a roll-out while it runs, so that it goes on after a crash: how far it is, and the two ways of the traffic.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::next::Phase;
use super::traffic::Route;
use super::{Outcome, Pause, Retire, Roles, Switch};
use crate::upgrade::kept;

/// The version of what is kept. What another one says is not understood.
pub const SCHEMA_VERSION: u32 = 1;

/// A roll-out, and how it stands (docs/schema/blue-green-state.json).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kept {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The digest of what was ordered: once the traffic is switched, nothing else is gone on with.
    pub order: String,
    /// Which release had the traffic, and which gets it.
    pub roles: Roles,
    /// What leads the traffic.
    pub switch: Switch,
    /// Name and version of the chart that is rolled out.
    pub chart: String,
    /// Where the traffic went before.
    pub before: Route,
    /// Where it goes after.
    pub after: Route,
    /// The last revision of the release that had the traffic: with another one, somebody has changed it.
    pub live_revision: u32,
    /// When that was made: of a release that was installed anew the same revision is another one.
    #[serde(default)]
    pub live_made: Option<Timestamp>,
    /// Whether the other one was not installed before.
    pub first_install: bool,
    /// The revision of it that was tested.
    pub revision: Option<u32>,
    /// When that was made.
    #[serde(default)]
    pub made: Option<Timestamp>,
    /// The revision of the router from before; none without one.
    pub router_revision: Option<u32>,
    /// The one by which it was switched, where that is known: what came after it is somebody else's.
    #[serde(default)]
    pub router_made: Option<u32>,
    /// Name and version of the chart of that revision: with another one, somebody else has upgraded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router_chart: Option<String>,
    /// What becomes of the release that had the traffic.
    pub retire: Retire,
    /// How the traffic waits for somebody before it is switched, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// Who has promoted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted_by: Option<String>,
    /// How far it is.
    pub phase: Phase,
    /// Who runs it.
    pub by: String,
    /// When it began.
    pub started: Timestamp,
    /// When the traffic was switched.
    pub switched: Option<Timestamp>,
    /// When the release from before is to be retired.
    pub due: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How.
    pub outcome: Option<Outcome>,
    /// Why, one sentence.
    pub reason: Option<String>,
}

impl Kept {
    /// Reads what was kept.
    ///
    /// # Errors
    /// Why it can't be understood.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        kept::read(bytes, SCHEMA_VERSION)
    }

    /// As it is kept.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// What tells this roll-out from all others, as it stands in labels.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}-{}", self.order, self.started.as_second())
    }

    /// Whether there is something left to do of it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// Whether the traffic may have been switched already, so that it must be gone on with.
    #[must_use]
    pub fn has_switched(&self) -> bool {
        self.is_open() && !matches!(self.phase, Phase::Testing | Phase::Paused)
    }
}

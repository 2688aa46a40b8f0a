//! The guarded upgrade and rollback: look, decide, act, look again. What is decided is in [`crate::upgrade`]; here it is done.
//!
//! [`prepare`] looks, and changes nothing: what it found is shown, and confirmed. [`run`] acts. The state of a run is in the
//! cluster and not in this process: before each action the release is read again, so a run that was killed goes on when it is
//! run again, and one that somebody else overtakes stops.

mod act;
mod allowance;
mod attempts;
mod autoscaled;
mod back;
pub mod batch;
pub mod blue_green;
pub mod canary;
pub mod checklist;
mod cleanup;
mod clock;
mod cut_off;
mod evidence;
mod feed;
pub mod gates;
mod hooks;
pub mod interrupts;
mod keeper;
mod lost_nodes;
mod patience;
pub mod plan;
mod prepare;
mod pruning;
mod record;
mod rollback;
pub mod run;
pub mod scale;
mod scope;
mod veil;
mod verify;
mod watching;

use std::time::Duration;

pub use keeper::clear_lease;
pub use patience::{AWAY, patiently};
pub use prepare::{Prepared, prepare, trouble};
pub use rollback::{PreparedRollback, prepare_rollback};

use crate::chart::repository::Repositories;
use crate::command::evidence::Place;
use crate::helm::Apply;
use crate::manifest::mask::Masker;
use crate::release::retention::Keep;
use crate::storage::Storage;
use crate::upgrade::event::Event;
use crate::upgrade::judge::Patience;
use crate::upgrade::next::OnFailure;

/// Hears what happens.
pub trait Listener: Sync {
    /// Something has happened.
    fn hear(&self, event: &Event);
}

/// Where a run acts.
pub struct Seams<'a, C, H> {
    /// Where the releases are.
    pub storage: &'a Storage<C, H>,
    /// Helm.
    pub helm: &'a H,
    /// The cluster.
    pub cluster: &'a C,
    /// Hides what is secret.
    pub masker: &'a Masker,
    /// Hears what happens.
    pub listener: &'a dyn Listener,
    /// What ends the run before its time.
    pub interrupts: &'a interrupts::Interrupts,
}

/// How an upgrade is made and guarded.
#[derive(Clone, Debug)]
pub struct Options {
    /// What Helm is asked to do; its chart and flags are replaced by those that were rendered.
    pub apply: Apply,
    /// What to do where it fails.
    pub on_failure: OnFailure,
    /// How long to wait for what.
    pub patience: Patience,
    /// How long a rollback may take.
    pub rollback_timeout: Duration,
    /// How long an interrupted run may take to go back.
    pub grace: Duration,
    /// Whether what a failed upgrade has created is removed, after the evidence is kept.
    pub cleanup_on_fail: bool,
    /// What is asked before the revision is called proven.
    pub gates: gates::Gates,
    /// Which revisions stay when old ones are deleted.
    pub keep: Keep,
    /// The chart as the user named it.
    pub chart: String,
    /// Where Helm keeps the indexes of chart repositories.
    pub repositories: Repositories,
    /// Where the evidence of a failure is kept.
    pub evidence: Place,
    /// The key of the digests that stand for secrets in it.
    pub mask_key: [u8; 32],
    /// Whether the user wants to see secrets in the diff.
    pub shows_secrets: bool,
    /// Who does this.
    pub who: String,
    /// What stands in the description of the revision beside what became of it.
    pub remark: Option<String>,
    /// What the checklist is told.
    pub told: checklist::Told,
    /// The staged roll-out that it is a step of.
    pub stage: Option<Stage>,
}

/// An upgrade that is one step of a staged roll-out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The revision that a failure leads back to, whatever the marks say; `None` where there is none.
    pub target: Option<u32>,
    /// Whether it is the last step: the only one that is marked as proven, and after which old revisions are pruned.
    pub is_last: bool,
    /// The name of a label of the revision; its value names the revision, and then says this.
    pub label: Option<(&'static str, String)>,
}

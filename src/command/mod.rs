//! One file a use case: gather what is needed through the seams, decide, and report.

pub mod chart;
pub mod crds;
pub mod diagnose;
pub mod evidence;
pub mod fleet;
pub mod fleet_apis;
pub mod fleet_history;
pub mod history;
pub mod live;
pub mod needs_upgrade;
mod processes;
pub mod prune;
pub mod pull_request;
pub mod revdiff;
pub mod show;
mod source;
pub mod status;
pub mod unlock;
pub mod upgrade;
mod values;

/// Hears what a use case is at, so that a user who waits can be told. `()` tells nobody.
pub trait Stages: Sync {
    /// The next stage starts; `name` says it in a few words, as in `comparing`.
    fn stage(&self, name: &str);
}

impl Stages for () {
    fn stage(&self, _: &str) {}
}

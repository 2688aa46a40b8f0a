//! The guarded upgrade: look, decide, act, look again. What is decided is in [`crate::upgrade`]; here it is done.
//!
//! The state of a run is in the cluster and not in this process: before each action the release is read again, so a run
//! that was killed goes on when it is run again, and one that somebody else overtakes stops.

mod feed;
pub mod interrupts;
mod scope;
mod watching;

use crate::upgrade::event::Event;

/// Hears what happens.
pub trait Listener: Sync {
    /// Something has happened.
    fn hear(&self, event: &Event);
}

//! The only writer of persistent state: what a stored revision says of itself (`revision`), who is at work on a release
//! (`lease`), and how far a batch (`batch`) or a blue-green roll-out (`blue_green`) has come.

pub mod batch;
pub mod blue_green;
pub mod blue_green_flags;
pub mod canary;
mod config_map;
mod lease;
mod lease_object;
pub mod plan_file;
mod process;
mod revision;

pub use lease::{Acquired, Lease, Left, RENEW_EVERY, Renewal, acquire, acquire_after, inspect, look};
pub use lease_object::{Judged, Seen, judge_lease};
pub use process::{Holder, pid_of, shown, who};
pub use revision::{Records, Revision};

//! The decisions of a guarded upgrade, made from what was observed and from nothing else.
//!
//! [`world`] holds the watched objects. [`readiness`] says of one of them whether it is ready, and [`rules`] which signs of
//! failure it shows. [`judge`] remembers since when each sign is there, and says whether the release is ready, has failed, or is
//! still to be waited for. Above all: a wrong rollback is worse than a late verdict, so every sign has a grace, and missing
//! data is no sign.

pub mod batch;
pub mod blue_green;
pub mod canary;
pub mod diagnosis;
pub mod event;
pub mod gates;
pub mod held_up;
pub mod judge;
mod kept;
pub mod next;
pub mod plan;
pub mod readiness;
mod revision;
pub mod rules;
pub mod target;
pub mod world;

//! Whether a release is ready or has failed, told from watched objects: what a user would see, second by second.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod collected;
mod containers;
mod documented;
mod kubelet;
mod many;
mod nodes;
mod objects;
mod odd;
mod readiness;
mod rolled_out;
mod scene;
mod scope;
mod soak;
mod untouched;

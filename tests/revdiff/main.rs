//! `helm revdiff` as a user runs it: the plugin is installed into a home of Helm 3 and of Helm 4, each makes real
//! releases on a real cluster, and what the command prints is held against what `helm get` says.
//!
//! ```console
//! $ tests/cluster/testcluster with cargo test --test revdiff
//! ```
//!
//! Every test is a story: what a user typed, and what they saw. It runs once with each Helm, in a namespace of its own,
//! so that all can run at the same time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

#[macro_use]
mod stories;

mod agreement;
mod cluster;
mod environment;
mod get;
mod page;
mod postgres;
mod record;
#[allow(dead_code)] // shared with the tests of the guard
mod servers;
mod shown;
mod state;
mod user;

mod access;
mod broken;
mod changes;
mod charts;
mod diagnose;
mod documents;
mod drivers;
mod formats;
mod helms;
mod history;
mod live;
mod output;
mod overview;
mod proposed;
mod recorded;
mod releases;
mod remote_charts;
mod secrets;
mod sources;
mod switching;
mod templated;
mod thirty;

//! Canaries as a user runs them, on real clusters, with Helm 3 and Helm 4: steps that pass, fail, pause, and go on after a crash.
//!
//! ```console
//! $ tests/cluster/testcluster with cargo test --test canary
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

#[macro_use]
#[path = "../revdiff/stories.rs"]
mod stories;

#[path = "../guard/processes.rs"]
mod processes;

#[allow(dead_code)] // shared with the tests of revdiff
#[path = "../revdiff/cluster.rs"]
mod cluster;
#[allow(dead_code)]
#[path = "../revdiff/environment.rs"]
mod environment;
#[allow(dead_code)]
#[path = "../revdiff/record.rs"]
mod record;
#[allow(dead_code)]
#[path = "../guard/release.rs"]
mod release;
#[allow(dead_code)]
#[path = "../revdiff/servers.rs"]
mod servers;
#[allow(dead_code)]
#[path = "../revdiff/shown.rs"]
mod shown;
#[allow(dead_code)]
#[path = "../revdiff/user.rs"]
mod user;

mod beside;
mod course;
mod given;
mod going_on;
mod judged;
mod met;
mod web;

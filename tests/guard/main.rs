//! `helm safe-upgrade` as a user runs it, on a real cluster, with Helm 3 and Helm 4. Every test is a story: what a user typed,
//! what they saw, and how the release stands then.
//!
//! ```console
//! $ tests/cluster/testcluster with cargo test --test guard
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

#[macro_use]
#[path = "../revdiff/stories.rs"]
mod stories;

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
#[path = "../revdiff/servers.rs"]
mod servers;
#[allow(dead_code)]
#[path = "../revdiff/shown.rs"]
mod shown;
#[allow(dead_code)]
#[path = "../revdiff/user.rs"]
mod user;

mod release;

mod back;
mod bystanders;
mod cut_off;
mod failures;
mod gates;
mod healing;
mod interrupts;
mod nodes;
mod plans;
mod processes;
mod soaking;
mod terminal;
mod upgrades;
mod way;

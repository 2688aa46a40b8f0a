//! Many releases as a user sees them, on a real cluster, with Helm 3 and Helm 4: what runs where, what is behind, and what can't be
//! read.
//!
//! ```console
//! $ tests/cluster/testcluster with cargo test --test fleet
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
#[path = "../revdiff/postgres.rs"]
mod postgres;
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

mod releases;

mod access;
mod apis;
mod drivers;
mod history;
mod list;
mod needs;
mod prune;
mod versions;

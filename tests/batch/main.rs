//! Batches as a user sees them, on real clusters, with Helm 3 and Helm 4: many releases in order, what becomes of failures, and
//! going on after a crash.
//!
//! ```console
//! $ tests/cluster/testcluster with cargo test --test batch
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
#[path = "../revdiff/servers.rs"]
mod servers;
#[allow(dead_code)]
#[path = "../revdiff/shown.rs"]
mod shown;
#[allow(dead_code)]
#[path = "../revdiff/user.rs"]
mod user;

mod plans;
mod second;

mod contexts;
mod course;
mod keys;
mod refused;
mod resumed;
mod selected;
mod set;
mod shards;
mod store;

//! Blue-green roll-outs as a user sees them, on a real cluster, with Helm 3 and Helm 4: which release is live, the switch, the ways back,
//! and going on after a crash.
//!
//! ```console
//! $ tests/cluster/testcluster with cargo test --test blue_green
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

#[macro_use]
#[path = "../revdiff/stories.rs"]
mod stories;

#[path = "../guard/processes.rs"]
mod processes;

#[path = "../guard/terminal.rs"]
mod terminal;

#[allow(dead_code)] // shared with the tests of revdiff
#[path = "../revdiff/cluster.rs"]
mod cluster;
#[allow(dead_code)]
#[path = "../revdiff/environment.rs"]
mod environment;
#[allow(dead_code)]
#[path = "../revdiff/shown.rs"]
mod shown;
#[allow(dead_code)]
#[path = "../revdiff/user.rs"]
mod user;

#[allow(dead_code)]
#[path = "../revdiff/servers.rs"]
mod servers;

mod colours;

mod adopted;
mod answered;
mod clashes;
mod course;
mod paused;
mod resumed;
mod watched;
mod ways;

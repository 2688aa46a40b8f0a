//! Charts in pull requests as a reviewer sees them: a local repository, a forge on loopback, and both Helms. Nothing here asks the
//! cluster that the test is given.
//!
//! ```console
//! $ tests/cluster/testcluster with cargo test --test pull_request
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
#[path = "../revdiff/shown.rs"]
mod shown;
#[allow(dead_code)]
#[path = "../revdiff/user.rs"]
mod user;

mod forge;
mod releases;
mod repository;

mod ci;
mod review;

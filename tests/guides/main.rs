//! The guides: every command that a page in `docs/guides/` shows is run as it stands there, on a real cluster, with Helm 3 and Helm 4.
//!
//! ```console
//! $ tests/cluster/testcluster with cargo test --test guides
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

mod page;
mod pages;

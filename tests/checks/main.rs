//! The checklist of `helm safe-upgrade check` as a user sees it, on a real cluster, with Helm 3 and Helm 4: what passes, what is
//! found, and what can't be known.
//!
//! ```console
//! $ tests/cluster/testcluster with cargo test --test checks
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

mod findings;

mod apis;
mod back;
mod capacity;
mod chart;
mod crds;
mod deletions;
mod disruption;
mod elsewhere;
mod hooks;
mod images;
mod list;
mod objects;
mod peers;
mod references;
mod release_state;
mod rights;
mod security;
mod unseen;
mod values;
mod window;

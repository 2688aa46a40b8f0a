//! The cluster client against a real API server: `tests/cluster/testcluster with cargo test --test cluster_client`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod reading;
mod server;

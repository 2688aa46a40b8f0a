//! The cluster client against a real API server: `tests/cluster/testcluster with cargo test --test cluster_client`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod as_helm;
mod plugins;
mod pod;
mod reading;
mod rights;
mod server;
mod trust;

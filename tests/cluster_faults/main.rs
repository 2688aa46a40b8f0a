//! What the cluster client does when a server is slow, broken or no API server at all. A small server on loopback
//! plays the part, so this needs no cluster.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod crds;
mod leases;
mod lists;
mod live;
mod network;
mod releases;
mod requests;
mod retries;
mod rollouts;
mod server;

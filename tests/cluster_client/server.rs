//! The API server that the tests run against, and objects to read from it.

use std::env;
use std::ffi::OsString;

use helm_safe_upgrade::cluster::{Connection, KubeCluster};

/// A connection as the test cluster's administrator.
pub(crate) fn admin() -> Connection {
    let kubeconfig = env::var_os("KUBECONFIG").filter(|_| env::var_os("HSU_TEST_CLUSTER").is_some());
    let kubeconfig: OsString = kubeconfig.expect(
        "KUBECONFIG and HSU_TEST_CLUSTER are not set: run this with tests/cluster/testcluster with cargo test --test cluster_client",
    );
    Connection { kubeconfig: Some(kubeconfig), ..Connection::default() }
}

pub(crate) async fn connect(connection: &Connection) -> KubeCluster {
    KubeCluster::connect(connection).await.expect("a client")
}

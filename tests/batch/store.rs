//! The state of a batch in a ConfigMap, and answers of the API server that are lost.

use helm_safe_upgrade::cluster::{Connection, KubeCluster};
use helm_safe_upgrade::error::Kind;
use helm_safe_upgrade::record::batch::Store;

use crate::user::User;

stories![a_write_whose_answer_was_lost_is_ours_and_that_of_another_is_not];

async fn store(user: &User) -> Store<KubeCluster> {
    let kubeconfig = Some(user.folder.join("kubeconfig").into_os_string());
    let connection = Connection { kubeconfig, namespace: Some(user.namespace.clone()), ..Connection::default() };
    let cluster = KubeCluster::connect_in(&connection, &Default::default()).await.unwrap();
    Store::config_map(cluster, (user.namespace.clone(), "batch".to_owned()), "batch".to_owned())
}

fn a_write_whose_answer_was_lost_is_ours_and_that_of_another_is_not(user: &User) {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let (ours, lost) = (store(user).await, store(user).await);
        // What was written without our hearing of it, once as a new object and once as a change, is tried again.
        lost.write(b"one").await.unwrap();
        ours.write(b"one").await.unwrap();
        lost.write(b"two").await.unwrap();
        ours.write(b"two").await.unwrap();
        ours.write(b"three").await.unwrap();
        let error = lost.write(b"four").await.unwrap_err();
        assert_eq!(error.kind, Kind::Locked, "{error}");
        assert_eq!(lost.write(b"four").await.unwrap_err().kind, Kind::Locked, "also the second time");
        assert_eq!(ours.read().await.unwrap().unwrap(), b"three");
    });
}

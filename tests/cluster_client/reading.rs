//! What can be read.

use helm_safe_upgrade::cluster::{Cluster, ClusterError, ListQuery, ObjectRef, Resource};

use crate::server::{admin, connect};

#[tokio::test]
async fn the_version_is_the_servers() {
    let version = connect(&admin()).await.version().await.unwrap();
    assert!(version.starts_with("v1."), "{version}");
}

#[tokio::test]
async fn metadata_of_config_maps() {
    let cluster = connect(&admin()).await;
    let query = ListQuery { resource: Resource::CONFIG_MAPS, namespace: None, label_selector: None };
    let found = cluster.list_metadata(&query).await.unwrap();
    assert!(found.iter().any(|meta| meta.name.as_deref() == Some("kube-root-ca.crt")), "{found:?}");
    let object = ObjectRef {
        resource: Resource::CONFIG_MAPS,
        namespace: Some("default".to_owned()),
        name: "kube-root-ca.crt".to_owned(),
    };
    let body = cluster.get(&object).await.unwrap();
    assert!(String::from_utf8(body).unwrap().contains("BEGIN CERTIFICATE"));
}

#[tokio::test]
async fn a_missing_object_is_named() {
    let object =
        ObjectRef { resource: Resource::SECRETS, namespace: Some("default".to_owned()), name: "none".to_owned() };
    let error = connect(&admin()).await.get(&object).await.unwrap_err();
    assert_eq!(error.to_string(), "secret \"none\" not found in namespace \"default\"");
    assert!(matches!(error, ClusterError::NotFound { .. }));
}

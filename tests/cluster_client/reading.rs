//! Objects and lists.

use helm_safe_upgrade::cluster::{Cluster, ClusterError, ListQuery, Resource};
use serde_json::{Value, json};

use crate::server::{cluster, create, create_many, namespace, secret, secrets, url};

#[tokio::test]
async fn the_version_is_the_servers() {
    let admin = cluster("admin").await;
    let version = admin.version().await.unwrap();
    assert!(version.starts_with("v1."), "{version}");
    assert_eq!((admin.server(), admin.namespace()), (url().as_str(), "default"));
}

#[tokio::test]
async fn a_list_of_several_pages_is_complete_and_in_order() {
    let namespace = namespace("pages");
    let names: Vec<_> = (0..1_203).map(|number| format!("c{number:04}")).collect();
    let maps: Vec<_> = names.iter().map(|name| json!({"metadata": {"name": name}, "data": {"k": "v"}})).collect();
    create_many(&format!("/api/v1/namespaces/{namespace}/configmaps"), &maps);
    let query = ListQuery { resource: Resource::CONFIG_MAPS, namespace: Some(namespace), label_selector: None };
    let found = cluster("admin").await.list_metadata(&query).await.unwrap();
    let found: Vec<_> = found.into_iter().filter_map(|meta| meta.name).filter(|name| name.starts_with('c')).collect();
    assert_eq!(found, names);
}

#[tokio::test]
async fn an_empty_list_is_empty() {
    let namespace = namespace("empty");
    assert_eq!(cluster("admin").await.list_metadata(&secrets(&namespace)).await.unwrap(), []);
    assert_eq!(cluster("admin").await.list_metadata(&secrets("no-such-namespace")).await.unwrap(), []);
}

#[tokio::test]
async fn labels_select() {
    let namespace = namespace("labels");
    for (name, owner) in [("a", "helm"), ("b", "helm"), ("c", "other")] {
        let metadata = json!({"name": name, "labels": {"owner": owner, "name": "web"}});
        create(&format!("/api/v1/namespaces/{namespace}/secrets"), &json!({"metadata": metadata}));
    }
    let selector = Some("owner=helm,name in (web)".to_owned());
    let query = ListQuery { label_selector: selector, ..secrets(&namespace) };
    let admin = cluster("admin").await;
    let found = admin.list_metadata(&query).await.unwrap();
    assert_eq!(found.iter().filter_map(|meta| meta.name.as_deref()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(found[0].labels.as_ref().unwrap()["owner"], "helm");
    assert!(found[0].uid.is_some() && found[0].resource_version.is_some());
    // In all namespaces it is found too.
    let everywhere = ListQuery { namespace: None, ..query };
    assert!(
        admin.list_metadata(&everywhere).await.unwrap().iter().any(|meta| meta.namespace.as_ref() == Some(&namespace))
    );
}

#[tokio::test]
async fn a_selector_that_is_none_is_the_servers_error() {
    let query = ListQuery { label_selector: Some("a in in".to_owned()), ..secrets("default") };
    let error = cluster("admin").await.list_metadata(&query).await.unwrap_err();
    let expected = format!("cannot list secrets in namespace \"default\": {} answered 400: ", url());
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[tokio::test]
async fn a_large_object_comes_whole() {
    let namespace = namespace("large");
    let payload: String = (0..1_000_000_u32).map(|number| char::from(b'a' + (number % 26) as u8)).collect();
    let object = json!({"metadata": {"name": "big"}, "stringData": {"release": payload}});
    create(&format!("/api/v1/namespaces/{namespace}/secrets"), &object);
    let admin = cluster("admin").await;
    let big = secret(&namespace, "big");
    let (first, second) = tokio::join!(admin.get(&big), admin.get(&big));
    for body in [first.unwrap(), second.unwrap()] {
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["kind"], "Secret");
        let expected = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &payload);
        assert!(body["data"]["release"] == expected.as_str());
    }
}

#[tokio::test]
async fn a_missing_object_is_named() {
    let error = cluster("admin").await.get(&secret("default", "none")).await.unwrap_err();
    assert_eq!(error.to_string(), "secret \"none\" not found in namespace \"default\"");
}

#[tokio::test]
async fn a_kind_that_the_server_does_not_serve() {
    let mut object = secret("default", "none");
    object.resource.group = "no.example".into();
    let error = cluster("admin").await.get(&object).await.unwrap_err();
    assert!(matches!(error, ClusterError::NotServed { .. } | ClusterError::NotKubernetes { .. }), "{error:?}");
    assert!(error.to_string().contains("secret \"none\" in namespace \"default\""), "{error}");
}

#[tokio::test]
async fn a_client_outlives_many_requests() {
    let admin = cluster("admin").await;
    for _ in 0..50 {
        admin.version().await.unwrap();
    }
}

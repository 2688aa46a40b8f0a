//! Who may do what, and what is said when someone may not.

use helm_safe_upgrade::cluster::{Cluster, ClusterError, Connection, ListQuery};
use serde_json::json;

use crate::server::{
    Folder, cluster, connect, connection, create, let_viewer, namespace, secret, secrets, token, trusted, url, who,
};

#[tokio::test]
async fn a_list_that_is_not_allowed_names_the_missing_right() {
    let error = cluster("nobody").await.list_metadata(&secrets("web")).await.unwrap_err();
    assert_eq!(error.to_string(), "user \"nobody\" cannot list resource \"secrets\" in namespace \"web\"");
    assert_eq!(
        error.hint().as_deref(),
        Some("ask for a Role in namespace \"web\" with verbs [get list] on secrets, bound to \"nobody\"")
    );
}

#[tokio::test]
async fn a_list_of_all_namespaces_needs_a_cluster_role() {
    let query = ListQuery { namespace: None, ..secrets("") };
    let error = cluster("nobody").await.list_metadata(&query).await.unwrap_err();
    assert_eq!(error.to_string(), "user \"nobody\" cannot list resource \"secrets\" in the whole cluster");
    assert_eq!(
        error.hint().as_deref(),
        Some("ask for a ClusterRole with verbs [get list] on secrets, bound to \"nobody\"")
    );
}

#[tokio::test]
async fn list_without_get_lists_and_says_what_get_needs() {
    let namespace = namespace("list-only");
    create(&format!("/api/v1/namespaces/{namespace}/secrets"), &json!({"metadata": {"name": "a"}}));
    let_viewer(&namespace, &["list"]);
    let viewer = cluster("viewer").await;
    assert_eq!(viewer.list_metadata(&secrets(&namespace)).await.unwrap().len(), 1);
    let error = viewer.get(&secret(&namespace, "a")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("user \"viewer\" cannot get resource \"secrets\" \"a\" in namespace \"{namespace}\"")
    );
}

#[tokio::test]
async fn get_and_list_are_enough() {
    let namespace = namespace("get-list");
    create(&format!("/api/v1/namespaces/{namespace}/secrets"), &json!({"metadata": {"name": "a"}}));
    let_viewer(&namespace, &["get", "list"]);
    let viewer = cluster("viewer").await;
    assert_eq!(viewer.list_metadata(&secrets(&namespace)).await.unwrap().len(), 1);
    viewer.get(&secret(&namespace, "a")).await.unwrap();
}

#[tokio::test]
async fn a_token_that_is_not_known_is_told_apart_from_a_missing_right() {
    let folder = Folder::new();
    let connection = folder.connection(&trusted(), &json!({"token": "expired-0123"}));
    let error = connect(&connection).await.get(&secret("default", "a")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot get secret \"a\" in namespace \"default\": {} does not accept the credentials of user \"u\" of \
            the kubeconfig",
            url()
        )
    );
    assert_eq!(error.hint().as_deref(), Some("the credentials may have expired: log in to the cluster again"));
    assert!(!format!("{error:?}").contains("expired-0123"));
}

#[tokio::test]
async fn without_credentials_the_hint_is_about_credentials() {
    let folder = Folder::new();
    let anonymous = connect(&folder.connection(&trusted(), &json!({}))).await;
    let error = anonymous.get(&secret("default", "a")).await.unwrap_err();
    assert!(matches!(error, ClusterError::Forbidden(_)), "{error:?}");
    assert_eq!(
        error.hint().as_deref(),
        Some("the server got no credentials; check the user of the kubeconfig's context")
    );
}

#[tokio::test]
async fn credentials_of_a_kubeconfig() {
    let folder = Folder::new();
    let (certificate, key) = folder.certificate("carol");
    let file = folder.write("token", &format!("{}\n", token("viewer")));
    folder.write("relative/token", &token("viewer"));
    let inline =
        |path: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, std::fs::read(path).unwrap());
    let cases = [
        (json!({"token": token("viewer")}), "viewer"),
        (json!({"tokenFile": file}), "viewer"),
        (json!({"tokenFile": "relative/token"}), "viewer"),
        (json!({"client-certificate": certificate, "client-key": key}), "carol"),
        (json!({"client-certificate": "client.crt", "client-key": "client.key"}), "carol"),
        (json!({"client-certificate-data": inline(&certificate), "client-key-data": inline(&key)}), "carol"),
    ];
    for (user, expected) in cases {
        let cluster = connect(&folder.connection(&trusted(), &user)).await;
        assert_eq!(who(&cluster).await.unwrap(), expected, "{user}");
    }
}

#[tokio::test]
async fn a_client_certificate_without_extensions_is_shown_too() {
    let folder = Folder::new();
    let (certificate, key) = folder.old_certificate("carol");
    let user = json!({"client-certificate": certificate, "client-key": key});
    assert_eq!(who(&connect(&folder.connection(&trusted(), &user)).await).await.unwrap(), "carol");
}

#[tokio::test]
async fn a_token_file_that_is_replaced_is_read_again_when_the_server_refuses_the_old_one() {
    let folder = Folder::new();
    let file = folder.write("token", "old");
    let cluster = connect(&folder.connection(&trusted(), &json!({"tokenFile": file}))).await;
    assert!(matches!(who(&cluster).await.unwrap_err(), ClusterError::Unauthorized { .. }));
    folder.write("token", &token("viewer"));
    assert_eq!(who(&cluster).await.unwrap(), "viewer");
}

#[tokio::test]
async fn acting_as_another_user() {
    let intern = Connection { as_user: Some("intern".to_owned()), ..connection("admin") };
    assert_eq!(who(&connect(&intern).await).await.unwrap(), "intern");
    let groups = vec!["all".to_owned(), "system:masters".to_owned()];
    let master = Connection { as_groups: groups, ..intern };
    assert_eq!(who(&connect(&master).await).await.unwrap(), "admin");
}

#[tokio::test]
async fn acting_as_another_user_without_the_right_to() {
    let connection = Connection { as_user: Some("boss".to_owned()), ..connection("nobody") };
    let error = connect(&connection).await.get(&secret("default", "a")).await.unwrap_err();
    assert_eq!(error.to_string(), "user \"nobody\" cannot impersonate resource \"users\" in the whole cluster");
    assert_eq!(
        error.hint().as_deref(),
        Some("ask for a ClusterRole with verbs [impersonate] on users, bound to \"nobody\"")
    );
}

#[tokio::test]
async fn a_name_that_cannot_be_sent_is_refused_before_anything_is_sent() {
    let connection = Connection { as_user: Some("a\nb".to_owned()), ..connection("admin") };
    let error = helm_safe_upgrade::cluster::KubeCluster::connect(&connection).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "cannot connect to the cluster: the user or group to act as holds a character that cannot be sent"
    );
    let connection = Connection { token: Some("a\nb".into()), ..connection_of_nobody() };
    let error = helm_safe_upgrade::cluster::KubeCluster::connect(&connection).await.err().unwrap();
    assert!(matches!(error, ClusterError::Credentials { .. }), "{error:?}");
    assert!(!error.to_string().contains("a\nb"), "{error}");
}

fn connection_of_nobody() -> Connection {
    connection("nobody")
}

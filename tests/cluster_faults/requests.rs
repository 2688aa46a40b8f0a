//! What is sent.

use std::time::{Duration, Instant};

use helm_safe_upgrade::cluster::{Cluster, ClusterError, Connection, ListQuery, Resource};

use crate::server::{Answer, Server, connect, secret, secrets};

fn ok() -> Server {
    Server::start(|_, _| Answer::json("{}"))
}

#[tokio::test]
async fn connecting_makes_no_request() {
    let server = ok();
    let cluster = server.cluster().await;
    assert_eq!((cluster.server(), cluster.namespace()), (server.url().as_str(), "default"));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn one_after_the_other_share_a_connection_and_two_at_once_do_not() {
    let server = ok();
    let cluster = server.cluster().await;
    for _ in 0..5 {
        cluster.get(&secret("a")).await.unwrap();
    }
    assert_eq!(server.connections(), 1);

    let server = Server::start(|_, _| {
        std::thread::sleep(Duration::from_millis(200));
        Answer::json("{}")
    });
    let cluster = server.cluster().await;
    let (a, b) = (secret("a"), secret("b"));
    let (first, second) = tokio::join!(cluster.get(&a), cluster.get(&b));
    first.unwrap();
    second.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_meanwhile_is_replaced() {
    let server = Server::start(|_, _| Answer::Full(200, "Connection: close\r\n", b"{}".to_vec()));
    let cluster = server.cluster().await;
    for _ in 0..3 {
        cluster.get(&secret("a")).await.unwrap();
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn paths_of_objects() {
    let server = ok();
    let cluster = server.cluster().await;
    cluster.get(&secret("sh.helm.release.v1.web.v1")).await.unwrap();
    let mut object = secret("crd:with:colons");
    object.resource = Resource {
        group: "rbac.authorization.k8s.io".into(),
        version: "v1".into(),
        plural: "clusterroles".into(),
        kind: "ClusterRole".into(),
    };
    object.namespace = None;
    cluster.get(&object).await.unwrap();
    let everywhere = ListQuery { resource: Resource::CONFIG_MAPS, namespace: None, label_selector: None };
    cluster.list_metadata(&everywhere).await.unwrap();
    let lines: Vec<_> = server.requests().iter().map(|head| head.lines().next().unwrap().to_owned()).collect();
    assert_eq!(
        lines,
        [
            "GET /api/v1/namespaces/web/secrets/sh.helm.release.v1.web.v1 HTTP/1.1",
            "GET /apis/rbac.authorization.k8s.io/v1/clusterroles/crd%3Awith%3Acolons HTTP/1.1",
            "GET /api/v1/configmaps?limit=500 HTTP/1.1",
        ]
    );
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_not_sent() {
    let server = ok();
    let cluster = server.cluster().await;
    for name in ["", ".", "..", "a/b", "a%2fb"] {
        let error = cluster.get(&secret(name)).await.unwrap_err();
        assert!(matches!(error, ClusterError::NotFound { .. }), "{name:?}: {error:?}");
        let mut query = secrets(None);
        query.namespace = Some(name.to_owned());
        let error = cluster.list_metadata(&query).await.unwrap_err();
        assert!(matches!(error, ClusterError::InvalidConnection { .. }), "{name:?}: {error:?}");
    }
    assert!(server.requests().is_empty(), "{:?}", server.requests());
    cluster.get(&secret("a?b#c d")).await.unwrap();
    assert!(server.requests()[0].starts_with("GET /api/v1/namespaces/web/secrets/a%3Fb%23c%20d HTTP"));
}

#[tokio::test]
async fn a_path_before_the_api_is_kept() {
    let server = ok();
    let connection = Connection { api_server: Some(format!("{}/k8s/c-1/", server.url())), ..server.connection() };
    let cluster = connect(&connection).await;
    cluster.version().await.unwrap_err();
    assert!(server.requests()[0].starts_with("GET /k8s/c-1/version HTTP/1.1"), "{:?}", server.requests());
    assert_eq!(cluster.server(), format!("{}/k8s/c-1", server.url()));
}

#[tokio::test]
async fn a_token_is_not_sent_where_anyone_can_read_it_and_impersonation_is() {
    let server = ok();
    let connection = Connection {
        token: Some("secret-token".into()),
        as_user: Some("boss".to_owned()),
        as_groups: vec!["chiefs".to_owned(), "all".to_owned()],
        ..server.connection()
    };
    connect(&connection).await.get(&secret("a")).await.unwrap();
    let head = server.requests().remove(0).to_lowercase();
    assert!(!head.contains("authorization") && !head.contains("secret-token"), "{head}");
    assert!(head.contains("impersonate-user: boss\r\n"), "{head}");
    assert!(head.contains("impersonate-group: chiefs\r\n") && head.contains("impersonate-group: all\r\n"), "{head}");
    assert!(head.contains("user-agent: helm-safe-upgrade/"), "{head}");
    assert!(!head.contains("accept-encoding"), "{head}");
}

#[tokio::test]
async fn the_rate_is_limited() {
    let server = ok();
    let cluster = connect(&Connection { qps: 10.0, burst: 2, ..server.connection() }).await;
    let started = Instant::now();
    for _ in 0..5 {
        cluster.get(&secret("a")).await.unwrap();
    }
    assert!(started.elapsed() >= Duration::from_millis(290), "{:?}", started.elapsed());
}

#[tokio::test]
async fn waiting_for_the_rate_is_not_a_timeout() {
    let server = ok();
    // The second waits for two seconds before it is sent.
    let request_timeout = Duration::from_millis(1500);
    let cluster = connect(&Connection { qps: 0.5, burst: 1, request_timeout, ..server.connection() }).await;
    cluster.get(&secret("a")).await.unwrap();
    cluster.get(&secret("a")).await.unwrap();
}

//! Servers that are not there, and proxies.

use std::time::{Duration, Instant};

use helm_safe_upgrade::cluster::{Cluster, ClusterError, Connection, Environment, KubeCluster};

use crate::server::{Answer, Server, connect, secret};

#[tokio::test]
async fn a_server_that_is_gone_is_reported_at_once() {
    // Nothing listens there, and nothing is given it.
    let url = "https://127.0.0.1:1".to_owned();
    let connection = Connection {
        kubeconfig: Some("/nonexistent/kubeconfig".into()),
        api_server: Some(url.clone()),
        insecure_skip_tls_verify: true,
        ..Connection::default()
    };
    let cluster = connect(&connection).await;
    let started = Instant::now();
    let error = cluster.get(&secret("a")).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(error.to_string(), format!("cannot reach the API server at {url}: connection refused"));
    assert_eq!(error.hint().as_deref(), Some("check that the cluster runs and that this machine may reach it"));
}

/// A server that is its own proxy.
fn proxy() -> Server {
    Server::start(|_, head| match head.starts_with("CONNECT ") {
        true => Answer::Tunnel,
        false => Answer::json("{}"),
    })
}

async fn through(environment: &Environment, server: &str) -> Result<Vec<u8>, ClusterError> {
    let connection = Connection {
        kubeconfig: Some("/nonexistent/kubeconfig".into()),
        api_server: Some(server.to_owned()),
        request_timeout: Duration::from_secs(2),
        ..Connection::default()
    };
    KubeCluster::connect_in(&connection, environment).await.unwrap().get(&secret("a")).await
}

#[tokio::test]
async fn the_proxy_of_the_environment_is_used() {
    let proxy = proxy();
    let url = proxy.url().replace("http://", "http://joe:pa%40ss@");
    let environment = Environment { http_proxy: Some(url.into()), ..Environment::default() };
    through(&environment, "http://far.example:8001").await.unwrap();
    let requests = proxy.requests();
    assert!(requests[0].starts_with("CONNECT far.example:8001 HTTP/1.1"), "{requests:?}");
    // joe:pa@ss
    assert!(requests[0].contains("Basic am9lOnBhQHNz"), "{requests:?}");
    assert!(requests[1].starts_with("GET /api/v1/namespaces/web/secrets/a HTTP/1.1"), "{requests:?}");
    assert!(!requests[1].contains("am9lOnBhQHNz"), "{requests:?}");
}

#[tokio::test]
async fn the_proxy_of_a_kubeconfig_is_used() {
    let proxy = proxy();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    let text = format!(
        "{{current-context: c, contexts: [{{name: c, context: {{cluster: k}}}}], clusters: \
        [{{name: k, cluster: {{server: 'http://127.0.0.9', proxy-url: '{}'}}}}]}}",
        proxy.url()
    );
    std::fs::write(&kubeconfig, text).unwrap();
    let connection = Connection { kubeconfig: Some(kubeconfig.into()), ..Connection::default() };
    connect(&connection).await.get(&secret("a")).await.unwrap();
    assert!(proxy.requests()[0].starts_with("CONNECT 127.0.0.9:80 HTTP/1.1"), "{:?}", proxy.requests());
}

#[tokio::test]
async fn no_proxy_leads_past_the_proxy() {
    let (proxy, server) = (proxy(), proxy());
    let environment = Environment { http_proxy: Some(proxy.url().into()), ..Environment::default() };
    through(&environment, &server.url()).await.unwrap();
    assert!(proxy.requests().is_empty(), "{:?}", proxy.requests());
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_told_from_a_server_that_is_gone() {
    let proxy = Server::start(|_, _| Answer::Full(407, "", Vec::new()));
    let url = proxy.url().replace("http://", "http://joe:pa55@");
    let environment = Environment { http_proxy: Some(url.into()), ..Environment::default() };
    let error = through(&environment, "http://far.example").await.unwrap_err();
    let text = format!("{error} {error:?} {:?}", error.hint());
    assert!(matches!(error, ClusterError::Unreachable { .. }), "{text}");
    assert!(text.contains("proxy"), "{text}");
    assert!(!text.contains("pa55"), "{text}");
}

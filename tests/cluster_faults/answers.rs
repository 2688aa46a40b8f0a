//! Answers that no API server gives.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use helm_safe_upgrade::cluster::{Cluster, ClusterError, Connection, Environment, KubeCluster};

use crate::server::{Answer, Server, connect, secret, secrets};

async fn get_error(answer: fn() -> Answer) -> (ClusterError, String) {
    let server = Server::start(move |_, _| answer());
    let error = server.cluster().await.get(&secret("a")).await.unwrap_err();
    let text = error.to_string().replace(&server.url(), "SERVER");
    (error, text)
}

#[tokio::test]
async fn a_page_of_a_proxy_is_called_what_it_is() {
    let page = || Answer::html(200, "<!doctype html><html><title>Company\u{1b}[5m login</title></html>");
    let (error, text) = get_error(page).await;
    assert_eq!(
        text,
        "cannot get secret \"a\" in namespace \"web\": SERVER does not answer as an API server does: \
        the page \"Company[5m login\""
    );
    assert!(error.hint().unwrap().contains("whether a proxy or a login page stands before it"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let redirect = || Answer::Full(302, "Location: http://127.0.0.1:1/login\r\n", Vec::new());
    let (_, text) = get_error(redirect).await;
    assert_eq!(
        text,
        "cannot get secret \"a\" in namespace \"web\": SERVER does not answer as an API server does: \
        status 302 with an empty answer"
    );
}

#[tokio::test]
async fn a_load_balancer_without_servers_is_a_server_error() {
    let (_, text) = get_error(|| Answer::html(503, "<html>no healthy upstream</html>")).await;
    assert_eq!(text, "cannot get secret \"a\" in namespace \"web\": SERVER answered 503: service unavailable");
}

#[tokio::test]
async fn an_empty_answer_is_none() {
    let (error, _) = get_error(|| Answer::json("")).await;
    assert!(matches!(error, ClusterError::NotKubernetes { .. }), "{error:?}");
    let (error, _) = get_error(|| Answer::json("[1]")).await;
    assert!(matches!(error, ClusterError::NotKubernetes { .. }), "{error:?}");
}

#[tokio::test]
async fn json_of_another_form_is_no_list() {
    for body in ["{\"items\":5}", "{\"items\":[{}]}", "{\"items\":[", "{\"items\":[{\"metadata\":{\"name\":7}}]}"] {
        let server = Server::start(move |_, _| Answer::json(body));
        let error = server.cluster().await.list_metadata(&secrets(None)).await.unwrap_err();
        assert!(matches!(error, ClusterError::NotKubernetes { .. }), "{body}: {error:?}");
        assert!(error.to_string().starts_with("cannot list secrets in namespace \"web\""), "{error}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let (error, text) = get_error(|| Answer::Endless((64 << 20) + 1)).await;
    assert!(matches!(error, ClusterError::TooLarge { .. }), "{error:?}");
    assert_eq!(text, "cannot get secret \"a\" in namespace \"web\": the answer of SERVER is larger than 64 MiB");
}

#[tokio::test]
async fn the_largest_answer_is_taken() {
    let server = Server::start(|_, _| Answer::Endless(64 << 20));
    let cluster = server.cluster_within(Duration::from_secs(20)).await;
    assert_eq!(cluster.get(&secret("a")).await.unwrap().len(), 64 << 20);
}

#[tokio::test]
async fn a_refusal_without_end_is_cut_off() {
    let (error, text) = get_error(|| Answer::Full(403, "Content-Type: text/plain\r\n", vec![b'x'; 2 << 20])).await;
    assert!(matches!(error, ClusterError::NotKubernetes { .. }), "{error:?}");
    assert!(text.len() < 1000, "{}", text.len());
    let (error, text) = get_error(|| Answer::status(403, &"x".repeat(100_000))).await;
    assert!(matches!(error, ClusterError::Forbidden(_)), "{error:?}");
    assert!(text.len() < 1000, "{}", text.len());
}

#[tokio::test]
async fn a_small_answer_that_unpacks_without_end_is_cut_off() {
    // Packed answers are asked for only from afar, so this one comes through a proxy.
    let bomb = packed(65 << 20);
    let server = Server::start(move |_, head| match head.starts_with("CONNECT ") {
        true => Answer::Tunnel,
        false => Answer::Full(200, "Content-Encoding: gzip\r\n", bomb.clone()),
    });
    let environment = Environment { http_proxy: Some(server.url().into()), ..Environment::default() };
    let connection = Connection {
        api_server: Some("http://far.example".to_owned()),
        request_timeout: Duration::from_secs(20),
        ..server.connection()
    };
    let cluster = KubeCluster::connect_in(&connection, &environment).await.unwrap();
    let error = cluster.get(&secret("a")).await.unwrap_err();
    assert!(matches!(error, ClusterError::TooLarge { .. }), "{error:?}");
    assert!(server.requests()[1].to_lowercase().contains("accept-encoding: gzip"), "{:?}", server.requests());
}

/// This many bytes, all `{`, as gzip.
fn packed(length: usize) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&vec![b'{'; length]).unwrap();
    gzip.finish().unwrap()
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_named() {
    let server = Server::start(|_, _| Answer::json("{}"));
    let url = server.url().replace("http://", "https://");
    let connection =
        Connection { api_server: Some(url.clone()), insecure_skip_tls_verify: true, ..server.connection() };
    let error = connect(&connection).await.get(&secret("a")).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot trust the API server at {url}: it does not speak TLS"));
    assert_eq!(error.hint(), Some(format!("use {} if that is meant", server.url())));
}

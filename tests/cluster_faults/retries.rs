//! When a request is made again, and when not.

use std::time::{Duration, Instant};

use helm_safe_upgrade::cluster::{Cluster, ClusterError};

use crate::server::{Answer, Server, secret};

/// A server that fails this often before it answers.
fn failing(times: usize, failure: impl Fn() -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |number, _| if number < times { failure() } else { Answer::json("{\"ok\":true}") })
}

#[tokio::test]
async fn a_server_that_recovers_is_not_noticed() {
    for code in [429, 500, 502, 503, 504] {
        let server = failing(2, move || Answer::status(code, "etcdserver: leader changed"));
        let body = server.cluster().await.get(&secret("a")).await.unwrap();
        assert_eq!(body, b"{\"ok\":true}", "{code}");
        assert_eq!(server.requests().len(), 3, "{code}");
    }
}

#[tokio::test]
async fn a_lost_connection_is_made_again() {
    for failure in [|| Answer::Drop, || Answer::Cut] {
        let server = failing(2, failure);
        let body = server.cluster().await.get(&secret("a")).await.unwrap();
        assert_eq!(body, b"{\"ok\":true}");
        assert_eq!(server.requests().len(), 3);
    }
}

#[tokio::test]
async fn a_server_that_stays_broken_is_asked_four_times() {
    let server = failing(usize::MAX, || Answer::status(500, "etcd is\u{1b}[31m gone"));
    let error = server.cluster().await.get(&secret("a")).await.unwrap_err();
    let expected =
        format!("cannot get secret \"a\" in namespace \"web\": {} answered 500: etcd is[31m gone", server.url());
    assert_eq!(error.to_string(), expected);
    assert_eq!(server.requests().len(), 4);

    let server = failing(usize::MAX, || Answer::Drop);
    let error = server.cluster().await.get(&secret("a")).await.unwrap_err();
    assert!(matches!(error, ClusterError::ConnectionLost { .. }), "{error:?}");
    assert!(error.to_string().contains(&server.url()), "{error}");
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn other_refusals_are_final() {
    for code in [400, 401, 403, 404, 405, 409, 410, 422, 501] {
        let server = failing(usize::MAX, move || Answer::status(code, "no"));
        server.cluster().await.get(&secret("a")).await.unwrap_err();
        assert_eq!(server.requests().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn the_server_says_how_long_to_wait() {
    let server = failing(1, || Answer::Full(429, "Retry-After: 1\r\n", Vec::new()));
    let started = Instant::now();
    server.cluster().await.get(&secret("a")).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    let server = failing(1, || Answer::Full(429, "Retry-After: 60\r\n", Vec::new()));
    let started = Instant::now();
    let error = server.cluster().await.get(&secret("a")).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    let expected = format!("cannot get secret \"a\" in namespace \"web\": {} is too busy", server.url());
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_silent_server_is_given_up_at_the_deadline() {
    for silence in [|| Answer::Hang, || Answer::Trickle] {
        let server = failing(usize::MAX, silence);
        let cluster = server.cluster_within(Duration::from_millis(300)).await;
        let started = Instant::now();
        let error = cluster.get(&secret("a")).await.unwrap_err();
        let elapsed = started.elapsed();
        assert!(elapsed >= Duration::from_millis(300) && elapsed < Duration::from_secs(5), "{elapsed:?}");
        let expected =
            format!("cannot get secret \"a\" in namespace \"web\": no answer from {} within 0.3 s", server.url());
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn the_deadline_holds_for_all_attempts_together() {
    let server = Server::start(|_, _| {
        std::thread::sleep(Duration::from_millis(300));
        Answer::Drop
    });
    // Each attempt alone would end in time.
    let cluster = server.cluster_within(Duration::from_millis(500)).await;
    let error = cluster.get(&secret("a")).await.unwrap_err();
    assert!(matches!(error, ClusterError::Timeout { .. }), "{error:?}");
}

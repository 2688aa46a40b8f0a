//! The state of a roll-out when answers are lost: what was written is ours, and what somebody else has written is not. And the pods of
//! its releases, which a moment without an answer must not leave too few.

use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use helm_safe_upgrade::error::Kind;
use helm_safe_upgrade::execute::scale::{replicas, scale};
use helm_safe_upgrade::record::blue_green::Store;
use helm_safe_upgrade::record::canary;
use serde_json::json;

use crate::server::{Answer, Server};

/// A ConfigMap with this text, in this version.
fn config_map(text: &str, version: &str) -> Answer {
    Answer::json(&json!({"metadata": {"resourceVersion": version}, "data": {"blue-green.json": text}}).to_string())
}

/// A server that holds version 1, takes in the second write and loses its answer, and then has this text.
fn loses_an_answer(then: &'static str) -> Server {
    Server::start(move |_, head| match head.split(' ').next() {
        Some("POST") => config_map("one", "1"),
        Some("PUT") if head.contains(r#""resourceVersion":"1""#) => Answer::status(409, "the object has been modified"),
        Some("PUT") => config_map("three", "3"),
        _ => config_map(then, "2"),
    })
}

#[tokio::test]
async fn what_was_written_is_ours_though_its_answer_was_lost() {
    let server = loses_an_answer("two");
    let cluster = server.cluster().await;
    let store = Store::of(&cluster, "web", ("a", "b"));
    store.write(b"one").await.unwrap();
    store.write(b"two").await.unwrap();
    // The next write replaces what was found, and nothing older.
    store.write(b"three").await.unwrap();
    assert!(server.requests().last().unwrap().contains(r#""resourceVersion":"2""#), "{:?}", server.requests());
}

/// The same of a canary, which is kept in a Secret.
#[tokio::test]
async fn what_was_written_of_a_canary_is_ours_though_its_answer_was_lost() {
    let secret = |text: &str, version: &str| {
        let data = json!({"canary.json": STANDARD.encode(text)});
        Answer::json(&json!({"metadata": {"resourceVersion": version}, "data": data}).to_string())
    };
    let server = Server::start(move |_, head| match head.split(' ').next() {
        Some("POST") => secret("one", "1"),
        Some("PUT") => Answer::status(409, "the object has been modified"),
        _ => secret("two", "2"),
    });
    let cluster = server.cluster().await;
    let store = canary::Store::of(&cluster, "web", "a");
    store.write(b"one").await.unwrap();
    store.write(b"two").await.unwrap();
    let error = store.write(b"three").await.unwrap_err();
    assert_eq!(error.kind, Kind::Locked, "{error}");
    assert!(server.requests().iter().any(|request| request.contains(r#""resourceVersion":"2""#)));
}

#[tokio::test]
async fn what_somebody_else_has_written_stays() {
    let server = loses_an_answer("theirs");
    let cluster = server.cluster().await;
    let store = Store::of(&cluster, "web", ("a", "b"));
    store.write(b"one").await.unwrap();
    for _ in 0..2 {
        let error = store.write(b"two").await.unwrap_err();
        assert_eq!(error.kind, Kind::Locked, "{error}");
        assert!(error.message.contains("somebody else works on this roll-out"), "{error}");
    }
}

#[tokio::test]
async fn pods_are_given_back_although_the_server_is_away_for_a_moment() {
    let pods = AtomicU32::new(1);
    // More connections break off in a row than one request is made again for.
    let server = Server::start(move |number, request| {
        if number % 7 < 5 {
            return Answer::Drop;
        }
        if request.starts_with("PUT ") {
            pods.store(3, Ordering::SeqCst);
        }
        Answer::json(&json!({"metadata": {}, "spec": {"replicas": pods.load(Ordering::SeqCst)}}).to_string())
    });
    let cluster = server.cluster().await;
    assert_eq!(replicas(&cluster, "web", ("Deployment", "web")).await.unwrap(), 1);
    scale(&cluster, "web", ("Deployment", "web"), 3).await.unwrap();
    assert_eq!(replicas(&cluster, "web", ("Deployment", "web")).await.unwrap(), 3);
}

//! Leases of those who may read them and make none: a run that lives is seen to live, whatever its clock says. And of those who end in
//! the middle, and live on.

use std::sync::Mutex;

use helm_safe_upgrade::record::{Acquired, Holder, acquire};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::server::{Answer, Server};

/// A server on which nobody may make a lease, and with one whose holder's clock is far behind. It is renewed between two looks, or not.
fn server(lives: bool) -> Server {
    Server::start(move |number, head| {
        if !head.starts_with("GET ") {
            return Answer::status(403, "leases is forbidden");
        }
        let seconds = if lives { i64::try_from(number).unwrap() } else { 0 };
        let renewed = "2020-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds);
        let metadata = json!({"name": "helm-safe-upgrade.web", "resourceVersion": seconds.to_string()});
        let spec =
            json!({"holderIdentity": "ann@far:1:x", "renewTime": format!("{renewed:.6}"), "leaseDurationSeconds": 15});
        Answer::json(&json!({"metadata": metadata, "spec": spec}).to_string())
    })
}

#[tokio::test]
async fn a_live_run_whose_clock_is_behind_is_not_taken_for_dead() {
    let (server, me) = (server(true), Holder { identity: "bob@here:2:y".to_owned(), process: None });
    let cluster = server.cluster().await;
    match acquire(&cluster, "web", "web", &me, Timestamp::now).await.unwrap() {
        Acquired::Busy { holder, .. } => assert_eq!(holder, "ann@far:1:x"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_dead_run_hinders_nobody_who_may_make_no_lease() {
    let (server, me) = (server(false), Holder { identity: "bob@here:2:y".to_owned(), process: None });
    let cluster = server.cluster().await;
    let acquired = acquire(&cluster, "web", "web", &me, Timestamp::now).await.unwrap();
    assert!(matches!(acquired, Acquired::NoRight(_)), "{acquired:?}");
}

/// A server that keeps what is written.
fn keeping() -> Server {
    let kept = Mutex::new(String::new());
    Server::start(move |_, request| {
        let mut kept = kept.lock().unwrap();
        let (head, sent) = request.split_once("\r\n\r\n").unwrap();
        if head.starts_with("POST ") && !kept.is_empty() {
            return Answer::status(409, "leases \"helm-safe-upgrade.web\" already exists");
        }
        if !head.starts_with("GET ") {
            sent.clone_into(&mut kept);
        }
        Answer::json(&kept)
    })
}

#[tokio::test]
async fn what_was_left_in_the_middle_is_told_to_the_next_though_its_process_lives_on() {
    let (server, ann, bob) = (keeping(), Holder::of_this_process("ann"), Holder::of_this_process("bob"));
    let cluster = server.cluster().await;
    let Acquired::Held(lease) = acquire(&cluster, "web", "web", &ann, Timestamp::now).await.unwrap() else { panic!() };
    lease.note("upgrade", Some(6)).await.unwrap();
    let acquired = acquire(&cluster, "web", "web", &bob, Timestamp::now).await.unwrap();
    assert!(matches!(acquired, Acquired::Busy { .. }), "{acquired:?}");
    lease.leave().await.unwrap();
    let Acquired::Held(next) = acquire(&cluster, "web", "web", &bob, Timestamp::now).await.unwrap() else { panic!() };
    let left = next.left.map(|left| (left.holder, left.revision, left.phase));
    assert_eq!(left, Some((ann.identity, Some(6), "upgrade".to_owned())));
}

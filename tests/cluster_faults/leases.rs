//! Leases of those who may read them and make none: a run that lives is seen to live, whatever its clock says.

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

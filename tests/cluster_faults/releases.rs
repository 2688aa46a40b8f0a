//! Many releases, read from a server that fails in between.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use helm_safe_upgrade::error::{Error, Kind};
use helm_safe_upgrade::fleet::{self, Fleet, Query, Scope};
use helm_safe_upgrade::helm::process::HelmProcess;
use helm_safe_upgrade::release::fleet::Filter;
use helm_safe_upgrade::storage::Storage;
use serde_json::{Value, json};

use crate::server::{Answer, Server};

/// The object of a revision, with its payload where that is asked for.
fn object(release: &str, revision: u32, status: &str, with_content: bool) -> Value {
    let record = json!({
        "name": release,
        "info": {"status": status, "last_deployed": "2026-11-21T13:00:00Z"},
        "chart": {"metadata": {"name": "app", "version": format!("{revision}.0.0")}},
    });
    let payload = STANDARD.encode(STANDARD.encode(record.to_string()));
    let name = format!("sh.helm.release.v1.{release}.v{revision}");
    let labels = json!({"name": release, "owner": "helm", "status": status, "version": revision.to_string()});
    let metadata = json!({"name": name, "namespace": "shop", "labels": labels});
    if with_content {
        json!({"metadata": metadata, "data": {"release": payload}})
    } else {
        json!({"metadata": metadata})
    }
}

fn list(items: &[Value], token: &str) -> Answer {
    Answer::json(&json!({"kind": "SecretList", "metadata": {"continue": token}, "items": items}).to_string())
}

/// Whether the request is for metadata, for the deployed revisions, and for a later page.
fn asked(head: &str) -> (bool, bool, bool) {
    let first = head.lines().next().unwrap();
    (head.contains("PartialObjectMetadata"), first.contains("status%3Ddeployed"), first.contains("continue="))
}

/// A server with two pages of revisions, in which the second page of the deployed ones is answered by the script.
fn server(second: impl Fn(usize) -> Option<Answer> + Send + Sync + 'static) -> Server {
    let times = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |_, head| match asked(head) {
        (true, _, false) => list(&[object("a", 1, "superseded", false), object("a", 2, "deployed", false)], "next"),
        (true, _, true) => list(&[object("b", 1, "deployed", false)], ""),
        (false, true, _) if head.contains("limit=0") => {
            list(&[object("a", 2, "deployed", true), object("b", 1, "deployed", true)], "")
        }
        (false, true, false) => list(&[object("a", 2, "deployed", true)], "next"),
        (false, true, true) => {
            let number = times.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            second(number).unwrap_or_else(|| list(&[object("b", 1, "deployed", true)], ""))
        }
        (false, false, _) => Answer::status(404, "nothing is asked for one by one"),
    })
}

async fn read(server: &Server) -> Result<Fleet, Error> {
    read_in(server, Scope::All).await
}

async fn read_in(server: &Server, scope: Scope) -> Result<Fleet, Error> {
    let storage: Storage<_, HelmProcess> =
        Storage::Objects { cluster: server.cluster().await, resource: helm_safe_upgrade::cluster::Resource::SECRETS };
    fleet::members(&storage, &Query { scope, selector: None, filter: Filter::default() }).await
}

fn versions(fleet: &Fleet) -> Vec<String> {
    let version = |member: &helm_safe_upgrade::release::fleet::Member| {
        format!("{} {} {:?}", member.name, member.newest.head.version, member.newest.problem)
    };
    fleet.members.iter().map(version).collect()
}

const BOTH: [&str; 2] = ["a 2.0.0 None", "b 1.0.0 None"];

#[tokio::test]
async fn all_pages_are_read() {
    let server = server(|_| None);
    let fleet = read(&server).await.unwrap();
    assert_eq!(versions(&fleet), BOTH);
    assert_eq!(fleet.members[0].revisions, 2);
    assert_eq!(server.requests().len(), 4, "{:?}", server.requests());
}

#[tokio::test]
async fn a_page_that_was_cut_off_is_read_again() {
    let server = server(|number| (number == 0).then_some(Answer::Cut));
    assert_eq!(versions(&read(&server).await.unwrap()), BOTH);
}

#[tokio::test]
async fn a_list_that_the_server_forgot_is_read_again_as_one() {
    let server = server(|_| Some(Answer::status(410, "the provided continue parameter is too old")));
    assert_eq!(versions(&read(&server).await.unwrap()), BOTH);
}

#[tokio::test]
async fn what_is_no_list_is_an_error() {
    for answer in ["<html>", "[]", "{\"items\":[{\"metadata\""] {
        let server = Server::start(move |_, _| Answer::json(answer));
        let error = read(&server).await.unwrap_err();
        assert!(matches!(error.kind, Kind::Cluster | Kind::Unreachable), "{answer}: {error:?}");
        assert!(error.message.starts_with("cannot list the revisions of releases"), "{}", error.message);
    }
}

#[tokio::test]
async fn an_endless_list_ends() {
    let endless = Server::start(|_, _| Answer::Endless(64 << 20));
    assert_eq!(read(&endless).await.unwrap_err().kind, Kind::Cluster);
}

#[tokio::test]
async fn an_object_that_is_larger_than_servers_keep_them_is_not_taken_in() {
    let server = Server::start(|_, _| list(&[json!({"metadata": {"name": "x".repeat(6 << 20)}})], ""));
    let error = read(&server).await.unwrap_err();
    assert!(error.message.contains("is larger than 4 MiB"), "{error}");
}

/// A server whose namespaces of these names fail.
fn failing(names: &'static [&'static str]) -> Server {
    Server::start(move |_, head| {
        let first = head.lines().next().unwrap();
        match names.iter().any(|name| first.contains(&format!("/namespaces/{name}/"))) {
            true => Answer::status(504, "etcd is away"),
            false if first.contains("?limit=") => list(&[object("a", 1, "deployed", false)], ""),
            false => Answer::json(&object("a", 1, "deployed", true).to_string()),
        }
    })
}

#[tokio::test]
async fn a_namespace_that_fails_is_told_and_the_others_are_read() {
    let scope = Scope::Namespaces(vec!["broken".to_owned(), "shop".to_owned()]);
    let fleet = read_in(&failing(&["broken"]), scope.clone()).await.unwrap();
    assert_eq!(versions(&fleet), ["a 1.0.0 None"]);
    let [unreadable] = &fleet.unreadable[..] else { panic!("{:?}", fleet.unreadable) };
    assert_eq!(unreadable.namespace.as_deref(), Some("broken"));
    assert!(unreadable.reason.contains("etcd is away"), "{}", unreadable.reason);
    let error = read_in(&failing(&["broken", "shop"]), scope).await.unwrap_err();
    assert!(error.message.starts_with("cannot list the revisions of releases"), "{}", error.message);
}

#[tokio::test]
async fn an_object_that_can_not_be_read_is_told_and_the_others_are_read() {
    let server = Server::start(|_, head| {
        let (metadata, _, _) = asked(head);
        list(&[object("a", 1, "deployed", !metadata), json!({"metadata": {"labels": {"owner": "helm"}}})], "")
    });
    let fleet = read(&server).await.unwrap();
    assert_eq!(versions(&fleet), ["a 1.0.0 None"]);
    let [unreadable] = &fleet.unreadable[..] else { panic!("{:?}", fleet.unreadable) };
    assert_eq!(unreadable.reason, "1 object in the list of revisions can't be read");
}

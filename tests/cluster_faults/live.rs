//! A release beside the cluster, when the server is slow to be believed: how many requests are made, and what becomes
//! of a comparison that the server does not see to its end.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use helm_safe_upgrade::cluster::{KubeCluster, Resource};
use helm_safe_upgrade::command::live::{Found, Options, run};
use helm_safe_upgrade::diff::live::report::{Compare, LiveReport};
use helm_safe_upgrade::diff::select::Selection;
use helm_safe_upgrade::error::{Error, Kind};
use helm_safe_upgrade::helm::process::HelmProcess;
use helm_safe_upgrade::manifest::mask::Masker;
use helm_safe_upgrade::report::view::Subject;
use helm_safe_upgrade::storage::Storage;
use serde_json::{Value, json};

use crate::server::{Answer, Server};

const RECORD: &str = "sh.helm.release.v1.app.v1";

fn config_maps(count: usize) -> String {
    let one = |number| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{number}}}\ndata: {{a: b}}\n");
    (0..count).map(one).collect()
}

/// The stored release with this manifest.
fn record(manifest: &str) -> Answer {
    let release = json!({
        "name": "app", "namespace": "web", "version": 1, "manifest": manifest, "info": {"status": "deployed"},
        "chart": {"metadata": {"name": "app", "version": "1.0.0"}},
    });
    let payload = STANDARD.encode(STANDARD.encode(release.to_string()));
    Answer::json(&json!({"metadata": {"name": RECORD}, "data": {"release": payload}}).to_string())
}

fn revisions() -> Answer {
    let labels = json!({"name": "app", "owner": "helm", "status": "deployed", "version": "1"});
    Answer::json(&json!({"metadata": {}, "items": [{"metadata": {"name": RECORD, "labels": labels}}]}).to_string())
}

fn core_kinds() -> Answer {
    let kinds = json!([
        {"name": "configmaps", "kind": "ConfigMap", "namespaced": true},
        {"name": "secrets", "kind": "Secret", "namespaced": true},
    ]);
    Answer::json(&json!({"resources": kinds}).to_string())
}

/// A page of a hundred ConfigMaps, from this one on.
fn page(from: usize, count: usize) -> Answer {
    let to = (from + 100).min(count);
    let items: Vec<Value> =
        (from..to).map(|number| json!({"metadata": {"name": format!("c{number}")}, "data": {"a": "b"}})).collect();
    let next = if to < count { to.to_string() } else { String::new() };
    Answer::json(&json!({"metadata": {"continue": next}, "items": items}).to_string())
}

fn path(head: &str) -> &str {
    head.split(' ').nth(1).unwrap()
}

/// The first request for a list of ConfigMaps, or that after this many.
fn page_asked_for(head: &str) -> Option<usize> {
    let query = path(head).strip_prefix("/api/v1/namespaces/web/configmaps?")?;
    Some(query.split_once("&continue=").map_or(0, |(_, token)| token.parse().unwrap()))
}

fn release_of(head: &str, manifest: &str) -> Option<Answer> {
    match path(head) {
        path if path.starts_with("/api/v1/namespaces/web/secrets?") => Some(revisions()),
        path if path.ends_with(RECORD) => Some(record(manifest)),
        "/api/v1" => Some(core_kinds()),
        _ => None,
    }
}

async fn live(server: &Server, compare: Compare) -> Result<Found, Error> {
    let connection =
        helm_safe_upgrade::cluster::Connection { namespace: Some("web".to_owned()), ..server.connection() };
    let cluster = crate::server::connect(&connection).await;
    let storage: Storage<KubeCluster, HelmProcess> = Storage::Objects { cluster, resource: Resource::SECRETS };
    let Storage::Objects { cluster, .. } = &storage else { unreachable!() };
    let options = Options {
        release: "app".to_owned(),
        revision: None,
        compare,
        selection: Selection::default(),
        ignore: Vec::new(),
    };
    run(&storage, cluster, &Masker::new(b"key"), &options, &()).await
}

fn report(found: &Found) -> &LiveReport {
    let Subject::Live(report) = &found.outcome.subject else { panic!("another subject") };
    report
}

#[tokio::test]
async fn a_thousand_objects_of_a_kind_take_a_request_for_each_hundred() {
    let manifest = config_maps(1000);
    let server = Server::start(move |_, head| {
        release_of(head, &manifest).unwrap_or_else(|| page(page_asked_for(head).expect("a list"), 1000))
    });
    let found = live(&server, Compare::Auto).await.unwrap();
    assert!(found.incomplete.is_none());
    assert_eq!((report(&found).compared, report(&found).dry_runs), (1000, 0));
    assert_eq!(found.outcome.diff.manifest.unchanged, 1000);
    // The revisions, the record, the kinds of v1, and ten pages.
    let requests = server.requests();
    assert_eq!(requests.len(), 13, "{:#?}", requests.iter().map(|head| path(head)).collect::<Vec<_>>());
    assert!(requests[3].contains("labelSelector=app.kubernetes.io%2Fmanaged-by%3DHelm"), "{}", requests[3]);
}

#[tokio::test]
async fn a_list_that_is_mostly_of_others_is_left() {
    let manifest = config_maps(20);
    let server = Server::start(move |_, head| {
        release_of(head, &manifest).unwrap_or_else(|| match page_asked_for(head) {
            Some(from) => page(from + 15, 5000),
            None => {
                let (_, name) = path(head).rsplit_once('/').unwrap();
                Answer::json(&json!({"metadata": {"name": name}, "data": {"a": "b"}}).to_string())
            }
        })
    });
    let found = live(&server, Compare::Fields).await.unwrap();
    assert_eq!(found.outcome.diff.manifest.unchanged, 20);
    // Five were on the first page; the other fifteen are asked for by name.
    assert_eq!(server.requests().len(), 3 + 1 + 15);
}

#[tokio::test]
async fn a_server_that_goes_away_on_the_way_leaves_no_result() {
    let manifest = config_maps(300);
    let server = Server::start(move |_, head| {
        release_of(head, &manifest).unwrap_or_else(|| match page_asked_for(head) {
            Some(0) => page(0, 300),
            _ => Answer::Drop,
        })
    });
    let error = live(&server, Compare::Auto).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unreachable);
    assert!(error.message.starts_with("cannot list configmaps in namespace \"web\": the connection to "), "{error}");
}

#[tokio::test]
async fn a_gateway_without_servers_ends_it_too() {
    let manifest = config_maps(3);
    let server = Server::start(move |_, head| {
        release_of(head, &manifest).unwrap_or_else(|| Answer::html(503, "<html>no healthy upstream</html>"))
    });
    let error = live(&server, Compare::Auto).await.unwrap_err();
    assert!(error.message.contains("answered 503"), "{error}");
}

/// One ConfigMap that differs; `patch` answers the dry run, `may` the question whether it is allowed.
async fn with_a_difference(compare: Compare, may: bool, patch: fn() -> Answer) -> (Found, Vec<String>) {
    let manifest = config_maps(1);
    let server = Server::start(move |_, head| {
        release_of(head, &manifest).unwrap_or_else(|| match head.split(' ').next().unwrap() {
            "GET" => Answer::json(&json!({"metadata": {"name": "c0"}, "data": {"a": "B"}}).to_string()),
            "POST" => Answer::json(&json!({"status": {"allowed": may}}).to_string()),
            _ => patch(),
        })
    });
    let found = live(&server, compare).await.unwrap();
    let requests = server.requests().into_iter().filter(|head| !head.starts_with("GET ")).collect();
    (found, requests)
}

#[tokio::test]
async fn a_difference_is_drift_only_if_the_apply_would_take_it_back() {
    // A webhook makes another value of it at each apply.
    let (found, requests) = with_a_difference(Compare::Auto, true, || {
        Answer::json(&json!({"metadata": {"name": "c0"}, "data": {"a": "B"}}).to_string())
    })
    .await;
    assert!(found.outcome.diff.manifest.resources.is_empty());
    assert_eq!(report(&found).dry_runs, 1);
    assert!(requests[0].contains("\"verb\":\"patch\"") && requests[0].contains("\"resource\":\"configmaps\""));
    let apply = "PATCH /api/v1/namespaces/web/configmaps/c0?dryRun=All&fieldManager=helm&force=true HTTP/1.1";
    assert!(requests[1].starts_with(apply), "{}", requests[1]);
    assert!(requests[1].to_lowercase().contains("content-type: application/apply-patch+yaml"), "{}", requests[1]);
    let body: Value = serde_json::from_str(requests[1].split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["data"], json!({"a": "b"}));
    assert_eq!(body["metadata"]["labels"], json!({"app.kubernetes.io/managed-by": "Helm"}));
}

#[tokio::test]
async fn a_refused_dry_run_leaves_the_comparison_by_fields() {
    let (found, _) = with_a_difference(Compare::Auto, true, || Answer::status(422, "field is immutable")).await;
    assert_eq!(found.outcome.diff.manifest.resources.len(), 1);
    let drift = found.outcome.diff.manifest.resources[0].drift.as_ref().unwrap();
    assert_eq!(drift.note.as_deref(), Some("no dry run: the API server answered 422: field is immutable"));
    assert!(found.incomplete.is_none());
    let (found, _) = with_a_difference(Compare::Apply, true, || Answer::status(422, "field is immutable")).await;
    assert_eq!(report(&found).problems.len(), 1, "what was asked for could not be had");
    assert_eq!(found.incomplete.unwrap().kind, Kind::Incomplete);
}

#[tokio::test]
async fn who_may_not_patch_makes_no_dry_run() {
    let (found, requests) = with_a_difference(Compare::Auto, false, || panic!("a dry run")).await;
    assert_eq!(requests.len(), 1);
    assert_eq!(report(&found).without_dry_run, ["you may not patch configmaps in namespace \"web\""]);
    assert_eq!(found.outcome.diff.manifest.resources.len(), 1);
    let (_, requests) = with_a_difference(Compare::Fields, true, || panic!("a dry run")).await;
    assert_eq!(requests, [""; 0]);
}

#[tokio::test]
async fn an_answer_that_is_no_object_is_no_missing_object() {
    let manifest = config_maps(1);
    let server = Server::start(move |_, head| release_of(head, &manifest).unwrap_or_else(|| Answer::json("{}")));
    let error = live(&server, Compare::Auto).await.unwrap_err();
    assert!(error.message.contains("does not answer as an API server does"), "{error}");
}

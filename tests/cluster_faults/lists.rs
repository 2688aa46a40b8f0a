//! Lists of several pages.

use helm_safe_upgrade::cluster::{Cluster, ClusterError};

use crate::server::{Answer, Server, secrets};

fn page(names: &[&str], token: &str) -> Answer {
    let items: Vec<_> = names.iter().map(|name| serde_json::json!({"metadata": {"name": name}})).collect();
    Answer::json(&serde_json::json!({"metadata": {"continue": token}, "items": items}).to_string())
}

async fn names(server: &Server) -> Result<Vec<String>, ClusterError> {
    let found = server.cluster().await.list_metadata(&secrets(Some("owner=helm,name in (web)"))).await?;
    Ok(found.into_iter().filter_map(|metadata| metadata.name).collect())
}

fn line(head: &str) -> &str {
    head.lines().next().unwrap()
}

#[tokio::test]
async fn all_pages_are_read_in_order() {
    let server = Server::start(|number, _| match number {
        0 => page(&["a", "b"], "to&ken="),
        1 => page(&[], "3"),
        _ => page(&["c"], ""),
    });
    assert_eq!(names(&server).await.unwrap(), ["a", "b", "c"]);
    let requests = server.requests();
    let selector = "labelSelector=owner%3Dhelm%2Cname%20in%20%28web%29";
    assert_eq!(line(&requests[0]), format!("GET /api/v1/namespaces/web/secrets?limit=500&{selector} HTTP/1.1"));
    assert!(line(&requests[1]).ends_with("&continue=to%26ken%3D HTTP/1.1"), "{}", requests[1]);
    assert!(line(&requests[2]).ends_with("&continue=3 HTTP/1.1"), "{}", requests[2]);
    assert_eq!(requests.len(), 3);
    let accept = "accept: application/json;as=partialobjectmetadatalist;g=meta.k8s.io;v=v1";
    assert!(requests.iter().all(|head| head.to_lowercase().contains(accept)), "{requests:?}");
}

#[tokio::test]
async fn a_list_that_the_server_forgot_is_read_again_as_one() {
    let server = Server::start(|_, head| match line(head) {
        first if first.contains("continue=") => Answer::status(410, "the provided continue parameter is too old"),
        first if first.contains("limit=0") => page(&["a", "b", "c"], ""),
        _ => page(&["a", "old"], "next"),
    });
    assert_eq!(names(&server).await.unwrap(), ["a", "b", "c"]);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_list_without_end_ends() {
    let server = Server::start(|_, _| page(&[], "again"));
    let error = names(&server).await.unwrap_err();
    assert!(matches!(error, ClusterError::TooLarge { .. }), "{error:?}");
    assert!(server.requests().len() <= 1_000, "{}", server.requests().len());
}

#[tokio::test]
async fn a_failure_within_a_list_is_no_shorter_list() {
    let server = Server::start(|number, _| match number {
        0 => page(&["a"], "next"),
        _ => Answer::status(403, "no longer"),
    });
    assert!(matches!(names(&server).await.unwrap_err(), ClusterError::Forbidden(_)));
}

//! A list whose objects are handed on while it is still coming in, so that no page of it has to fit into memory.

use std::time::Duration;

use http_body_util::BodyExt as _;
use kube::client::Body;
use serde::Deserialize;
use tokio::time::timeout;

use super::ListQuery;
use super::error::{ClusterError, clean};
use super::kube::{JSON, KubeCluster, METADATA_LIST, check_namespace, collection};
use super::request::{Request, Subject, encode};
use super::scan::{Batch, Scan};
use super::status::what_it_is;

/// Objects are handed on in batches of so many bytes.
const BATCH: usize = 1 << 20;
/// No object is larger, in bytes.
const LARGEST_OBJECT: usize = 16 << 20;

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portion<'a> {
    /// Whether with their content, or only their metadata.
    pub content: bool,
    /// At most so many objects; 0 is all of them.
    pub limit: u32,
    /// What the page before gave to go on with; empty for the first one.
    pub token: &'a str,
}

/// The objects of a page, as they come in.
pub struct Items {
    body: Body,
    scan: Scan,
    what: String,
    server: String,
    /// The longest wait for the next bytes.
    patience: Duration,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(default)]
    r#continue: Option<String>,
}

impl Items {
    /// The next objects; `None` after the last ones.
    ///
    /// # Errors
    /// If the connection is lost, the server falls silent, or it sends something else than a list.
    pub async fn next(&mut self) -> Result<Option<Batch>, ClusterError> {
        while !self.scan.has(BATCH) {
            let frame = timeout(self.patience, self.body.frame()).await.map_err(|_| self.lost("it fell silent"))?;
            match frame {
                None if !self.scan.has_ended() => return Err(self.lost("it ended too early")),
                None => {
                    let rest = self.scan.take();
                    return Ok((!rest.is_empty()).then_some(rest));
                }
                Some(Err(error)) => return Err(self.lost(&clean(&error.to_string(), 200))),
                Some(Ok(frame)) => {
                    let Ok(bytes) = frame.into_data() else { continue };
                    self.scan.push(&bytes);
                    if !self.scan.is_object() {
                        let (action, server, cause) = (self.what.clone(), self.server.clone(), what_it_is("", &bytes));
                        return Err(ClusterError::NotKubernetes { action, server, cause });
                    }
                    if self.scan.held() > LARGEST_OBJECT + BATCH {
                        let limit = format!("{} MiB", LARGEST_OBJECT >> 20);
                        let (action, server) = (self.what.clone(), self.server.clone());
                        return Err(ClusterError::TooLarge { action, server, limit });
                    }
                }
            }
        }
        Ok(Some(self.scan.take()))
    }

    /// What to ask for the next page with, once all objects of this one are there; empty where nothing follows.
    #[must_use]
    pub fn next_token(&self) -> String {
        let metadata: PageMetadata = serde_json::from_slice(self.scan.metadata()).unwrap_or_default();
        metadata.r#continue.unwrap_or_default()
    }

    fn lost(&self, cause: &str) -> ClusterError {
        let (action, server) = (self.what.clone(), self.server.clone());
        ClusterError::ConnectionLost { action, server, cause: cause.to_owned() }
    }
}

impl KubeCluster {
    pub(super) async fn begin_list(&self, query: &ListQuery, portion: Portion<'_>) -> Result<Items, ClusterError> {
        check_namespace(query)?;
        let Portion { content, limit, token } = portion;
        let mut path = format!("{}?limit={limit}", collection(&query.resource, query.namespace.as_deref()));
        for (key, value) in
            [("labelSelector", query.label_selector.as_deref().unwrap_or_default()), ("continue", token)]
        {
            if !value.is_empty() {
                path.push_str(&format!("&{key}={}", encode(value)));
            }
        }
        let accept = if content { JSON } else { METADATA_LIST };
        let request = Request { subject: Subject::List(query), path, accept, body: None };
        let body = self.sender.send_for_stream(&request).await?;
        let (what, server) = (Subject::List(query).to_string(), self.sender.server.clone());
        Ok(Items { body, scan: Scan::default(), what, server, patience: self.sender.timeout })
    }
}

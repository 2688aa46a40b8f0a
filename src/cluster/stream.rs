//! A watch: lines of JSON from a body that stays open.

use std::time::Duration;

use http_body_util::BodyExt as _;
use kube::client::Body;
use serde::Deserialize;
use tokio::time::timeout;

use super::error::{ClusterError, clean};
use super::{Change, ListQuery};
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

/// After so many seconds the server ends a watch, and another one goes on.
pub(super) const WATCH_SECONDS: u32 = 290;
/// A bookmark comes about once a minute. A watch that says nothing for longer is lost, though the connection may not know.
const LONGEST_SILENCE: Duration = Duration::from_secs(100);
/// No object is larger, in bytes.
const LONGEST_LINE: usize = 16 << 20;

/// What becomes of objects, as the server tells it.
pub struct Watch {
    body: Body,
    api_version: String,
    kind: String,
    what: String,
    server: String,
    read: Vec<u8>,
    /// How much of `read` has been looked at for the end of a line.
    seen: usize,
}

#[derive(Deserialize)]
struct Line {
    r#type: String,
    object: Node,
}

impl Watch {
    pub(super) fn new(body: Body, query: &ListQuery, server: &str) -> Self {
        Self {
            body,
            api_version: query.resource.api_version(),
            kind: query.resource.kind.to_string(),
            what: format!("watch {query}"),
            server: server.to_owned(),
            read: Vec::new(),
            seen: 0,
        }
    }

    /// The next change; `None` when the server ends the watch, as it does now and then. It may be dropped while it waits,
    /// and loses nothing.
    ///
    /// # Errors
    /// If the connection is lost, or the version from which to go on is too old (status 410).
    pub async fn next(&mut self) -> Result<Option<Change>, ClusterError> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.read[self.seen..]) {
                let line: Vec<u8> = self.read.drain(..=self.seen + end).collect();
                self.seen = 0;
                match self.change(&line)? {
                    Some(change) => return Ok(Some(change)),
                    None => continue,
                }
            }
            self.seen = self.read.len();
            if self.read.len() > LONGEST_LINE {
                let limit = format!("{} MiB", LONGEST_LINE >> 20);
                return Err(ClusterError::TooLarge { action: self.what.clone(), server: self.server.clone(), limit });
            }
            let frame = timeout(LONGEST_SILENCE, self.body.frame()).await.map_err(|_| self.lost("it fell silent"))?;
            match frame {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.read.extend_from_slice(&bytes);
                    }
                }
                Some(Err(error)) => return Err(self.lost(&clean(&error.to_string(), 200))),
            }
        }
    }

    fn change(&self, line: &[u8]) -> Result<Option<Change>, ClusterError> {
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        let odd = |cause: String| ClusterError::NotKubernetes {
            action: self.what.clone(),
            server: self.server.clone(),
            cause: clean(&cause, 200),
        };
        let Line { r#type, object } =
            serde_json::from_slice(line).map_err(|error| odd(format!("JSON of another form ({error})")))?;
        if r#type == "ERROR" {
            let code = object.get("code").and_then(Node::as_count).and_then(|code| u16::try_from(code).ok());
            let message = object.get("message").and_then(Node::as_str).unwrap_or_default();
            let (action, server, message) = (self.what.clone(), self.server.clone(), clean(message, 300));
            return Err(ClusterError::Server { action, server, code: code.unwrap_or(500), message });
        }
        let object = Observed::new(object, &self.api_version, &self.kind)
            .ok_or_else(|| odd("an object without metadata".to_owned()))?;
        Ok(match r#type.as_str() {
            "ADDED" | "MODIFIED" => Some(Change::Set(object)),
            "DELETED" => Some(Change::Gone(object)),
            "BOOKMARK" => Some(Change::Bookmark(object.resource_version().to_owned())),
            _ => None,
        })
    }

    fn lost(&self, cause: &str) -> ClusterError {
        let (action, server) = (self.what.clone(), self.server.clone());
        ClusterError::ConnectionLost { action, server, cause: cause.to_owned() }
    }
}

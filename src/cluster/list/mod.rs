//! A list whose objects are handed on while it is still coming in, so that no page of it has to fit into memory.
//!
//! It is asked for as protobuf, which costs the server and us a fraction of what JSON does, above all for Secrets, whose data is
//! then not encoded once more. Whoever can't send that, as a proxy that makes its own answers, may send JSON.

mod json;
mod protobuf;

use std::ops::Range;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use kube::client::Body;
use tokio::time::timeout;

use crate::cluster::ListQuery;
use crate::cluster::error::{ClusterError, clean};
use crate::cluster::kube::{KubeCluster, check_namespace, collection};
use crate::cluster::protobuf::MAGIC;
use crate::cluster::request::{Request, Subject, encode};
use crate::cluster::status::what_it_is;
use json::Json;
use protobuf::Protobuf;

/// Whole objects, and their metadata alone; JSON where protobuf is not known.
const CONTENT: &str = "application/vnd.kubernetes.protobuf,application/json";
const METADATA: &str = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,\
                        application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// Objects are handed on in batches of so many bytes.
const BATCH: usize = 1 << 20;
/// No object is larger, in bytes: the API server takes requests of 3 MiB (`MaxRequestBodyBytes` in k8s.io/apiserver), and what it
/// takes as protobuf is a third larger in JSON.
const LARGEST_OBJECT: usize = 4 << 20;

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

/// In which form objects come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Protobuf,
}

/// An object of a list, as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object<'a> {
    /// Its JSON.
    Json(&'a [u8]),
    /// Its protobuf message, which does not name its kind.
    Protobuf(Bytes),
}

/// Objects of a list as they came in.
#[derive(Debug)]
pub struct Batch {
    bytes: Bytes,
    objects: Vec<Range<usize>>,
    form: Form,
}

impl Batch {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Each object.
    pub fn objects(&self) -> impl Iterator<Item = Object<'_>> {
        let inside = |range: &&Range<usize>| range.start <= range.end && range.end <= self.bytes.len();
        self.objects.iter().filter(inside).map(|range| match self.form {
            Form::Json => Object::Json(&self.bytes[range.clone()]),
            Form::Protobuf => Object::Protobuf(self.bytes.slice(range.clone())),
        })
    }
}

/// Finds the objects of a list that comes piece by piece.
trait Scan: Send {
    /// Takes the next piece.
    fn push(&mut self, piece: &[u8]);

    /// So many bytes are waiting for the end of their object, or to be taken.
    fn held(&self) -> usize;

    /// Whether so many bytes of whole objects are there.
    fn has(&self, bytes: usize) -> bool;

    /// Whether the list has come to its end.
    fn has_ended(&self) -> bool;

    /// Whether it begins as a list does, as far as it is there.
    fn may_be_list(&self) -> bool;

    /// The whole objects so far. What is left is the beginning of the next one.
    fn take(&mut self) -> Batch;

    /// What to ask for the next page with, as far as it has come.
    fn next_token(&self) -> String;
}

/// What reads a list that begins with this byte.
fn scan(first: u8) -> Box<dyn Scan> {
    if first == MAGIC[0] { Box::new(Protobuf::default()) } else { Box::new(Json::default()) }
}

/// The objects of a page, as they come in.
pub struct Items {
    body: Body,
    /// None before the first byte.
    scan: Option<Box<dyn Scan>>,
    what: String,
    server: String,
    /// The longest wait for the next bytes.
    patience: Duration,
}

impl Items {
    /// The next objects; `None` after the last ones.
    ///
    /// # Errors
    /// If the connection is lost, the server falls silent, or it sends something else than a list.
    pub async fn next(&mut self) -> Result<Option<Batch>, ClusterError> {
        loop {
            if let Some(scan) = &mut self.scan
                && scan.has(BATCH)
            {
                return Ok(Some(scan.take()));
            }
            let frame = timeout(self.patience, self.body.frame()).await.map_err(|_| self.lost("it fell silent"))?;
            let bytes = match frame {
                None => return self.rest(),
                Some(Err(error)) => return Err(self.lost(&clean(&error.to_string(), 200))),
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            };
            if let Some(first) = bytes.first() {
                self.take_in(*first, &bytes)?;
            }
        }
    }

    fn take_in(&mut self, first: u8, bytes: &[u8]) -> Result<(), ClusterError> {
        let scan = self.scan.get_or_insert_with(|| scan(first));
        scan.push(bytes);
        let (action, server) = (self.what.clone(), self.server.clone());
        if !scan.may_be_list() {
            let cause = what_it_is("", bytes);
            return Err(ClusterError::NotKubernetes { action, server, cause });
        }
        if scan.held() > LARGEST_OBJECT + BATCH {
            let limit = format!("{} MiB", LARGEST_OBJECT >> 20);
            return Err(ClusterError::TooLarge { action, server, limit });
        }
        Ok(())
    }

    /// The last objects.
    fn rest(&mut self) -> Result<Option<Batch>, ClusterError> {
        match &mut self.scan {
            Some(scan) if scan.has_ended() => Ok(Some(scan.take()).filter(|rest| !rest.is_empty())),
            _ => Err(self.lost("it ended too early")),
        }
    }

    /// What to ask for the next page with, once all objects of this one are there; empty where nothing follows.
    #[must_use]
    pub fn next_token(&self) -> String {
        self.scan.as_ref().map(|scan| scan.next_token()).unwrap_or_default()
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
        let accept = if content { CONTENT } else { METADATA };
        let request = Request { subject: Subject::List(query), path, accept, body: None };
        let body = self.sender.send_for_stream(&request).await?;
        let (what, server) = (Subject::List(query).to_string(), self.sender.server.clone());
        Ok(Items { body, scan: None, what, server, patience: self.sender.timeout })
    }
}

//! Rewrites what a stored revision says of itself, and deletes stored revisions.
//!
//! The status stands in the record and in a label, and both are written at once. Nothing else of the object changes, and
//! nothing is written over what somebody else has written in between.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::cluster::{Cluster, ClusterError, ObjectRef, Only, Resource};
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::release::decode::DecodeError;
use crate::release::marks::Mark;
use crate::release::rewrite::{Stated, Statement, Unpacked, one_line};
use crate::storage::{Storage, record};

/// What an object may hold, in bytes (`MaxSecretSize` and `MaxConfigMapSize` of Kubernetes).
const MOST_CONTENT: usize = 1024 * 1024;

/// So often a write is tried that others get in the way of.
const MOST_ATTEMPTS: u32 = 6;

/// What to write about a revision. What is `None` or empty stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// The status, as Helm spells it: `failed`.
    pub status: Option<String>,
    /// The description. It becomes one line of at most 300 characters.
    pub description: Option<String>,
    /// Marks to set.
    pub marks: Vec<Mark>,
    /// Only if the record has this status now.
    pub only_if_status: Option<String>,
}

/// The stored revisions of one namespace, to be written.
pub struct Records<'a, C> {
    cluster: &'a C,
    resource: &'a Resource,
    namespace: String,
}

impl<C> Clone for Records<'_, C> {
    fn clone(&self) -> Self {
        Self { cluster: self.cluster, resource: self.resource, namespace: self.namespace.clone() }
    }
}

impl<'a, C: Cluster> Records<'a, C> {
    /// The records of a storage.
    ///
    /// # Errors
    /// Of kind [`Kind::Unsupported`] for `HELM_DRIVER=sql`, which has no objects and no labels.
    pub fn of<H: Helm>(storage: &'a Storage<C, H>) -> Result<Self, Error> {
        match storage {
            Storage::Objects { cluster, resource } => {
                Ok(Self { cluster, resource, namespace: cluster.namespace().to_owned() })
            }
            Storage::Helm { .. } => Err(Error::new(
                Kind::Unsupported,
                "cannot write about revisions: the storage driver \"sql\" cannot hold labels",
            )
            .hint("marks, unlock and prune need HELM_DRIVER=secret or configmap")),
        }
    }

    /// Those of another namespace.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        Self { cluster: self.cluster, resource: self.resource, namespace: namespace.to_owned() }
    }

    /// The kind of object that holds them.
    #[must_use]
    pub fn resource(&self) -> &'a Resource {
        self.resource
    }

    /// The status that the record of a revision says, whatever its label says.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn status(&self, name: &str, revision: u32) -> Result<String, Error> {
        let at = self.at(name, revision);
        let what = || format!("cannot read revision {revision} of release \"{name}\"");
        let body = self.cluster.get(&at).await.map_err(|error| Error::from(error).while_doing(&what()))?;
        let head = record::head(&body, self.resource);
        head.map(|head| head.status).map_err(|error| record::damaged(&error, &at).while_doing(&what()))
    }

    /// The cluster in which they are.
    #[must_use]
    pub fn cluster(&self) -> &'a C {
        self.cluster
    }

    /// Rewrites what the record of a revision says. If it says all of that already, nothing is written.
    ///
    /// # Errors
    /// Of kind [`Kind::Locked`] if its status is not the expected one, or others keep writing to it; [`Kind::Damaged`] if it
    /// can't be read; else as the API server has it.
    pub async fn revise(&self, name: &str, revision: u32, change: &Revision) -> Result<Stated, Error> {
        let at = self.at(name, revision);
        let failed =
            |error: Error| error.while_doing(&format!("cannot write to revision {revision} of release \"{name}\""));
        let statement =
            Statement { status: change.status.clone(), description: change.description.as_deref().map(one_line) };
        for _ in 0..MOST_ATTEMPTS {
            let body = self.cluster.get(&at).await.map_err(|error| failed(error.into()))?;
            let (of, change, statement) = ((at.clone(), name.to_owned(), revision), change.clone(), statement.clone());
            // Packing a large record takes a good part of a second.
            let rewriting = move || rewrite(&body, &of, &change, &statement);
            let rewritten = tokio::task::spawn_blocking(rewriting)
                .await
                .map_err(|_| failed(Error::new(Kind::Damaged, "rewriting it failed")))?;
            let (stated, body) = rewritten.map_err(failed)?;
            let Some(body) = body else { return Ok(stated) };
            match self.cluster.update(&at, &body).await {
                Ok(_) => return Ok(stated),
                // Somebody else has written to it, or the answer to our own write was lost: look again.
                Err(ClusterError::Conflict { .. }) => {}
                Err(error) => return Err(failed(error.into())),
            }
        }
        Err(failed(Error::new(Kind::Locked, "somebody else keeps changing it")))
    }

    /// Deletes the record of a revision, if it still has this resource version. One that is gone already is fine.
    ///
    /// # Errors
    /// Of kind [`Kind::Locked`] if it was changed in between; else as the API server has it.
    pub async fn delete(&self, name: &str, revision: u32, resource_version: &str) -> Result<(), Error> {
        let only = Only { uid: None, resource_version: Some(resource_version.to_owned()) };
        match self.cluster.delete(&self.at(name, revision), &only).await {
            Ok(()) | Err(ClusterError::NotFound { .. }) => Ok(()),
            Err(error) => {
                let conflict = matches!(error, ClusterError::Conflict { .. });
                let error = Error::from(error);
                let error = if conflict { Error { kind: Kind::Locked, ..error } } else { error };
                Err(error.while_doing(&format!("cannot delete revision {revision} of release \"{name}\"")))
            }
        }
    }

    /// The value of a label of a revision's object; `None` if it has none.
    ///
    /// # Errors
    /// As the API server has it.
    pub async fn label(&self, name: &str, revision: u32, label: &str) -> Result<Option<String>, Error> {
        let body = self.cluster.get(&self.at(name, revision)).await.map_err(Error::from)?;
        let object: Value = serde_json::from_slice(&body).unwrap_or_default();
        let value = object.pointer("/metadata/labels").and_then(|labels| labels.get(label)).and_then(Value::as_str);
        Ok(value.map(str::to_owned))
    }

    fn at(&self, name: &str, revision: u32) -> ObjectRef {
        ObjectRef {
            resource: self.resource.clone(),
            namespace: Some(self.namespace.clone()),
            name: record::object_name(name, revision),
        }
    }
}

type Of = (ObjectRef, String, u32);

/// What the record says then, and the object to write; none if it says all of that already.
fn rewrite(
    body: &[u8],
    (at, name, revision): &Of,
    change: &Revision,
    statement: &Statement,
) -> Result<(Stated, Option<Vec<u8>>), Error> {
    let damaged = |error: DecodeError| record::damaged(&error, at);
    let not_json = |error: serde_json::Error| {
        damaged(DecodeError::Json {
            what: "no object of the Kubernetes API",
            line: error.line(),
            column: error.column(),
        })
    };
    let mut object: Map<String, Value> = serde_json::from_slice(body).map_err(not_json)?;
    let content = object.get("data").and_then(Value::as_object);
    let encoded = content.and_then(|data| data.get("release")).and_then(Value::as_str);
    let encoded = encoded.ok_or_else(|| damaged(DecodeError::MissingKey))?;
    let secret = at.resource == Resource::SECRETS;
    let payload = match secret {
        true => STANDARD.decode(encoded).map_err(|_| damaged(DecodeError::Base64))?,
        false => encoded.as_bytes().to_vec(),
    };
    let unpacked = Unpacked::new(&payload).map_err(damaged)?;
    if unpacked.identity() != (name.as_str(), *revision) {
        return Err(damaged(DecodeError::OtherRelease));
    }
    let old = unpacked.stated().clone();
    let new = Stated {
        status: statement.status.clone().unwrap_or_else(|| old.status.clone()),
        description: statement.description.clone().unwrap_or_else(|| old.description.clone()),
    };
    let mut labels: Vec<(&str, String)> =
        change.marks.iter().map(|mark| (mark.label(), mark.value(*revision))).collect();
    labels.extend(statement.status.clone().map(|status| ("status", status)));
    let has = |(key, value): &(&str, String)| label(&object, key) == Some(value);
    if new == old && labels.iter().all(has) {
        return Ok((old, None));
    }
    if let Some(expected) = change.only_if_status.as_ref().filter(|expected| **expected != old.status) {
        let message = format!("its status is {}, and not {expected} as it was expected to be", one_line(&old.status));
        return Err(Error::new(Kind::Locked, message).hint("somebody else has changed the release; look at it again"));
    }
    if new != old {
        let others = content.map_or(0, |data| size(data, secret)).saturating_sub(payload.len());
        let packed = unpacked.pack(statement, MOST_CONTENT.saturating_sub(others));
        let text = if secret { STANDARD.encode(&packed) } else { String::from_utf8_lossy(&packed).into_owned() };
        object["data"]["release"] = text.into();
    }
    let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
    let all = metadata.map(|metadata| metadata.entry("labels").or_insert_with(|| Value::Object(Map::new())));
    let all = all.and_then(Value::as_object_mut).ok_or_else(|| damaged(DecodeError::OtherRelease))?;
    all.extend(labels.into_iter().map(|(key, value)| (key.to_owned(), value.into())));
    let body = serde_json::to_vec(&object).map_err(not_json)?;
    Ok((new, Some(body)))
}

fn label<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("labels")?.get(key)?.as_str()
}

/// How much of the limit the content takes, in bytes: keys do not count in a Secret, and do in a ConfigMap.
fn size(data: &Map<String, Value>, secret: bool) -> usize {
    let text = |value: &Value| value.as_str().map_or(0, str::len);
    data.iter().map(|(key, value)| if secret { text(value) / 4 * 3 } else { key.len() + text(value) }).sum()
}

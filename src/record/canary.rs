//! Where a canary is kept while it is under way: a Secret beside the release, since steps and flags may hold what is secret. Each
//! write names the version that it replaces, so that two runs never go on with one canary.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::cluster::{Cluster, ClusterError, ObjectRef, Only, Resource};
use crate::error::{Error, Kind};
use crate::release::marks::canary_of;

/// A Secret does not hold more than this, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// The key within the Secret.
const KEY: &str = "canary.json";

/// Where the canary of one release is kept.
pub struct Store<'a, C> {
    cluster: &'a C,
    namespace: String,
    release: String,
    /// The version that was read or written last; empty where there is none.
    version: Mutex<String>,
}

impl<'a, C: Cluster> Store<'a, C> {
    /// The place of a release's canary.
    #[must_use]
    pub fn of(cluster: &'a C, namespace: &str, release: &str) -> Self {
        Self { cluster, namespace: namespace.to_owned(), release: release.to_owned(), version: Mutex::default() }
    }

    /// What is kept, if a canary is under way.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        match self.cluster.get(&self.at()).await {
            Ok(body) => {
                let (content, version) = content(&body).ok_or_else(|| {
                    let message =
                        format!("cannot read the canary of release \"{}\": {} is none", self.release, self.at());
                    Error::new(Kind::Damaged, message).hint("remove it; safe-upgrade rollback goes back by hand")
                })?;
                self.saw(version);
                Ok(Some(content))
            }
            Err(ClusterError::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("read", error)),
        }
    }

    /// Keeps this instead of what was kept.
    ///
    /// # Errors
    /// If it can't be written; of kind [`Kind::Locked`] if somebody else has written it in between.
    pub async fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() > MAX_BYTES {
            let message =
                format!("cannot keep the canary of release \"{}\": a Secret holds no more than 1 MiB", self.release);
            return Err(Error::new(Kind::Output, message).hint("fewer steps, or values in files of their own"));
        }
        let seen = self.seen();
        let body = self.object(bytes, &seen);
        let written = match seen.is_empty() {
            true => self.cluster.create(&self.at(), &body).await,
            false => self.cluster.update(&self.at(), &body).await,
        };
        match written {
            Ok(body) => {
                self.saw(content(&body).map(|(_, version)| version).unwrap_or_default());
                Ok(())
            }
            Err(ClusterError::Conflict { .. }) => self.settle(bytes).await,
            Err(error) => Err(self.failed("keep", error)),
        }
    }

    /// Somebody has written to it: that may have been we, by a request whose answer was lost.
    async fn settle(&self, bytes: &[u8]) -> Result<(), Error> {
        let found = match self.cluster.get(&self.at()).await {
            Ok(body) => content(&body),
            Err(ClusterError::NotFound { .. }) => None,
            Err(error) => return Err(self.failed("read", error)),
        };
        match found.filter(|(content, _)| content == bytes) {
            Some((_, version)) => {
                self.saw(version);
                Ok(())
            }
            None => Err(self.taken()),
        }
    }

    /// Forgets it: the canary is over.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn remove(&self) -> Result<(), Error> {
        let only = Only { uid: None, resource_version: Some(self.seen()).filter(|seen| !seen.is_empty()) };
        match self.cluster.delete(&self.at(), &only).await {
            Ok(()) | Err(ClusterError::NotFound { .. }) => {
                self.saw(String::new());
                Ok(())
            }
            Err(ClusterError::Conflict { .. }) => Err(self.taken()),
            Err(error) => Err(self.failed("remove", error)),
        }
    }

    fn seen(&self) -> String {
        self.version.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn saw(&self, version: String) {
        *self.version.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = version;
    }

    fn at(&self) -> ObjectRef {
        let name = canary_of(&self.release);
        ObjectRef { resource: Resource::SECRETS, namespace: Some(self.namespace.clone()), name }
    }

    fn failed(&self, what: &str, error: ClusterError) -> Error {
        let forbidden = matches!(error, ClusterError::Forbidden(_));
        let error =
            Error::from(error).while_doing(&format!("cannot {what} the canary of release \"{}\"", self.release));
        match forbidden {
            true => error.hint("a canary is kept in a Secret: it takes get, create, update and delete on secrets"),
            false => error,
        }
    }

    fn taken(&self) -> Error {
        let message = format!("somebody else works on the canary of release \"{}\"", self.release);
        Error::new(Kind::Locked, message).hint(format!("helm safe-upgrade canary status {}", self.release))
    }

    fn object(&self, bytes: &[u8], version: &str) -> Vec<u8> {
        let labels =
            json!({"app.kubernetes.io/managed-by": "helm-safe-upgrade", "safe-upgrade/canary-of": self.release});
        let mut metadata = json!({"name": self.at().name, "namespace": self.namespace, "labels": labels});
        if !version.is_empty() {
            metadata["resourceVersion"] = version.into();
        }
        let data = json!({KEY: STANDARD.encode(bytes)});
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}).to_string().into_bytes()
    }
}

/// What a Secret keeps, and its version.
fn content(body: &[u8]) -> Option<(Vec<u8>, String)> {
    let object: Value = serde_json::from_slice(body).ok()?;
    let content = STANDARD.decode(object.get("data")?.get(KEY)?.as_str()?).ok()?;
    let version = object.get("metadata")?.get("resourceVersion")?.as_str()?.to_owned();
    Some((content, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_as_it_was_written() {
        let encoded = STANDARD.encode(b"{}");
        let body = json!({"metadata": {"resourceVersion": "7"}, "data": {KEY: encoded}}).to_string();
        assert_eq!(content(body.as_bytes()), Some((b"{}".to_vec(), "7".to_owned())));
        for other in
            ["[1]", r#"{"metadata": {"resourceVersion": "7"}, "data": {}}"#, r#"{"data": {"canary.json": "e30="}}"#]
        {
            assert_eq!(content(other.as_bytes()), None, "{other}");
        }
    }
}

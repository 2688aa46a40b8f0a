//! Where the flags of a blue-green roll-out that pauses are kept: a Secret beside its state, since commands of gates and values of a
//! router may hold what is secret. It is written and removed by whoever holds the lease of the roll-out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::blue_green::name_of;
use crate::cluster::{Cluster, ClusterError, ObjectRef, Only, Resource};
use crate::error::{Error, Kind};

/// The key within the Secret.
const KEY: &str = "flags.json";

/// The key of what tells for which order they are: they are written before the state that says so.
const ORDER: &str = "order";

/// The flags of the roll-out of two releases.
#[derive(Debug)]
pub struct Flags<'a, C> {
    cluster: &'a C,
    at: ObjectRef,
}

impl<'a, C: Cluster> Flags<'a, C> {
    /// Those of these two releases.
    #[must_use]
    pub fn of(cluster: &'a C, namespace: &str, (blue, green): (&str, &str)) -> Self {
        let name = name_of(blue, green);
        Self { cluster, at: ObjectRef { resource: Resource::SECRETS, namespace: Some(namespace.to_owned()), name } }
    }

    /// The words of a command line that are kept for this order, if any are.
    ///
    /// # Errors
    /// If they can't be read.
    pub async fn read(&self, order: &str) -> Result<Option<Vec<String>>, Error> {
        match self.cluster.get(&self.at).await {
            Ok(body) if is_of_another(&body, order) => Ok(None),
            Ok(body) => words(&body).map(Some).ok_or_else(|| {
                Error::new(Kind::Damaged, format!("cannot read the flags of the roll-out in {}", self.at))
                    .hint("run the command of the roll-out again, without --pause: it goes on")
            }),
            Err(ClusterError::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed("read", error)),
        }
    }

    /// Keeps these for an order, instead of what was kept.
    ///
    /// # Errors
    /// If they can't be written.
    pub async fn write(&self, order: &str, words: &[String]) -> Result<(), Error> {
        let version = match self.cluster.get(&self.at).await {
            Ok(body) => version(&body),
            Err(ClusterError::NotFound { .. }) => String::new(),
            Err(error) => return Err(failed("keep", error)),
        };
        let body = object(&self.at, (order, words), &version);
        let written = match version.is_empty() {
            true => self.cluster.create(&self.at, &body).await,
            false => self.cluster.update(&self.at, &body).await,
        };
        written.map(drop).map_err(|error| failed("keep", error))
    }

    /// Forgets them: the roll-out is over.
    ///
    /// # Errors
    /// If they can't be removed.
    pub async fn remove(&self) -> Result<(), Error> {
        match self.cluster.delete(&self.at, &Only { uid: None, resource_version: None }).await {
            Ok(()) | Err(ClusterError::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("remove", error)),
        }
    }
}

fn failed(what: &str, error: ClusterError) -> Error {
    let forbidden = matches!(error, ClusterError::Forbidden(_));
    let error = Error::from(error).while_doing(&format!("cannot {what} the flags of the roll-out"));
    match forbidden {
        true => {
            error.hint("what pauses keeps its flags in a Secret: it takes get, create, update and delete on secrets")
        }
        false => error,
    }
}

fn object(at: &ObjectRef, (order, words): (&str, &[String]), version: &str) -> Vec<u8> {
    let labels = json!({"app.kubernetes.io/managed-by": "helm-safe-upgrade"});
    let mut metadata = json!({"name": at.name, "namespace": at.namespace, "labels": labels});
    if !version.is_empty() {
        metadata["resourceVersion"] = version.into();
    }
    let data = json!({KEY: STANDARD.encode(json!(words).to_string()), ORDER: STANDARD.encode(order)});
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}).to_string().into_bytes()
}

fn version(body: &[u8]) -> String {
    let object: Value = serde_json::from_slice(body).unwrap_or_default();
    object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned()
}

fn words(body: &[u8]) -> Option<Vec<String>> {
    serde_json::from_slice(&value(body, KEY)?).ok()
}

/// Whether they were written for another order. Where that is not said, they are from before it was.
fn is_of_another(body: &[u8], order: &str) -> bool {
    value(body, ORDER).is_some_and(|kept| kept != order.as_bytes())
}

fn value(body: &[u8], key: &str) -> Option<Vec<u8>> {
    let object: Value = serde_json::from_slice(body).ok()?;
    STANDARD.decode(object.get("data")?.get(key)?.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_they_were_written() {
        let at = ObjectRef { resource: Resource::SECRETS, namespace: Some("shop".to_owned()), name: "a".to_owned() };
        let flags = ["--gate-cmd=curl -H \"token: x\"".to_owned(), "--pause".to_owned()];
        let body = object(&at, ("a1", &flags), "7");
        assert_eq!(
            (is_of_another(&body, "a1"), is_of_another(&body, "b2"), is_of_another(b"{}", "b2")),
            (false, true, false)
        );
        assert_eq!((words(&body), version(&body)), (Some(flags.to_vec()), "7".to_owned()));
        for other in ["[1]", "{}", r#"{"data": {"flags.json": "e30="}}"#] {
            assert_eq!(words(other.as_bytes()), None, "{other}");
        }
    }
}

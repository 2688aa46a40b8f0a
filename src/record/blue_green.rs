//! Where the state of a blue-green roll-out is kept: a ConfigMap beside the two releases, so that whoever runs the command again, from
//! whatever machine, goes on with it.

use std::sync::{Mutex, PoisonError};

use super::config_map::{content, object, reference};
use crate::cluster::{Cluster, ClusterError, ObjectRef};
use crate::error::{Error, Kind};

/// The key within the ConfigMap.
const KEY: &str = "blue-green.json";

/// The label that all of them have; its value is the blue release.
const LABEL: &str = "safe-upgrade/blue-green";

/// What is kept of the roll-outs of two releases.
#[derive(Debug)]
pub struct Store<'a, C> {
    cluster: &'a C,
    at: ObjectRef,
    blue: String,
    /// The version that was read or written last.
    version: Mutex<String>,
}

impl<'a, C: Cluster> Store<'a, C> {
    /// That of these two releases. The names stand in an order of their own: whoever swaps the colours finds the same.
    #[must_use]
    pub fn of(cluster: &'a C, namespace: &str, (blue, green): (&str, &str)) -> Self {
        Self {
            cluster,
            at: reference(namespace, &name_of(blue, green)),
            blue: blue.to_owned(),
            version: Mutex::default(),
        }
    }

    /// Where it is, for a reader.
    #[must_use]
    pub fn named(&self) -> String {
        format!("configmap:{}/{}", self.at.namespace.as_deref().unwrap_or_default(), self.at.name)
    }

    /// What is kept.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        match self.cluster.get(&self.at).await {
            Ok(body) => {
                let (content, version) = content(&body, KEY).ok_or_else(|| {
                    Error::new(Kind::Damaged, format!("cannot read the state of the roll-out in {}", self.named()))
                        .hint("it was changed by hand; delete it to begin anew")
                })?;
                self.seen(version);
                Ok(Some(content))
            }
            Err(ClusterError::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::from(error).while_doing("cannot read the state of the roll-out")),
        }
    }

    /// Keeps this instead of what was kept.
    ///
    /// # Errors
    /// If it can't be written; of kind [`Kind::Locked`] if somebody else has written it in between.
    pub async fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        let version = self.version.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let body = object(&self.at, (LABEL, &self.blue), (KEY, bytes), &version);
        let written = match version.is_empty() {
            true => self.cluster.create(&self.at, &body).await,
            false => self.cluster.update(&self.at, &body).await,
        };
        match written {
            Ok(body) => {
                self.seen(content(&body, KEY).map(|(_, version)| version).unwrap_or_default());
                Ok(())
            }
            Err(ClusterError::Conflict { .. }) => self.settle(bytes).await,
            Err(error) => Err(Error::from(error).while_doing("cannot keep the state of the roll-out")),
        }
    }

    /// Somebody has written to it: that may have been we, by a request whose answer was lost.
    async fn settle(&self, bytes: &[u8]) -> Result<(), Error> {
        let found = match self.cluster.get(&self.at).await {
            Ok(body) => content(&body, KEY),
            Err(ClusterError::NotFound { .. }) => None,
            Err(error) => return Err(Error::from(error).while_doing("cannot read the state of the roll-out")),
        };
        if let Some((_, version)) = found.filter(|(content, _)| content == bytes) {
            self.seen(version);
            return Ok(());
        }
        let message = format!("somebody else works on this roll-out: {} was written", self.named());
        Err(Error::new(Kind::Locked, message).hint("wait until they have ended, then run it again"))
    }

    fn seen(&self, version: String) {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner) = version;
    }
}

/// What the lease and the state of the roll-outs of two releases are named by.
#[must_use]
pub fn pair(blue: &str, green: &str) -> String {
    let (first, second) = if blue <= green { (blue, green) } else { (green, blue) };
    format!("{first}.{second}")
}

/// The name of all that is kept of their roll-outs.
pub(super) fn name_of(blue: &str, green: &str) -> String {
    format!("helm-safe-upgrade.blue-green.{}", pair(blue, green))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapped_colours_have_the_same_state() {
        assert_eq!(name_of("web-blue", "web-green"), "helm-safe-upgrade.blue-green.web-blue.web-green");
        assert_eq!(name_of("web-green", "web-blue"), name_of("web-blue", "web-green"));
    }
}

//! Where the state of a batch is kept: a file, which is replaced in one step, or a ConfigMap, of which each write names the
//! version that it replaces. Only one process works with it at a time.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::config_map::{MAX_BYTES as MAX_IN_CLUSTER, content, object, reference};
use crate::cluster::{Cluster, ClusterError, ListQuery, Resource};
use crate::error::{Error, Kind};

/// What is kept may not be larger than this, in bytes.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// The key within a ConfigMap.
const KEY: &str = "batch.json";

/// The label that all parts of one batch have.
const LABEL: &str = "safe-upgrade/batch";

/// Where the state of a batch is kept.
#[derive(Debug)]
pub enum Store<C> {
    /// A file.
    File {
        /// Its path.
        path: PathBuf,
        /// Beside it, a file that is locked while somebody works with it.
        lock: Mutex<Option<File>>,
    },
    /// A ConfigMap.
    ConfigMap {
        /// The cluster.
        cluster: C,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What the parts of the batch are called together.
        batch: String,
        /// The version that was read or written last.
        version: Mutex<String>,
    },
}

fn failed(place: &impl std::fmt::Display, what: &str, cause: &impl std::fmt::Display) -> Error {
    Error::new(Kind::Output, format!("cannot {what} the state of the batch in {place}: {cause}"))
        .hint("--state names another file, or configmap:NAMESPACE/NAME")
}

impl<C: Cluster> Store<C> {
    /// A file.
    #[must_use]
    pub fn file(path: PathBuf) -> Self {
        Self::File { path, lock: Mutex::default() }
    }

    /// A ConfigMap. `batch` is what all parts of the batch are called together.
    #[must_use]
    pub fn config_map(cluster: C, (namespace, name): (String, String), batch: String) -> Self {
        Self::ConfigMap { cluster, namespace, name, batch, version: Mutex::default() }
    }

    /// Where it is, for a reader.
    #[must_use]
    pub fn named(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::ConfigMap { namespace, name, .. } => format!("configmap:{namespace}/{name}"),
        }
    }

    /// What is kept, for whoever goes on with it: nobody else may work with it until this process ends.
    ///
    /// # Errors
    /// If somebody else works with it, or it can't be read.
    pub async fn take(&self) -> Result<Option<Vec<u8>>, Error> {
        if let Self::File { path, lock } = self {
            let file = locked(path)?;
            *lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(file);
        }
        self.read().await
    }

    /// What is kept, to be looked at.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::File { path, .. } => match read_file(path) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(failed(&path.display(), "read", &error)),
            },
            Self::ConfigMap { cluster, namespace, name, version, .. } => {
                match cluster.get(&reference(namespace, name)).await {
                    Ok(body) => {
                        let (content, seen) =
                            content(&body, KEY).ok_or_else(|| failed(&self.named(), "read", &"it is none"))?;
                        *version.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = seen;
                        Ok(Some(content))
                    }
                    Err(ClusterError::NotFound { .. }) => Ok(None),
                    Err(error) => Err(Error::from(error).while_doing("cannot read the state of the batch")),
                }
            }
        }
    }

    /// Keeps this instead of what was kept.
    ///
    /// # Errors
    /// If it can't be written; of kind [`Kind::Locked`] if somebody else has written it in between.
    pub async fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        match self {
            Self::File { path, .. } => write_file(path, bytes).map_err(|error| failed(&path.display(), "keep", &error)),
            Self::ConfigMap { cluster, namespace, name, batch, version } => {
                if bytes.len() > MAX_IN_CLUSTER {
                    let cause = "it does not fit into a ConfigMap; a file, or more shards, hold it";
                    return Err(failed(&self.named(), "keep", &cause));
                }
                let seen = version.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
                let at = reference(namespace, name);
                let body = object(&at, (LABEL, batch), (KEY, bytes), &seen);
                let written = match seen.is_empty() {
                    true => cluster.create(&at, &body).await,
                    false => cluster.update(&at, &body).await,
                };
                match written {
                    Ok(body) => {
                        let seen = content(&body, KEY).map(|(_, seen)| seen).unwrap_or_default();
                        *version.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = seen;
                        Ok(())
                    }
                    Err(ClusterError::Conflict { .. }) => {
                        // The answer to an earlier try may have been lost: what is there is ours then.
                        let before = version.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
                        if self.read().await?.is_some_and(|there| there == bytes) {
                            return Ok(());
                        }
                        *version.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = before;
                        let message = format!("somebody else works on this batch: {} was written", self.named());
                        Err(Error::new(Kind::Locked, message).hint("wait until they have ended, then --resume"))
                    }
                    Err(error) => Err(Error::from(error).while_doing("cannot keep the state of the batch")),
                }
            }
        }
    }
}

/// The states that are kept of a batch in ConfigMaps, by their names.
///
/// # Errors
/// If they can't be read.
pub async fn all_of<C: Cluster>(cluster: &C, namespace: &str, batch: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let query = ListQuery {
        resource: Resource::CONFIG_MAPS,
        namespace: Some(namespace.to_owned()),
        label_selector: Some(format!("{LABEL}={batch}")),
    };
    let reading = |error: ClusterError| Error::from(error).while_doing("cannot read the state of the batch");
    let mut all = Vec::new();
    for found in cluster.list_metadata(&query).await.map_err(reading)? {
        let Some(name) = found.name else { continue };
        let body = cluster.get(&reference(namespace, &name)).await.map_err(reading)?;
        let named = format!("configmap:{namespace}/{name}");
        let (content, _) = content(&body, KEY).ok_or_else(|| failed(&named, "read", &"it is none"))?;
        all.push((named, content));
    }
    Ok(all)
}

/// Locks the file beside the state. The system lets go of it when the process ends, however it does.
fn locked(path: &Path) -> Result<File, Error> {
    let beside = path.with_added_extension("lock");
    let opened = folder_of(path).and_then(|()| File::options().create(true).append(true).open(&beside));
    let file = opened.map_err(|error| failed(&path.display(), "keep", &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = format!("another process works on this batch, and keeps its state in {}", path.display());
            Err(Error::new(Kind::Locked, message).hint("wait until it has ended; --state names another file"))
        }
        Err(TryLockError::Error(error)) => Err(failed(&path.display(), "lock", &error)),
    }
}

fn folder_of(path: &Path) -> std::io::Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => fs::create_dir_all(folder),
        None => Ok(()),
    }
}

fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_BYTES {
        true => Err(std::io::Error::other("it is larger than any state")),
        false => Ok(bytes),
    }
}

/// Writes beside the file and puts it into its place: there is the old one or the new one, also after a crash.
fn write_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    folder_of(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_data()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_locked_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/state.json");
        let held = locked(&path).unwrap();
        let error = locked(&path).unwrap_err();
        assert_eq!((error.kind, error.message.contains("another process works on this batch")), (Kind::Locked, true));
        drop(held);
        locked(&path).unwrap();
        write_file(&path, b"one").unwrap();
        write_file(&path, b"two").unwrap();
        assert_eq!(read_file(&path).unwrap(), b"two");
        let names: Vec<_> =
            fs::read_dir(folder.path().join("deep")).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "nothing is left over: {names:?}");
    }
}

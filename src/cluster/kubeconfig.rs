//! Reading kubeconfig files, and merging several into one as client-go does.
//!
//! Rules: <https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/> and
//! `clientcmd.ClientConfigLoadingRules` in client-go.

use std::collections::{BTreeMap, HashSet};
use std::env;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster, Context, Kubeconfig, KubeconfigError};

use super::error::{ClusterError, clean};

/// What all kubeconfig files together say. Relative paths in it are relative to the working directory.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// The files that were looked for, whether they were there or not.
    pub(super) looked_at: Vec<PathBuf>,
    pub(super) current_context: Option<String>,
    pub(super) contexts: BTreeMap<String, Context>,
    pub(super) clusters: BTreeMap<String, Cluster>,
    pub(super) users: BTreeMap<String, AuthInfo>,
}

/// Reads the files of a `KUBECONFIG` value, or `~/.kube/config` where there is none. A missing file is skipped; one
/// that cannot be read is an error.
pub(super) fn load(kubeconfig: Option<&OsStr>, home: Option<&Path>) -> Result<Merged, ClusterError> {
    let mut merged = Merged { looked_at: paths(kubeconfig, home), ..Merged::default() };
    for path in merged.looked_at.clone() {
        if let Some(file) = read(&path)? {
            merged.add(file);
        }
    }
    Ok(merged)
}

fn paths(kubeconfig: Option<&OsStr>, home: Option<&Path>) -> Vec<PathBuf> {
    match kubeconfig.filter(|list| !list.is_empty()) {
        Some(list) => {
            let mut seen = HashSet::new();
            env::split_paths(list).filter(|path| !path.as_os_str().is_empty() && seen.insert(path.clone())).collect()
        }
        None => home.map(|home| home.join(".kube").join("config")).into_iter().collect(),
    }
}

fn read(path: &Path) -> Result<Option<Kubeconfig>, ClusterError> {
    let cause = match Kubeconfig::read_from(path) {
        Ok(file) => return Ok(Some(file)),
        Err(KubeconfigError::ReadConfig(error, _)) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(KubeconfigError::ReadConfig(error, _)) => clean(&error.to_string(), 200),
        // The parser's own message quotes the file, and a token could stand there.
        Err(KubeconfigError::Parse(error)) => match error.location() {
            Some(at) => format!("not a kubeconfig (line {}, column {})", at.line(), at.column()),
            None => "not a kubeconfig".to_owned(),
        },
        Err(_) => "its documents do not fit together".to_owned(),
    };
    Err(ClusterError::Kubeconfig { path: path.to_owned(), cause })
}

impl Merged {
    /// Adds what the next file says. What an earlier file said stays as it is, entry by entry.
    fn add(&mut self, file: Kubeconfig) {
        if self.current_context.is_none() {
            self.current_context = file.current_context.filter(|name| !name.is_empty());
        }
        for named in file.contexts {
            self.contexts.entry(named.name).or_insert_with(|| named.context.unwrap_or_default());
        }
        for named in file.clusters {
            self.clusters.entry(named.name).or_insert_with(|| named.cluster.unwrap_or_default());
        }
        for named in file.auth_infos {
            self.users.entry(named.name).or_insert_with(|| named.auth_info.unwrap_or_default());
        }
    }

    /// The names of all contexts, in order.
    pub(super) fn context_names(&self) -> Vec<String> {
        self.contexts.keys().cloned().collect()
    }
}

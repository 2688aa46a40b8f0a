//! A second cluster, for as long as a story takes.

use std::path::{Path, PathBuf};
use std::process::Command;

use kube::config::Kubeconfig;

use crate::cluster;
use crate::environment::ROOT;
use crate::user::User;

/// A second cluster.
pub(crate) struct Second {
    folder: PathBuf,
}

impl Second {
    /// Starts it.
    pub(crate) fn starts(user: &User) -> Self {
        let folder = user.folder.join("second cluster");
        let status = testcluster("up", &folder);
        assert!(status, "the second cluster did not start");
        Self { folder }
    }

    /// Writes a kubeconfig with a context `here` for the first cluster and `there` for this one, both with a namespace.
    pub(crate) fn joins(&self, user: &User) {
        let there = Kubeconfig::read_from(self.folder.join("kubeconfig")).unwrap();
        let mut both = named(cluster::kubeconfig(), "here", &user.namespace);
        let there = named(there, "there", "default");
        both.clusters.extend(there.clusters);
        both.contexts.extend(there.contexts);
        both.auth_infos.extend(there.auth_infos);
        // JSON is YAML.
        let json = serde_json::to_value(&both).unwrap();
        user.writes("kubeconfig", &json.to_string());
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        testcluster("down", &self.folder);
    }
}

fn testcluster(verb: &str, folder: &Path) -> bool {
    let mut command = Command::new(Path::new(ROOT).join("tests/cluster/testcluster"));
    command.arg(verb).arg(folder).stdout(std::process::Stdio::null()).status().unwrap().success()
}

/// Only the current context, with another name for all that belongs to it.
fn named(mut config: Kubeconfig, name: &str, namespace: &str) -> Kubeconfig {
    let current = config.current_context.clone();
    config.contexts.retain(|context| Some(&context.name) == current.as_ref());
    let entry = config.contexts.first_mut().unwrap();
    name.clone_into(&mut entry.name);
    let context = entry.context.as_mut().unwrap();
    config.clusters.retain(|cluster| cluster.name == context.cluster);
    config.auth_infos.retain(|user| Some(&user.name) == context.user.as_ref());
    config.clusters.iter_mut().for_each(|cluster| cluster.name = name.to_owned());
    config.auth_infos.iter_mut().for_each(|user| user.name = name.to_owned());
    (context.cluster, context.user, context.namespace) =
        (name.to_owned(), Some(name.to_owned()), Some(namespace.to_owned()));
    config.current_context = Some(name.to_owned());
    config
}

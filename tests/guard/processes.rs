//! The processes of a command that runs, and signals to them.

use std::process::{Child, Command};

/// The process of the plugin, below helm.
pub(crate) fn plugin_of(helm: &Child) -> u32 {
    child_of(helm.id())
}

/// The first child of a process.
pub(crate) fn child_of(process: u32) -> u32 {
    *children_of(process).first().expect("it has no child")
}

/// The processes that a process has started. Any of its threads may have made them.
pub(crate) fn children_of(process: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
    let children = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let children: String = children.collect();
    children.split_whitespace().map(|child| child.parse().unwrap()).collect()
}

/// Sends a signal, as in `TERM`.
pub(crate) fn signal(process: u32, name: &str) {
    let status = Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).status().unwrap();
    assert!(status.success());
}

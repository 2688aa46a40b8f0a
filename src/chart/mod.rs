//! Charts as files: in a folder or an archive, with the charts they depend on. Read only for what Helm does not print of
//! a chart: which functions its templates call, its custom resource definitions, what it is and which charts it takes.

pub mod copy;
pub mod description;
pub mod files;
pub mod generators;
pub mod reference;
pub mod repository;
pub mod skeleton;
pub mod touched;

use std::path::PathBuf;

/// Where the chart of a command line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In a folder or an archive.
    Local(PathBuf),
    /// Wherever Helm finds it: a repository, a registry, a URL.
    Remote,
}

/// Finds out where a chart is, by Helm's rule: what exists as a file is one, whatever else is named like it. (Helm:
/// `action.ChartPathOptions.LocateChart`.)
#[must_use]
pub fn locate(reference: &str) -> Location {
    let path = PathBuf::from(reference.trim());
    let is_local = path.exists() || path.is_absolute() || reference.starts_with('.');
    if is_local { Location::Local(path) } else { Location::Remote }
}

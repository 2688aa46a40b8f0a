//! Finds the configuration file: the one that is named, or the nearest one from the working folder up to the repository's root.

use std::path::{Path, PathBuf};

use crate::cli::input;
use crate::config::{self, Config, FILE_NAME};
use crate::error::Error;

/// Reads the configuration; none is the same as an empty one.
pub(super) fn load(named: Option<&Path>) -> Result<Config, Error> {
    match found(named) {
        Some(path) => config::read(&path.display().to_string(), &input::read(&path)?),
        None => Ok(Config::default()),
    }
}

/// The file that is read: the one that is named, or the nearest.
pub(super) fn found(named: Option<&Path>) -> Option<PathBuf> {
    match named {
        Some(path) => Some(path.to_owned()),
        None => std::env::current_dir().ok().and_then(|folder| nearest(&folder)),
    }
}

/// The nearest file of this name. Outside of a repository only the working folder counts: nobody expects a file of another
/// project, or of another user, to have a say.
fn nearest(folder: &Path) -> Option<PathBuf> {
    let root = folder.ancestors().find(|ancestor| ancestor.join(".git").exists()).unwrap_or(folder);
    let within = folder.ancestors().take_while(|ancestor| ancestor.starts_with(root));
    within.map(|ancestor| ancestor.join(FILE_NAME)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_nearest_file_counts_up_to_the_root_of_the_repository() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("repository");
        let inner = root.join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(outer.path().join(FILE_NAME), "").unwrap();
        assert_eq!(nearest(&inner), None, "outside of a repository");
        fs::create_dir(root.join(".git")).unwrap();
        assert_eq!(nearest(&inner), None, "above the root");
        fs::write(root.join(FILE_NAME), "").unwrap();
        assert_eq!(nearest(&inner), Some(root.join(FILE_NAME)));
        fs::write(root.join("a").join(FILE_NAME), "").unwrap();
        assert_eq!(nearest(&inner), Some(root.join("a").join(FILE_NAME)));
    }
}

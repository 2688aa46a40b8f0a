//! Files of a revision of a git repository, read through the `git` binary. The work tree and the index are never touched,
//! and files are as they were committed: attributes such as `export-ignore` or line ends say nothing here.

pub mod changes;
mod command;
mod listing;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind};
use crate::git::command::Git;
use crate::git::listing::Entry;

/// All files that are taken out may not be larger than this, in bytes, and not more than so many.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
const MAX_FILES: usize = 50_000;

/// Symbolic links to folders are followed to this depth.
const MAX_DEPTH: usize = 24;

/// A revision of a repository.
pub struct Snapshot {
    git: Git,
    /// The tree of the whole repository.
    tree: String,
    /// The folder we are in, within the repository: empty, or with a slash at its end.
    prefix: String,
    revision: String,
}

/// What there is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Folder(String),
    File { object: String, size: u64 },
}

/// A file on its way out of the repository.
struct Wanted {
    path: String,
    object: String,
    size: u64,
}

impl Snapshot {
    /// Finds a revision in the repository that `folder` is in.
    ///
    /// # Errors
    /// If there is no git, no repository or no such revision.
    pub async fn open(folder: &Path, revision: &str) -> Result<Self, Error> {
        let git = Git::find(folder)?;
        let prefix = git.text(&["rev-parse", "--show-prefix"]).await.map_err(|failure| {
            let outside = failure.contains("not a git repository");
            let error = if outside { format!("{} is in no git repository", folder.display()) } else { failure };
            Error::new(Kind::Usage, error)
        })?;
        // It would be an option.
        let named = if revision.starts_with('-') { None } else { git.tree_of(revision).await };
        let Some(tree) = named else { return Err(no_revision(&git, revision).await) };
        Ok(Self { git, tree, prefix, revision: revision.to_owned() })
    }

    /// A path as it is within the repository, of one that is seen from the current folder. Empty is the root.
    ///
    /// # Errors
    /// If it leads out of the repository.
    pub fn path_within(&self, path: &str) -> Result<String, Error> {
        let inside = if path.starts_with('/') { None } else { normal(&format!("{}{path}", self.prefix)) };
        inside.ok_or_else(|| {
            Error::new(Kind::Usage, format!("{path:?} is not within the git repository"))
                .hint("the path is seen from the current folder; \".\" is the folder itself")
        })
    }

    /// Writes the file or folder at a path of the repository to the same path below `root`. Symbolic links are followed, within the
    /// repository only.
    ///
    /// # Errors
    /// If there is nothing at this path, it is larger than any chart, a link leads nowhere or out of the repository, or the files
    /// can't be written.
    pub async fn take_out(&self, path: &str, root: &Path) -> Result<(), Error> {
        let mut wanted = Vec::new();
        match self.look(path).await? {
            Some(Found::File { object, size }) => wanted.push(Wanted { path: path.to_owned(), object, size }),
            Some(Found::Folder(tree)) => self.list(path, tree, &mut wanted).await?,
            None => return Err(self.nothing_at(path)),
        }
        if wanted.len() > MAX_FILES || wanted.iter().map(|file| file.size).sum::<u64>() > MAX_BYTES {
            return Err(self.too_large(path));
        }
        let target = if path.is_empty() { root.to_owned() } else { root.join(path) };
        make_folder(if wanted.len() == 1 { root } else { &target })?;
        let mut places: HashMap<&str, Vec<PathBuf>> = HashMap::new();
        for file in &wanted {
            places.entry(&file.object).or_default().push(root.join(&file.path));
        }
        let objects: Vec<&str> = places.keys().copied().collect();
        self.git
            .read(&objects, |object, content| places[object].iter().try_for_each(|place| write(place, content)))
            .await
    }

    /// What there is at a path, links followed.
    async fn look(&self, path: &str) -> Result<Option<Found>, Error> {
        if path.is_empty() {
            return Ok(Some(Found::Folder(self.tree.clone())));
        }
        let answer = self.git.follow(&[format!("{}:{path}", self.tree)]).await?;
        Ok(answer.into_iter().next().and_then(Result::ok).and_then(found))
    }

    /// Gathers the files below a folder. Links to folders are listed in their turn.
    async fn list(&self, folder: &str, tree: String, wanted: &mut Vec<Wanted>) -> Result<(), Error> {
        let mut folders = vec![(folder.to_owned(), tree, 0)];
        while let Some((folder, tree, depth)) = folders.pop() {
            let mut links = Vec::new();
            for entry in
                listing::parse(&self.git.bytes(&["ls-tree", "--full-tree", "-r", "-z", "--long", &tree]).await?)
            {
                let Entry { path, object, size, link } = entry;
                if !is_plain(&path) {
                    return Err(self.cannot_take(&path, "its name is no name of a file"));
                }
                let path = if folder.is_empty() { path } else { format!("{folder}/{path}") };
                match link {
                    true => links.push(path),
                    false => wanted.push(Wanted { path, object, size }),
                }
                if wanted.len() + links.len() > MAX_FILES {
                    return Err(self.too_large(&folder));
                }
            }
            if links.is_empty() {
                continue;
            }
            let asked: Vec<String> = links.iter().map(|link| format!("{}:{link}", self.tree)).collect();
            for (link, answer) in links.into_iter().zip(self.git.follow(&asked).await?) {
                match answer.map(found) {
                    Ok(Some(Found::File { object, size })) => wanted.push(Wanted { path: link, object, size }),
                    Ok(Some(Found::Folder(tree))) if depth < MAX_DEPTH => folders.push((link, tree, depth + 1)),
                    Ok(Some(Found::Folder(_))) => {
                        return Err(self.cannot_take(&link, "symbolic links lead in a circle"));
                    }
                    Ok(None) => {
                        return Err(self.cannot_take(&link, "this symbolic link leads to nothing of the repository"));
                    }
                    Err(cause) => return Err(self.cannot_take(&link, &cause)),
                }
            }
        }
        Ok(())
    }

    fn nothing_at(&self, path: &str) -> Error {
        Error::new(Kind::NotFound, format!("there is no {path:?} at {}", self.revision))
            .hint("the path is seen from the current folder; git ls-tree --name-only REF shows what there is")
    }

    fn too_large(&self, path: &str) -> Error {
        Error::new(Kind::Usage, format!("{path:?} at {} is larger than any chart", self.revision))
    }

    fn cannot_take(&self, path: &str, cause: &str) -> Error {
        Error::new(Kind::Usage, format!("cannot read {path:?} at {}: {cause}", self.revision))
    }
}

/// The kinds of objects that a chart can be made of: no submodules.
fn found((kind, object, size): (String, String, u64)) -> Option<Found> {
    match kind.as_str() {
        "tree" => Some(Found::Folder(object)),
        "blob" => Some(Found::File { object, size }),
        _ => None,
    }
}

async fn no_revision(git: &Git, revision: &str) -> Error {
    let error = Error::new(Kind::NotFound, format!("there is no revision {revision:?} in the git repository"));
    let remote = format!("origin/{revision}");
    match git.tree_of(&remote).await {
        Some(_) => error.hint(format!("there is {remote}")),
        None => {
            error.hint("git branch --all and git tag show what there is; git fetch brings what a shallow clone lacks")
        }
    }
}

/// A relative path without `.` and `..`; `None` if it leads out.
fn normal(path: &str) -> Option<String> {
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => _ = steps.pop()?,
            step => steps.push(step),
        }
    }
    Some(steps.join("/"))
}

/// Whether a path of a tree stays below the folder that it is written to. Git itself makes no other, but its objects may be forged.
fn is_plain(path: &str) -> bool {
    !path.chars().any(char::is_control)
        && path.split('/').all(|step| !matches!(step, "" | "." | "..") && !step.eq_ignore_ascii_case(".git"))
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|error| unwritable(&error))
}

fn write(place: &Path, content: &[u8]) -> Result<(), Error> {
    if let Some(folder) = place.parent() {
        make_folder(folder)?;
    }
    std::fs::write(place, content).map_err(|error| unwritable(&error))
}

fn unwritable(error: &std::io::Error) -> Error {
    Error::new(Kind::Output, format!("cannot write a temporary file: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_the_repository() {
        assert_eq!(normal("charts/./web/").as_deref(), Some("charts/web"));
        assert_eq!(normal("charts/web/../common").as_deref(), Some("charts/common"));
        assert_eq!(normal(".").as_deref(), Some(""));
        assert_eq!(normal("charts/../../etc"), None);
    }

    #[test]
    fn forged_names_are_told() {
        assert!(is_plain("templates/a.yaml") && is_plain(".helmignore"));
        for name in ["../a", "a/../../b", "/a", "a//b", ".git/config", "a/.GIT", "a\nb"] {
            assert!(!is_plain(name), "{name:?}");
        }
    }
}

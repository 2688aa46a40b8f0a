//! What a branch changes: its files, and the charts that there are before and after.

use std::path::{Path, PathBuf};

use crate::error::{Error, Kind};
use crate::git::command::Git;
use crate::git::listing;

/// What lies between two revisions.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The repository's folder.
    pub root: PathBuf,
    /// The commit that the branch began at.
    pub base: String,
    /// The last commit of the branch.
    pub head: String,
    /// The files that differ, as paths from the root.
    pub files: Vec<String>,
}

/// Finds what `head` changes since it left `base`.
///
/// # Errors
/// If there is no repository, a revision is not there, or the two have no commit in common.
pub async fn between(folder: &Path, base: &str, head: &str) -> Result<Changes, Error> {
    let git = Git::find(folder)?;
    let root = git.text(&["rev-parse", "--show-toplevel"]).await.map_err(|failure| {
        let outside = failure.contains("not a git repository");
        Error::new(Kind::Usage, if outside { format!("{} is in no git repository", folder.display()) } else { failure })
    })?;
    let head_commit = commit(&git, head).await?;
    let base_commit = commit(&git, base).await?;
    let common = git.text(&["merge-base", &base_commit, &head_commit]).await.map_err(|_| {
        Error::new(Kind::NotFound, format!("git knows no commit that {base} and {head} have in common"))
            .hint("the clone may be shallow: fetch the whole history (actions/checkout: fetch-depth: 0; GitLab: GIT_DEPTH: 0)")
    })?;
    let range = [common.as_str(), head_commit.as_str()];
    let names = ["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", range[0], range[1], "--"];
    let files = paths(&git.bytes(&names).await?);
    Ok(Changes { root: PathBuf::from(root), base: common, head: head_commit, files })
}

/// The folders of a commit that hold a `Chart.yaml`, and what each of these files says. The root is an empty path.
///
/// # Errors
/// If git fails.
pub async fn charts(folder: &Path, commit: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let git = Git::find(folder)?;
    let listed = git.bytes(&["ls-tree", "--full-tree", "-r", "-z", "--long", commit]).await?;
    let folders = listing::parse(&listed).into_iter().filter_map(|entry| match entry.path.rsplit_once('/') {
        Some((folder, "Chart.yaml")) => Some((folder.to_owned(), entry.object)),
        None if entry.path == "Chart.yaml" => Some((String::new(), entry.object)),
        _ => None,
    });
    let (folders, objects): (Vec<String>, Vec<String>) = folders.unzip();
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    let mut contents = Vec::with_capacity(folders.len());
    let keep = |_: &str, content: &[u8]| {
        contents.push(content.to_owned());
        Ok(())
    };
    git.read(&objects, keep).await?;
    Ok(folders.into_iter().zip(contents).collect())
}

async fn commit(git: &Git, revision: &str) -> Result<String, Error> {
    let missing = || {
        Error::new(Kind::NotFound, format!("the git repository has no revision \"{revision}\""))
            .hint("fetch it first: git fetch origin, or a checkout with the whole history")
    };
    // It would be an option.
    if revision.starts_with('-') {
        return Err(missing());
    }
    git.text(&["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")]).await.map_err(|_| missing())
}

fn paths(listed: &[u8]) -> Vec<String> {
    let paths = listed.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    paths.map(|path| String::from_utf8_lossy(path).into_owned()).collect()
}

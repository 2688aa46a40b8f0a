//! The charts that a chart in a folder depends on, fetched into a copy of it.
//!
//! A dependency may be a folder beside the chart (`file://../common`). So the copy keeps the layout: every folder is below
//! one of ours at the path that it has on disk or in the git repository, and local dependencies, and theirs, are brought along.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use tempfile::TempDir;

use super::{Source, Wish, temporary_folder};
use crate::chart::copy::copy;
use crate::chart::description::{self, Dependency};
use crate::chart::files;
use crate::error::{Error, Kind};
use crate::git::Snapshot;
use crate::helm::{Fetch, Helm};

/// More folders are never brought along.
const MAX_FOLDERS: usize = 100;

/// A chart on its way to being complete.
pub(super) struct Completing<'a, H> {
    pub(super) helm: &'a H,
    /// The chart as the user named it.
    pub(super) named: &'a str,
    pub(super) wish: &'a Wish<'a>,
    /// Where it was taken from, if not from the disk.
    pub(super) snapshot: Option<&'a Snapshot>,
}

impl<H: Helm> Completing<'_, H> {
    /// Copies the chart, where it is the user's own, and fetches what it lacks.
    pub(super) async fn complete(&self, chart: Source) -> Result<Source, Error> {
        let (root, own) = match chart.folder {
            Some((folder, instead)) => {
                let own = chart.path.strip_prefix(folder.path()).map(Path::to_owned).unwrap_or_default();
                ((folder, instead), own)
            }
            None => {
                let folder = temporary_folder()?;
                let own = inside(&chart.path).ok_or_else(|| self.failed(&"its path can't be told"))?;
                self.bring(&own, &folder, None).await?;
                ((folder, "/".to_owned()), own)
            }
        };
        for folder in self.incomplete(&own, &root.0).await? {
            let newest = self.wish.dependency_update && folder == own;
            self.fetch(&root.0.path().join(folder), newest).await?;
        }
        Ok(Source::at(root.0.path().join(&own), Some(root)))
    }

    /// The folders that lack something, those that others depend on first. Local dependencies are brought on the way.
    async fn incomplete(&self, own: &Path, root: &TempDir) -> Result<Vec<PathBuf>, Error> {
        let mut seen = HashSet::from([own.to_owned()]);
        let mut path = vec![(own.to_owned(), self.local_dependencies(own, own, root).await?)];
        let mut order = Vec::new();
        while let Some((folder, rest)) = path.last_mut() {
            let Some((name, next)) = rest.as_mut().and_then(Vec::pop) else {
                let complete = rest.is_none();
                let folder = std::mem::take(folder);
                path.pop();
                if !complete {
                    order.push(folder);
                }
                continue;
            };
            if !seen.insert(next.clone()) {
                continue;
            }
            if seen.len() > MAX_FOLDERS {
                return Err(self.failed(&"it depends on too many local charts"));
            }
            self.bring(&next, root, Some(&name)).await?;
            let below = self.local_dependencies(&next, own, root).await?;
            path.push((next, below));
        }
        Ok(order)
    }

    /// The local charts that the chart in a folder needs, by name and place; `None` if it lacks nothing.
    async fn local_dependencies(
        &self,
        folder: &Path,
        own: &Path,
        root: &TempDir,
    ) -> Result<Option<Vec<(String, PathBuf)>>, Error> {
        let at = root.path().join(folder);
        let reading = tokio::task::spawn_blocking(move || files::read(&at).unwrap_or_default());
        let files = reading.await.unwrap_or_default();
        if self.snapshot.is_some() {
            self.refuse_outside(folder, &description::dependencies(&description::metadata(&files)))?;
        }
        let all = self.wish.dependency_update && folder == own;
        let needed =
            if all { description::dependencies(&description::metadata(&files)) } else { description::missing(&files) };
        if needed.is_empty() {
            return Ok(None);
        }
        let place = |dependency: &Dependency| {
            let path = dependency.folder()?;
            Some(match inside(&folder.join(path)) {
                Some(place) => Ok((dependency.name.clone(), place)),
                None => Err(self.failed(&format!("its dependency {:?} is outside ({path})", dependency.name))),
            })
        };
        needed.iter().filter_map(place).collect::<Result<_, _>>().map(Some)
    }

    /// A chart that comes out of a repository takes in no folder of this machine, whether or not it has the dependency already:
    /// Helm may build all of them.
    fn refuse_outside(&self, folder: &Path, all: &[Dependency]) -> Result<(), Error> {
        for dependency in all {
            let Some(place) = dependency.repository.strip_prefix("file://") else { continue };
            let is_inside = dependency.folder().is_some_and(|path| inside(&folder.join(path)).is_some());
            if !is_inside && !place.is_empty() {
                return Err(self.failed(&format!("its dependency {:?} is outside ({place})", dependency.name)));
            }
        }
        Ok(())
    }

    /// Copies a folder to its place below the root. `name` is that of the dependency it is.
    async fn bring(&self, folder: &Path, root: &TempDir, name: Option<&str>) -> Result<(), Error> {
        let to = root.path().join(folder);
        if to.join("Chart.yaml").exists() {
            return Ok(());
        }
        let explain = |cause: &dyn std::fmt::Display| match name {
            Some(name) => self.failed(&format!("its dependency {name:?} can't be read: {cause}")),
            None => self.failed(cause),
        };
        if let Some(snapshot) = self.snapshot {
            let taken = snapshot.take_out(&folder.to_string_lossy(), root.path()).await;
            return taken.map_err(|error| explain(&error));
        }
        let from = Path::new("/").join(folder);
        if !from.is_dir() {
            return Err(explain(&format!("there is no folder {}", from.display())));
        }
        let copying = tokio::task::spawn_blocking(move || copy(&from, &to)).await;
        copying.map_err(|error| explain(&error))?.map_err(|error| explain(&error))
    }

    async fn fetch(&self, folder: &Path, newest: bool) -> Result<(), Error> {
        let _one = self.wish.one_at_a_time.lock().await;
        let flags = self.wish.flags;
        let fetch = if newest { Fetch::Newest } else { Fetch::Locked };
        match self.helm.fetch_dependencies(folder, self.named, fetch, flags).await {
            // Helm fetches what is locked only from repositories that it knows; what is not, from any.
            Err(error) if error.message.contains("no repository definition") => {
                let Some(_pinned) = Pinned::new(folder) else { return Err(error) };
                self.helm.fetch_dependencies(folder, self.named, Fetch::Newest, flags).await
            }
            done => done,
        }
    }

    fn failed(&self, cause: &dyn std::fmt::Display) -> Error {
        Error::new(Kind::Usage, format!("cannot read the chart \"{}\": {cause}", self.named))
    }
}

/// A chart that for a while allows only those versions of its dependencies that are locked.
struct Pinned {
    chart: PathBuf,
    before: Vec<u8>,
}

impl Pinned {
    /// `None` where the chart has no lock that can be read.
    fn new(folder: &Path) -> Option<Self> {
        let (chart, lock) = (folder.join("Chart.yaml"), folder.join("Chart.lock"));
        let before = std::fs::read(&chart).ok()?;
        let pinned = description::pinned(&before, &std::fs::read(lock).ok()?)?;
        std::fs::write(&chart, pinned).ok()?;
        Some(Self { chart, before })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // A copy of ours: where that fails, the versions in it are what was fetched.
        _ = std::fs::write(&self.chart, &self.before);
    }
}

/// A path without `.`, `..` and a root; `None` if it leads above its start.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut steps = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(step) => steps.push(step),
            Component::ParentDir if !steps.pop() => return None,
            _ => {}
        }
    }
    Some(steps)
}

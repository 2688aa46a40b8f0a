//! A chart that a command line names, brought to this machine: in place, fetched by Helm, or taken out of a git repository.

mod dependencies;

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::chart::files::{self, ChartFile};
use crate::chart::reference::Reference;
use crate::chart::{Location, description, generators, locate};
use crate::error::{Error, Kind};
use crate::git::Snapshot;
use crate::helm::Helm;
use crate::helm::flags::ChartFlags;

/// A chart on this machine.
#[derive(Debug)]
pub(super) struct Source {
    /// Its folder or archive.
    pub(super) path: PathBuf,
    files: OnceCell<Vec<ChartFile>>,
    /// A folder of ours that it is in, gone with the value; and what stands for the folder in messages.
    folder: Option<(TempDir, String)>,
}

/// How charts are brought.
pub(super) struct Wish<'a> {
    /// The folder that paths are seen from.
    pub(super) current: &'a Path,
    /// How to reach repositories, and which version to take where the reference names none.
    pub(super) flags: &'a ChartFlags,
    /// Whether the newest dependencies are to be fetched, whatever there is in `charts/`.
    pub(super) dependency_update: bool,
    /// Helm writes to the indexes of its repositories, and does so for one chart at a time.
    pub(super) one_at_a_time: &'a tokio::sync::Mutex<()>,
}

impl Source {
    /// Brings a chart as Helm finds it. Its dependencies stay as they are.
    pub(super) async fn as_helm_finds_it<H: Helm>(helm: &H, chart: &str, flags: &ChartFlags) -> Result<Self, Error> {
        match locate(chart) {
            Location::Local(path) => Ok(Self::at(path, None)),
            Location::Remote => Self::fetched(helm, chart, flags).await,
        }
    }

    /// None: what is looked at is what stands, and nothing is rendered.
    pub(super) fn none() -> Self {
        Self::at(PathBuf::new(), None)
    }

    /// Brings what a reference names, with its dependencies. The user's own folders are not changed.
    pub(super) async fn gather<H: Helm>(helm: &H, text: &str, wish: &Wish<'_>) -> Result<Self, Error> {
        let what = format!("cannot read the chart \"{text}\"");
        match Reference::parse(text, wish.flags.repo.is_some(), |path| wish.current.join(path).exists())? {
            Reference::Local(path) => {
                let path = wish.current.join(path);
                if !path.exists() {
                    let error = Error::new(Kind::NotFound, format!("{what}: there is no such file or folder"));
                    return Err(error.hint("a chart of a repository is repo/name, one in git is git:REF:PATH"));
                }
                Self::at(path, None).completed(helm, text, wish, None).await
            }
            Reference::Remote { chart, version } => {
                let flags =
                    ChartFlags { version: version.or_else(|| wish.flags.version.clone()), ..wish.flags.clone() };
                let _one = wish.one_at_a_time.lock().await;
                let fetched = Self::fetched(helm, &chart, &flags).await;
                fetched.map_err(|error| no_folder_either(error, text))
            }
            Reference::Git { revision, path } => {
                let taken = Self::from_git(&revision, &path, wish).await;
                let (taken, snapshot) = taken.map_err(|error| error.while_doing(&what))?;
                taken.completed(helm, text, wish, Some(&snapshot)).await
            }
        }
    }

    async fn from_git(revision: &str, path: &str, wish: &Wish<'_>) -> Result<(Self, Snapshot), Error> {
        let snapshot = Snapshot::open(wish.current, revision).await?;
        let path = snapshot.path_within(path)?;
        let folder = temporary_folder()?;
        snapshot.take_out(&path, folder.path()).await?;
        Ok((Self::at(folder.path().join(path), Some((folder, format!("{revision}:")))), snapshot))
    }

    async fn fetched<H: Helm>(helm: &H, chart: &str, flags: &ChartFlags) -> Result<Self, Error> {
        let folder = temporary_folder()?;
        let path = helm.pull(chart, flags, folder.path()).await?;
        Ok(Self::at(path, Some((folder, String::new()))))
    }

    fn at(path: PathBuf, folder: Option<(TempDir, String)>) -> Self {
        Self { path, files: OnceCell::new(), folder }
    }

    /// Its templates, definitions and descriptions, read once. None where it can't be read, which Helm then explains.
    pub(super) async fn files(&self) -> &[ChartFile] {
        let reading = || async {
            let chart = self.path.clone();
            tokio::task::spawn_blocking(move || files::read(&chart).unwrap_or_default()).await.unwrap_or_default()
        };
        self.files.get_or_init(reading).await
    }

    /// The same with its dependencies, where it is a folder that lacks some.
    async fn completed<H: Helm>(
        self,
        helm: &H,
        text: &str,
        wish: &Wish<'_>,
        snapshot: Option<&Snapshot>,
    ) -> Result<Self, Error> {
        if !self.path.is_dir() {
            return Ok(self);
        }
        let files = self.files().await;
        if !files.iter().any(|file| file.path == "Chart.yaml") {
            return Err(Error::new(Kind::Usage, format!("cannot read the chart \"{text}\": it has no Chart.yaml")));
        }
        let has_any = !description::dependencies(&description::metadata(files)).is_empty();
        let wanted = if wish.dependency_update { has_any } else { !description::missing(files).is_empty() };
        if !wanted {
            return Ok(self);
        }
        dependencies::Completing { helm, named: text, wish, snapshot }.complete(self).await
    }

    /// Whether it is a copy of ours, and not where the user has it.
    pub(super) fn is_fetched(&self) -> bool {
        self.folder.is_some()
    }

    /// Whether templates call functions that give another result at each render.
    pub(super) async fn regenerates(&self) -> bool {
        let mut templates = self.files().await.iter().filter(|file| file.is_template());
        templates.any(|file| !generators::called(&String::from_utf8_lossy(&file.content)).is_empty())
    }

    /// Whether templates ask the cluster for objects.
    pub(super) async fn looks_up(&self) -> bool {
        let mut templates = self.files().await.iter().filter(|file| file.is_template());
        templates.any(|file| generators::looks_up(&String::from_utf8_lossy(&file.content)))
    }

    /// A message of Helm's, with the chart's own place in it instead of ours.
    pub(super) fn in_its_place(&self, message: &str) -> String {
        let Some((folder, instead)) = &self.folder else { return message.to_owned() };
        message.replace(&format!("{}/", folder.path().display()), instead)
    }
}

pub(super) fn temporary_folder() -> Result<TempDir, Error> {
    tempfile::tempdir().map_err(|error| Error::new(Kind::Output, format!("cannot make a temporary folder: {error}")))
}

/// Who forgets a folder's path gets to hear of a repository.
fn no_folder_either(error: Error, text: &str) -> Error {
    match (&error.hint, error.message.ends_with("not found") && !text.contains("://")) {
        (Some(hint), true) => {
            let hint = format!("there is no folder {text:?} either; {hint}");
            error.hint(hint)
        }
        _ => error,
    }
}

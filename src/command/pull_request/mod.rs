//! `helm revdiff pull-request`: every chart that a branch touches, rendered before and after, for each environment.

mod offline;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures::stream::{self, StreamExt as _};
use tempfile::TempDir;

use crate::chart::touched::{ChartFolder, touched};
use crate::checks::Findings;
use crate::checks::Terms;
use crate::checks::apis::KubeVersion;
use crate::command::Stages;
use crate::command::chart::{self, Request as ChartRequest};
use crate::command::revdiff::{Options, Outcome};
use crate::command::source::temporary_folder;
use crate::diff::release::Both;
use crate::error::{Error, Kind};
use crate::git::{Snapshot, changes};
use crate::helm::flags::{RenderFlags, ValueFlags};
use crate::helm::{Capabilities, Helm, Template};
use crate::manifest::mask::Masker;
use crate::report::pull_request::short;
use crate::report::view::Subject;

/// So many charts are rendered at the same time.
const AT_ONCE: usize = 4;
/// So many renders are made at most, charts times environments.
const MOST_RENDERS: usize = 1000;

/// Where a chart is installed.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Its name; empty where charts are rendered with their own values only.
    pub name: String,
    /// The release's name; the chart folder's if not given.
    pub release: Option<String>,
    /// The release's namespace.
    pub namespace: Option<String>,
    /// Files with values, seen from the repository's root.
    pub values: Vec<String>,
    /// The version of Kubernetes to render for.
    pub kube_version: Option<String>,
}

/// What to render.
pub struct Request<'a> {
    /// A folder of the repository.
    pub folder: PathBuf,
    /// The revision that the branch is to be merged into, and the branch.
    pub revisions: Both<String>,
    /// The environments of a chart, by its folder; none where it is left out.
    pub environments: &'a dyn Fn(&str) -> Vec<Environment>,
    /// What becomes of what the checks find.
    pub terms: &'a Terms,
}

/// Whether a chart is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is on the branch only.
    Added,
    /// It is gone on the branch.
    Removed,
    /// It is on both sides.
    Changed,
}

/// A chart in an environment.
#[derive(Debug)]
pub struct Item {
    /// The chart's folder, seen from the root.
    pub chart: String,
    /// The environment's name; empty if there is none.
    pub environment: String,
    /// Whether it is new.
    pub fate: Fate,
    /// What differs, and what is to be said of it without a cluster; or why it can't be told.
    pub rendered: Result<(Outcome, Findings), Error>,
}

/// What a branch changes.
#[derive(Debug)]
pub struct Review {
    /// The commits that are compared: where the branch began, and its end.
    pub commits: Both<String>,
    /// The charts, by folder and in the order of the environments.
    pub items: Vec<Item>,
}

/// One render to be made.
struct Task {
    chart: String,
    fate: Fate,
    environment: Environment,
}

/// Finds the charts that the branch touches, renders them before and after, and compares.
///
/// # Errors
/// If git can't tell what the branch changes. A chart that can't be rendered is an item with an error.
pub async fn run<H: Helm>(
    helm: &H,
    request: &Request<'_>,
    (masker, options): (&Masker, &Options),
    stages: &dyn Stages,
) -> Result<Review, Error> {
    let Both { old, new } = &request.revisions;
    stages.stage("finding the charts that the branch touches");
    let changed = changes::between(&request.folder, old, new).await?;
    let commits = Both { old: changed.base.clone(), new: changed.head.clone() };
    let read = async |commit: &str| -> Result<Vec<ChartFolder>, Error> {
        let found = changes::charts(&changed.root, commit).await?;
        Ok(found.iter().map(|(path, content)| ChartFolder::of(path, content)).collect())
    };
    let charts = Both { old: read(&commits.old).await?, new: read(&commits.new).await? };
    let tasks = tasks(request, &changed.files, &charts);
    if tasks.len() > MOST_RENDERS {
        let message = format!("the branch touches {} charts and environments, more than {MOST_RENDERS}", tasks.len());
        return Err(
            Error::new(Kind::Usage, message).hint("name fewer charts under pullRequest in helm-safe-upgrade.yaml")
        );
    }
    let desk = Desk::open(&changed.root, &commits, &tasks).await?;
    stages.stage(&format!("rendering {} charts before and after", tasks.len()));
    let rendering = tasks.iter().map(async |task| {
        let rendered = desk.render(helm, task, (masker, options)).await;
        let rendered = rendered.map(|outcome| {
            let findings = offline::findings(&outcome, task, masker, request.terms);
            (outcome, findings)
        });
        let (chart, environment) = (task.chart.clone(), task.environment.name.clone());
        Item { chart, environment, fate: task.fate, rendered }
    });
    let items = stream::iter(rendering).buffered(AT_ONCE).collect().await;
    Ok(Review { commits, items })
}

/// What is rendered: the touched charts, and those whose values the branch changes.
fn tasks(request: &Request<'_>, files: &[String], charts: &Both<Vec<ChartFolder>>) -> Vec<Task> {
    let by_files: BTreeSet<String> =
        touched(files, &charts.old).into_iter().chain(touched(files, &charts.new)).collect();
    let has = |side: &[ChartFolder], path: &str| side.iter().any(|chart| chart.path == path);
    let all: BTreeSet<&str> = charts.old.iter().chain(&charts.new).map(|chart| chart.path.as_str()).collect();
    let mut tasks = Vec::new();
    for path in all {
        let fate = match (has(&charts.old, path), has(&charts.new, path)) {
            (true, true) => Fate::Changed,
            (true, false) => Fate::Removed,
            (false, _) => Fate::Added,
        };
        let is_inner = |side: &[ChartFolder]| side.iter().any(|chart| chart.path == path && chart.is_inner(side));
        if is_inner(&charts.old) || is_inner(&charts.new) {
            continue;
        }
        let is_library = |side: &[ChartFolder]| side.iter().any(|chart| chart.path == path && chart.is_library);
        if is_library(&charts.old) || is_library(&charts.new) {
            continue;
        }
        for environment in (request.environments)(path) {
            let is_meant = by_files.contains(path) || environment.values.iter().any(|file| files.contains(file));
            if is_meant {
                tasks.push(Task { chart: path.to_owned(), fate, environment });
            }
        }
    }
    tasks
}

/// Where the files of both commits lie that renders need beside the charts.
struct Desk<'a> {
    root: &'a Path,
    commits: &'a Both<String>,
    values: Both<TempDir>,
    /// Charts without anything, for what is new or gone.
    empty: TempDir,
}

impl<'a> Desk<'a> {
    /// Takes the files with values out of both commits. One that is not in a commit is not given there.
    async fn open(root: &'a Path, commits: &'a Both<String>, tasks: &[Task]) -> Result<Self, Error> {
        let (values, empty) = (Both { old: temporary_folder()?, new: temporary_folder()? }, temporary_folder()?);
        let desk = Self { root, commits, values, empty };
        let files: BTreeSet<&String> = tasks.iter().flat_map(|task| &task.environment.values).collect();
        for (commit, folder) in [(&commits.old, &desk.values.old), (&commits.new, &desk.values.new)] {
            let snapshot = Snapshot::open(root, commit).await?;
            for file in files.iter().filter(|file| wrong_name(file).is_none()) {
                match snapshot.take_out(file, folder.path()).await {
                    Ok(()) => {}
                    Err(error) if error.kind == Kind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(desk)
    }

    async fn render<H: Helm>(
        &self,
        helm: &H,
        task: &Task,
        (masker, options): (&Masker, &Options),
    ) -> Result<Outcome, Error> {
        let Task { chart, fate, environment } = task;
        let folder = if chart.is_empty() { "." } else { chart };
        let name = chart.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("chart");
        let empty = self.empty_chart(name)?;
        let of = |commit: &str, missing: Fate| {
            if *fate == missing { empty.clone() } else { format!("git:{commit}:{folder}") }
        };
        let charts = Both { old: of(&self.commits.old, Fate::Added), new: of(&self.commits.new, Fate::Removed) };
        let template = Template {
            release: environment.release.clone().unwrap_or_else(|| name.to_owned()),
            namespace: environment.namespace.clone(),
            chart: String::new(),
            named: String::new(),
            flags: RenderFlags::default(),
            is_upgrade: true,
            capabilities: Capabilities::Told {
                kube_version: environment.kube_version.clone(),
                api_versions: Vec::new(),
                lookups: false,
            },
            include_crds: true,
            stdin: None,
        };
        self.check_values(environment)?;
        let values = Both {
            old: if *fate == Fate::Added { ValueFlags::default() } else { values(&self.values.old, environment) },
            new: if *fate == Fate::Removed { ValueFlags::default() } else { values(&self.values.new, environment) },
        };
        let named = |commit: &str, missing: Fate| {
            if *fate == missing { "nothing".to_owned() } else { format!("{folder} at {}", short(commit)) }
        };
        let names = Both { old: named(&self.commits.old, Fate::Added), new: named(&self.commits.new, Fate::Removed) };
        let hidden = Some(format!("{}/", self.values.new.path().display()));
        let request = ChartRequest { charts, values, template, folder: self.root.to_owned(), hidden };
        let mut outcome = chart::run(helm, &request, masker, options, &()).await.map_err(|error| {
            let named = error.message.replace(&request.charts.old, &names.old).replace(&request.charts.new, &names.new);
            self.in_place(Error { message: named, ..error })
        })?;
        outcome.subject = Subject::Charts(names);
        Ok(outcome)
    }

    /// A chart of this name with nothing in it.
    fn empty_chart(&self, name: &str) -> Result<String, Error> {
        let folder = self.empty.path().join(name);
        let content = format!("apiVersion: v2\nname: {name:?}\nversion: 0.0.0\n");
        let written =
            std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join("Chart.yaml"), content));
        written.map_err(|error| Error::new(Kind::Output, format!("cannot write a temporary chart: {error}")))?;
        Ok(folder.to_string_lossy().into_owned())
    }

    /// A file with values has to be on one of the sides.
    fn check_values(&self, environment: &Environment) -> Result<(), Error> {
        if let Some((file, why)) = environment.values.iter().find_map(|file| Some((file, wrong_name(file)?))) {
            let message = format!("the values of environment \"{}\" cannot be read: {file:?} {why}", environment.name);
            return Err(Error::new(Kind::Usage, message)
                .hint("paths are seen from the repository's root: environments in helm-safe-upgrade.yaml"));
        }
        let is_there = |file: &String| {
            [&self.values.old, &self.values.new].into_iter().any(|folder| folder.path().join(file).exists())
        };
        match environment.values.iter().find(|file| !is_there(file)) {
            None => Ok(()),
            Some(file) => Err(Error::new(
                Kind::NotFound,
                format!(
                    "the values of environment \"{}\" are neither before nor after: no file {file}",
                    environment.name
                ),
            )
            .hint("paths are seen from the repository's root: environments in helm-safe-upgrade.yaml")),
        }
    }

    /// Without the temporary folders in its text.
    fn in_place(&self, error: Error) -> Error {
        let folders = [&self.values.old, &self.values.new, &self.empty];
        let places = folders.map(|folder| format!("{}/", folder.path().display()));
        let message = places.iter().fold(error.message.clone(), |text, place| text.replace(place, ""));
        Error { message, ..error }
    }
}

/// Why this is no name of a file with values. It is for who wrote the branch to say, and must not lead anywhere else.
fn wrong_name(file: &str) -> Option<&'static str> {
    match file {
        "" => Some("is no name"),
        _ if file.contains([',', '"', '\n', '\\']) => Some("would be several to Helm"),
        _ if file.contains("://") || file.starts_with('/') => Some("is not within the repository"),
        _ if file.split('/').any(|part| matches!(part, "" | "." | "..")) => Some("is not within the repository"),
        _ => None,
    }
}

fn values(folder: &TempDir, environment: &Environment) -> ValueFlags {
    let places = environment.values.iter().map(|file| folder.path().join(file)).filter(|path| path.exists());
    ValueFlags { files: places.map(|path| path.to_string_lossy().into_owned()).collect(), ..ValueFlags::default() }
}

/// The version of Kubernetes that an environment names, for the checks.
fn kube_version(environment: &Environment) -> Option<KubeVersion> {
    environment.kube_version.as_deref().and_then(|text| text.parse().ok())
}

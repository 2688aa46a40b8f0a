//! Looking before a rollback that was asked for: where to, what it changes, and what it does not bring back.

use futures::future::join;

use super::Seams;
use super::prepare::{abandoned, observe_owner};
use crate::cluster::{ApiKind, Cluster};
use crate::command::Stages;
use crate::command::revdiff::{self, Outcome, Source};
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::manifest::live::Declared;
use crate::release::Release;
use crate::release::history::History;

/// Kinds whose content a rollback does not bring back.
const KEEPS_ITS_CONTENT: [&str; 2] = ["PersistentVolumeClaim", "StatefulSet"];

/// What was found before a rollback.
#[derive(Debug)]
pub struct PreparedRollback {
    /// What it would change.
    pub outcome: Outcome,
    /// The revisions there are.
    pub history: History,
    /// The deployed revision, if there is one.
    pub deployed: Option<u32>,
    /// The revision to go back to.
    pub target: u32,
    /// The last revision, if it is pending and its owner is proven to be gone.
    pub abandoned: Option<u32>,
    /// What the user should think of first, a sentence each.
    pub warnings: Vec<String>,
    /// The command that goes forward instead, to the chart of the target, if there is anything to change.
    pub forward: Option<String>,
}

/// Looks at both revisions, and compares. Changes nothing. Without a revision it is the newest proven one whose manifest differs
/// from the last one's.
///
/// # Errors
/// If there is no such revision, or none that is proven; or somebody else is at work on the release.
pub async fn prepare_rollback<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    (name, revision): (&str, Option<u32>),
    compare: &revdiff::Options,
    stages: &dyn Stages,
) -> Result<PreparedRollback, Error> {
    stages.stage(&format!("reading the revisions of {name}"));
    let (history, lease) = join(seams.storage.history(name), observe_owner(seams, name)).await;
    let history = history?;
    if history.is_empty() {
        return Err(seams.storage.no_release(name).await);
    }
    let abandoned = abandoned((name, "roll back", seams.storage.namespace()), &history, lease?.as_ref())?;
    let target = match revision {
        Some(revision) => revision,
        None => proven(seams, name, &history).await?,
    };
    let source = Source::Rollback { release: name.to_owned(), revision: Some(target) };
    let outcome = revdiff::run(seams.storage, &source, seams.masker, compare, stages).await?;
    let deployed = seams.storage.deployed(name, &history).await.ok().map(|release| release.revision);
    let mut warnings = warnings(&outcome);
    warnings.extend(unserved(seams.cluster, &outcome.releases.new).await);
    let entry = history.entries().iter().find(|entry| entry.revision == target);
    if entry.is_some_and(|entry| entry.marks.is_bad()) {
        warnings.insert(0, format!("revision {target} is marked as bad: it failed before"));
    } else if entry.is_some_and(|entry| !entry.marks.is_proven()) {
        warnings.insert(0, format!("revision {target} is not proven: nothing says that it ever worked"));
    }
    let chart = &outcome.releases.new.chart;
    let changes = !outcome.releases.old.manifest.is_same_as(&outcome.releases.new.manifest);
    let forward = changes.then(|| {
        let (namespace, version) = (seams.storage.namespace(), chart.version());
        format!("helm safe-upgrade {name} CHART --version {version} -n {namespace}  (chart \"{}\")", chart.name())
    });
    Ok(PreparedRollback { outcome, history, deployed, target, abandoned, warnings, forward })
}

/// The newest proven revision that has another manifest than the last one.
async fn proven<C: Cluster, H: Helm>(seams: &Seams<'_, C, H>, name: &str, history: &History) -> Result<u32, Error> {
    let entries = history.entries();
    let last = entries.last().map(|entry| entry.revision).unwrap_or_default();
    let current = seams.storage.read(name, last).await?;
    for entry in entries.iter().rev().filter(|entry| entry.marks.is_proven() && entry.revision != last) {
        match seams.storage.read(name, entry.revision).await {
            Ok(release) if !release.manifest.is_same_as(&current.manifest) => return Ok(entry.revision),
            Ok(_) => {}
            Err(error) if error.kind == Kind::Damaged => {}
            Err(error) => return Err(error),
        }
    }
    let message = format!("cannot roll back release \"{name}\": no revision with another manifest is proven good");
    let hint = format!("name the revision: helm safe-upgrade rollback {name} REV; {}", history.sentence());
    Err(Error::new(Kind::Refused, message).hint(hint))
}

/// What a rollback does not bring back.
fn warnings(outcome: &Outcome) -> Vec<String> {
    let (old, new) = (&outcome.releases.old, &outcome.releases.new);
    let mut warnings = Vec::new();
    let ran: Vec<String> = old.hooks.iter().map(|hook| hook.path.clone()).collect();
    if !ran.is_empty() {
        let hooks = ran.join(", ");
        warnings.push(format!("hooks ran since, and what they did stays, such as a migration: {hooks}"));
    }
    let changed = outcome.diff.manifest.resources.iter().filter_map(|resource| resource.object());
    let kinds = |wanted: &[&str]| -> Vec<String> {
        let of_kind = changed.clone().filter(|object| wanted.contains(&object.id.kind.as_str()));
        of_kind.map(|object| object.id.to_string()).collect()
    };
    let kept = kinds(&KEEPS_ITS_CONTENT);
    if !kept.is_empty() {
        warnings.push(format!("what is stored stays as it is, and sizes of volumes can't shrink: {}", kept.join(", ")));
    }
    let definitions = kinds(&["CustomResourceDefinition"]);
    if !definitions.is_empty() {
        warnings
            .push(format!("custom resource definitions change; their objects may be lost: {}", definitions.join(", ")));
    }
    if old.chart.version() != new.chart.version() {
        warnings.push("the chart's own crds/ folder is not rolled back".to_owned());
    }
    warnings
}

/// Kinds of the target that the server does not know any more.
async fn unserved<C: Cluster>(cluster: &C, target: &Release) -> Vec<String> {
    let documents = target.manifest.documents(false);
    let declared = documents.iter().filter_map(|document| Declared::of(document).ok()).flatten();
    let kinds: std::collections::BTreeSet<ApiKind> = declared
        .map(|object| ApiKind { group: object.id.group, version: object.id.version, kind: object.id.kind })
        .filter(|kind| !kind.kind.is_empty())
        .collect();
    let kinds: Vec<ApiKind> = kinds.into_iter().collect();
    let Ok(served) = cluster.discover(&kinds).await else { return Vec::new() };
    let missing = kinds.into_iter().filter(|kind| !served.contains_key(kind));
    missing
        .map(|kind| {
            let version = if kind.group.is_empty() { kind.version } else { format!("{}/{}", kind.group, kind.version) };
            format!("the server does not serve {} {version} any more, which the revision has", kind.kind)
        })
        .collect()
}

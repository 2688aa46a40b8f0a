//! `helm revdiff`: what differs between two revisions, a revision and its rollback, two releases, or two manifests.

use futures::future::try_join;
use regex::Regex;

use crate::cluster::Cluster;
use crate::command::Stages;
use crate::diff::ignore::{Rule, Within};
use crate::diff::release::{Both, Parts, ReleaseDiff, compare};
use crate::diff::select::{Selection, suppress_lines};
use crate::diff::{ignore, regenerated, rename};
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::manifest::document::Object;
use crate::manifest::mask::Masker;
use crate::release::Release;
use crate::release::supplied::Origins;
use crate::report::view::Subject;
use crate::storage::Storage;

/// Which revisions of a release to compare.
#[derive(Clone, Debug)]
pub enum Source {
    /// No revision: the last two. One: that and the deployed one. Two: those, in this order.
    Revisions {
        /// The release's name.
        release: String,
        /// The revisions named.
        revisions: Vec<u32>,
    },
    /// The last revision, and the one that a rollback would go back to.
    Rollback {
        /// The release's name.
        release: String,
        /// The revision to go back to; the one before the last if not named.
        revision: Option<u32>,
    },
}

/// How to compare. By default all of it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which parts.
    pub parts: Parts,
    /// Above 0: objects of one kind are the same under another name if this share of their content is equal.
    pub similarity: f64,
    /// Which objects are shown.
    pub selection: Selection,
    /// Objects in which each changed line matches one of these are not.
    pub suppress_lines: Vec<Regex>,
    /// Differences that are not.
    pub ignore: Vec<Rule>,
}

/// What was found.
#[derive(Debug)]
pub struct Outcome {
    /// What was compared with what.
    pub subject: Subject,
    /// The two sides.
    pub releases: Both<Release>,
    /// How they differ.
    pub diff: ReleaseDiff,
    /// What the reader should know before the diff, a sentence each.
    pub notices: Vec<String>,
}

/// Reads two revisions of a release and compares them.
///
/// # Errors
/// If a revision does not exist or can't be read.
pub async fn run<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    source: &Source,
    masker: &Masker,
    options: &Options,
    stages: &dyn Stages,
) -> Result<Outcome, Error> {
    let (Source::Revisions { release, .. } | Source::Rollback { release, .. }) = source;
    validate_name(release)?;
    stages.stage(&format!("reading the revisions of {release}"));
    let (subject, releases) = match source {
        Source::Revisions { revisions, .. } => (Subject::Revisions, gather(storage, release, revisions).await?),
        Source::Rollback { revision, .. } => (Subject::Rollback, gather_rollback(storage, release, *revision).await?),
    };
    stages.stage("comparing");
    Ok(outcome(subject, releases, masker, options))
}

/// Reads the deployed revisions of two releases and compares them.
///
/// # Errors
/// If one of them does not exist or can't be read.
pub async fn run_releases<C: Cluster, H: Helm>(
    old: (&Storage<C, H>, &str),
    new: (&Storage<C, H>, &str),
    masker: &Masker,
    options: &Options,
    stages: &dyn Stages,
) -> Result<Outcome, Error> {
    validate_name(old.1)?;
    validate_name(new.1)?;
    stages.stage(&format!("reading the releases {} and {}", old.1, new.1));
    let (old, new) = try_join(deployed(old.0, old.1), deployed(new.0, new.1)).await?;
    stages.stage("comparing");
    Ok(outcome(Subject::Releases, Both { old, new }, masker, options))
}

/// Compares two rendered manifests; their names are for messages.
///
/// # Errors
/// If a document that differs is no valid YAML.
pub fn run_manifests(
    names: Both<String>,
    texts: Both<String>,
    masker: &Masker,
    options: &Options,
) -> Result<Outcome, Error> {
    let releases = Both { old: Release::of_manifest(texts.old), new: Release::of_manifest(texts.new) };
    // What can't be read is an error whatever the user wants to see.
    let all = Options { selection: Selection::default(), ..options.clone() };
    let mut outcome = outcome(Subject::Files(names.clone()), releases, masker, &all);
    for resource in &outcome.diff.manifest.resources {
        for (object, name) in [(&resource.old, &names.old), (&resource.new, &names.new)] {
            if let Some(object) = object {
                check(object, name)?;
            }
        }
    }
    options.selection.apply(&mut outcome.diff.manifest);
    Ok(outcome)
}

/// Whether an object of a file could be read, and is one.
fn check(object: &Object, name: &str) -> Result<(), Error> {
    let failed = |cause: &str| Error::new(Kind::Usage, format!("cannot read {name}: {cause}"));
    if let Some(problem) = &object.problem {
        let hint = "each document must be YAML as helm template prints it";
        return Err(match &object.excerpt {
            Some(excerpt) => failed(&format!("{problem}\n{excerpt}")).hint(hint),
            None => failed(problem)
                .hint(format!("{hint}; the line is not shown because it may be of a Secret: --show-secrets shows it")),
        });
    }
    if object.node.as_map().is_none() {
        let what = if object.node.as_list().is_some() { "a list" } else { "a single value" };
        let line = object.line;
        let hint = "each document must be an object with apiVersion and kind, as helm template prints it";
        return Err(failed(&format!("the document at line {line} is {what}, and no object of Kubernetes")).hint(hint));
    }
    Ok(())
}

pub(super) fn outcome(subject: Subject, releases: Both<Release>, masker: &Masker, options: &Options) -> Outcome {
    outcome_of_render(subject, releases, &Render::default(), masker, options)
}

/// What is known of a new side that Helm has just rendered.
#[derive(Clone, Debug, Default)]
pub(super) struct Render {
    /// The same, rendered a second time, which shows what the chart makes anew at each render.
    pub again: Option<Release>,
    /// Where the new side's values come from.
    pub origins: Origins,
}

/// Compares the two sides of a diff, one of them rendered.
pub(super) fn outcome_of_render(
    subject: Subject,
    releases: Both<Release>,
    render: &Render,
    masker: &Masker,
    options: &Options,
) -> Outcome {
    let mut diff = compare(&releases.old, &releases.new, masker, options.parts);
    diff.about_values.explain(&releases, render.origins.clone());
    if let Some(again) = &render.again {
        regenerated::settle(&mut diff, &regenerated::between(&releases.new, again, masker));
    }
    rename::join(&mut diff.manifest, options.similarity);
    options.selection.apply(&mut diff.manifest);
    suppress_lines(&mut diff.manifest, &options.suppress_lines);
    let within = Within { release: &releases.new.name, namespace: &releases.new.namespace };
    diff.manifest.ignored = ignore::apply(&mut diff.manifest, &options.ignore, within);
    Outcome { subject, releases, diff, notices: Vec::new() }
}

pub(super) async fn deployed<C: Cluster, H: Helm>(storage: &Storage<C, H>, name: &str) -> Result<Release, Error> {
    let history = storage.history(name).await?;
    if history.is_empty() {
        return Err(storage.no_release(name).await);
    }
    storage.deployed(name, &history).await
}

async fn gather_rollback<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    name: &str,
    revision: Option<u32>,
) -> Result<Both<Release>, Error> {
    let history = storage.history(name).await?;
    let Some(&last) = history.revisions().last() else { return Err(storage.no_release(name).await) };
    // As in Helm: the one before the last, by number.
    let target = revision.unwrap_or(last.saturating_sub(1));
    if revision.is_none() && history.revisions().len() == 1 {
        let message = format!("release \"{name}\" has only revision {last}: there is nothing to go back to");
        return Err(Error::new(Kind::NotFound, message).hint(history.sentence()));
    }
    if !history.revisions().contains(&target) {
        return Err(storage.missing(name, target.max(1), &history).await);
    }
    let (old, new) = storage.read_two(name, last, target).await?;
    Ok(Both { old, new })
}

async fn gather<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    name: &str,
    revisions: &[u32],
) -> Result<Both<Release>, Error> {
    let (old, new) = match revisions {
        [] => {
            let history = storage.history(name).await?;
            if history.is_empty() {
                return Err(storage.no_release(name).await);
            }
            let Some((old, new)) = history.last_two() else {
                let (namespace, only) = (storage.namespace(), history.describe());
                let message = format!(
                    "release \"{name}\" in namespace \"{namespace}\" has only revision {only}: nothing to compare it with"
                );
                let hint = format!("compare after the next upgrade; helm get all {name} shows this revision");
                return Err(Error::new(Kind::NotFound, message).hint(hint));
            };
            storage.read_two(name, old, new).await?
        }
        [one] => {
            let (named, history) = storage.read_with_history(name, *one).await?;
            // Two records may say deployed; Helm takes the newest.
            let newest = history.deployed_candidates().first() == Some(&named.revision);
            let deployed = match newest && named.info.status == "deployed" {
                true => named.clone(),
                false => storage.deployed(name, &history).await?,
            };
            // The older one comes first, so that the diff tells what happened.
            if named.revision <= deployed.revision { (named, deployed) } else { (deployed, named) }
        }
        [old, new, ..] => storage.read_two(name, *old, *new).await?,
    };
    Ok(Both { old, new })
}

/// Checks a release's name by Helm's rule: a DNS subdomain of at most 53 characters.
pub(super) fn validate_name(name: &str) -> Result<(), Error> {
    let label = |label: &str| {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        edge(label.chars().next())
            && edge(label.chars().last())
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    if !name.is_empty() && name.len() <= 53 && name.split('.').all(label) {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, format!("{name:?} is no name of a release"))
        .hint("a name has lower case letters, digits, '-' and '.', and at most 53 characters"))
}

#[cfg(test)]
mod tests {
    use super::validate_name;

    #[test]
    fn names_follow_helms_rule() {
        for good in ["web", "a", "my-app.v2", "0"] {
            assert!(validate_name(good).is_ok(), "{good}");
        }
        for bad in ["", "Web", "-a", "a-", "a..b", "../x", "a b", &"x".repeat(54)] {
            assert!(validate_name(bad).is_err(), "{bad}");
        }
    }
}

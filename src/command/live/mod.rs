//! `helm revdiff live`: what of a release's manifest is not so in the cluster.
//!
//! Every object is read once, alone or with others of its kind, and compared by the fields that the manifest sets. Only
//! what differs then is looked at again, by a dry run of the apply, where the user may make one: the server's own
//! spelling and the changes of admission webhooks are no drift. So a release without drift takes no dry run at all, and
//! a user who may only read sees the same differences, but for those.

mod gather;
mod object;
mod rights;
mod targets;

use crate::cluster::{Cluster, ClusterError, Forbidden};
use crate::command::Stages;
use crate::command::revdiff::Outcome;
use crate::diff::ignore::{self, Rule, Within};
use crate::diff::live::report::{Compare, LiveReport, Problem};
use crate::diff::release::{Both, ReleaseDiff};
use crate::diff::resources::ManifestDiff;
use crate::diff::select::Selection;
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::manifest::mask::Masker;

use crate::release::Release;
use crate::report::view::Subject;
use crate::storage::Storage;

/// More objects that could not be compared are only counted.
const MOST_SHOWN: usize = 20;

/// What to compare with the cluster, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The release's name.
    pub release: String,
    /// The revision; the deployed one if not named.
    pub revision: Option<u32>,
    /// Which comparison.
    pub compare: Compare,
    /// Which objects. Those that are not to be shown are not read either.
    pub selection: Selection,
    /// Which differences to ignore.
    pub ignore: Vec<Rule>,
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// What differs: the manifest is the old side, the cluster the new one.
    pub outcome: Outcome,
    /// The error to end with where some objects could not be compared.
    pub incomplete: Option<Error>,
}

/// Compares a revision of a release with the cluster.
///
/// # Errors
/// If the revision can't be read, or the API server can't be reached or stops answering. That single objects can't be
/// compared is no error, but [`Found::incomplete`].
pub async fn run<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    cluster: &impl Cluster,
    masker: &Masker,
    options: &Options,
    stages: &dyn Stages,
) -> Result<Found, Error> {
    let name = &options.release;
    super::revdiff::validate_name(name)?;
    stages.stage(&format!("reading the release {name}"));
    let release = match options.revision {
        Some(revision) => storage.read_one(name, revision).await?,
        None => super::revdiff::deployed(storage, name).await.map_err(name_a_revision)?,
    };
    let targets = targets::targets(&release, cluster, &options.selection).await?;
    let mut gathered = gather::gather(cluster, masker, (&release, options.compare), targets, stages).await?;
    let within = Within { release: &release.name, namespace: &release.namespace };
    let whole =
        |problem: &Problem| options.ignore.iter().any(|rule| rule.is_whole() && rule.covers(&problem.id, within));
    gathered.problems.retain(|problem| !whole(problem));
    let mut found = outcome(release.clone(), cluster.server(), options.compare, gathered);
    let manifest = &mut found.outcome.diff.manifest;
    manifest.ignored = ignore::apply(manifest, &options.ignore, within);
    Ok(found)
}

fn outcome(release: Release, server: &str, wanted: Compare, gathered: gather::Gathered) -> Found {
    let report = LiveReport {
        server: server.to_owned(),
        wanted,
        compared: gathered.compared,
        dry_runs: gathered.dry_runs,
        without_dry_run: gathered.without_dry_run.into_iter().collect(),
        problems: gathered.problems,
        equal: gathered.equal,
        managed: gathered.managed,
    };
    let manifest = ManifestDiff {
        unchanged: gathered.compared - gathered.resources.len(),
        suppressed: gathered.suppressed,
        ignored: 0,
        parsed: gathered.compared,
        resources: gathered.resources,
        ..ManifestDiff::default()
    };
    let diff = ReleaseDiff { manifest, ..ReleaseDiff::default() };
    let incomplete = incomplete(&report);
    let notices = incomplete.iter().map(|error| first_line(&error.message)).collect();
    let cluster = Release { manifest: crate::manifest::document::Manifest::default(), ..release.clone() };
    let releases = Both { old: release, new: cluster };
    Found { outcome: Outcome { subject: Subject::Live(Box::new(report)), releases, diff, notices }, incomplete }
}

/// A release that is not deployed has revisions all the same.
fn name_a_revision(error: Error) -> Error {
    match &error.hint {
        Some(hint) if error.message.ends_with("has no deployed revision") => {
            let hint = hint.replacen("name both revisions to compare", "name one with --revision", 1);
            Error { hint: Some(hint), ..error }
        }
        _ => error,
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// The error that tells which objects could not be compared.
fn incomplete(report: &LiveReport) -> Option<Error> {
    let problems = &report.problems;
    if problems.is_empty() {
        return None;
    }
    let all = report.compared + problems.len();
    let plural = if all == 1 { "" } else { "s" };
    let mut message = format!("{} of {all} object{plural} could not be compared", problems.len());
    for problem in problems.iter().take(MOST_SHOWN) {
        message.push_str(&format!("\n  {}: {}", problem.id, problem.reason));
    }
    if problems.len() > MOST_SHOWN {
        message.push_str(&format!("\n  and {} more", problems.len() - MOST_SHOWN));
    }
    let hint = match problems.iter().any(|problem| problem.forbidden) {
        true => "ask for the verbs get and list on what is named; --suppress KIND leaves a kind of object out",
        false => "--suppress KIND/NAME leaves an object out",
    };
    Some(Error::new(Kind::Incomplete, message).hint(hint))
}

/// Why one object can't be compared, where the others still can; `None` for what ends the whole.
pub(super) fn problem(error: &ClusterError) -> Option<String> {
    match error {
        ClusterError::Forbidden(forbidden) => Some(missing_right(forbidden)),
        ClusterError::Server { code, message, .. } if *code <= 500 => {
            let message = if message.is_empty() { "no reason given" } else { message };
            Some(format!("the API server answered {code}: {message}"))
        }
        ClusterError::NotFound { .. } | ClusterError::NotServed { .. } | ClusterError::TooLarge { .. } => {
            Some(error.to_string())
        }
        _ => None,
    }
}

/// `cannot get deployments.apps "web" in namespace "shop"`.
fn missing_right(forbidden: &Forbidden) -> String {
    let Forbidden { verb, resource, group, name, namespace, detail, .. } = forbidden;
    let dot = if group.is_empty() { "" } else { "." };
    let name = name.as_ref().map(|name| format!(" {name:?}")).unwrap_or_default();
    let namespace = namespace.as_ref().map(|namespace| format!(" in namespace {namespace:?}")).unwrap_or_default();
    let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
    format!("cannot {verb} {resource}{dot}{group}{name}{namespace}{detail}")
}

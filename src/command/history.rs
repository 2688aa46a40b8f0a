//! `helm safe-upgrade history`: the revisions of a release, with what was noted about them.

use futures::StreamExt as _;
use futures::stream;
use jiff::Timestamp;

use crate::cluster::Cluster;
use crate::command::Stages;
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::release::head::Head;
use crate::release::history::Entry;
use crate::release::marks;
use crate::report::releases::history::{HistoryView, Row};
use crate::storage::Storage;

/// So many records are read at the same time.
const AT_ONCE: usize = 16;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The release's name.
    pub release: String,
    /// So many revisions, the newest ones; 0 is all.
    pub max: usize,
}

/// Reads the revisions.
///
/// # Errors
/// If there is no such release, or its revisions can't be listed. A record that can't be read is told in its row.
pub async fn run<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    options: &Options,
    stages: &dyn Stages,
) -> Result<HistoryView, Error> {
    let name = &options.release;
    super::revdiff::validate_name(name)?;
    stages.stage(&format!("reading the revisions of {name}"));
    let history = storage.history(name).await?;
    if history.is_empty() {
        return Err(storage.no_release(name).await);
    }
    let entries = history.entries();
    let older = if options.max == 0 { 0 } else { entries.len().saturating_sub(options.max) };
    let rows = stream::iter(&entries[older..]).map(|entry| row(storage, name, entry)).buffered(AT_ONCE);
    let rows: Vec<Result<Row, Error>> = rows.collect().await;
    let rows = rows.into_iter().collect::<Result<Vec<Row>, Error>>()?;
    Ok(HistoryView::new(name.clone(), storage.namespace().to_owned(), older, rows))
}

/// One revision. What makes all others fail too is an error; what concerns only this one is told in its row.
pub(super) async fn row<C: Cluster, H: Helm>(storage: &Storage<C, H>, name: &str, entry: &Entry) -> Result<Row, Error> {
    match storage.head(name, entry.revision).await {
        Ok(head) => Ok(of_head(entry, &head)),
        Err(error) if matches!(error.kind, Kind::Damaged | Kind::NotFound | Kind::Forbidden | Kind::Helm) => {
            Ok(of_damaged(entry, &error.message))
        }
        Err(error) => Err(error),
    }
}

/// A revision whose head has been read.
pub(super) fn of_head(entry: &Entry, head: &Head) -> Row {
    let known = of_entry(entry);
    let updated: Option<Timestamp> = head.last_deployed.parse().ok().or(known.updated);
    let (description, author) = marks::author(&head.description);
    let verdict = [entry.marks.proven, entry.marks.bad].into_iter().flatten().min();
    let seconds = verdict.zip(updated).map(|(end, start)| end.duration_since(start).as_secs().max(0));
    Row {
        updated,
        status: head.status.clone(),
        chart: head.chart.clone(),
        chart_version: head.version.clone(),
        app_version: head.app_version.clone(),
        seconds,
        by: author.map(str::to_owned),
        description: description.to_owned(),
        ..known
    }
}

/// A revision whose record can't be read.
pub(super) fn of_damaged(entry: &Entry, problem: &str) -> Row {
    Row { problem: Some(problem.to_owned()), ..of_entry(entry) }
}

/// What is known of a revision without reading it.
fn of_entry(entry: &Entry) -> Row {
    let mark = match entry.marks {
        marks if marks.is_proven() => Some("proven"),
        marks if marks.is_bad() => Some("bad"),
        _ => None,
    };
    Row {
        revision: entry.revision,
        updated: entry.created,
        status: entry.status_hint.clone(),
        proven: entry.marks.proven,
        bad: entry.marks.bad,
        mark,
        ..Row::default()
    }
}

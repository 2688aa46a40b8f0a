//! What a run writes about revisions: that one failed and why, that one is proven.

use jiff::Timestamp;

use super::Seams;
use super::patience::{AWAY, patiently};
use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::record::{Records, Revision};
use crate::release::marks::Mark;
use crate::upgrade::event::Event;

/// What to write.
pub(super) struct Entry {
    pub(super) revision: u32,
    pub(super) status: Option<&'static str>,
    pub(super) description: String,
    pub(super) mark: Option<Mark>,
}

impl Entry {
    /// That a revision failed. It is bad only if that was its own doing.
    pub(super) fn failed(revision: u32, description: String, bad: bool) -> Self {
        let mark = bad.then(|| Mark::Bad(Timestamp::now()));
        Self { revision, status: Some("failed"), description, mark }
    }

    /// That a revision is proven.
    pub(super) fn proven(revision: u32, description: String) -> Self {
        Self { revision, status: None, description, mark: Some(Mark::Proven(Timestamp::now())) }
    }
}

/// Writes into the record of a revision. A storage that can't hold it is warned of.
pub(super) async fn write<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    name: &str,
    entry: &Entry,
) -> Result<(), Error> {
    let records = match Records::of(seams.storage) {
        Ok(records) => records,
        Err(error) if error.kind == Kind::Unsupported => {
            let text = format!("revision {} is not marked: {}", entry.revision, error.message);
            seams.listener.hear(&Event::Warning { text });
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let change = Revision {
        status: entry.status.map(str::to_owned),
        description: Some(entry.description.clone()),
        marks: entry.mark.into_iter().collect(),
        only_if_status: None,
    };
    let stated = patiently(AWAY, || records.revise(name, entry.revision, &change)).await?;
    let (revision, status, description) = (entry.revision, stated.status, stated.description);
    seams.listener.hear(&Event::Recorded { revision, status, description });
    Ok(())
}

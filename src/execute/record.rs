//! What a run writes about revisions: that one failed and why, that one is proven.

use jiff::Timestamp;

use super::run::Run;
use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::record::{Records, Revision};
use crate::release::marks::{Mark, signed};
use crate::upgrade::event::Event;

/// What to write.
pub(super) struct Entry {
    pub(super) revision: u32,
    pub(super) status: Option<&'static str>,
    pub(super) description: String,
    pub(super) mark: Option<Mark>,
    /// Only while this is its status.
    pub(super) only_if: Option<String>,
}

impl Entry {
    /// That a revision failed. It is bad only if that was its own doing.
    pub(super) fn failed(revision: u32, description: String, bad: bool) -> Self {
        let mark = bad.then(|| Mark::Bad(Timestamp::now()));
        Self { revision, status: Some("failed"), description, mark, only_if: None }
    }

    /// That a revision is proven.
    pub(super) fn proven(revision: u32, description: String) -> Self {
        Self { revision, status: None, description, mark: Some(Mark::Proven(Timestamp::now())), only_if: None }
    }
}

impl<C: Cluster, H: Helm> Run<'_, '_, C, H> {
    /// Writes into the record of a revision, and by whom. A storage that can't hold it is warned of.
    pub(super) async fn write(&self, entry: &Entry) -> Result<(), Error> {
        let records = match Records::of(self.seams.storage) {
            Ok(records) => records,
            Err(error) if error.kind == Kind::Unsupported => {
                let text = format!("revision {} is not marked: {}", entry.revision, error.message);
                self.tell(&Event::Warning { text });
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let change = Revision {
            status: entry.status.map(str::to_owned),
            description: Some(signed(&self.veil.mask_to_keep(&entry.description), &self.options.who)),
            marks: entry.mark.into_iter().collect(),
            only_if_status: entry.only_if.clone(),
        };
        let stated = self.persistently(|| records.revise(self.name(), entry.revision, &change)).await?;
        let (revision, status, description) = (entry.revision, stated.status, stated.description);
        self.tell(&Event::Recorded { revision, status, description });
        Ok(())
    }
}

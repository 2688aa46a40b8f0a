//! What happens in a batch beside what happens in the upgrade of each release.

use jiff::Timestamp;
use serde::Serialize;

use super::kept::{Entry, Kept};
use super::{Id, Outcome};

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum BatchEvent<'a> {
    /// A release was looked at, before anything is done.
    BatchLooked {
        /// What would be done.
        release: &'a Looked,
    },
    /// A release is begun.
    BatchBegun {
        /// Which.
        release: &'a Id,
    },
    /// A release has ended, or is left out.
    BatchEnded {
        /// How.
        release: &'a Entry,
    },
    /// A release that was upgraded is brought back.
    BatchUndoing {
        /// Which.
        release: &'a Id,
    },
    /// A wave soaks.
    BatchSoaking {
        /// Which.
        wave: u32,
        /// Until when.
        until: Timestamp,
    },
    /// The batch has ended, or was interrupted.
    BatchDone {
        /// All of it.
        batch: &'a Kept,
    },
}

/// What would be done to a release, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Looked {
    /// Which release.
    pub id: Id,
    /// Its wave.
    pub wave: u32,
    /// Those that it needs.
    pub needs: Vec<Id>,
    /// Name and version of its chart now; nothing where it is installed.
    pub from_chart: Option<String>,
    /// Name and version of the chart that it is upgraded to; nothing where that is not known.
    pub to_chart: Option<String>,
    /// What would become of its objects.
    pub changes: Changes,
    /// The checks that say no.
    pub blockers: Vec<String>,
    /// The checks that have found something to be thought of, or could not tell.
    pub warnings: Vec<String>,
    /// How it stands already: it has ended in an earlier run, or will not be begun.
    pub outcome: Option<Outcome>,
    /// Why it will not be begun, or could not be now, one sentence.
    pub reason: Option<String>,
    /// Whether it could not be begun now, and is looked at again at its turn: what comes before may change that, or time.
    pub again: bool,
}

/// How many objects change, in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// There are more of them after.
    pub added: usize,
    /// They differ.
    pub changed: usize,
    /// They are gone after.
    pub removed: usize,
    /// Whether anything at all would change, such as values.
    pub any: bool,
}

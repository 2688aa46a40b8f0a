//! An upgrade that was cut off after Helm had ended, and before anybody knew whether what it made is good. Who runs it again goes on
//! with it: its failure leads back although nothing is changed any more.

use std::time::Duration;

use jiff::Timestamp;

use super::Seams;
use super::prepare::{Prepared, judged};
use crate::cluster::Cluster;
use crate::helm::Helm;
use crate::record::{Judged, Left, Records, Seen};
use crate::release::history::{Entry, History};
use crate::release::marks::RUN;

/// Within this time it is gone on with. After longer, others may have come to rely on what it made.
const RECENT: Duration = Duration::from_secs(60 * 60);
/// What comes after a failure: the revision that is noted then is the way back, and no upgrade.
const WAYS_BACK: [&str; 3] = ["rollback", "proof", "uninstall"];

/// Whether a run was cut off a short while ago that had made this revision, and had not yet found out whether it is good. A lease that
/// names the revision does not prove that, as a run that only looks notes it too: the revision must bear the name of the run.
pub(super) async fn was_cut_off<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    (name, history): (&str, &History),
    (revision, lease): (u32, Option<&Seen>),
) -> bool {
    let Some(seen) = lease.filter(|seen| seen.revision == Some(revision) && is_open(history, revision, seen)) else {
        return false;
    };
    let Ok(records) = Records::of(seams.storage) else { return false };
    let made_by = records.label(name, revision, RUN).await.ok().flatten();
    made_by.is_some_and(|run| Some(&*run) == seen.holder.rsplit(':').next())
}

fn is_open(history: &History, revision: u32, seen: &Seen) -> bool {
    let is_recent = seen.last_sign.is_some_and(|sign| {
        let ago = Timestamp::now().duration_since(sign);
        Duration::try_from(ago.abs()).is_ok_and(|ago| ago < RECENT)
    });
    let is_new = |entry: &Entry| entry.revision == revision && !entry.marks.is_proven() && !entry.marks.is_bad();
    let is_upgrade = !WAYS_BACK.contains(&&*seen.phase);
    is_recent && is_upgrade && judged(seen) != Judged::Live && history.entries().last().is_some_and(is_new)
}

impl Prepared {
    /// Whether a run that was cut off is gone on with, so that a failure leads back although nothing is changed.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.is_unfinished && self.nothing_to_do && self.target.is_some() && self.target != self.deployed
    }

    /// Whether that is still so once the lease is taken: somebody else may have gone on with it, and found it good.
    pub(super) fn still_goes_on(&self, left: Option<&Left>) -> bool {
        self.goes_on() && left.and_then(|left| left.revision) == self.deployed
    }
}

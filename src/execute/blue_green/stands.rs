//! How the two releases stand since they were looked at: whether somebody else has changed one of them.

use jiff::Timestamp;

use super::Rollout;
use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::execute::patience::{AWAY, patiently};
use crate::execute::prepare::observe_owner;
use crate::helm::Helm;
use crate::record::{Records, Revision};
use crate::release::history::{Entry, History};
use crate::release::marks::signed;
use crate::upgrade::blue_green::kept::Kept;
use crate::upgrade::blue_green::next::Phase;

/// How the release stands that was tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stands {
    /// Whether somebody else has changed it since.
    pub(super) changed: bool,
    /// Whether the revision that was tested is recorded as failed since.
    pub(super) failed: bool,
}

impl Stands {
    fn of(history: &History, tested: (u32, Option<Timestamp>), phase: Phase) -> Self {
        // On the way back it may be removed already.
        let is_to_stay = phase != Phase::GoingBack;
        match history.entries().last() {
            None => Self { changed: is_to_stay, failed: false },
            Some(last) => {
                let is_going = is_to_stay && last.status_hint.starts_with("uninstall");
                Self { changed: is_going || !is_same(last, tested), failed: last.status_hint == "failed" }
            }
        }
    }
}

/// Whether an entry is this revision, and not one of the same number of a release that was installed anew.
fn is_same(entry: &Entry, (revision, made): (u32, Option<Timestamp>)) -> bool {
    entry.revision == revision && (made.is_none() || entry.created.is_none() || entry.created == made)
}

impl<C: Cluster, H: Helm> Rollout<'_, C, H> {
    /// Whether somebody else has made another revision of the release from before, or is at work on it.
    pub(super) async fn has_live_changed(&self, kept: &Kept) -> Result<bool, Error> {
        let live = &kept.roles.live;
        match patiently(AWAY, || observe_owner(&self.seams, live)).await {
            Err(error) if error.kind == Kind::Locked => return Ok(true),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        let history = patiently(AWAY, || self.seams.storage.history(live)).await?;
        Ok(history.entries().last().is_some_and(|last| !is_same(last, (kept.live_revision, kept.live_made))))
    }

    /// How the other one stands since it was tested.
    pub(super) async fn stands(&self, kept: &Kept) -> Result<Stands, Error> {
        let Some(tested) = kept.revision.filter(|_| kept.phase != Phase::Testing) else {
            return Ok(Stands::default());
        };
        let history = patiently(AWAY, || self.seams.storage.history(&kept.roles.idle)).await?;
        Ok(Stands::of(&history, (tested, kept.made), kept.phase))
    }

    /// Calls the revision with the traffic deployed again, which an interrupted watch has recorded as failed: nothing is wrong with it, and
    /// it is gone on with.
    pub(super) async fn call_deployed(&self, kept: &Kept) {
        let (Ok(records), Some(revision)) = (Records::of(self.seams.storage), kept.revision) else { return };
        let description = signed("Interrupted while it was watched with the traffic", &self.idle.options.who);
        let change = Revision {
            status: Some("deployed".to_owned()),
            description: Some(description),
            only_if_status: Some("failed".to_owned()),
            ..Revision::default()
        };
        if let Err(error) = patiently(AWAY, || records.revise(&kept.roles.idle, revision, &change)).await {
            self.warn(format!("revision {revision} of {} is still called failed: {error}", kept.roles.idle));
        }
    }

    /// When a revision of a release was made, where that is known.
    pub(super) async fn made(&self, release: &str, revision: Option<u32>) -> Result<Option<Timestamp>, Error> {
        let history = patiently(AWAY, || self.seams.storage.history(release)).await?;
        let entry = history.entries().iter().find(|entry| Some(entry.revision) == revision);
        Ok(entry.and_then(|entry| entry.created))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok()
    }

    fn history(entries: &[(u32, &str, i64)]) -> History {
        let entry = |(revision, status, made): &(u32, &str, i64)| Entry {
            revision: *revision,
            status_hint: (*status).to_owned(),
            created: at(*made),
            ..Entry::default()
        };
        History::new(entries.iter().map(entry).collect())
    }

    #[test]
    fn what_was_tested_is_there_has_failed_or_is_somebody_elses() {
        let (changed, failed) = (Stands { changed: true, failed: false }, Stands { changed: false, failed: true });
        for (entries, phase, expected) in [
            (&[(1, "superseded", 5), (2, "deployed", 10)][..], Phase::Soaking, Stands::default()),
            (&[(2, "failed", 10)], Phase::Soaking, failed),
            (&[(2, "deployed", 10), (3, "deployed", 20)], Phase::Soaking, changed),
            (&[(2, "uninstalled", 10)], Phase::Soaking, changed),
            (&[(2, "uninstalled", 10)], Phase::GoingBack, Stands::default()),
            (&[], Phase::Proven, changed),
            (&[], Phase::GoingBack, Stands::default()),
            // It was uninstalled, and installed anew until it had as many revisions.
            (&[(2, "deployed", 30)], Phase::Soaking, changed),
        ] {
            assert_eq!(Stands::of(&history(entries), (2, at(10)), phase), expected, "{entries:?} {phase:?}");
        }
        assert_eq!(Stands::of(&history(&[(2, "deployed", 30)]), (2, None), Phase::Soaking), Stands::default());
    }
}

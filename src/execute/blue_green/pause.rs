//! The pause before the switch: the release that was tested stands ready, the traffic is where it was, and a person or a job says whether
//! it goes on or is given up.

use super::Rollout;
use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::execute::patience::{AWAY, patiently};
use crate::helm::Helm;
use crate::upgrade::blue_green::event::BlueGreenEvent;
use crate::upgrade::blue_green::kept::Kept;
use crate::upgrade::blue_green::next::Phase;
use crate::upgrade::blue_green::{Outcome, Pause, Roles};

impl<C: Cluster, H: Helm> Rollout<'_, C, H> {
    /// What comes once the idle release is good: the switch, or somebody who has to say so.
    pub(super) fn tested(&self, kept: &Kept) -> Phase {
        if kept.pause.is_some() { Phase::Paused } else { Phase::Switching }
    }

    /// Leaves the traffic where it is until somebody promotes it, here or by another run.
    pub(super) async fn pause(&self, kept: &mut Kept) -> Result<Option<Outcome>, Error> {
        if kept.pause == Some(Pause::Confirm)
            && let Some(ask) = self.ask
        {
            let Roles { live, idle } = &kept.roles;
            let question =
                format!("{idle} is tested and ready, {live} has the traffic. Lead {} to {idle}? [y/N] ", kept.switch);
            let asking = tokio::task::spawn_blocking(move || ask(&question));
            let answer = tokio::select! {
                answer = asking => answer.ok().flatten(),
                // What follows from that is seen next.
                () = self.seams.interrupts.more_than(0) => return Ok(None),
            };
            if matches!(answer.as_deref().map(str::trim), Some("y" | "Y" | "yes" | "Yes")) {
                kept.phase = Phase::Switching;
                kept.promoted_by = Some(self.idle.options.who.clone());
                return self.keep(kept).await.map(|()| None);
            }
        }
        let Roles { live, idle } = &kept.roles;
        let namespace = self.seams.storage.namespace();
        let command =
            |word: &str| format!("helm safe-upgrade blue-green {word} --blue {live} --green {idle} -n {namespace}");
        self.teller.tell(&BlueGreenEvent::BlueGreenPaused {
            release: idle,
            revision: kept.revision,
            promote: &command("promote"),
            abort: &command("abort"),
        });
        Ok(Some(Outcome::Paused))
    }

    /// Gives it up before the switch. What was installed by it is removed where a failure would remove it too.
    pub(super) async fn give_up(&self, kept: &Kept) {
        self.remove_without_traffic(kept).await;
    }

    /// Keeps the flags by which somebody may go on without naming them. Once the traffic is switched they are kept already, and no way back
    /// waits for them.
    pub(super) async fn keep_flags(&self, kept: &Kept) -> Result<(), Error> {
        match &self.typed {
            Some(typed) if kept.pause.is_some() && !kept.has_switched() => {
                patiently(AWAY, || self.flags.write(&kept.order, typed)).await
            }
            _ => Ok(()),
        }
    }

    /// Forgets them when it is over. An earlier run may have left some, too; without a pause nobody needs the right to look.
    pub(super) async fn forget_flags(&self, kept: &Kept) {
        match self.flags.remove().await {
            Err(error) if kept.pause.is_some() || error.kind != Kind::Forbidden => self.warn(error.to_string()),
            _ => {}
        }
    }
}

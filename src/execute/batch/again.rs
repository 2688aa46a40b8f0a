//! A look at a release that was upgraded, after its wave has soaked: is it still ready? One moment says nothing, so what is not
//! ready has as long to become so as pods have in an upgrade.

use std::time::Duration;

use crate::cluster::Cluster;
use crate::error::Error;
use crate::execute::patience::{AWAY, patiently};
use crate::execute::veil::Veil;
use crate::execute::watching::{How, Term, Watching, waited_for};
use crate::execute::{Options, Seams};
use crate::helm::Helm;
use crate::upgrade::batch::Outcome;
use crate::upgrade::batch::kept::{Entry, Told};
use crate::upgrade::event::Task;

/// No look takes longer.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What a look has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Again {
    /// It is ready.
    Ready,
    /// It was not, all the time; why.
    NotReady(String),
    /// That can't be seen; why.
    Unseen(String),
    /// Somebody else has made this revision since.
    Changed(u32),
    /// The user wants no more.
    Stopped,
}

impl Again {
    /// What that makes of a release that was good; `None` where it stays so.
    #[must_use]
    pub fn told(self, entry: &Entry) -> Option<Told> {
        let (outcome, reason, deployed) = match self {
            Self::Ready | Self::Stopped => return None,
            Self::NotReady(why) => {
                (Outcome::Failed, format!("not ready any more after the soak: {why}"), entry.deployed)
            }
            Self::Unseen(why) => {
                (Outcome::Unproven, format!("could not be seen after the soak: {why}"), entry.deployed)
            }
            Self::Changed(revision) => {
                (Outcome::Unproven, format!("somebody else made revision {revision} during the soak"), None)
            }
        };
        Some(Told { deployed, ..Told::new(outcome, Some(reason)) })
    }
}

/// Looks at a release of which this revision was made, for as long as its pods may take to become ready.
pub async fn look_again<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    (name, revision): (&str, Option<u32>),
    options: &Options,
) -> Again {
    tokio::select! {
        found = patiently(AWAY, || look(seams, (name, revision), options)) => {
            found.unwrap_or_else(|error| Again::Unseen(error.message))
        }
        () = seams.interrupts.more_than(0) => Again::Stopped,
    }
}

async fn look<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    (name, revision): (&str, Option<u32>),
    options: &Options,
) -> Result<Again, Error> {
    let history = seams.storage.history(name).await?;
    let newest = history.revisions().last().copied().unwrap_or_default();
    if revision.is_some_and(|revision| revision != newest) {
        return Ok(Again::Changed(newest));
    }
    let release = seams.storage.read(name, newest).await?;
    let veil = Veil::new(seams.listener, vec![&release], (&options.mask_key, seams.masker.masks()));
    let patience = options.patience.clone();
    let timeout = Duration::try_from(patience.fail_fast_after).unwrap_or(LONGEST).min(LONGEST);
    let mask = |text: &str| veil.mask_to_keep(text);
    let interrupts = seams.interrupts;
    let term = Term { task: Task::Look, timeout, interrupts, seen: 0, listener: &veil, mask: &mask };
    let mut watching = Watching::open(seams.cluster, &[&release], patience).await?;
    let watched = watching.until_settled(&release, None, &term).await;
    let troubles = waited_for(&watched.last).join("; ");
    let why = if troubles.is_empty() { "it is not ready".to_owned() } else { mask(&troubles) };
    Ok(match watched.how {
        How::Ready => Again::Ready,
        How::Interrupted(_) => Again::Stopped,
        How::Unseen(_) => Again::Unseen(why),
        _ if watched.last.is_only_unknown() => Again::Unseen(why),
        _ => Again::NotReady(why),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::batch::Id;

    #[test]
    fn only_what_was_seen_not_to_be_ready_has_failed() {
        let id = Id { context: None, namespace: "shop".to_owned(), release: "web".to_owned() };
        let entry = Entry { revision: Some(4), deployed: Some(4), ..Entry::new(id, 0) };
        let told = |again: Again| again.told(&entry).map(|told| (told.outcome, told.deployed));
        assert_eq!(told(Again::Ready), None);
        assert_eq!(told(Again::Stopped), None);
        assert_eq!(told(Again::NotReady("x".to_owned())), Some((Outcome::Failed, Some(4))));
        assert_eq!(told(Again::Unseen("x".to_owned())), Some((Outcome::Unproven, Some(4))));
        assert_eq!(told(Again::Changed(5)), Some((Outcome::Unproven, None)), "it is not brought back over theirs");
    }
}

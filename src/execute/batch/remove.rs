//! Removing a release that a batch has installed, where the batch is brought back: there is nothing from before to go back to.

use jiff::Timestamp;

use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::execute::keeper::Keeper;
use crate::execute::patience::{AWAY, patiently};
use crate::execute::veil::Veil;
use crate::execute::{Options, Seams};
use crate::helm::Helm;
use crate::release::Release;

/// The only revision of a release that is the batch's own.
const FIRST: u32 = 1;

/// Uninstalls a release that was installed between these times, under its lease. Returns why it was left as it is; nothing where it
/// is gone.
///
/// # Errors
/// If somebody else is at work on it, it can't be read, Helm can't remove it, or the user wants no more.
pub async fn remove<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    (name, between): (&str, (Timestamp, Timestamp)),
    options: &Options,
) -> Result<Option<String>, Error> {
    let keeper = Keeper::take(seams, name, &options.who).await?;
    let letting_go = seams.interrupts.more_than(1);
    let removed = keeper
        .while_held(async {
            tokio::select! {
                removed = remove_held(seams, (name, between), options) => removed,
                () = letting_go => {
                    let message = format!("let go of release \"{name}\" at once, as asked: it may be half uninstalled");
                    Err(Error::new(Kind::Interrupted, message))
                }
            }
        })
        .await;
    // Who lets go at once leaves the lease as a proof that its owner is gone.
    if !seams.interrupts.twice() {
        keeper.give_back().await;
    }
    removed
}

async fn remove_held<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    (name, between): (&str, (Timestamp, Timestamp)),
    options: &Options,
) -> Result<Option<String>, Error> {
    let history = patiently(AWAY, || seams.storage.history(name)).await?;
    let Some(last) = history.entries().last() else { return Ok(None) };
    if last.revision != FIRST {
        return Ok(Some(format!("somebody else has changed it since: revision {} is theirs", last.revision)));
    }
    if last.status_hint == "uninstalled" {
        return Ok(None);
    }
    let release = patiently(AWAY, || seams.storage.read(name, FIRST)).await?;
    if !was_made(&release, between) {
        return Ok(Some("somebody else has installed it anew since".to_owned()));
    }
    let mut running = seams.helm.uninstall(name, options.rollback_timeout).await?;
    let ended = running.wait().await;
    if ended.success {
        return Ok(None);
    }
    let veil = Veil::new(seams.listener, vec![&release], (&options.mask_key, seams.masker.masks()));
    Ok(Some(format!("it was not uninstalled: {}", veil.mask_to_keep(&ended.message))))
}

/// Whether a release was deployed between these times. Both are of this machine's clock, which helm ran on.
fn was_made(release: &Release, (from, to): (Timestamp, Timestamp)) -> bool {
    release.info.last_deployed.parse::<Timestamp>().is_ok_and(|made| from <= made && made <= to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_deployed_at_another_time_is_somebody_elses() {
        let second = |second| Timestamp::from_second(second).unwrap();
        let mut release = Release::of_manifest(String::new());
        let mut is_ours = |text: &str| {
            text.clone_into(&mut release.info.last_deployed);
            was_made(&release, (second(60), second(120)))
        };
        assert!(is_ours("1970-01-01T01:01:30.123456789+01:00"));
        assert!(!is_ours("1970-01-01T00:00:30Z") && !is_ours("1970-01-01T00:02:01Z"));
        assert!(!is_ours(""));
    }
}

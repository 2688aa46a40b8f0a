//! Nodes that were lost before anything was done, as far as they matter to the release: they are asked once, when it comes under watch.

use super::act::is_timeout;
use super::allowance::runs_hooks;
use super::gates::standing_of;
use super::run::Run;
use super::watching::{How, Watched};
use crate::cluster::Cluster;
use crate::helm::Helm;
use crate::release::Release;
use crate::upgrade::gates::nodes::Standing;
use crate::upgrade::gates::rolled_out::beside_lost_nodes;
use crate::upgrade::judge::Verdict;
use crate::upgrade::world::World;

/// Asks the nodes whose pods are in doubt. Who may not look at nodes learns nothing: all of them count then.
pub(super) async fn look_for<C: Cluster>(cluster: &C, world: &mut World) {
    let nodes = world.nodes_in_doubt();
    if nodes.is_empty() {
        return;
    }
    let lost = standing_of(cluster, nodes).await.into_iter().filter(|(_, standing)| *standing == Standing::Lost);
    world.lose_nodes(lost.map(|(name, _)| name));
}

/// Whether Helm is to wait for what it applies. For pods of lost nodes it waits in vain, and fails: there it is only watched by us. It must
/// wait where hooks come after, which rely on it.
pub(super) fn helm_waits(world: &World, release: &Release, points: &[&str]) -> bool {
    if !world.has_lost_nodes() {
        return true;
    }
    let after: Vec<&str> = points.iter().copied().filter(|point| point.starts_with("post-")).collect();
    runs_hooks(release, &after)
}

/// What of the release can't be seen to be good for lost nodes, a sentence each.
pub(super) fn doubts(world: &World) -> Vec<String> {
    beside_lost_nodes(world)
}

impl<C: Cluster, H: Helm> Run<'_, '_, C, H> {
    /// Where Helm had to wait, and nothing but pods of lost nodes kept it waiting: that is no failure of the release. What is in doubt.
    pub(super) fn waited_in_vain(&self, watched: &Watched) -> Option<Vec<String>> {
        let timed_out = match &watched.how {
            How::HelmFailed(message) => is_timeout(message),
            How::TimedOut => true,
            _ => false,
        };
        let doubts = self.watching.as_ref().map(|watching| doubts(&watching.world)).unwrap_or_default();
        if !timed_out || doubts.is_empty() || watched.last.verdict != Verdict::Ready {
            return None;
        }
        let helm =
            "helm has waited for them, so it calls the revision failed, and has not run its hooks after the upgrade";
        Some([doubts, vec![helm.to_owned()]].concat())
    }
}

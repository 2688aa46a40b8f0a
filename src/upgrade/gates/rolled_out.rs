//! Whether any pod runs as the newest revision wants it. A workload may be ready and run nothing but what was there before: a
//! Deployment that is paused, a StatefulSet or DaemonSet whose pods are replaced by hand, or whose partition holds them back, a
//! DaemonSet that nodes hold up that were lost before. What never ran is not proven.

use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::upgrade::readiness;
use crate::upgrade::world::{Key, Wanted, World};

/// The workloads that the upgrade has changed, or all of them, and of which not all pods are of the newest revision, a sentence each.
#[must_use]
pub fn not_rolled_out(world: &World, everything: bool) -> Vec<String> {
    let mut found = Vec::new();
    for wanted in world.wanted().iter().filter(|wanted| !wanted.hook && is_workload(&wanted.key)) {
        let Some(object) = world.object(&wanted.key) else { continue };
        if !everything && !world.is_changed(object) {
            continue;
        }
        if let Some(doubt) = readiness::lost_nodes(world, &wanted.key, object) {
            found.push(format!("{}: {doubt}", wanted.key));
            continue;
        }
        let counts = readiness::counts(object, &wanted.key);
        // Pods that an autoscaler asks for just now are of the newest revision, too.
        if counts.wanted == 0 || (counts.old == 0 && counts.updated > 0) {
            continue;
        }
        let all = counts.updated + counts.old;
        let (updated, why) = (counts.updated, why(object));
        found.push(format!("{}: {updated} of {all} pods run the new revision{why}", wanted.key));
    }
    found
}

/// The DaemonSets that can't be seen to be good for nodes that were lost before, a sentence each.
#[must_use]
pub fn beside_lost_nodes(world: &World) -> Vec<String> {
    let wanted = world.wanted().iter().filter(|wanted| !wanted.hook);
    let doubt = |wanted: &Wanted| {
        let doubt = readiness::lost_nodes(world, &wanted.key, world.object(&wanted.key)?)?;
        Some(format!("{}: {doubt}", wanted.key))
    };
    wanted.filter_map(doubt).collect()
}

fn is_workload(key: &Key) -> bool {
    matches!(&*key.group, "apps" | "extensions") && matches!(&*key.kind, "Deployment" | "StatefulSet" | "DaemonSet")
}

fn why(object: &Observed) -> &'static str {
    let strategy = object.text(&["spec", "updateStrategy", "type"]);
    let partition = object.number(&["spec", "updateStrategy", "rollingUpdate", "partition"]).unwrap_or_default();
    match object.at(&["spec", "paused"]).and_then(Node::as_bool) {
        Some(true) => ", as it is paused",
        _ if strategy == "OnDelete" => ", as others are replaced only when they are deleted",
        _ if partition > 0 => ", as its partition holds others back",
        _ => "",
    }
}

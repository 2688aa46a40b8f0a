//! Whether the pods that run are those that were asked for.

use std::collections::BTreeSet;

use super::vigil::pods_of;
use crate::manifest::node::Node;
use crate::upgrade::world::World;

/// What runs in the pods of the newest revision with another image than their owner names, a sentence each.
/// Webhooks may set images, so it is no failure.
#[must_use]
pub fn compare(world: &World) -> Vec<String> {
    let mut found = BTreeSet::new();
    for wanted in world.wanted().iter().filter(|wanted| !wanted.hook) {
        let Some(template) = world.object(&wanted.key).and_then(|object| object.at(&["spec", "template", "spec"]))
        else {
            continue;
        };
        let name = wanted.key.to_string();
        for pod in pods_of(world, wanted) {
            for (container, image) in containers(template) {
                let Some(runs) = pod.facts.containers.iter().find(|has| has.name == container) else { continue };
                if runs.image != image {
                    found.insert(format!("{name}: container {container} runs {}, not {image}", runs.image));
                }
            }
        }
    }
    found.into_iter().collect()
}

fn containers(spec: &Node) -> impl Iterator<Item = (&str, &str)> {
    let lists = ["initContainers", "containers"].into_iter();
    let all = lists.flat_map(|list| spec.get(list).and_then(Node::as_list).unwrap_or_default());
    all.filter_map(|container| Some((container.get("name")?.as_str()?, container.get("image")?.as_str()?)))
}

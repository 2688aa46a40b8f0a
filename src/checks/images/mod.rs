//! Images: what is new about them with this upgrade. Whether a registry has them is not looked at: it would be asked with other
//! credentials, and from another place, than the nodes ask it.

pub(super) mod platform;
pub(super) mod pull;
pub(super) mod tag;

use std::collections::{BTreeMap, HashMap};

use super::snapshot::Objects;
use crate::diff::workload::image::Image;
use crate::diff::workload::{Kind, containers, pod_spec};
use crate::manifest::document::Object;
use crate::manifest::node::Node;

/// A container of the new revision, beside the one that it takes the place of.
struct Pair<'a> {
    object: &'a Object,
    old_object: Option<&'a Object>,
    name: &'a str,
    image: Image<'a>,
    old: Option<Image<'a>>,
    /// `imagePullPolicy`, where it is set.
    policy: Option<&'a str>,
}

impl Pair<'_> {
    /// Whether another image is to run than before.
    fn is_changed(&self) -> bool {
        self.old.is_none_or(|old| old.whole != self.image.whole)
    }

    fn place(&self) -> String {
        format!("{}: container {}", self.object.id, self.name)
    }
}

/// All containers of the new revision.
fn pairs<'a>(objects: &'a Objects, namespace: &str) -> Vec<Pair<'a>> {
    let runs_pods = |object: &&Object| Kind::of(&object.id).is_some();
    let old: HashMap<_, &Object> =
        objects.old.iter().filter(runs_pods).map(|object| ((object.hook, object.id.key(namespace)), object)).collect();
    let mut pairs = Vec::new();
    for object in objects.new.iter().filter(runs_pods) {
        let old_object = old.get(&(object.hook, object.id.key(namespace))).copied();
        let before: HashMap<&str, &str> = old_object
            .and_then(pod_spec)
            .into_iter()
            .flat_map(containers)
            .filter_map(|container| Some((container.name, text(container.node, "image")?)))
            .collect();
        for container in pod_spec(object).into_iter().flat_map(containers) {
            let Some(image) = text(container.node, "image") else { continue };
            pairs.push(Pair {
                object,
                old_object,
                name: container.name,
                image: Image::of(image),
                old: before.get(container.name).map(|image| Image::of(image)),
                policy: text(container.node, "imagePullPolicy"),
            });
        }
    }
    pairs
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.get(key).and_then(Node::as_str).filter(|text| !text.is_empty())
}

/// So many lines are shown of what is alike.
const MOST: usize = 10;

/// The containers by what is to be said of them: several of one image are one finding.
fn grouped<'a, K: Ord>(
    pairs: &[Pair<'a>],
    judge: impl Fn(&Pair<'a>) -> Option<K>,
) -> BTreeMap<(&'a str, K), Vec<String>> {
    let mut groups: BTreeMap<(&str, K), Vec<String>> = BTreeMap::new();
    for pair in pairs {
        if let Some(judged) = judge(pair) {
            groups.entry((pair.image.whole, judged)).or_default().push(pair.place());
        }
    }
    groups
}

#[cfg(test)]
mod tests;

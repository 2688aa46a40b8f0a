//! What a chart makes anew at each render: certificates, passwords, times. Two renders of the same upgrade show it, as
//! what differs between them is no change that the upgrade brings.

use std::collections::HashMap;

use crate::diff::release::ReleaseDiff;
use crate::diff::resources::{Change, ManifestDiff, Side, compare};
use crate::manifest::document::Object;
use crate::manifest::identity::ObjectId;
use crate::manifest::mask::Masker;
use crate::manifest::node::{Node, Value};
use crate::release::Release;

/// An object with content that is new at each render.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regenerated {
    /// The object.
    pub object: ObjectId,
    /// Whether it is a hook's.
    pub hook: bool,
    /// Where in it: JSON Pointers (RFC 6901). Empty where its very name is new each time.
    pub paths: Vec<String>,
    /// Whether pods are made from what is regenerated, so that they restart with every upgrade.
    pub restarts: bool,
}

/// Takes out of a diff what is regenerated: it keeps the content of the old side there, and an object that differs in
/// nothing else is unchanged. `again` are the objects that differ between the two renders: the first one is the diff's
/// new side.
pub fn settle(diff: &mut ReleaseDiff, again: &ManifestDiff) {
    let mut second: HashMap<(bool, &ObjectId), &Object> = HashMap::new();
    let mut named_anew = Vec::new();
    for resource in &again.resources {
        match (resource.change, &resource.old, &resource.new) {
            (Change::Modified, Some(first), Some(new)) => _ = second.insert((first.hook, &first.id), new),
            (Change::Removed, Some(first), _) => named_anew.push(Regenerated {
                object: first.id.clone(),
                hook: first.hook,
                paths: Vec::new(),
                restarts: false,
            }),
            _ => {}
        }
    }
    let mut found = named_anew;
    let mut settled = 0;
    diff.manifest.resources.retain_mut(|resource| {
        let Some(new) = &mut resource.new else { return true };
        let Some(again) = second.get(&(new.hook, &new.id)) else { return true };
        let mut settling = Settling { steps: Vec::new(), paths: Vec::new() };
        let node = settling.node(resource.old.as_ref().map(|old| &old.node), &new.node, &again.node);
        let restarts = is_workload(&new.id) && settling.paths.iter().any(|path| path.contains("/template/"));
        found.push(Regenerated { object: new.id.clone(), hook: new.hook, paths: settling.paths, restarts });
        new.node = node;
        let equal = resource.old.as_ref().is_some_and(|old| old.node == new.node && old.id == new.id);
        settled += usize::from(equal);
        !equal
    });
    diff.manifest.unchanged += settled;
    diff.regenerated = found;
}

fn is_workload(id: &ObjectId) -> bool {
    matches!(id.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
}

/// One object on its way.
struct Settling {
    steps: Vec<String>,
    paths: Vec<String>,
}

impl Settling {
    /// The new tree, with the old content wherever the two renders of it differ.
    fn node(&mut self, old: Option<&Node>, new: &Node, again: &Node) -> Node {
        if new == again {
            return new.clone();
        }
        match (new.value(), again.value()) {
            (Value::Map(entries), Value::Map(_)) => {
                let entries = entries.iter().map(|(key, value)| {
                    let settled = self.below(key, old.and_then(|old| old.get(key)), value, again.get(key));
                    (key.clone(), settled)
                });
                Node::new(Value::Map(entries.collect())).at(new.line())
            }
            (Value::List(items), Value::List(others)) if items.len() == others.len() => {
                let before = old.and_then(Node::as_list).filter(|before| before.len() == items.len());
                let items = items.iter().zip(others).enumerate().map(|(at, (item, other))| {
                    self.below(&at.to_string(), before.map(|before| &before[at]), item, Some(other))
                });
                Node::new(Value::List(items.collect())).at(new.line())
            }
            _ => self.scalar(old, new, again),
        }
    }

    fn below(&mut self, step: &str, old: Option<&Node>, new: &Node, again: Option<&Node>) -> Node {
        let Some(again) = again else { return new.clone() };
        self.steps.push(step.replace('~', "~0").replace('/', "~1"));
        let settled = self.node(old, new, again);
        self.steps.pop();
        settled
    }

    fn scalar(&mut self, old: Option<&Node>, new: &Node, again: &Node) -> Node {
        self.paths.push(format!("/{}", self.steps.join("/")));
        let Some(old) = old else { return new.clone() };
        match (old.value(), new.value(), again.value()) {
            (Value::String(old), Value::String(new_text), Value::String(again)) if new_text.contains('\n') => {
                Node::string(lines(old, new_text, again)).at(new.line())
            }
            (Value::Map(_) | Value::List(_), _, _) | (_, Value::Map(_) | Value::List(_), _) => new.clone(),
            _ => old.clone(),
        }
    }
}

/// A text of several lines: only the lines that differ between the two renders become the old ones, so that no other
/// change is lost. Where lines can't be told to belong together, the new text stays.
fn lines(old: &str, new: &str, again: &str) -> String {
    let split = |text| str::split_inclusive(text, '\n').collect::<Vec<_>>();
    let (before, now, other) = (split(old), split(new), split(again));
    if now.len() != other.len() || now.len() != before.len() {
        return new.to_owned();
    }
    now.iter().zip(other).zip(before).map(|((now, other), before)| if *now == other { *now } else { before }).collect()
}

/// The objects that differ between two renders of one release.
#[must_use]
pub fn between(first: &Release, second: &Release, masker: &Masker) -> ManifestDiff {
    let side = |release| Side { documents: Release::documents(release), namespace: &release.namespace };
    compare(&side(first), &side(second), masker)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::yaml;

    fn settled(old: &str, new: &str, again: &str) -> (Node, Vec<String>) {
        let parse = |text| yaml::parse(text).unwrap();
        let mut settling = Settling { steps: Vec::new(), paths: Vec::new() };
        let node = settling.node(Some(&parse(old)), &parse(new), &parse(again));
        (node, settling.paths)
    }

    #[test]
    fn what_differs_between_renders_is_no_change_and_the_rest_is() {
        let (node, paths) =
            settled("{a: old, b: 1, l: [x, 1]}", "{a: r1, b: 2, l: [y, 1]}", "{a: r2, b: 2, l: [z, 1]}");
        assert_eq!(node, yaml::parse("{a: old, b: 2, l: [x, 1]}").unwrap());
        assert_eq!(paths, ["/a", "/l/0"]);
    }

    #[test]
    fn other_lines_of_a_text_still_change() {
        let (node, _) = settled("t: \"one\\ntwo\\nthree\"", "t: \"1st\\nr1\\nthree\"", "t: \"1st\\nr2\\nthree\"");
        assert_eq!(node.get("t").and_then(Node::as_str), Some("1st\ntwo\nthree"));
    }

    #[test]
    fn what_was_not_there_before_stays_new() {
        let (node, paths) = settled("{}", "{a: r1}", "{a: r2}");
        assert_eq!(node, yaml::parse("{a: r1}").unwrap());
        assert_eq!(paths, ["/a"]);
    }
}

//! The chart's metadata as rows: one a field, and one an item where a whole list came or went.

use crate::diff::changes::{Change, Op};
use crate::manifest::node::Node;
use crate::report::paths::brief;

/// One line of the chart's section.
pub(super) struct Row {
    pub(super) op: Op,
    /// `version` or `dependencies[name=redis]`.
    pub(super) location: String,
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
}

/// The rows of these changes, in their order.
pub(super) fn rows(changes: &[Change<'_>]) -> Vec<Row> {
    changes.iter().flat_map(rows_of).collect()
}

fn rows_of(change: &Change<'_>) -> Vec<Row> {
    let row = |location: String, old: Option<&Node>, new: Option<&Node>| Row {
        op: change.op,
        location,
        old: old.map(value),
        new: new.map(value),
    };
    let items = |list: &Node| -> Vec<(String, Node)> {
        let items = list.as_list().unwrap_or_default();
        items
            .iter()
            .enumerate()
            .map(|(index, item)| (format!("{}[{}]", change.location, label(item, index)), item.clone()))
            .collect()
    };
    match (change.old, change.new) {
        (Some(list), None) if list.as_list().is_some_and(|items| !items.is_empty()) => {
            items(list).into_iter().map(|(location, item)| row(location, Some(&item), None)).collect()
        }
        (None, Some(list)) if list.as_list().is_some_and(|items| !items.is_empty()) => {
            items(list).into_iter().map(|(location, item)| row(location, None, Some(&item))).collect()
        }
        (old, new) => vec![row(change.location.clone(), old, new)],
    }
}

/// What tells an item from its neighbours, as in the locations of all other changes.
fn label(item: &Node, index: usize) -> String {
    match item.get("name").and_then(Node::as_str) {
        Some(name) => format!("name={name}"),
        None => index.to_string(),
    }
}

/// A value on one line. Of a map its fields, but for the name, which the location says.
fn value(node: &Node) -> String {
    let Some(entries) = node.as_map() else { return brief(node) };
    let told = entries.iter().filter(|(key, node)| &**key != "name" && node.as_str() != Some(""));
    let told: Vec<String> = told.map(|(key, node)| format!("{key} {}", brief(node))).collect();
    // An empty map is a value too, and no blank.
    if told.is_empty() { brief(node) } else { told.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::yaml;

    #[test]
    fn an_empty_map_is_no_blank() {
        let told = |text: &str| value(&yaml::parse(text).unwrap());
        assert_eq!(told("{}"), "{}");
        assert_eq!(told("{name: redis, version: 1.2.3, alias: ''}"), "version 1.2.3");
    }
}

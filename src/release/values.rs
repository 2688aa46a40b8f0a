//! The values a release was rendered with: what the user supplied over what the chart has as default.

use crate::manifest::node::{Node, Value};

/// The computed values, as `helm get values --all` shows them: maps are merged key by key, a user's `null` removes the
/// chart's default, and anything else of the user replaces it. (Helm: `chartutil.CoalesceValues`. Defaults of subcharts
/// are not stored in a release, but for what Helm has merged into the parent's.)
#[must_use]
pub fn computed(defaults: &Node, supplied: &Node) -> Node {
    let (Value::Map(chart), Value::Map(user)) = (defaults.value(), supplied.value()) else {
        return if supplied.is_empty() { defaults.clone() } else { supplied.clone() };
    };
    let mut merged: Vec<(Box<str>, Node)> = Vec::with_capacity(chart.len());
    let by_key: std::collections::HashMap<&str, &Node> = user.iter().map(|(key, node)| (&**key, node)).collect();
    for (key, default) in chart {
        match by_key.get(&**key) {
            None => merged.push((key.clone(), default.clone())),
            Some(node) if matches!(node.value(), Value::Null) => {}
            Some(node) => merged.push((key.clone(), over(default, node))),
        }
    }
    let known: std::collections::HashSet<&str> = chart.iter().map(|(key, _)| &**key).collect();
    merged.extend(user.iter().filter(|(key, _)| !known.contains(&**key)).cloned());
    Node::new(Value::Map(merged))
}

fn over(default: &Node, supplied: &Node) -> Node {
    match (default.value(), supplied.value()) {
        (Value::Map(_), Value::Map(_)) => computed(default, supplied),
        _ => supplied.clone(),
    }
}

//! Whether two values are the same to the API server, which compares what they mean: a field that is left out is as one
//! that is null or empty, and `1024Mi` is as `1Gi` where a field holds a quantity.
//!
//! Source: `equality.Semantic.DeepEqual` (k8s.io/apimachinery, pkg/api/equality/semantic.go).

use crate::manifest::node::Node;
use crate::manifest::quantity::Quantity;

/// Keys below which every value is a quantity.
const QUANTITIES: [&str; 6] = ["requests", "limits", "overhead", "capacity", "sizeLimit", "hard"];

/// Whether two values mean the same.
#[must_use]
pub fn same(old: Option<&Node>, new: Option<&Node>) -> bool {
    below(old, new, false)
}

/// As [`same`], below a key.
#[must_use]
pub fn same_at(key: &str, old: Option<&Node>, new: Option<&Node>) -> bool {
    below(old, new, QUANTITIES.contains(&key))
}

fn below(old: Option<&Node>, new: Option<&Node>, amounts: bool) -> bool {
    let (old, new) = (old.filter(|node| !node.is_empty()), new.filter(|node| !node.is_empty()));
    let (old, new) = match (old, new) {
        (None, None) => return true,
        (Some(old), Some(new)) if old == new => return true,
        // A map that holds nothing but nothing is nothing.
        (Some(only), None) | (None, Some(only)) => {
            return only.as_map().is_some_and(|map| map.iter().all(|(_, value)| below(Some(value), None, amounts)));
        }
        (Some(old), Some(new)) => (old, new),
    };
    if let (Some(a), Some(b)) = (old.as_map(), new.as_map()) {
        let after: std::collections::HashMap<&str, &Node> = b.iter().map(|(key, node)| (&**key, node)).collect();
        let before: std::collections::HashSet<&str> = a.iter().map(|(key, _)| &**key).collect();
        let inner = |key: &str, old, new| below(old, new, amounts || QUANTITIES.contains(&key));
        return a.iter().all(|(key, node)| inner(key, Some(node), after.get(&**key).copied()))
            && b.iter().filter(|(key, _)| !before.contains(&**key)).all(|(key, node)| inner(key, None, Some(node)));
    }
    if let (Some(a), Some(b)) = (old.as_list(), new.as_list()) {
        return a.len() == b.len() && a.iter().zip(b).all(|(a, b)| below(Some(a), Some(b), amounts));
    }
    amounts && Quantity::of(old).is_some_and(|amount| Quantity::of(new) == Some(amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Node {
        crate::manifest::yaml::parse(text).unwrap()
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        for (a, b) in [
            ("{requests: {cpu: 1000m, memory: 1Gi}}", "{requests: {memory: 1024Mi, cpu: 1}}"),
            ("{a: 1, b: null, c: [], d: {e: {}}}", "{a: 1}"),
            ("[{limits: {storage: 1Ki}}]", "[{limits: {storage: 1024}}]"),
        ] {
            assert!(same(Some(&node(a)), Some(&node(b))), "{a} {b}");
            assert!(same(Some(&node(b)), Some(&node(a))), "{b} {a}");
        }
        assert!(same(None, Some(&node("{}"))) && same_at("requests", Some(&node("{a: 1}")), Some(&node("{a: 1000m}"))));
    }

    #[test]
    fn what_means_something_else_is_not() {
        for (a, b) in [
            ("{requests: {cpu: 1}}", "{requests: {cpu: 2}}"),
            ("{cpu: 1000m}", "{cpu: 1}"),
            ("{a: 0}", "{}"),
            ("[1, 2]", "[2, 1]"),
            ("{a: ''}", "{}"),
        ] {
            assert!(!same(Some(&node(a)), Some(&node(b))), "{a} {b}");
        }
    }
}

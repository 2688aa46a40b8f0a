//! Values that are written in two ways and mean the same: `1000m` and `1`, `60s` and `1m0s`.

use crate::diff::changes::Step;
use crate::manifest::duration::Duration;
use crate::manifest::node::Node;
use crate::manifest::quantity::Quantity;

/// A value that the cluster spells in another way than the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EqualValue {
    /// Its place, for a reader.
    pub location: String,
    /// As the manifest has it.
    pub declared: String,
    /// As the cluster has it.
    pub live: String,
}

/// Maps whose values are quantities: `ResourceList` in the API's types.
const QUANTITY_MAPS: [&str; 10] =
    ["limits", "requests", "capacity", "hard", "overhead", "podFixed", "default", "defaultRequest", "min", "max"];

/// Fields that are quantities: `sizeLimit` of a volume, `divisor` of a reference, the targets of an autoscaler.
const QUANTITIES: [&str; 6] =
    ["sizeLimit", "divisor", "averageValue", "targetAverageValue", "targetValue", "maxLimitRequestRatio"];

/// Fields whose content is text whatever it looks like.
const TEXT: [&str; 9] =
    ["data", "stringData", "binaryData", "labels", "annotations", "args", "command", "env", "matchLabels"];

/// Whether two different scalars at a place mean the same. Text is never taken for anything else: a version `1.10` is
/// not the version `1.1`, and so only known places hold quantities.
pub(super) fn same_value(declared: &Node, live: &Node, steps: &[Step<'_>], kind: &str) -> bool {
    let keys: Vec<&str> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Key(key) => Some(*key),
            Step::Index(..) | Step::Inside => None,
        })
        .collect();
    if kind == "Secret" || keys.iter().any(|key| TEXT.contains(key)) && !is_divisor(&keys) {
        return false;
    }
    if is_quantity(&keys, kind) {
        let nanos = |node| Quantity::of(node).map(Quantity::nanos);
        return nanos(declared).is_some_and(|nanos_declared| nanos(live) == Some(nanos_declared));
    }
    // A number alone is no duration.
    let length = |node: &Node| Duration::parse(node.as_str()?);
    length(declared).is_some_and(|declared| length(live) == Some(declared))
}

/// `env[].valueFrom.resourceFieldRef.divisor` is a quantity within what else is text.
fn is_divisor(keys: &[&str]) -> bool {
    keys.last() == Some(&"divisor")
}

fn is_quantity(keys: &[&str], kind: &str) -> bool {
    let Some((last, above)) = keys.split_last() else { return false };
    let in_map = above.last().is_some_and(|map| QUANTITY_MAPS.contains(map));
    // Only a LimitRange has these among quantities; elsewhere they are words like any other.
    let limit_range = kind == "LimitRange";
    let ambiguous = above.last().is_some_and(|map| matches!(*map, "default" | "min" | "max" | "defaultRequest"));
    let target = *last == "value" && above.last() == Some(&"target");
    (in_map && (!ambiguous || limit_range)) || QUANTITIES.contains(last) || target
}

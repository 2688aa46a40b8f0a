//! Label selectors, as the API server reads them (k8s.io/apimachinery, pkg/apis/meta/v1, `LabelSelectorAsSelector`).

use crate::checks::scene::{items, string};
use crate::manifest::node::Node;

/// Whether a selector with `matchLabels` and `matchExpressions` selects these labels. An empty one selects all.
pub(super) fn selects(selector: &Node, labels: Option<&Node>) -> bool {
    let value = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Node::as_str);
    all_of(selector.find(&["matchLabels"]), labels)
        && items(selector, &["matchExpressions"]).iter().all(|one| meets(one, &value))
}

/// Whether labels have all of these, as the selector of a Service wants it.
pub(super) fn all_of(wanted: Option<&Node>, labels: Option<&Node>) -> bool {
    let wanted = wanted.and_then(Node::as_map).unwrap_or_default();
    let has = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Node::as_str);
    wanted.iter().all(|(key, value)| value.as_str().is_some() && has(key) == value.as_str())
}

/// Whether a requirement is met: `{key, operator, values}`. One that is not understood is not.
pub(super) fn meets<'v>(requirement: &Node, value: &impl Fn(&str) -> Option<&'v str>) -> bool {
    let here = string(requirement, &["key"]).and_then(value);
    let values = || items(requirement, &["values"]).iter().filter_map(Node::as_str);
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    match string(requirement, &["operator"]) {
        Some("In") => here.is_some_and(|here| values().any(|one| one == here)),
        Some("NotIn") => here.is_none_or(|here| values().all(|one| one != here)),
        Some("Exists") => here.is_some(),
        Some("DoesNotExist") => here.is_none(),
        // Of nodes only.
        Some("Gt") => number(here).zip(number(values().next())).is_some_and(|(here, than)| here > than),
        Some("Lt") => number(here).zip(number(values().next())).is_some_and(|(here, than)| here < than),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_of_a_selector_count() {
        let node = |text: &str| crate::manifest::yaml::parse(text).unwrap();
        let labels = node("{app: web, tier: front}");
        for (selector, selected) in [
            ("{}", true),
            ("{matchLabels: {app: web}}", true),
            ("{matchLabels: {app: web, more: a}}", false),
            ("{matchExpressions: [{key: app, operator: In, values: [a, web]}]}", true),
            ("{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}", false),
            ("{matchExpressions: [{key: other, operator: NotIn, values: [web]}]}", true),
            ("{matchExpressions: [{key: tier, operator: Exists}, {key: other, operator: DoesNotExist}]}", true),
            ("{matchLabels: {app: web}, matchExpressions: [{key: tier, operator: DoesNotExist}]}", false),
            ("{matchExpressions: [{key: app, operator: Other}]}", false),
        ] {
            assert_eq!(selects(&node(selector), Some(&labels)), selected, "{selector}");
        }
        assert!(!selects(&node("{matchLabels: {app: web}}"), None));
    }
}

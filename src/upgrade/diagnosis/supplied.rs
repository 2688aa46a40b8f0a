//! What an upgrade was made with, beside what was before it: the facts that rules about values rest on.

use crate::manifest::node::{Node, Value};
use crate::release::Release;
use crate::upgrade::diagnosis::evidence::Changes;

/// More keys are not looked for.
const MOST_KEYS: usize = 20;
/// Values are looked at no deeper than this.
const DEEPEST: usize = 16;
/// Longer names are not compared, in bytes.
const LONGEST_NAME: usize = 64;

/// What changed from a revision to the next, as far as the two tell.
#[must_use]
pub fn changes(old: Option<&Release>, new: &Release) -> Changes {
    let mut unknown = Vec::new();
    let before = old.map(|old| &old.config);
    find(&Level { supplied: &new.config, before, defaults: &new.chart.values }, "", DEEPEST, &mut unknown);
    let parts = subcharts(new);
    unknown.retain(|(key, _)| {
        let first = key.split('.').next().unwrap_or_default();
        first != "global" && !parts.iter().any(|part| part == first)
    });
    unknown.truncate(MOST_KEYS);
    let chart = |release: &Release| format!("{}-{}", release.chart.name(), release.chart.version());
    Changes {
        same_values: old.map(|old| same(&old.config, &new.config)),
        same_manifest: old.map(|old| same_manifest(old, new)),
        unknown_keys: unknown,
        charts: (old.map(chart).unwrap_or_default(), chart(new)),
        ..Changes::default()
    }
}

fn same(old: &Node, new: &Node) -> bool {
    (old.is_empty() && new.is_empty()) || old == new
}

fn same_manifest(old: &Release, new: &Release) -> bool {
    let (old, new) = (old.manifest.documents(false), new.manifest.documents(false));
    old.len() == new.len() && old.iter().zip(&new).all(|(old, new)| old.fingerprint() == new.fingerprint())
}

/// The names under which the values of subcharts stand.
fn subcharts(release: &Release) -> Vec<String> {
    let parts = release.chart.metadata.get("dependencies").and_then(Node::as_list).unwrap_or_default();
    let names = parts.iter().flat_map(|part| ["alias", "name"].into_iter().filter_map(|key| part.get(key)));
    names.filter_map(Node::as_str).map(str::to_owned).collect()
}

/// The same place in three trees.
struct Level<'a> {
    supplied: &'a Node,
    before: Option<&'a Node>,
    defaults: &'a Node,
}

/// Keys that the defaults do not have beside others. An empty map of defaults takes what it gets.
fn find(level: &Level<'_>, path: &str, depth: usize, found: &mut Vec<(String, Option<String>)>) {
    let (Value::Map(supplied), Value::Map(defaults)) = (level.supplied.value(), level.defaults.value()) else { return };
    if defaults.is_empty() || depth == 0 {
        return;
    }
    for (key, value) in supplied {
        if found.len() >= MOST_KEYS {
            return;
        }
        let here = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
        let before = level.before.and_then(|before| before.get(key));
        match level.defaults.get(key) {
            Some(defaults) => find(&Level { supplied: value, before, defaults }, &here, depth - 1, found),
            None => {
                let similar = defaults
                    .iter()
                    .filter(|(known, _)| level.supplied.get(known).is_none())
                    .filter_map(|(known, _)| Some((errors(key, known)?, known)))
                    .min();
                // What was set before, and is like nothing, may be one of the many keys that charts take without naming them.
                if before.is_none() && similar.is_some() {
                    let parent = path.to_owned();
                    let full =
                        |known: &str| if parent.is_empty() { known.to_owned() } else { format!("{parent}.{known}") };
                    found.push((here, similar.map(|(_, known)| full(known))));
                }
            }
        }
    }
}

/// How many typing errors make one name of the other, where that is likely: up to one for each four letters.
fn errors(typed: &str, known: &str) -> Option<usize> {
    if typed.len() < 3 || typed.len().max(known.len()) > LONGEST_NAME {
        return None;
    }
    let errors = strsim::osa_distance(&typed.to_lowercase(), &known.to_lowercase());
    (errors <= (typed.len() / 4).max(1)).then_some(errors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::decode;

    fn release(values: &str) -> Release {
        let record = format!(
            r#"{{"name": "web", "namespace": "shop", "version": 1, "info": {{"status": "deployed"}}, "config": {values},
            "chart": {{"metadata": {{"name": "web", "version": "1.0.0", "dependencies": [{{"name": "redis"}}]}},
            "values": {{"image": {{"tag": "1", "repository": "web"}}, "replicas": 1, "labels": {{}}}}}},
            "manifest": "kind: A\nmetadata: {{name: a}}\n"}}"#
        );
        decode::from_json(record.as_bytes()).unwrap()
    }

    #[test]
    fn a_misspelt_key_is_found_with_what_it_is_like() {
        let found = changes(Some(&release("{}")), &release(r#"{"image": {"tga": "2"}, "replica": 3}"#));
        let pair = |key: &str, like: &str| (key.to_owned(), Some(like.to_owned()));
        assert_eq!(found.unknown_keys, [pair("image.tga", "image.tag"), pair("replica", "replicas")]);
        assert_eq!((found.same_values, found.same_manifest), (Some(false), Some(true)));
    }

    #[test]
    fn what_a_chart_takes_without_naming_it_is_not_told() {
        let values = r#"{"labels": {"team": "a"}, "redis": {"auth": 1}, "global": {"x": 1}, "extraEnv": [], "image": {"tag": "2"}}"#;
        assert_eq!(changes(Some(&release("{}")), &release(values)).unknown_keys, []);
    }

    #[test]
    fn what_was_set_before_is_not_told_again() {
        let values = r#"{"image": {"tga": "2"}}"#;
        let found = changes(Some(&release(values)), &release(values));
        assert_eq!((found.unknown_keys.len(), found.same_values), (0, Some(true)));
    }
}

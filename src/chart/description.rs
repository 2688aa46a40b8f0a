//! What a chart says of itself: `Chart.yaml`, its default values, the charts it depends on.

use std::collections::HashSet;

use crate::chart::files::ChartFile;
use crate::manifest::node::{Node, Value};
use crate::manifest::yaml;

/// A chart that another one depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// Where it is: a URL, `@name` of a repository, or `file://…`; empty where it is in `charts/` anyway.
    pub repository: String,
}

impl Dependency {
    /// The folder it is in, seen from the chart that depends on it, where it is one. (Helm: `resolver.GetLocalPath`.)
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        self.repository.strip_prefix("file://").filter(|path| !path.is_empty() && !path.starts_with('/'))
    }
}

/// `Chart.yaml` as a tree; nothing where it can't be read, which Helm then explains. The dependencies of charts of the
/// first version are in a file of their own.
#[must_use]
pub fn metadata(files: &[ChartFile]) -> Node {
    let metadata = read(files, "Chart.yaml");
    let required = read(files, "requirements.yaml");
    match (metadata.value(), required.get("dependencies")) {
        (Value::Map(entries), Some(dependencies)) if metadata.get("dependencies").is_none() => {
            let mut entries = entries.clone();
            entries.push(("dependencies".into(), dependencies.clone()));
            Node::new(Value::Map(entries))
        }
        _ => metadata,
    }
}

/// The chart's own default values, without those of the charts in it.
#[must_use]
pub fn values(files: &[ChartFile]) -> Node {
    read(files, "values.yaml")
}

/// The charts that a chart depends on.
#[must_use]
pub fn dependencies(metadata: &Node) -> Vec<Dependency> {
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
    let listed = metadata.get("dependencies").and_then(Node::as_list).unwrap_or_default();
    let all = listed.iter().map(|node| Dependency { name: text(node, "name"), repository: text(node, "repository") });
    all.filter(|dependency| !dependency.name.is_empty()).collect()
}

/// Those of them that are not in `charts/`. As for Helm, only the name counts (`action.CheckDependencies`).
#[must_use]
pub fn missing(files: &[ChartFile]) -> Vec<Dependency> {
    let mut missing = dependencies(&metadata(files));
    if !missing.is_empty() {
        let there: HashSet<String> = files.iter().filter_map(name_in_charts).collect();
        missing.retain(|dependency| !there.contains(&dependency.name));
    }
    missing
}

/// `Chart.yaml` of each chart that is in `charts/`.
#[must_use]
pub fn inner(files: &[ChartFile]) -> Vec<Node> {
    files.iter().filter(|file| is_in_charts(file)).map(|file| parse(&file.content)).collect()
}

/// `Chart.yaml` with those versions of its dependencies that `Chart.lock` names, as JSON, which is YAML too. `None` where one of
/// the files can't be read, or a version is not locked.
#[must_use]
pub fn pinned(chart: &[u8], lock: &[u8]) -> Option<Vec<u8>> {
    let (chart, lock) = (parse(chart), parse(lock));
    let locked = |name: &Node, repository: Option<&Node>| {
        let same = |one: &&Node| one.get("name") == Some(name) && one.get("repository") == repository;
        lock.get("dependencies")?.as_list()?.iter().find(same)?.get("version").cloned()
    };
    let pin = |dependency: &Node| {
        let version = locked(dependency.get("name")?, dependency.get("repository"))?;
        Some(with(dependency, "version", version))
    };
    let dependencies = chart.get("dependencies")?.as_list()?.iter().map(pin).collect::<Option<Vec<Node>>>()?;
    serde_json::to_vec(&with(&chart, "dependencies", Node::new(Value::List(dependencies)))).ok()
}

/// `Chart.yaml` without the versions of Kubernetes that the chart is for, as JSON. As it is where it can't be read.
#[must_use]
pub fn for_any_version(chart: &[u8]) -> Vec<u8> {
    let Value::Map(mut entries) = parse(chart).into_value() else { return chart.to_vec() };
    entries.retain(|(key, _)| **key != *"kubeVersion");
    serde_json::to_vec(&Node::new(Value::Map(entries))).unwrap_or_else(|_| chart.to_vec())
}

/// A map with another value of one key, which comes last.
#[must_use]
pub fn with(map: &Node, key: &str, value: Node) -> Node {
    let mut entries = map.as_map().unwrap_or_default().to_vec();
    entries.retain(|(known, _)| **known != *key);
    entries.push((key.into(), value));
    Node::new(Value::Map(entries))
}

/// The chart's name, where this is the `Chart.yaml` of a chart directly in `charts/`.
fn name_in_charts(file: &ChartFile) -> Option<String> {
    is_in_charts(file).then(|| Some(parse(&file.content).get("name")?.as_str()?.to_owned()))?
}

fn is_in_charts(file: &ChartFile) -> bool {
    let folder = file.path.strip_prefix("charts/").and_then(|path| path.strip_suffix("/Chart.yaml"));
    folder.is_some_and(|folder| !folder.contains('/') && !folder.starts_with(['.', '_']))
}

fn read(files: &[ChartFile], path: &str) -> Node {
    files.iter().find(|file| file.path == path).map_or(Node::new(Value::Null), |file| parse(&file.content))
}

fn parse(content: &[u8]) -> Node {
    let text = std::str::from_utf8(content).ok().map(|text| text.trim_start_matches('\u{feff}'));
    text.and_then(|text| yaml::parse(text).ok()).unwrap_or(Node::new(Value::Null))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content: &str) -> ChartFile {
        ChartFile { path: path.to_owned(), content: content.as_bytes().to_vec() }
    }

    #[test]
    fn what_is_not_in_charts_is_missing() {
        let own = "name: web\ndependencies:\n- {name: redis, repository: 'https://r'}\n- {name: common, repository: 'file://../common'}\n- name: kept\n";
        let files = [
            file("Chart.yaml", own),
            file("charts/redis-1.0.0/Chart.yaml", "name: redis"),
            file("charts/redis-1.0.0/charts/common/Chart.yaml", "name: common"),
            file("charts/_off/Chart.yaml", "name: kept"),
        ];
        let names: Vec<String> = missing(&files).into_iter().map(|dependency| dependency.name).collect();
        assert_eq!(names, ["common", "kept"]);
        assert_eq!(missing(&files)[0].folder(), Some("../common"));
        assert_eq!(missing(&files)[1].folder(), None);
    }

    #[test]
    fn versions_are_pinned_as_they_are_locked() {
        let chart = "name: web\ndependencies: [{name: redis, repository: 'https://r', version: ^1.0}]\n";
        let lock = "dependencies: [{name: redis, repository: 'https://r', version: 1.2.3}]\ndigest: x\n";
        let pinned = parse(&pinned(chart.as_bytes(), lock.as_bytes()).unwrap());
        assert_eq!(pinned, parse(chart.replace("^1.0", "1.2.3").as_bytes()));
        assert!(super::pinned(chart.as_bytes(), b"dependencies: []").is_none());
    }

    #[test]
    fn charts_of_the_first_version_name_them_elsewhere() {
        let files = [
            file("Chart.yaml", "apiVersion: v1\nname: web\n"),
            file("requirements.yaml", "dependencies: [{name: redis, repository: '@stable'}]"),
        ];
        assert_eq!(missing(&files)[0].repository, "@stable");
        assert!(missing(&[file("Chart.yaml", "name: [broken")]).is_empty());
        assert!(missing(&[]).is_empty());
    }
}

//! Which charts of a repository a change touches: those with a changed file, and those that depend on them by a path.

use std::collections::BTreeSet;

use crate::manifest::node::Node;
use crate::manifest::yaml;

/// A chart in a folder of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartFolder {
    /// Its path from the root; empty for the root itself.
    pub path: String,
    /// The folders of the charts that it takes in from beside it (`repository: file://…`).
    pub needs: Vec<String>,
    /// Whether it only lends its templates to others: it can't be rendered.
    pub is_library: bool,
}

impl ChartFolder {
    /// The chart of a folder, of which this is the `Chart.yaml`. What can't be read needs nothing: rendering says what is wrong.
    #[must_use]
    pub fn of(path: &str, description: &[u8]) -> Self {
        let description = String::from_utf8_lossy(description);
        let root = yaml::parse(&description).ok();
        let dependencies = root.as_ref().and_then(|root| root.get("dependencies")).and_then(Node::as_list);
        let places = dependencies.unwrap_or_default().iter().filter_map(|one| one.get("repository")?.as_str());
        let needs = places.filter_map(|place| within(path, place.strip_prefix("file://")?)).collect();
        let is_library = root.as_ref().and_then(|root| root.get("type")).and_then(Node::as_str) == Some("library");
        Self { path: path.to_owned(), needs, is_library }
    }

    /// Whether the chart is part of another one: it is in its folder `charts`.
    #[must_use]
    pub fn is_inner(&self, others: &[Self]) -> bool {
        let inside = |other: &Self| {
            let folder = if other.path.is_empty() { "charts/".to_owned() } else { format!("{}/charts/", other.path) };
            self.path.starts_with(&folder)
        };
        others.iter().any(|other| other.path != self.path && inside(other))
    }
}

/// The folders of the charts that these files touch, in order. A chart within another one's `charts` is part of that.
#[must_use]
pub fn touched(files: &[String], charts: &[ChartFolder]) -> BTreeSet<String> {
    let whole: Vec<&ChartFolder> = charts.iter().filter(|chart| !chart.is_inner(charts)).collect();
    let mut found: BTreeSet<String> = files.iter().filter_map(|file| owner(file, &whole)).collect();
    // Charts that need a touched one are touched, and so are those that need these.
    loop {
        let before = found.len();
        for chart in &whole {
            let needs = |need: &String| {
                found.contains(need) || owner(&format!("{need}/x"), &whole).is_some_and(|of| found.contains(&of))
            };
            if chart.needs.iter().any(needs) {
                found.insert(chart.path.clone());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// The innermost chart that a file is in.
fn owner(file: &str, charts: &[&ChartFolder]) -> Option<String> {
    let inside = |chart: &&&ChartFolder| {
        chart.path.is_empty() || file.strip_prefix(&chart.path).is_some_and(|rest| rest.starts_with('/'))
    };
    charts.iter().filter(inside).map(|chart| &chart.path).max_by_key(|path| path.len()).cloned()
}

/// A path that is seen from a folder of a repository, as git names it from the root; `None` if it leads out.
#[must_use]
pub fn within(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    if path.starts_with('/') || path.contains("://") {
        return None;
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(path: &str, needs: &[&str]) -> ChartFolder {
        let dependencies: String =
            needs.iter().map(|need| format!("- {{name: x, repository: \"file://{need}\"}}\n")).collect();
        ChartFolder::of(path, format!("name: x\ndependencies:\n{dependencies}").as_bytes())
    }

    fn of(files: &[&str], charts: &[ChartFolder]) -> Vec<String> {
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        touched(&files, charts).into_iter().collect()
    }

    #[test]
    fn a_chart_is_touched_by_its_files_and_by_what_it_needs() {
        let charts = [
            chart("charts/web", &["../common"]),
            chart("charts/api", &["../web/", "../../out/of/../here"]),
            chart("charts/common", &[]),
            chart("charts/web-2", &["../../../outside"]),
            chart("charts/web/charts/cache", &[]),
        ];
        assert_eq!(of(&["charts/web/values.yaml"], &charts), ["charts/api", "charts/web"]);
        assert_eq!(of(&["charts/common/templates/_names.tpl"], &charts), ["charts/api", "charts/common", "charts/web"]);
        assert_eq!(of(&["charts/web-2/values.yaml"], &charts), ["charts/web-2"]);
        assert_eq!(of(&["charts/web/charts/cache/values.yaml"], &charts), ["charts/api", "charts/web"]);
        assert_eq!(of(&["README.md", "charts/x"], &charts), [""; 0]);
        assert_eq!(charts[3].needs, [""; 0]);
    }

    #[test]
    fn a_chart_may_be_the_repository_itself() {
        let charts = [chart("", &[]), chart("charts/db", &[]), chart("examples/one", &[])];
        assert_eq!(of(&["values.yaml", "charts/db/values.yaml"], &charts), [""]);
        assert_eq!(of(&["examples/one/values.yaml"], &charts), ["examples/one"]);
    }

    #[test]
    fn a_path_stays_within_the_repository() {
        assert_eq!(within("charts/web", "../common/./x"), Some("charts/common/x".to_owned()));
        for out in ["../../../x", "/x", "https://example.com/a.yaml"] {
            assert_eq!(within("charts/web", out), None, "{out}");
        }
    }

    #[test]
    fn a_description_that_is_broken_needs_nothing() {
        assert_eq!(ChartFolder::of("a", b"\xff: [").needs, [""; 0]);
    }
}

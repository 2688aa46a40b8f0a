//! The key `pullRequest`: which charts of a repository are rendered for a pull request, and with which values.

use crate::config::reading::{Problem, Table, nearest, text};
use crate::diff::select::matches;
use crate::manifest::node::Node;

/// What makes `helm revdiff pull-request` fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailOn {
    /// A blocker among what the checks find.
    #[default]
    Blocker,
    /// A warning or a blocker.
    Warning,
    /// Anything that changes.
    Change,
    /// Nothing but a chart that can't be rendered.
    Never,
}

impl FailOn {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 4] =
        [("blocker", Self::Blocker), ("warning", Self::Warning), ("change", Self::Change), ("never", Self::Never)];
}

/// What is rendered for a pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullRequest {
    /// Patterns of folders of charts; all if there is none.
    pub charts: Vec<String>,
    /// Patterns of folders of charts that are left out.
    pub ignore: Vec<String>,
    /// As `--kube-version`.
    pub kube_version: Option<String>,
    /// What makes it fail.
    pub fail_on: Option<FailOn>,
    /// Each chart is rendered once for each; once with its own values if there is none.
    pub environments: Vec<Environment>,
}

/// Where a chart is installed, with values of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Patterns of folders of charts that are installed there; all if there is none.
    pub charts: Vec<String>,
    /// The release's name; the chart folder's if not given. `{chart}` stands for that name.
    pub release: Option<String>,
    /// The release's namespace.
    pub namespace: Option<String>,
    /// Files with values, seen from the root. `{chart}` stands for the name of the chart's folder, `{path}` for its path.
    pub values: Vec<String>,
    /// As `--kube-version`.
    pub kube_version: Option<String>,
}

/// The keys of `pullRequest`.
pub const KEYS: [&str; 5] = ["charts", "ignore", "kubeVersion", "failOn", "environments"];
/// The keys of an environment.
pub const ENVIRONMENT_KEYS: [&str; 6] = ["name", "charts", "release", "namespace", "values", "kubeVersion"];

impl PullRequest {
    /// Whether a chart in this folder is rendered.
    #[must_use]
    pub fn takes(&self, folder: &str) -> bool {
        takes(&self.charts, folder) && !self.ignore.iter().any(|pattern| matches(pattern, folder))
    }
}

impl Environment {
    /// Whether the chart of this folder is installed here.
    #[must_use]
    pub fn takes(&self, folder: &str) -> bool {
        takes(&self.charts, folder)
    }
}

fn takes(patterns: &[String], folder: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern.trim_end_matches('/'), folder))
}

pub(super) fn pull_request(node: &Node) -> Result<PullRequest, Problem> {
    let table = Table::of(node, "pullRequest", &KEYS)?;
    Ok(PullRequest {
        charts: table.list("charts", |node| text(node, "charts"))?,
        ignore: table.list("ignore", |node| text(node, "ignore"))?,
        kube_version: table.text("kubeVersion")?,
        fail_on: table.node.get("failOn").map(fail_on).transpose()?,
        environments: table.list("environments", environment)?,
    })
}

fn fail_on(node: &Node) -> Result<FailOn, Problem> {
    let named = text(node, "failOn")?;
    let names = FailOn::ALL.map(|(name, _)| name);
    FailOn::ALL.into_iter().find(|(name, _)| *name == named).map(|(_, fail_on)| fail_on).ok_or_else(|| {
        let hint = nearest(&named, &names).map(|near| format!("did you mean {near:?}?"));
        Problem { hint, ..Problem::at(node, format!("\"failOn\" is one of {}", names.join(", "))) }
    })
}

fn environment(node: &Node) -> Result<Environment, Problem> {
    let table = Table::of(node, "an environment", &ENVIRONMENT_KEYS)?;
    let name = table.text("name")?.ok_or_else(|| Problem::at(node, "an environment has no name"))?;
    Ok(Environment {
        name,
        charts: table.list("charts", |node| text(node, "charts"))?,
        release: table.text("release")?,
        namespace: table.text("namespace")?,
        values: table.list("values", |node| text(node, "values"))?,
        kube_version: table.text("kubeVersion")?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn a_pull_request_renders_charts_for_environments() {
        let text = "\
pullRequest:
  charts: ['charts/*']
  ignore: [charts/old]
  kubeVersion: '1.34'
  failOn: warning
  environments:
  - {name: staging, values: ['{path}/staging.yaml']}
  - {name: production, charts: [charts/web], namespace: shop, release: '{chart}', values: [common.yaml, '{path}/production.yaml']}
";
        let read = read("here.yaml", text).unwrap().pull_request;
        assert!(read.takes("charts/web") && !read.takes("charts/old") && !read.takes("lib/web"));
        assert_eq!(read.fail_on, Some(FailOn::Warning));
        let taken: Vec<bool> = read.environments.iter().map(|one| one.takes("charts/api")).collect();
        assert_eq!(taken, [true, false]);
        assert_eq!(read.environments[1].values, ["common.yaml", "{path}/production.yaml"]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let refused = |text: &str| {
            let error = read("here.yaml", text).unwrap_err();
            (error.message, error.hint.unwrap_or_default())
        };
        let (message, hint) = refused("pullRequest:\n  failOn: warn\n");
        assert_eq!(message, "cannot use here.yaml: line 2: \"failOn\" is one of blocker, warning, change, never");
        assert_eq!(hint, "did you mean \"warning\"?");
        assert!(refused("pullRequest:\n  environments:\n  - values: []\n").0.contains("an environment has no name"));
        assert!(refused("pullRequest:\n  environment: []\n").1.contains("\"environments\""));
        assert!(refused("pullRequest: 5\n").0.contains("pullRequest is no map"));
    }
}

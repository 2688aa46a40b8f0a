//! The releases of one chart that are older than a version.

use std::path::Path;

use super::given::id_of;
use crate::chart::repository::Repositories;
use crate::chart::{Location, description, files, locate};
use crate::cli::args::BatchArgs;
use crate::error::{Error, Kind};
use crate::manifest::constraint::Constraint;
use crate::manifest::node::Node;
use crate::manifest::version::Version;
use crate::release::fleet::Member;

/// What is selected of a chart.
pub(super) struct Selection {
    /// The chart, as Helm finds it.
    pub(super) chart: String,
    /// Its name.
    name: String,
    to: Version,
    /// The version as it is written where the chart is from: Helm is asked for it by that.
    to_text: String,
    from: Option<Constraint>,
}

fn wrong(message: String) -> Error {
    Error::new(Kind::Usage, message)
}

fn version(text: &str) -> Result<Version, Error> {
    Version::parse(text).ok_or_else(|| {
        wrong(format!("cannot upgrade to {text:?}: it is no version"))
            .hint("it is one version, as in 18.2.0; --from takes a range")
    })
}

impl Selection {
    /// What the arguments select.
    pub(super) fn of(arguments: &BatchArgs, chart: &str, repositories: &Repositories) -> Result<Self, Error> {
        let to = arguments.to.as_deref().map(|text| version(text).map(|version| (version, text))).transpose()?;
        let from = match arguments.from.as_deref() {
            None => None,
            Some(text) => {
                let range =
                    Constraint::parse(text).ok_or_else(|| wrong(format!("--from {text:?} is no range of versions")));
                Some(range.map_err(|error| error.hint("as in '<18' or '>=17.1 <18'"))?)
            }
        };
        let is_name = !chart.contains(['/', '\\']) && !chart.starts_with('.');
        let path = Path::new(chart);
        let is_chart = path.is_file() || path.join("Chart.yaml").is_file();
        if let Location::Local(path) = locate(chart)
            && (is_chart || !is_name)
        {
            return Self::local((chart, &path), to.map(|(to, _)| to), from);
        }
        let Some((to, text)) = to else {
            return Err(wrong(format!("no version of {chart} named")).hint("--to says which, as in --to 18.2.0"));
        };
        if is_name {
            let (chart, to_text) = in_repositories(repositories, chart, (&to, text))?;
            let name = path.display().to_string();
            return Ok(Self { chart, name, to, to_text, from });
        }
        let name = chart.trim_end_matches('/').rsplit('/').next().unwrap_or(chart).to_owned();
        Ok(Self { chart: chart.to_owned(), name, to, to_text: text.to_owned(), from })
    }

    fn local((chart, path): (&str, &Path), to: Option<Version>, from: Option<Constraint>) -> Result<Self, Error> {
        let files = files::read(path).map_err(|error| wrong(format!("cannot read the chart {chart}: {error}")))?;
        let about = description::metadata(&files);
        let text = |key: &str| about.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
        let (name, to_text) = (text("name"), text("version"));
        let own = version(&to_text)?;
        if let Some(to) = to.filter(|to| *to != own) {
            return Err(wrong(format!("the chart {chart} is of version {own}, and not {to}")).hint("leave out --to"));
        }
        Ok(Self { chart: chart.to_owned(), name, to: own, to_text, from })
    }

    /// What Helm is asked for with `--version`; a chart on this machine has but one.
    pub(super) fn version(&self) -> Option<String> {
        matches!(locate(&self.chart), Location::Remote).then(|| self.to_text.clone())
    }

    /// `nginx to 18.0.0`.
    pub(super) fn title(&self) -> String {
        format!("{} to {}", self.name, self.to_text)
    }

    /// Whether a release is one of the chart that is older. What can't be told is noted.
    pub(super) fn takes(&self, member: &Member, notes: &mut Vec<String>) -> bool {
        let running = member.running();
        if member.is_uninstalled() {
            return false;
        }
        if let Some(problem) = &running.problem {
            notes.push(format!("{} is left out: its record can't be read: {problem}", id_of(member)));
            return false;
        }
        if running.head.chart != self.name {
            return false;
        }
        match Version::parse(&running.head.version) {
            Some(version) => version < self.to && self.from.as_ref().is_none_or(|from| from.allows(&version)),
            None => {
                let version = &running.head.version;
                notes.push(format!("{} is left out: {version:?} is no version", id_of(member)));
                false
            }
        }
    }
}

/// The chart of this name in the one repository that has this version of it, and how the version is written there.
fn in_repositories(
    repositories: &Repositories,
    name: &str,
    (to, written): (&Version, &str),
) -> Result<(String, String), Error> {
    let has = |repository: &String| {
        let indexed = repositories.index(repository, name).ok()?;
        let texts = indexed.versions.iter().filter_map(|node| node.get("version").and_then(Node::as_str));
        let mut fitting = texts.filter(|text| Version::parse(text).as_ref() == Some(to));
        // Versions that differ only behind a `+` are equal; the one that was written is meant then.
        let text = fitting.clone().find(|text| *text == written).or_else(|| fitting.next())?;
        Some((format!("{repository}/{name}"), text.to_owned()))
    };
    let mut found: Vec<(String, String)> = repositories.names().iter().filter_map(has).collect();
    match (found.pop(), found.as_slice()) {
        (None, _) => {
            let message = format!("cannot find the chart {name:?}: no repository on this machine has its version {to}");
            Err(Error::new(Kind::NotFound, message)
                .hint("helm repo add and helm repo update fetch indexes; a folder is named ./NAME"))
        }
        (Some(only), []) => Ok(only),
        (Some(last), others) => {
            let named: Vec<&str> = others.iter().chain([&last]).map(|(chart, _)| chart.as_str()).collect();
            let message = format!("the chart {name:?} may be {}", named.join(" or "));
            Err(wrong(message).hint(format!("name the one that is meant, as in --chart {}", named[0])))
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::{Command, SafeUpgrade};

    #[test]
    fn a_chart_is_found_by_its_name_in_the_one_repository_that_has_the_version() {
        let folder = tempfile::tempdir().unwrap();
        let index = |repository: &str, versions: &[&str]| {
            let listed: String = versions.iter().map(|version| format!("  - version: {version}\n")).collect();
            let path = folder.path().join(format!("{repository}-index.yaml"));
            std::fs::write(path, format!("entries:\n  nginx:\n{listed}")).unwrap();
        };
        let repositories = Repositories { cache: Some(folder.path().to_owned()) };
        let find =
            |version: &str| in_repositories(&repositories, "nginx", (&Version::parse(version).unwrap(), version));
        assert!(find("18.0.0").unwrap_err().message.contains("no repository on this machine has its version 18.0.0"));
        index("a", &["17.0.0", "v18.0.0", "19.0.0+one", "19.0.0+two"]);
        index("b", &["17.0.0"]);
        assert_eq!(find("18.0.0").unwrap(), ("a/nginx".to_owned(), "v18.0.0".to_owned()), "as it is written there");
        assert_eq!(find("19.0.0+two").unwrap().1, "19.0.0+two");
        let error = find("17.0.0").unwrap_err();
        assert_eq!(error.message, "the chart \"nginx\" may be a/nginx or b/nginx");
    }

    #[test]
    fn helm_is_asked_for_the_version_as_it_was_written() {
        let words = ["helm-safe-upgrade", "batch", "--chart", "stable/nginx", "--to", "v18.0.0+build.1"];
        let Ok(Command::Batch(arguments)) = SafeUpgrade::try_parse_from(words).map(SafeUpgrade::wanted) else {
            panic!("the arguments are those of a batch");
        };
        let selection = Selection::of(&arguments, "stable/nginx", &Repositories::default()).unwrap();
        assert_eq!(selection.version().as_deref(), Some("v18.0.0+build.1"));
        assert_eq!(selection.title(), "nginx to v18.0.0+build.1");
    }
}

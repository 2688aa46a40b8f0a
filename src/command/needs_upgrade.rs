//! `helm safe-upgrade needs-upgrade`: which version of a chart is wanted, to hold releases against it.

use std::path::Path;

use crate::chart::description;
use crate::chart::repository::{Indexed, Repositories};
use crate::command::source::Source;
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::helm::flags::ChartFlags;
use crate::manifest::node::Node;
use crate::manifest::version::Version;
use crate::release::behind;
use crate::report::fleet::needs::Target;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The chart: its name, `repo/name`, a folder, an archive, a URL.
    pub chart: String,
    /// The version; the newest there is if not named.
    pub target: Option<String>,
    /// Whether versions that come before a release count.
    pub devel: bool,
}

/// A chart in a repository's index.
struct Known {
    repository: String,
    indexed: Indexed,
}

/// Finds out which version releases should have. Helm is needed only for a chart that is named by its place.
///
/// # Errors
/// If no version is named, and none is found.
pub async fn target<H: Helm>(
    helm: impl FnOnce() -> Result<H, Error>,
    repositories: &Repositories,
    options: &Options,
) -> Result<Target, Error> {
    let Options { chart, target, devel } = options;
    if let Some(version) = target
        && Version::parse(version).is_none()
    {
        let message = format!("cannot compare versions with {version:?}: it is no semantic version");
        return Err(Error::new(Kind::Usage, message).hint("name one version, as in --target 18.2.0"));
    }
    if is_local(chart) || chart.contains("://") {
        return of_source(&helm()?, options).await;
    }
    let name = chart.rsplit('/').next().unwrap_or_default();
    let known = match indexed(repositories, chart) {
        Ok(known) => known,
        // Without an index it is not known how many versions came in between, and that is all.
        Err(_) if target.is_some() => Vec::new(),
        Err(error) => return Err(error),
    };
    let published: Vec<Version> = known.iter().flat_map(|known| versions(&known.indexed)).collect();
    let all = Target { chart: name.to_owned(), published, pre_releases: *devel, ..Target::default() };
    if let Some(version) = target {
        // Where one comes before a release itself, so do those that lead to it.
        let pre_releases = *devel || Version::parse(version).is_some_and(|version| !version.is_release());
        return Ok(Target { version: version.clone(), pre_releases, ..all });
    }
    let newest = known.iter().filter_map(|known| Some((newest(&known.indexed, *devel)?, known)));
    let Some(((_, version), Known { repository, indexed })) = newest.max_by(|(a, _), (b, _)| a.0.cmp(&b.0)) else {
        let message = format!("the repositories have nothing but pre-releases of the chart {name:?}");
        return Err(Error::new(Kind::NotFound, message).hint("--devel takes them; --target VERSION names one"));
    };
    Ok(Target { version, source: Some(format!("the newest in {repository}")), fetched: Some(indexed.fetched), ..all })
}

/// Whether a reference names a file. A folder that is no chart may be called like one.
fn is_local(chart: &str) -> bool {
    let path = Path::new(chart);
    chart.starts_with(['.', '/']) || path.is_file() || path.join("Chart.yaml").is_file()
}

/// What the indexes say of a chart: the one of its repository, or all that have it.
fn indexed(repositories: &Repositories, chart: &str) -> Result<Vec<Known>, Error> {
    let failed = |cause: String| {
        Error::new(Kind::NotFound, format!("cannot tell which versions the chart {chart:?} has: {cause}"))
            .hint("helm repo add and helm repo update fetch indexes; --target VERSION needs none")
    };
    let of = |repository: &str, name: &str| {
        let indexed = repositories.index(repository, name)?;
        Ok::<Known, String>(Known { repository: repository.to_owned(), indexed })
    };
    if let Some((repository, name)) = chart.split_once('/') {
        return Ok(vec![of(repository, name).map_err(failed)?]);
    }
    let all = repositories.names();
    let known: Vec<Known> = all.iter().filter_map(|repository| of(repository, chart).ok()).collect();
    match known.is_empty() {
        true => Err(failed("no index of a repository on this machine lists it".to_owned())),
        false => Ok(known),
    }
}

/// The chart itself says its name and version.
async fn of_source<H: Helm>(helm: &H, options: &Options) -> Result<Target, Error> {
    let Options { chart, target, devel } = options;
    let flags = ChartFlags { devel: *devel, ..ChartFlags::default() };
    let (name, version) = described(helm, chart, &flags).await?;
    let source = target.is_none().then(|| format!("the version of {chart}"));
    Ok(Target {
        chart: name,
        version: target.clone().unwrap_or(version),
        source,
        pre_releases: *devel,
        ..Target::default()
    })
}

/// The newest version of a chart, as Helm takes it where none is named.
///
/// # Errors
/// If Helm does not find the chart, or it says no version.
pub async fn newest_there_is<H: Helm>(helm: &H, chart: &str, flags: &ChartFlags) -> Result<String, Error> {
    described(helm, chart, flags).await.map(|(_, version)| version)
}

/// The name and the version of a chart as Helm finds it.
async fn described<H: Helm>(helm: &H, chart: &str, flags: &ChartFlags) -> Result<(String, String), Error> {
    let source = Source::as_helm_finds_it(helm, chart, flags).await?;
    let metadata = description::metadata(source.files().await);
    let text = |key: &str| metadata.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
    let (name, version) = (text("name"), text("version"));
    if name.is_empty() || Version::parse(&version).is_none() {
        let message = format!("cannot read the chart {chart:?}: it has no name, or no semantic version");
        return Err(Error::new(Kind::Usage, message));
    }
    Ok((name, version))
}

fn versions(indexed: &Indexed) -> Vec<Version> {
    let text = |node: &Node| node.get("version").and_then(Node::as_str).and_then(Version::parse);
    indexed.versions.iter().filter_map(text).collect()
}

/// The newest version of an index, and how it is written there.
fn newest(indexed: &Indexed, devel: bool) -> Option<(Version, String)> {
    let newest = behind::newest(&versions(indexed), devel)?.clone();
    let mut texts = indexed.versions.iter().filter_map(|node| node.get("version").and_then(Node::as_str));
    let text = texts.find(|text| Version::parse(text).as_ref() == Some(&newest))?.to_owned();
    Some((newest, text))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const INDEX: &str =
        "entries:\n  nginx:\n  - version: 1.9.0\n  - version: v1.10.0\n  - version: 2.0.0-rc.1\n  - version: latest\n";

    #[test]
    fn the_newest_of_all_repositories_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let repositories = Repositories { cache: Some(folder.path().to_owned()) };
        assert!(indexed(&repositories, "nginx").is_err());
        fs::write(folder.path().join("a-index.yaml"), INDEX).unwrap();
        fs::write(folder.path().join("b-index.yaml"), INDEX.replace("v1.10.0", "1.8.0")).unwrap();
        fs::write(folder.path().join("a-charts.txt"), "nginx\n").unwrap();
        assert_eq!(repositories.names(), ["a", "b"]);
        let known = indexed(&repositories, "nginx").unwrap();
        let newest_of = |devel| known.iter().map(|one| newest(&one.indexed, devel).unwrap().1).collect::<Vec<_>>();
        assert_eq!(newest_of(false), ["v1.10.0", "1.9.0"]);
        assert_eq!(newest_of(true), ["2.0.0-rc.1", "2.0.0-rc.1"]);
        assert_eq!(indexed(&repositories, "b/nginx").unwrap().len(), 1);
        assert!(indexed(&repositories, "c/nginx").is_err());
    }
}

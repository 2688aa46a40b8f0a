//! Helm as a child process. Helm has put all that it needs to know about the cluster into the environment.

mod act;
mod fetch;
mod list;
mod render;

use std::collections::HashMap;
use std::ffi::OsString;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use serde::Deserialize;

use crate::error::{Error, Kind};
use crate::helm::child::{Child, Failure};
use crate::helm::flags::{Arguments, ChartFlags, ValueFlags};
use crate::helm::{Apply, Back, Fetch, Helm, Listed, Rendered, Running, Template, Test, Upgrade};
use crate::manifest::node::{Node, Value};
use crate::release::history::Entry;
use crate::release::{Release, decode};

/// What the binaries say that were asked: each release of a batch has a Helm of its own, and all of them are the same binary.
static VERSIONS: LazyLock<Mutex<HashMap<PathBuf, String>>> = LazyLock::new(Mutex::default);

/// The `helm` binary, and what its environment has beside ours.
pub struct HelmProcess {
    binary: PathBuf,
    environment: Vec<(OsString, OsString)>,
    version: tokio::sync::OnceCell<String>,
}

impl HelmProcess {
    /// Finds the binary: the one that runs this plugin (`HELM_BIN`), else `helm` on the path.
    ///
    /// # Errors
    /// If there is none.
    pub fn find(helm_bin: Option<OsString>, environment: Vec<(OsString, OsString)>) -> Result<Self, Error> {
        let wanted = helm_bin.filter(|path| !path.is_empty()).unwrap_or_else(|| "helm".into());
        let binary = which::which(&wanted).map_err(|_| {
            let message = format!("cannot find helm: there is no executable {:?}", wanted.to_string_lossy());
            Error::new(Kind::Helm, message).hint("install Helm, or set HELM_BIN to its path")
        })?;
        Ok(Self { binary, environment, version: tokio::sync::OnceCell::new() })
    }

    /// A run that has not begun.
    fn child(&self, arguments: &Arguments) -> Child {
        Child::new(&self.binary, &self.environment, &arguments.0)
    }

    /// Runs Helm to its end and returns what it printed.
    async fn run(&self, arguments: &[&str]) -> Result<Vec<u8>, Failure> {
        let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
        Ok(Child::new(&self.binary, &self.environment, &arguments).run().await?.stdout)
    }
}

impl Helm for HelmProcess {
    async fn release(&self, name: &str, revision: u32) -> Result<Release, Error> {
        let number = revision.to_string();
        let ask = |words: &'static [&'static str]| {
            let arguments: Vec<&str> =
                words.iter().copied().chain([name, "--revision", &number, "-o", "json"]).collect();
            async move { self.run(&arguments).await }
        };
        // The status holds all but the chart.
        let (status, metadata, values) =
            tokio::join!(ask(&["status"]), ask(&["get", "metadata"]), ask(&["get", "values", "--all"]));
        let what = format!("cannot read revision {revision} of release \"{name}\"");
        let status = status.map_err(|failure| {
            let kind = if failure.is_not_found() { Kind::NotFound } else { Kind::Helm };
            Error::new(kind, failure.message()).while_doing(&what)
        })?;
        let failed = |failure: Failure| Error::from(failure).while_doing(&what);
        let (metadata, values) = (metadata.map_err(failed)?, values.map_err(failed)?);
        let unreadable = |command: &str, cause: &dyn std::fmt::Display| {
            Error::new(Kind::Helm, format!("{what}: helm {command} printed no JSON that can be read: {cause}"))
        };
        let tree = |command: &str, output: &[u8]| {
            serde_json::from_slice::<Node>(json_part(output)).map_err(|_| unreadable(command, &"it is damaged"))
        };
        let mut release = decode::from_json(json_part(&status)).map_err(|error| unreadable("status", &error))?;
        release.chart.metadata = chart_metadata(&tree("get metadata", &metadata)?);
        release.computed = Some(tree("get values", &values)?);
        Ok(release)
    }

    async fn history(&self, name: &str) -> Result<Vec<Entry>, Error> {
        match self.run(&["history", name, "--max", "1000000", "-o", "json"]).await {
            Ok(output) => Ok(parse_history(json_part(&output))?),
            Err(failure) if failure.is_not_found() => Ok(Vec::new()),
            Err(failure) => {
                Err(Error::from(failure).while_doing(&format!("cannot read the history of release \"{name}\"")))
            }
        }
    }

    async fn names(&self) -> Result<Vec<String>, Error> {
        let output = self.run(&[&["list", "--max", "1000000", "--short"][..], &list::STATUSES].concat()).await?;
        Ok(String::from_utf8_lossy(&output).lines().map(str::to_owned).collect())
    }

    async fn list(&self, namespace: Option<&str>) -> Result<Vec<Listed>, Error> {
        self.list_releases(namespace).await
    }

    async fn upgrade_dry_run<S>(&self, upgrade: &Upgrade, stored: S) -> Result<Rendered<Release>, Error>
    where
        S: Future<Output = Result<Vec<u8>, Error>> + Send,
    {
        self.render_upgrade(upgrade, stored).await
    }

    async fn template(&self, template: &Template) -> Result<Rendered<String>, Error> {
        self.render_template(template).await
    }

    async fn pull(&self, chart: &str, flags: &ChartFlags, folder: &Path) -> Result<PathBuf, Error> {
        self.fetch(chart, flags, folder).await
    }

    async fn supplied_values(&self, flags: &ValueFlags, stdin: Option<&[u8]>) -> Result<Node, Error> {
        self.merge_values(flags, stdin).await
    }

    async fn fetch_dependencies(
        &self,
        folder: &Path,
        named: &str,
        fetch: Fetch,
        flags: &ChartFlags,
    ) -> Result<(), Error> {
        self.complete(folder, named, fetch, flags).await
    }

    async fn major_version(&self) -> Result<u32, Error> {
        let version = self.version().await?;
        let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
        major.ok_or_else(|| Error::new(Kind::Helm, format!("cannot tell helm's version: it says {version:?}")))
    }

    async fn version(&self) -> Result<String, Error> {
        if let Some(known) = VERSIONS.lock().ok().and_then(|known| known.get(&self.binary).cloned()) {
            return Ok(known);
        }
        let version = self.version.get_or_try_init(|| self.ask_version()).await?;
        if let Ok(mut known) = VERSIONS.lock() {
            known.insert(self.binary.clone(), version.clone());
        }
        Ok(version.clone())
    }

    async fn upgrade(&self, apply: &Apply) -> Result<Running, Error> {
        self.begin_upgrade(apply).await
    }

    async fn rollback(&self, back: &Back) -> Result<Running, Error> {
        self.begin_rollback(back).await
    }

    async fn test(&self, test: &Test) -> Result<Running, Error> {
        self.begin_test(test)
    }

    async fn uninstall(&self, release: &str, timeout: Duration) -> Result<Running, Error> {
        self.begin_uninstall(release, timeout)
    }
}

impl HelmProcess {
    async fn ask_version(&self) -> Result<String, Error> {
        let told = self.run(&["version", "--template", "{{.Version}}"]).await.map_err(Error::from)?;
        Ok(String::from_utf8_lossy(&told).trim().chars().take(100).collect())
    }
}

/// The part of `Chart.yaml` that `helm get metadata` prints.
fn chart_metadata(told: &Node) -> Node {
    let fields = [
        ("name", "chart"),
        ("version", "version"),
        ("appVersion", "appVersion"),
        ("dependencies", "dependencies"),
        ("annotations", "annotations"),
    ];
    let fields = fields.into_iter().filter_map(|(key, told_as)| Some((key.into(), told.get(told_as)?.clone())));
    Node::new(Value::Map(fields.collect()))
}

/// Helm may print lines of progress before the JSON. A tree may also be `null` or an empty map.
fn json_part(output: &[u8]) -> &[u8] {
    let mut rest = output;
    while !rest.is_empty() && ![&b"{"[..], b"[", b"null"].iter().any(|start| rest.starts_with(start)) {
        rest = memchr::memchr(b'\n', rest).map_or(&[], |end| &rest[end + 1..]);
    }
    rest
}

fn parse_history(json: &[u8]) -> Result<Vec<Entry>, Error> {
    #[derive(Deserialize)]
    struct Row {
        revision: u32,
        #[serde(default)]
        status: String,
    }
    let rows: Vec<Row> = serde_json::from_slice(json)
        .map_err(|_| Error::new(Kind::Helm, "cannot read what helm history printed: it is no list of revisions"))?;
    Ok(rows
        .into_iter()
        .map(|row| Entry { revision: row.revision, status_hint: row.status, ..Entry::default() })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_before_the_json_are_skipped() {
        assert_eq!(json_part(b"Pulled: x\nDigest: y\n{\"a\":1}"), b"{\"a\":1}");
        assert_eq!(json_part(b"nothing"), b"");
    }

    #[test]
    fn a_history_is_read() {
        let rows = parse_history(
            br#"[{"revision":1,"status":"superseded","chart":"web-0.1.0"},{"revision":2,"status":"deployed"}]"#,
        );
        assert_eq!(rows.unwrap().iter().map(|row| row.revision).collect::<Vec<_>>(), [1, 2]);
    }
}

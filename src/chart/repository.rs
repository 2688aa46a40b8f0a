//! What Helm keeps of chart repositories on this machine: their indexes, as they were when it last fetched them.

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::manifest::node::Node;
use crate::manifest::yaml;

/// An index may not be larger than this, in bytes. That of the largest public repository has a tenth.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// An index in a form that Helm does not write is read whole, if it is not larger than this.
const MAX_WHOLE: usize = 4 * 1024 * 1024;

/// Where Helm keeps the indexes.
#[derive(Clone, Debug, Default)]
pub struct Repositories {
    /// The folder, as in `HELM_REPOSITORY_CACHE`; `None` where nobody said.
    pub cache: Option<PathBuf>,
}

/// What an index says of a chart.
#[derive(Clone, Debug)]
pub struct Indexed {
    /// When Helm fetched the index.
    pub fetched: Timestamp,
    /// The chart's versions, each its `Chart.yaml` with `urls`, `digest` and `created`, in no order.
    pub versions: Vec<Node>,
}

impl Repositories {
    /// The repositories whose indexes are on this machine, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let entries = self.cache.iter().flat_map(fs::read_dir).flatten().flatten();
        let name = |entry: fs::DirEntry| Some(entry.file_name().to_str()?.strip_suffix("-index.yaml")?.to_owned());
        let mut names: Vec<String> = entries.filter_map(name).collect();
        names.sort();
        names
    }

    /// What the index of a repository says of a chart.
    ///
    /// # Errors
    /// Why it can't be told, as a sentence.
    pub fn index(&self, repository: &str, chart: &str) -> Result<Indexed, String> {
        let folder = self.cache.as_deref().ok_or("the folder of Helm's repository cache is not known")?;
        let path = folder.join(format!("{repository}-index.yaml"));
        read(&path, chart)
            .map_err(|cause| format!("the index of the repository {repository:?} could not be read: {cause}"))
    }
}

fn read(path: &Path, chart: &str) -> Result<Indexed, String> {
    let mut file = fs::File::open(path).map_err(|error| error.to_string())?;
    let told = file.metadata().map_err(|error| error.to_string())?;
    let modified = told.modified().map_err(|error| error.to_string())?;
    let fetched = Timestamp::try_from(modified).map_err(|error| error.to_string())?;
    let mut content = Vec::new();
    file.by_ref().take(MAX_BYTES + 1).read_to_end(&mut content).map_err(|error| error.to_string())?;
    if content.len() as u64 > MAX_BYTES {
        return Err("it is larger than any index".to_owned());
    }
    let text = String::from_utf8(content).map_err(|_| "it is no text".to_owned())?;
    let versions = versions(&text, chart).ok_or("it does not list the chart")?;
    Ok(Indexed { fetched, versions })
}

/// The versions of one chart. The rest of an index, which may have megabytes, is not parsed.
fn versions(text: &str, chart: &str) -> Option<Vec<Node>> {
    #[derive(Deserialize)]
    struct Json {
        entries: HashMap<String, Box<RawValue>>,
    }
    if text.trim_start().starts_with('{') {
        let index: Json = serde_json::from_str(text).ok()?;
        return serde_json::from_str(index.entries.get(chart)?.get()).ok();
    }
    let read = |text: &str| yaml::parse(text).ok();
    let listed = match block(text, chart) {
        Some(block) => read(block)?.get(chart)?.as_list()?.to_vec(),
        None if text.len() <= MAX_WHOLE => read(text)?.get("entries")?.get(chart)?.as_list()?.to_vec(),
        None => return None,
    };
    Some(listed)
}

/// The lines of an index as Helm writes it that are about one chart: its name, and the list below it.
fn block<'a>(text: &'a str, chart: &str) -> Option<&'a str> {
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let mut at = 0;
    let mut level = None;
    let mut start = None;
    for line in text.split_inclusive('\n') {
        let (here, bare) = (at, line.trim_end());
        at += line.len();
        let Some(expected) = level else {
            if bare == "entries:" {
                level = Some(0);
            }
            continue;
        };
        if bare.trim_start().is_empty() || bare.trim_start().starts_with('#') {
            continue;
        }
        let found = indent(bare);
        if expected == 0 && found > 0 {
            level = Some(found);
        }
        let expected = level.unwrap_or_default();
        let is_key = found <= expected && !bare.trim_start().starts_with('-');
        if let Some(start) = start.filter(|_| is_key) {
            return text.get(start..here);
        }
        if found == 0 {
            return None;
        }
        if is_key && bare.trim_start().trim_end_matches(':').trim_matches(['"', '\'']) == chart {
            start = Some(here);
        }
    }
    text.get(start?..)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "apiVersion: v1\nentries:\n  other:\n  - version: 9.0.0\n  web:\n  - version: 1.1.0\n    description: |\n      a\n\n      web: b\n  - version: 1.0.0\n  web-admin:\n  - version: 3.0.0\ngenerated: x\n";

    fn found(text: &str, chart: &str) -> Vec<String> {
        let version = |node: &Node| node.get("version").and_then(Node::as_str).unwrap_or_default().to_owned();
        versions(text, chart).unwrap_or_default().iter().map(version).collect()
    }

    #[test]
    fn one_chart_of_an_index_is_read() {
        assert_eq!(found(INDEX, "web"), ["1.1.0", "1.0.0"]);
        assert_eq!(found(INDEX, "web-admin"), ["3.0.0"]);
        assert_eq!(found(INDEX, "none"), [""; 0]);
        assert_eq!(
            found(
                &INDEX.replace("  - ", "    - ").replace("      ", "        ").replace("    desc", "      desc"),
                "web"
            ),
            ["1.1.0", "1.0.0"]
        );
        assert_eq!(found("{entries: {web: [{version: 1.0.0}]}}", "web"), [""; 0], "no JSON");
        assert_eq!(found("entries: {web: [{version: 1.0.0}]}", "web"), ["1.0.0"]);
        assert_eq!(found(r#"{"entries": {"web": [{"version": "1.0.0"}]}}"#, "web"), ["1.0.0"]);
        assert_eq!(found("entries:\n  web: [", "web"), [""; 0]);
    }

    #[test]
    fn an_index_that_is_not_there_is_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let repositories = Repositories { cache: Some(folder.path().to_owned()) };
        assert!(repositories.index("stable", "web").unwrap_err().contains("could not be read"));
        fs::write(folder.path().join("stable-index.yaml"), INDEX).unwrap();
        assert_eq!(repositories.index("stable", "web").unwrap().versions.len(), 2);
        assert!(repositories.index("stable", "none").unwrap_err().contains("does not list"));
        assert!(Repositories::default().index("stable", "web").is_err());
    }
}

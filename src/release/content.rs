//! A digest of what Helm keeps of a chart in a release: whether two releases were made of the same one. Pure.
//!
//! It covers the chart's name and version, the charts it depends on, its templates, files and schema. The templates of the charts
//! in it are not kept, nor is `values.yaml` as it was written: the values that both were rendered with are compared apart.

use std::borrow::Cow;

use ring::digest::{Context, SHA256};
use serde::Deserialize;

use super::decode::{self, DecodeError, MAX_INFLATED};
use crate::manifest::node::Node;

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    chart: Option<Chart<'a>>,
}

#[derive(Deserialize)]
struct Chart<'a> {
    metadata: Option<Metadata>,
    lock: Option<Node>,
    #[serde(borrow)]
    templates: Option<Vec<File<'a>>>,
    #[serde(borrow)]
    files: Option<Vec<File<'a>>>,
    #[serde(borrow)]
    schema: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    dependencies: Option<Vec<Dependency>>,
}

#[derive(Deserialize)]
struct Dependency {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
}

/// The digest of the chart in the JSON of a release, in hexadecimal. `None` if it has none that can be read.
#[must_use]
pub fn of_json(json: &[u8]) -> Option<String> {
    let chart = serde_json::from_slice::<Record<'_>>(json).ok()?.chart?;
    let metadata = chart.metadata?;
    let templates = chart.templates.filter(|templates| !templates.is_empty())?;
    let mut digest = Context::new(&SHA256);
    let mut add = |part: &str| {
        // With its length, so that no two parts can be taken for one.
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    };
    add(&metadata.name);
    add(&metadata.version);
    for dependency in metadata.dependencies.unwrap_or_default() {
        add(&dependency.name);
        add(&dependency.version);
    }
    // When the lock was made says nothing; what it holds the charts to does.
    let locked = chart.lock.as_ref().and_then(|lock| lock.get("digest")).and_then(Node::as_str);
    add(locked.unwrap_or_default());
    add(chart.schema.as_deref().unwrap_or_default());
    for (kind, mut files) in [("templates", templates), ("files", chart.files.unwrap_or_default())] {
        add(kind);
        // A folder and an archive have their files in different orders.
        files.sort_by(|a, b| a.name.cmp(&b.name));
        for file in files {
            add(&file.name);
            add(file.data.as_deref().unwrap_or_default());
        }
    }
    Some(digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The same of the value of the key `release` of a Secret or a ConfigMap.
///
/// # Errors
/// If the payload is damaged or too large.
pub fn of_payload(payload: &[u8]) -> Result<Option<String>, DecodeError> {
    decode::unpack(payload, MAX_INFLATED).map(|(json, _)| of_json(&json))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(templates: &str, rest: &str) -> Option<String> {
        let json = format!(
            r#"{{"name": "web", "chart": {{"metadata": {{"name": "web", "version": "1.0.0"{rest}}}, "templates": [{templates}]}}}}"#
        );
        of_json(json.as_bytes())
    }

    #[test]
    fn the_same_chart_has_the_same_digest_whatever_the_order_of_its_files() {
        let (a, b) = (r#"{"name": "a", "data": "eA=="}"#, r#"{"name": "b", "data": "eQ=="}"#);
        let one = digest(&format!("{a}, {b}"), "").unwrap();
        assert_eq!(digest(&format!("{b}, {a}"), "").unwrap(), one);
        assert_ne!(digest(a, "").unwrap(), one);
        assert_ne!(digest(&format!("{a}, {}", b.replace("eQ", "eR")), "").unwrap(), one);
        let dependency = r#", "dependencies": [{"name": "redis", "version": "1.0.0"}]"#;
        assert_ne!(digest(&format!("{a}, {b}"), dependency).unwrap(), one);
    }

    #[test]
    fn what_has_no_templates_has_no_digest() {
        assert_eq!(digest("", ""), None);
        assert_eq!(of_json(b"{}"), None);
        assert_eq!(of_json(b"no JSON"), None);
    }
}

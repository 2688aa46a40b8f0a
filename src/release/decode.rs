//! Decodes a release record: base64 of gzip of JSON. All of it may be broken or hostile, so sizes are bounded and
//! no message quotes content.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use crate::manifest::document::Manifest;
use crate::manifest::node::{Node, Value};
use crate::release::{Chart, ChartFile, Hook, Info, Release};

/// A record may not inflate to more than this. A Secret holds 1 MiB at most; real releases inflate 5 to 10 times.
pub const MAX_INFLATED: u64 = 256 * 1024 * 1024;

/// The first bytes of gzip. Without them, a record is plain JSON.
pub(super) const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];

/// Why a record can't be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DecodeError {
    /// The object has no key `release`.
    #[error("it has no key \"release\"")]
    MissingKey,
    /// The payload is not base64.
    #[error("its payload is not base64")]
    Base64,
    /// The payload is not whole.
    #[error("its payload is cut off or damaged (gzip)")]
    Gzip,
    /// The payload is larger than any release.
    #[error("its payload inflates to more than {} MiB", MAX_INFLATED / 1024 / 1024)]
    TooLarge,
    /// The payload is another release, or another revision.
    #[error("it holds another release or revision than its name says")]
    OtherRelease,
    /// The payload is not the JSON of a release.
    #[error("its payload is not a release: {what} at line {line}, column {column}")]
    Json {
        /// What kind of problem it is.
        what: &'static str,
        /// Line in the JSON.
        line: usize,
        /// Column in the JSON.
        column: usize,
    },
}

/// Decodes the value of the key `release` of a Secret (after the API's own base64) or a ConfigMap.
///
/// # Errors
/// If the payload is not base64, damaged, too large or no release.
pub fn decode(payload: &[u8]) -> Result<Release, DecodeError> {
    decode_within(payload, MAX_INFLATED)
}

/// As [`decode`], with a limit in bytes for the inflated record.
///
/// # Errors
/// As [`decode`].
pub fn decode_within(payload: &[u8], limit: u64) -> Result<Release, DecodeError> {
    from_json(&unpack(payload, limit)?.0)
}

/// The JSON within a payload, and whether it was compressed.
pub(super) fn unpack(payload: &[u8], limit: u64) -> Result<(Vec<u8>, bool), DecodeError> {
    let bytes = STANDARD.decode(payload.trim_ascii()).map_err(|_| DecodeError::Base64)?;
    if !bytes.starts_with(&GZIP_MAGIC) {
        return Ok((bytes, false));
    }
    let mut inflated = Vec::with_capacity(bytes.len().saturating_mul(6).min(32 * 1024 * 1024));
    let read = GzDecoder::new(bytes.as_slice()).take(limit + 1).read_to_end(&mut inflated);
    if inflated.len() as u64 > limit {
        return Err(DecodeError::TooLarge);
    }
    read.map_err(|_| DecodeError::Gzip)?;
    Ok((inflated, true))
}

/// Reads a release from the JSON that `helm … -o json` prints, or that a record holds.
///
/// # Errors
/// If it is not the JSON of a release.
pub fn from_json(json: &[u8]) -> Result<Release, DecodeError> {
    let record: Record = serde_json::from_slice(json).map_err(|error| json_error(&error))?;
    if record.name.is_empty() || record.version == 0 {
        return Err(DecodeError::Json { what: "no name or no revision", line: 1, column: 1 });
    }
    Ok(record.into())
}

/// Serde's own message may quote the content, which may be secret: only its kind and place are kept.
pub(super) fn json_error(error: &serde_json::Error) -> DecodeError {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "a field has the wrong type",
        _ => "no valid JSON",
    };
    DecodeError::Json { what, line: error.line(), column: error.column() }
}

#[derive(Deserialize)]
struct Record {
    name: String,
    #[serde(default)]
    namespace: String,
    version: u32,
    info: InfoRecord,
    #[serde(default)]
    chart: Option<ChartRecord>,
    #[serde(default)]
    config: Option<Node>,
    #[serde(default)]
    manifest: String,
    #[serde(default)]
    hooks: Option<Vec<HookRecord>>,
    #[serde(default)]
    apply_method: Option<String>,
}

#[derive(Deserialize)]
struct InfoRecord {
    #[serde(default)]
    status: String,
    #[serde(default)]
    last_deployed: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    notes: Option<String>,
}

#[derive(Deserialize, Default)]
struct ChartRecord {
    #[serde(default)]
    metadata: Option<Node>,
    #[serde(default)]
    values: Option<Node>,
    #[serde(default)]
    lock: Option<Node>,
    #[serde(default)]
    templates: Option<Vec<FileRecord>>,
    #[serde(default)]
    files: Option<Vec<FileRecord>>,
    #[serde(default)]
    schema: Option<Digest>,
}

impl ChartRecord {
    fn files(&mut self) -> Vec<ChartFile> {
        let schema =
            self.schema.take().map(|data| FileRecord { name: "values.schema.json".to_owned(), data: Some(data) });
        let lists = [self.templates.take(), self.files.take(), Some(schema.into_iter().collect())];
        let digest = |file: FileRecord| ChartFile { name: file.name, digest: file.data.unwrap_or_default().0 };
        lists.into_iter().flatten().flatten().map(digest).collect()
    }
}

#[derive(Deserialize)]
struct FileRecord {
    #[serde(default)]
    name: String,
    #[serde(default)]
    data: Option<Digest>,
}

/// The digest of a text, which itself is not kept.
#[derive(Default)]
struct Digest([u8; 32]);

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Digest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Digest, E> {
                let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
                Ok(Digest(digest.as_ref().try_into().unwrap_or_default()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[derive(Deserialize)]
struct HookRecord {
    #[serde(default)]
    path: String,
    #[serde(default)]
    manifest: String,
}

impl From<Record> for Release {
    fn from(record: Record) -> Self {
        let mut chart = record.chart.unwrap_or_default();
        let files = chart.files();
        let map = |node: Option<Node>| node.unwrap_or_else(|| Node::new(Value::Null));
        Self {
            name: record.name,
            namespace: record.namespace,
            revision: record.version,
            info: Info {
                status: record.info.status,
                last_deployed: record.info.last_deployed.unwrap_or_default(),
                description: record.info.description.unwrap_or_default(),
                notes: record.info.notes.unwrap_or_default(),
            },
            chart: Chart {
                metadata: map(chart.metadata),
                values: map(chart.values),
                lock: map(chart.lock),
                files,
                content: None,
            },
            config: map(record.config),
            computed: None,
            manifest: Manifest::new(record.manifest),
            hooks: record
                .hooks
                .unwrap_or_default()
                .into_iter()
                .map(|hook| Hook { path: hook.path, manifest: Manifest::new(hook.manifest) })
                .collect(),
            apply_method: record.apply_method.filter(|method| !method.is_empty()),
        }
    }
}

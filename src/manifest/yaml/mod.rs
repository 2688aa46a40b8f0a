//! YAML as Go's `sigs.k8s.io/yaml` reads it, which is what Helm and the API server see.
//!
//! The scanner knows YAML 1.2; what the text means follows Go's YAML 1.1: `yes` is a boolean, `0644` is 420, of
//! duplicate keys the last one wins, `<<` merges maps, and keys always become text. Where the two versions would read
//! the same text as different content, it is refused. One difference is left: a block scalar that ends with the text,
//! on a line of blanks without a line break.
//!
//! Go reads one document and ignores what follows it, be it broken; here, everything is read. A few texts that Go
//! refuses are read, such as blank lines with a tab: nothing that Helm made has them.
//!
//! | file         | what it does                                                       |
//! |--------------|--------------------------------------------------------------------|
//! | `characters` | refuses what no YAML may have                                      |
//! | `reader`     | events to trees; refuses what the two versions read differently    |
//! | `tree`       | builds one document: merges, anchors, bounds                       |
//! | `scalar`     | the meaning of a scalar                                            |
//! | `message`    | what is wrong, in words                                            |
//! | `repair`     | what Go accepts and the scanner does not; `candidates` guesses it  |

mod candidates;
mod characters;
mod message;
mod reader;
mod repair;
mod scalar;
#[cfg(test)]
mod tests;
mod tree;

use granit_parser::Marker;

use super::node::{Node, Value};

/// How deep lists and maps may lie in one another. Go stops at 10,000, which no manifest comes near; here, everything
/// that walks a tree may recurse that deep on a thread's stack.
pub const MAX_DEPTH: usize = 1024;

/// One problem, with its place. The message never quotes the document's content: it may be a Secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct YamlError {
    /// The line in the text, from 1. As in Go, U+0085 in the text ends a line too.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

/// The documents of a text.
#[derive(Debug, Default)]
pub struct Documents {
    /// Their trees, in order. Documents without content (nothing, or only comments) are left out; an explicit `null` is
    /// content and stays.
    pub nodes: Vec<Node>,
    /// Keys that stand twice in a map, in any document; not all, if there are very many.
    pub repeated: Vec<Repeated>,
}

/// A key that stands twice in a map. As in Go, the last value counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// The key.
    pub key: String,
    /// The line of the value that does not count.
    pub first: u32,
    /// The line of the value that counts.
    pub last: u32,
}

/// Every document of `text` in order, and what is odd about them.
///
/// A node's line is the one in `text` on which it starts: a map's first key, a list's first dash, a block scalar's
/// first line of text. An alias stands on its own line, what it copies on the lines where that is written. A node
/// keeps how it is written if it is a plain scalar that is neither text nor written as in JSON (`0644`, `yes`, `~`);
/// a null of which nothing is written has no such spelling.
///
/// # Errors
/// The first problem found in any document.
pub fn read_all(text: &str) -> Result<Documents, YamlError> {
    let checked = characters::check(text)?;
    match reader::read(&checked, None) {
        Ok(documents) => Ok(documents),
        Err(failure) => repair::read(&checked.text, failure),
    }
}

/// The trees of [`read_all`].
///
/// # Errors
/// The first problem found in any document.
pub fn parse_all(text: &str) -> Result<Vec<Node>, YamlError> {
    read_all(text).map(|documents| documents.nodes)
}

/// The one document of a text that is beyond doubt: nothing is repaired, and no key stands twice.
pub(super) fn parse_strictly(text: &str) -> Option<Node> {
    let Documents { mut nodes, repeated } = reader::read(&characters::check(text).ok()?, None).ok()?;
    if nodes.len() == 1 && repeated.is_empty() { nodes.pop() } else { None }
}

/// The only document of `text`; null if it is empty.
///
/// # Errors
/// A problem in the text, or a second document.
pub fn parse(text: &str) -> Result<Node, YamlError> {
    let mut documents = parse_all(text)?;
    if let [_, second, ..] = documents.as_slice() {
        return Err(YamlError { line: second.line(), column: 1, message: "expected only one document".to_owned() });
    }
    Ok(documents.pop().unwrap_or_else(|| Node::new(Value::Null)))
}

impl YamlError {
    fn at(place: impl Into<Place>, message: impl Into<String>) -> Self {
        let Place { line, column } = place.into();
        Self { line, column, message: message.into() }
    }
}

/// A line and a column, each from 1.
#[derive(Clone, Copy)]
struct Place {
    line: u32,
    column: u32,
}

impl From<Marker> for Place {
    fn from(marker: Marker) -> Self {
        Self { line: number(marker.line()), column: number(marker.col() + 1) }
    }
}

fn too_deep() -> String {
    format!("lists and maps lie more than {MAX_DEPTH} levels deep in one another")
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

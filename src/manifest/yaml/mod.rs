//! YAML as Go's `sigs.k8s.io/yaml` reads it, which is what Helm and the API server see.
//!
//! The scanner knows YAML 1.2; what the text means follows Go's YAML 1.1: `yes` is a boolean, `0644` is 420, of
//! duplicate keys the last one wins, `<<` merges maps, and keys always become text.

mod characters;
mod scalar;
mod tree;

use std::borrow::Cow;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Span, YamlVersion};

use self::characters::{Checked, Separators};
use self::tree::Tree;
use super::node::{Node, Value};

/// How deep lists and maps may lie in one another. Go stops at 10,000, which no manifest comes near; here, everything
/// that walks a tree may recurse that deep on a thread's stack.
pub const MAX_DEPTH: usize = 1024;

/// One problem, with its place. The message never quotes the document's content: it may be a Secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct YamlError {
    /// The line in the text, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

/// Every document of `text` in order. Documents without content (nothing, or only comments) are left out; an explicit
/// `null` is content and stays. Nodes carry their line in `text`.
///
/// # Errors
/// The first problem found in any document.
pub fn parse_all(text: &str) -> Result<Vec<Node>, YamlError> {
    let Checked { text, separators } = characters::check(text)?;
    read(&text, separators)
}

fn read(source: &str, mut separators: Separators) -> Result<Vec<Node>, YamlError> {
    let mut documents = Vec::new();
    let mut tree = Tree::default();
    for event in Parser::new_from_str_with_options(source, options()) {
        let (event, span) = event?;
        match event {
            Event::DocumentStart(_, version) => check_version(version, span.start)?,
            Event::DocumentEnd => documents.extend(std::mem::take(&mut tree).into_root()),
            Event::Scalar(text, style, anchor, tag) => {
                let text = match style {
                    ScalarStyle::Plain => text,
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                        separators.quoted(span.byte_range().unwrap_or_default());
                        if style == ScalarStyle::DoubleQuoted && matches!(text, Cow::Owned(_)) {
                            check_escapes(span.slice(source).unwrap_or_default(), span.start)?;
                        }
                        text
                    }
                    _ => without_absent_newline(text, source, span),
                };
                tree.scalar(tree::Scalar { text, style, anchor, tag: tag.as_deref(), span })?;
            }
            Event::SequenceStart(_, anchor, _) => tree.start_list(anchor, span.start)?,
            Event::MappingStart(_, anchor, _) => tree.start_map(anchor, span.start)?,
            Event::SequenceEnd | Event::MappingEnd => tree.end(span.start)?,
            Event::Alias(anchor) => tree.alias(anchor, span.start)?,
            _ => {}
        }
    }
    separators.check(source)?;
    Ok(documents)
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

fn options() -> granit_parser::Options {
    granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    }
}

/// Go knows neither the escape `\\/` nor pairs of surrogates, which JSON has.
fn check_escapes(quoted: &str, at: Marker) -> Result<(), YamlError> {
    let mut rest = quoted;
    while let Some(backslash) = rest.find('\\') {
        rest = &rest[backslash + 1..];
        let surrogate = matches!(rest.as_bytes(), [b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..]);
        if surrogate || rest.starts_with('/') {
            return Err(YamlError::at(at, "the text has an escape that YAML 1.1 does not know"));
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    Ok(())
}

/// A block scalar's last line has no line break if the source ends there without one.
fn without_absent_newline<'a>(text: Cow<'a, str>, source: &str, span: Span) -> Cow<'a, str> {
    let at_end =
        span.byte_range().is_some_and(|range| range.end == source.len()) && !source.ends_with(['\n', '\r', ' ']);
    match text {
        Cow::Owned(mut owned) if at_end && owned.ends_with('\n') => {
            owned.pop();
            Cow::Owned(owned)
        }
        Cow::Borrowed(borrowed) if at_end => Cow::Borrowed(borrowed.strip_suffix('\n').unwrap_or(borrowed)),
        text => text,
    }
}

fn check_version(version: Option<YamlVersion>, at: Marker) -> Result<(), YamlError> {
    match version {
        None | Some(YamlVersion { major: 1, minor: 1 }) => Ok(()),
        Some(_) => Err(YamlError::at(at, "only YAML 1.1 is understood by Helm and Kubernetes")),
    }
}

impl YamlError {
    fn at(place: Marker, message: impl Into<String>) -> Self {
        Self { line: number(place.line()), column: number(place.col() + 1), message: message.into() }
    }
}

impl From<ScanError> for YamlError {
    fn from(error: ScanError) -> Self {
        let message = match error.kind() {
            ErrorKind::UnexpectedCharacter { .. } => "a value cannot start with this character".to_owned(),
            ErrorKind::RecursionLimitExceeded => too_deep(),
            kind => kind.to_string(),
        };
        Self::at(*error.marker(), message)
    }
}

fn too_deep() -> String {
    format!("nested more than {MAX_DEPTH} levels deep")
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

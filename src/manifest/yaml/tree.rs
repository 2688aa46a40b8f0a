//! Builds the tree of one document from its events: maps, merges, anchors and aliases. On a stack of its own, so that
//! deep documents cannot exhaust the thread's.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Marker, ScalarStyle, Span, Tag};

use super::scalar::{Meaning, resolve, resolve_tagged};
use super::{MAX_DEPTH, YamlError, number, too_deep};
use crate::manifest::node::{Node, Value};

/// How many nodes of one document may be copies that aliases make. Go's limit depends on the document's size and is
/// never above this.
const MAX_ALIAS_NODES: usize = 400_000;
/// How many nodes may be kept for aliases to copy. Only anchors within anchors add up to more than the document.
const MAX_ANCHOR_NODES: usize = 1_000_000;
/// How many bytes of text all these copies may have.
const MAX_COPIED_BYTES: usize = 64 << 20;

const NAMESPACE: &str = "tag:yaml.org,2002:";

/// One document under construction.
#[derive(Default)]
pub(super) struct Tree {
    root: Option<Node>,
    open: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    created: Size,
    alias_nodes: usize,
    anchor_nodes: usize,
    copied_bytes: usize,
}

/// A scalar event.
pub(super) struct Scalar<'a, 'b> {
    pub(super) text: Cow<'a, str>,
    pub(super) style: ScalarStyle,
    /// 0 means none.
    pub(super) anchor: usize,
    pub(super) tag: Option<&'b Tag>,
    pub(super) span: Span,
}

/// A list or map that has not ended yet.
struct Frame {
    content: Content,
    anchor: usize,
    start: Marker,
    /// What was created before it.
    before: Size,
    /// How many levels of lists and maps it holds so far, itself included.
    height: usize,
}

enum Content {
    List(Vec<Node>),
    Map(Vec<(Box<str>, Node)>, Key),
}

/// What the next node of a map is.
enum Key {
    /// The next node is a key.
    Awaited,
    /// The next node is this key's value.
    Text(Box<str>),
    /// The next node is a map, or a list of maps, to be merged.
    Merge,
}

/// A finished node that aliases can copy.
struct Anchored {
    node: Node,
    size: Size,
}

#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    /// Of text.
    bytes: usize,
    /// How many levels of lists and maps; 0 for a scalar.
    height: usize,
}

impl Tree {
    /// The document, unless it is empty.
    pub(super) fn into_root(self) -> Option<Node> {
        self.root
    }

    pub(super) fn start_list(&mut self, anchor: usize, start: Marker) -> Result<(), YamlError> {
        self.start(Content::List(Vec::new()), anchor, start)
    }

    pub(super) fn start_map(&mut self, anchor: usize, start: Marker) -> Result<(), YamlError> {
        self.start(Content::Map(Vec::new(), Key::Awaited), anchor, start)
    }

    fn start(&mut self, content: Content, anchor: usize, start: Marker) -> Result<(), YamlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(YamlError::at(start, too_deep()));
        }
        self.open.push(Frame { content, anchor, start, before: self.created, height: 1 });
        Ok(())
    }

    /// The list or map that was started last ends.
    pub(super) fn end(&mut self, at: Marker) -> Result<(), YamlError> {
        let Some(frame) = self.open.pop() else { return Ok(()) };
        let value = match frame.content {
            Content::List(items) => Value::List(items),
            Content::Map(entries, _) => Value::Map(without_duplicates(entries)),
        };
        let node = Node::new(value).at(number(frame.start.line()));
        self.created.nodes += 1;
        let size = Size {
            nodes: self.created.nodes - frame.before.nodes,
            bytes: self.created.bytes - frame.before.bytes,
            height: frame.height,
        };
        self.keep(frame.anchor, &node, size, at)?;
        self.complete(node, frame.height, false, frame.start)
    }

    pub(super) fn scalar(&mut self, scalar: Scalar<'_, '_>) -> Result<(), YamlError> {
        let at = scalar.span.start;
        let (anchor, plain) = (scalar.anchor, scalar.style == ScalarStyle::Plain);
        let absent = plain && scalar.span.is_empty();
        if absent && self.open.is_empty() && anchor == 0 && scalar.tag.is_none() {
            return Ok(());
        }
        let awaits_key = self.awaits_key();
        if awaits_key && is_merge(&scalar) {
            self.set_key(Key::Merge);
            return Ok(());
        }
        self.created.nodes += 1;
        self.created.bytes += scalar.text.len();
        let size = Size { nodes: 1, bytes: scalar.text.len(), height: 0 };
        let mut raw = None;
        let meaning = match scalar.tag {
            None if absent => Meaning::Null,
            None if plain => match resolve(&scalar.text) {
                Some(meaning) => {
                    raw = (!meaning.is_canonical(&scalar.text)).then_some(scalar.text);
                    meaning
                }
                None => Meaning::Text(scalar.text),
            },
            None => Meaning::Text(scalar.text),
            Some(tag) => match tag.suffix_in_namespace(NAMESPACE) {
                Some(name) => resolve_tagged(scalar.text, &name).map_err(|message| YamlError::at(at, message))?,
                None => Meaning::Text(scalar.text),
            },
        };
        if awaits_key && anchor == 0 {
            let key = meaning.into_key().map_err(|message| YamlError::at(at, message))?;
            self.set_key(Key::Text(key));
            return Ok(());
        }
        let value = meaning.into_value().map_err(|message| YamlError::at(at, message))?;
        let mut node = Node::new(value).at(number(at.line()));
        if let Some(raw) = raw {
            node = node.written_as(&raw);
        }
        self.keep(anchor, &node, size, at)?;
        self.complete(node, 0, false, at)
    }

    pub(super) fn alias(&mut self, anchor: usize, at: Marker) -> Result<(), YamlError> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(YamlError::at(at, "an anchor's value contains itself"));
        };
        let size = anchored.size;
        self.alias_nodes += size.nodes;
        self.copied_bytes += size.bytes;
        if self.alias_nodes > MAX_ALIAS_NODES || self.copied_bytes > MAX_COPIED_BYTES {
            return Err(YamlError::at(at, "aliases make the document too large"));
        }
        if self.open.len() + size.height > MAX_DEPTH {
            return Err(YamlError::at(at, too_deep()));
        }
        self.created.nodes += size.nodes;
        self.created.bytes += size.bytes;
        let node = anchored.node.clone().at(number(at.line()));
        self.complete(node, size.height, true, at)
    }

    /// Keeps a node for aliases to copy.
    fn keep(&mut self, anchor: usize, node: &Node, size: Size, at: Marker) -> Result<(), YamlError> {
        if anchor == 0 {
            return Ok(());
        }
        self.anchor_nodes += size.nodes;
        self.copied_bytes += size.bytes;
        if self.anchor_nodes > MAX_ANCHOR_NODES || self.copied_bytes > MAX_COPIED_BYTES {
            return Err(YamlError::at(at, "anchors within anchors make the document too large"));
        }
        self.anchors.insert(anchor, Anchored { node: node.clone(), size });
        Ok(())
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Frame { content: Content::Map(_, Key::Awaited), .. }))
    }

    fn set_key(&mut self, next: Key) {
        if let Some(Frame { content: Content::Map(_, key), .. }) = self.open.last_mut() {
            *key = next;
        }
    }

    /// Puts a finished node where it belongs.
    fn complete(&mut self, node: Node, height: usize, aliased: bool, at: Marker) -> Result<(), YamlError> {
        let Some(frame) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        frame.height = frame.height.max(height + 1);
        match &mut frame.content {
            Content::List(items) => items.push(node),
            Content::Map(entries, key) => match std::mem::replace(key, Key::Awaited) {
                Key::Text(name) => entries.push((name, node)),
                Key::Awaited => *key = Key::Text(key_text(node).map_err(|message| YamlError::at(at, message))?),
                Key::Merge => merge(entries, node, aliased).map_err(|message| YamlError::at(at, message))?,
            },
        }
        Ok(())
    }
}

/// Whether a key is `<<` and not just text that looks like it.
fn is_merge(scalar: &Scalar<'_, '_>) -> bool {
    scalar.text == "<<"
        && match scalar.tag {
            None => scalar.style == ScalarStyle::Plain,
            Some(tag) => {
                tag.parts() == ("", "!")
                    || tag.parts() == ("!", "")
                    || tag.suffix_in_namespace(NAMESPACE).as_deref() == Some("merge")
            }
        }
}

/// The text of a key that is a node: an alias, or a scalar with an anchor.
fn key_text(node: Node) -> Result<Box<str>, &'static str> {
    use crate::manifest::node::Number;
    match node.into_value() {
        Value::Null => Meaning::Null,
        Value::Bool(value) => Meaning::Bool(value),
        Value::Number(Number::Int(value)) => Meaning::Int(value),
        Value::Number(Number::UInt(value)) => Meaning::UInt(value),
        Value::Number(Number::Float(value)) => Meaning::Float(value),
        Value::String(text) => return Ok(text),
        Value::List(_) | Value::Map(_) => return Err("a map's key cannot be a list or a map"),
    }
    .into_key()
}

/// Adds what `<<` names. As in Go, it overwrites what stands before it and is overwritten by what follows. Of a list's
/// maps, the first one wins.
fn merge(entries: &mut Vec<(Box<str>, Node)>, node: Node, aliased: bool) -> Result<(), &'static str> {
    const WRONG: &str = "`<<` takes a map or a list of maps";
    match node.into_value() {
        Value::Map(merged) => entries.extend(merged),
        Value::List(maps) if !aliased => {
            for map in maps.into_iter().rev() {
                let Value::Map(merged) = map.into_value() else { return Err(WRONG) };
                entries.extend(merged);
            }
        }
        _ => return Err(WRONG),
    }
    Ok(())
}

/// Of entries with the same key, the last value at the first one's position.
fn without_duplicates(mut entries: Vec<(Box<str>, Node)>) -> Vec<(Box<str>, Node)> {
    const FEW: usize = 16;
    let unique = if entries.len() <= FEW {
        entries.iter().enumerate().all(|(i, (key, _))| entries[..i].iter().all(|(other, _)| other != key))
    } else {
        let mut seen = std::collections::HashSet::with_capacity(entries.len());
        entries.iter().all(|(key, _)| seen.insert(&**key))
    };
    if unique {
        entries.shrink_to_fit();
        return entries;
    }
    let mut positions: HashMap<Box<str>, usize> = HashMap::with_capacity(entries.len());
    let mut result: Vec<(Box<str>, Node)> = Vec::with_capacity(entries.len());
    for (key, node) in entries {
        if let Some(&position) = positions.get(&key) {
            result[position].1 = node;
        } else {
            positions.insert(key.clone(), result.len());
            result.push((key, node));
        }
    }
    result
}

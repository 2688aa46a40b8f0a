//! Builds the tree of one document from its events: maps, merges, anchors and aliases. On a stack of its own, so that
//! deep documents cannot exhaust the thread's.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{ScalarStyle, Tag};

use super::scalar::{Meaning, resolve, resolve_tagged};
use super::{MAX_DEPTH, Place, Repeated, YamlError, too_deep};
use crate::manifest::node::{Node, Number, Value, without_duplicates};

/// How many nodes of one document may be copies that aliases make. Go's limit depends on the document's size and is
/// never above this.
const MAX_ALIAS_NODES: usize = 400_000;
/// How many nodes may be kept for aliases to copy. Only anchors within anchors add up to more than the document.
const MAX_ANCHOR_NODES: usize = 1_000_000;
/// How many keys that stand twice are told of a document.
const MAX_REPEATED: usize = 20;
/// How many bytes of text all these copies may have.
const MAX_COPIED_BYTES: usize = 64 << 20;

/// One document under construction.
#[derive(Default)]
pub(super) struct Tree {
    root: Option<Node>,
    open: Vec<Frame>,
    /// The contents of all open lists and maps, the innermost one's last: so each gets its memory once, when its size is
    /// known.
    items: Vec<Node>,
    entries: Vec<(Box<str>, Node)>,
    anchors: HashMap<usize, Anchored>,
    repeated: Vec<Repeated>,
    created: Size,
    alias_nodes: usize,
    anchor_nodes: usize,
    copied_bytes: usize,
}

/// A scalar event.
pub(super) struct Scalar<'a, 'b> {
    pub(super) text: Cow<'a, str>,
    pub(super) style: ScalarStyle,
    /// Nothing is written, which means null.
    pub(super) absent: bool,
    /// 0 means none.
    pub(super) anchor: usize,
    pub(super) tag: Option<&'b Tag>,
    pub(super) place: Place,
}

/// A list or map that has not ended yet.
struct Frame {
    content: Content,
    anchor: usize,
    start: Place,
    /// What was created before it.
    before: Size,
    /// How many levels of lists and maps it holds so far, itself included.
    height: usize,
    /// Whether `<<` added entries to it: those may stand twice.
    merged: bool,
}

/// What a frame holds, and where in the tree's items or entries that starts.
enum Content {
    List(usize),
    Map(usize, Key),
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
    /// The document, unless it is empty, and the keys that stand twice in it.
    pub(super) fn finish(self) -> (Option<Node>, Vec<Repeated>) {
        (self.root, self.repeated)
    }

    pub(super) fn start_list(&mut self, anchor: usize, start: Place) -> Result<(), YamlError> {
        self.start(Content::List(self.items.len()), anchor, start)
    }

    pub(super) fn start_map(&mut self, anchor: usize, start: Place) -> Result<(), YamlError> {
        self.start(Content::Map(self.entries.len(), Key::Awaited), anchor, start)
    }

    fn start(&mut self, content: Content, anchor: usize, start: Place) -> Result<(), YamlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(YamlError::at(start, too_deep()));
        }
        self.open.push(Frame { content, anchor, start, before: self.created, height: 1, merged: false });
        Ok(())
    }

    /// The list or map that was started last ends.
    pub(super) fn end(&mut self) -> Result<(), YamlError> {
        let Some(frame) = self.open.pop() else { return Ok(()) };
        let value = match frame.content {
            Content::List(first) => Value::List(self.items.drain(first..).collect()),
            Content::Map(first, _) => {
                let entries = self.entries.drain(first..).collect();
                let repeated = &mut self.repeated;
                Value::Map(without_duplicates(entries, |before, (key, after)| {
                    if !frame.merged && repeated.len() < MAX_REPEATED {
                        repeated.push(Repeated { key: key.to_string(), first: before.line(), last: after.line() });
                    }
                }))
            }
        };
        let node = Node::new(value).at(frame.start.line);
        self.created.nodes += 1;
        let size = Size {
            nodes: self.created.nodes - frame.before.nodes,
            bytes: self.created.bytes - frame.before.bytes,
            height: frame.height,
        };
        self.keep(frame.anchor, &node, size, frame.start)?;
        self.complete(node, frame.height, false, frame.start)
    }

    pub(super) fn scalar(&mut self, scalar: Scalar<'_, '_>) -> Result<(), YamlError> {
        let (place, anchor) = (scalar.place, scalar.anchor);
        if scalar.absent && self.open.is_empty() && anchor == 0 && scalar.tag.is_none() {
            return Ok(());
        }
        let size = Size { nodes: 1, bytes: scalar.text.len(), height: 0 };
        self.created.nodes += 1;
        self.created.bytes += size.bytes;
        if self.awaits_key() && scalar.is_merge() {
            self.set_key(Key::Merge);
            return self.keep(anchor, &Node::string("<<"), size, place);
        }
        if self.awaits_key() && anchor == 0 {
            self.set_key(Key::Text(scalar.into_key()?));
            return Ok(());
        }
        let node = scalar.into_node()?;
        self.keep(anchor, &node, size, place)?;
        self.complete(node, 0, false, place)
    }

    pub(super) fn alias(&mut self, anchor: usize, at: Place) -> Result<(), YamlError> {
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
        let node = anchored.node.clone().at(at.line);
        self.complete(node, size.height, true, at)
    }

    /// Keeps a node for aliases to copy.
    fn keep(&mut self, anchor: usize, node: &Node, size: Size, at: Place) -> Result<(), YamlError> {
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
    fn complete(&mut self, node: Node, height: usize, aliased: bool, at: Place) -> Result<(), YamlError> {
        let Some(frame) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        frame.height = frame.height.max(height + 1);
        match &mut frame.content {
            Content::List(_) => self.items.push(node),
            Content::Map(_, key) => match std::mem::replace(key, Key::Awaited) {
                Key::Text(name) => self.entries.push((name, node)),
                Key::Awaited => *key = Key::Text(key_text(node).map_err(|message| YamlError::at(at, message))?),
                Key::Merge => {
                    frame.merged = true;
                    merge(&mut self.entries, node, aliased).map_err(|message| YamlError::at(at, message))?;
                }
            },
        }
        Ok(())
    }
}

impl<'a> Scalar<'a, '_> {
    /// Whether it is `<<` and not just text that looks like it.
    fn is_merge(&self) -> bool {
        self.text == "<<"
            && match self.tag {
                None => self.style == ScalarStyle::Plain,
                Some(tag) => tag.original() == "!" || own_name(tag).as_deref() == Some("merge"),
            }
    }

    fn into_key(self) -> Result<Box<str>, YamlError> {
        let place = self.place;
        self.meaning().and_then(|(meaning, _)| meaning.into_key()).map_err(|message| YamlError::at(place, message))
    }

    fn into_node(self) -> Result<Node, YamlError> {
        let place = self.place;
        let (value, raw) = self
            .meaning()
            .and_then(|(meaning, raw)| Ok((meaning.into_value()?, raw)))
            .map_err(|message| YamlError::at(place, message))?;
        let node = Node::new(value).at(place.line);
        Ok(match raw {
            Some(raw) => node.written_as(&raw),
            None => node,
        })
    }

    /// What it means, and how it is written if that is not how JSON would.
    fn meaning(self) -> Result<(Meaning<'a>, Option<Cow<'a, str>>), &'static str> {
        match self.tag.map(own_name) {
            None if self.absent => Ok((Meaning::Null, None)),
            None if self.style == ScalarStyle::Plain => Ok(match resolve(&self.text) {
                Some(meaning) if meaning.is_canonical(&self.text) => (meaning, None),
                Some(meaning) => (meaning, Some(self.text)),
                None => (Meaning::Text(self.text), None),
            }),
            Some(Some(name)) => resolve_tagged(self.text, &name).map(|meaning| (meaning, None)),
            None | Some(None) => Ok((Meaning::Text(self.text), None)),
        }
    }
}

/// The name of a tag that is YAML's own (`int` of `!!int`); the others say nothing.
fn own_name(tag: &Tag) -> Option<Cow<'_, str>> {
    tag.suffix_in_namespace("tag:yaml.org,2002:")
}

/// The text of a key that is a node: an alias, or a scalar with an anchor.
fn key_text(node: Node) -> Result<Box<str>, &'static str> {
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

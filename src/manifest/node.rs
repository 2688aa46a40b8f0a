//! The tree that a YAML or JSON document becomes: JSON's data model, with what a diff needs beside it.
//!
//! Every node carries a hash of its content, so that equal subtrees are found without walking them twice, and the
//! line it came from. A node does not print its content with `{:?}`: it may belong to a Secret.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::OnceLock;

use crate::manifest::embedded::Embedded;
use crate::manifest::emit;

/// A value with its place in the source.
#[derive(Clone)]
pub struct Node {
    value: Value,
    hash: u64,
    line: u32,
    /// How many lines it takes as YAML.
    height: u32,
    raw: Option<Box<Raw>>,
    /// What the text holds; read when it is first asked for.
    embedded: OnceLock<Option<Box<Embedded>>>,
}

/// A spelling. Few nodes have one, so they hold no more than a pointer.
#[derive(Clone)]
struct Raw(Box<str>);

/// JSON's data model. Maps keep the order of the source.
#[derive(Clone)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number.
    Number(Number),
    /// Text.
    String(Box<str>),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping. Keys are unique: of duplicates, the last one wins, as in Go.
    Map(Vec<(Box<str>, Node)>),
}

/// A number as the API server would read it from JSON: `1.0` and `1e0` are the integer 1.
#[derive(Clone, Copy, PartialEq)]
pub enum Number {
    /// Fits in 64 bits with a sign.
    Int(i64),
    /// Larger than the largest `i64`.
    UInt(u64),
    /// Finite, and not a whole number of 64 bits.
    Float(f64),
}

impl Number {
    /// The number for a float. A whole number that fits in 64 bits becomes the integer that JSON writes for it, as it
    /// would on its way to the API server.
    #[must_use]
    pub fn from_f64(value: f64) -> Self {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if value.fract() != 0.0 || value.abs() >= 1e20 {
            return Self::Float(value);
        }
        if value.abs() < EXACT {
            #[allow(clippy::cast_possible_truncation)] // whole and below 2^53, so exact
            return Self::Int(value as i64);
        }
        let digits = value.to_string();
        let integer = digits.parse().map(Self::Int);
        integer.or_else(|_| digits.parse().map(Self::UInt)).unwrap_or(Self::Float(value))
    }

    /// The number for an unsigned integer.
    #[must_use]
    pub fn from_u64(value: u64) -> Self {
        i64::try_from(value).map_or(Self::UInt(value), Self::Int)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(n) => write!(f, "{n}"),
            Self::UInt(n) => write!(f, "{n}"),
            Self::Float(n) if n.abs() >= 1e21 || n.abs() < 1e-6 => write!(f, "{n:e}"),
            Self::Float(n) => write!(f, "{n}"),
        }
    }
}

impl Default for Node {
    /// `null`.
    fn default() -> Self {
        Self::new(Value::Null)
    }
}

impl Node {
    /// A node without a place in a source.
    #[must_use]
    pub fn new(value: Value) -> Self {
        let hash = content_hash(&value);
        let height = emit::height(&value);
        Self { value, hash, line: 0, height, raw: None, embedded: OnceLock::new() }
    }

    /// Text.
    #[must_use]
    pub fn string(text: impl Into<Box<str>>) -> Self {
        Self::new(Value::String(text.into()))
    }

    /// The same node, at a line of its source (1 is the first).
    #[must_use]
    pub fn at(mut self, line: u32) -> Self {
        self.line = line;
        self
    }

    /// The same node, with the way its source writes it (`0644` for 420).
    #[must_use]
    pub fn written_as(mut self, raw: &str) -> Self {
        self.raw = Some(Box::new(Raw(raw.into())));
        self
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value, taken out.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.value
    }

    /// The line it starts on in its document; 1 is the first, 0 means unknown.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }

    /// How many lines it takes as YAML, without a key above it.
    pub(super) fn height(&self) -> u32 {
        self.height
    }

    /// How the source writes the scalar, where that is not the canonical form.
    #[must_use]
    pub fn raw(&self) -> Option<&str> {
        self.raw.as_ref().map(|raw| &*raw.0)
    }

    /// The JSON or YAML that the text holds, if it is one that does.
    #[must_use]
    pub fn embedded(&self) -> Option<&Embedded> {
        self.embedded.get_or_init(|| Embedded::read(self.as_str()?).map(Box::new)).as_deref()
    }

    /// A hash of the content: equal nodes have equal hashes. The order of a map's keys does not count.
    #[must_use]
    pub fn content_hash(&self) -> u64 {
        self.hash
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a map.
    #[must_use]
    pub fn as_map(&self) -> Option<&[(Box<str>, Node)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a map's key. Linear: for a few look-ups in small maps.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|(name, _)| &**name == key).map(|(_, node)| node)
    }

    /// The value at the end of a path of keys. Null counts as absent, as in the API server.
    #[must_use]
    pub fn find(&self, path: &[&str]) -> Option<&Node> {
        let found = path.iter().try_fold(self, |node, key| node.get(key))?;
        (!matches!(found.value, Value::Null)).then_some(found)
    }

    /// The number, if it is a whole one that is not negative.
    #[must_use]
    pub fn as_count(&self) -> Option<u64> {
        match self.value {
            Value::Number(Number::Int(number)) => u64::try_from(number).ok(),
            Value::Number(Number::UInt(number)) => Some(number),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// True for null, an empty list and an empty map.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::List(items) => items.is_empty(),
            Value::Map(entries) => entries.is_empty(),
            _ => false,
        }
    }
}

impl PartialEq for Node {
    /// Equality of content: place and spelling do not count, nor does the order of a map's keys.
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
            && match (&self.value, &other.value) {
                (Value::Null, Value::Null) => true,
                (Value::Bool(a), Value::Bool(b)) => a == b,
                (Value::Number(a), Value::Number(b)) => a == b,
                (Value::String(a), Value::String(b)) => a == b,
                (Value::List(a), Value::List(b)) => a == b,
                (Value::Map(a), Value::Map(b)) => maps_equal(a, b),
                _ => false,
            }
    }
}

impl fmt::Debug for Node {
    /// The shape only: the content may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = match &self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(_) => "number".to_owned(),
            Value::String(text) => format!("string of {} bytes", text.len()),
            Value::List(items) => format!("list of {}", items.len()),
            Value::Map(entries) => format!("map of {}", entries.len()),
        };
        write!(f, "Node({shape}, line {})", self.line)
    }
}

/// Of entries with the same key, the last value at the first one's position. Tells each value that is lost, and the
/// entry that takes its place.
pub(super) fn without_duplicates(
    entries: Vec<(Box<str>, Node)>,
    mut lost: impl FnMut(&Node, &(Box<str>, Node)),
) -> Vec<(Box<str>, Node)> {
    const FEW: usize = 16;
    let unique = if entries.len() <= FEW {
        entries.iter().enumerate().all(|(i, (key, _))| entries[..i].iter().all(|(other, _)| other != key))
    } else {
        let mut seen = HashSet::with_capacity(entries.len());
        entries.iter().all(|(key, _)| seen.insert(&**key))
    };
    if unique {
        return entries;
    }
    let mut positions: HashMap<Box<str>, usize> = HashMap::with_capacity(entries.len());
    let mut result: Vec<(Box<str>, Node)> = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Some(&position) = positions.get(&entry.0) {
            lost(&result[position].1, &entry);
            result[position].1 = entry.1;
        } else {
            positions.insert(entry.0.clone(), result.len());
            result.push(entry);
        }
    }
    result
}

fn maps_equal(a: &[(Box<str>, Node)], b: &[(Box<str>, Node)]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // The usual case is the same order; only from the first difference on are keys looked up.
    let same = a.iter().zip(b).take_while(|((ka, _), (kb, _))| ka == kb).count();
    if a[..same].iter().zip(&b[..same]).any(|((_, na), (_, nb))| na != nb) {
        return false;
    }
    let rest: HashMap<&str, &Node> = b[same..].iter().map(|(k, n)| (&**k, n)).collect();
    a[same..].iter().all(|(key, node)| rest.get(&**key).is_some_and(|other| *other == node))
}

fn content_hash(value: &Value) -> u64 {
    match value {
        Value::Null => mix(1, 0),
        Value::Bool(value) => mix(2, u64::from(*value)),
        Value::Number(Number::Int(n)) => mix(3, n.cast_unsigned()),
        Value::Number(Number::UInt(n)) => mix(4, *n),
        Value::Number(Number::Float(n)) => mix(5, n.to_bits()),
        Value::String(text) => hash_text(6, text),
        Value::List(items) => items.iter().fold(mix(7, items.len() as u64), |hash, item| mix(hash, item.hash)),
        // A sum does not depend on the order of the keys.
        Value::Map(entries) => {
            let sum = entries.iter().fold(0_u64, |sum, (key, node)| sum.wrapping_add(hash_text(node.hash, key)));
            mix(8, sum)
        }
    }
}

fn hash_text(seed: u64, text: &str) -> u64 {
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let hash = words.iter().fold(mix(seed, text.len() as u64), |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(hash, u64::from_le_bytes(last))
}

/// One step of a fast hash: both halves of a product, so that every bit counts. It is no protection against made-up
/// collisions, and need not be: what has equal hashes is still compared.
fn mix(hash: u64, word: u64) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    const SALT: u64 = 0x2545_F491_4F6C_DD1D;
    let product = u128::from(hash.rotate_left(23) ^ word ^ SALT) * u128::from(ODD);
    #[allow(clippy::cast_possible_truncation)] // the lower half is meant
    let low = product as u64;
    low ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, i64)]) -> Node {
        let node = |value| Node::new(Value::Number(Number::Int(value)));
        Node::new(Value::Map(entries.iter().map(|(key, value)| ((*key).into(), node(*value))).collect()))
    }

    #[test]
    fn the_order_of_keys_does_not_count() {
        let (a, b) = (map(&[("x", 1), ("y", 2)]), map(&[("y", 2), ("x", 1)]));
        assert!(a == b && a.content_hash() == b.content_hash());
        for other in [map(&[("x", 2), ("y", 1)]), map(&[("x", 1)]), map(&[("x", 1), ("y", 2), ("z", 0)])] {
            assert!(a != other && a.content_hash() != other.content_hash());
        }
    }

    #[test]
    fn values_that_look_alike_have_different_hashes() {
        let number = |value| Value::Number(Number::Int(value));
        let list = |items: &[&str]| Value::List(items.iter().map(|item| Node::string(*item)).collect());
        let values = [
            Value::Null,
            Value::Bool(false),
            Value::Bool(true),
            number(0),
            number(1),
            Value::String("".into()),
            Value::String("\0".into()),
            Value::String("0".into()),
            Value::String("abcdefgh".into()),
            Value::String("abcdefgh\0".into()),
            list(&[]),
            list(&[""]),
            list(&["a", "b"]),
            list(&["b", "a"]),
            Value::Map(Vec::new()),
        ];
        let hashes: std::collections::HashSet<u64> = values.map(|value| Node::new(value).content_hash()).into();
        assert_eq!(hashes.len(), 15);
    }

    #[test]
    fn whole_floats_are_the_integers_that_json_writes() {
        let cases = [
            (1.0, "1"),
            (-0.0, "0"),
            (1e17, "100000000000000000"),
            (-9_007_199_254_740_992.0, "-9007199254740992"),
            (1.2e19, "12000000000000000000"),
            (1e20, "100000000000000000000"),
            (1e21, "1e21"),
            (0.5, "0.5"),
        ];
        for (value, text) in cases {
            assert_eq!(Number::from_f64(value).to_string(), text);
        }
        assert!(Number::from_f64(1e17) == Number::Int(100_000_000_000_000_000));
    }
}

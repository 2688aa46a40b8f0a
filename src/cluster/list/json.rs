//! The objects of a list, found in its JSON while it is still coming in: nothing is parsed, only brackets and texts are told apart.

use std::ops::Range;

use serde::Deserialize;

use super::{Batch, Form, Scan};

/// What the last text on the level of the list's own keys was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Key {
    Items,
    Metadata,
    #[default]
    Other,
}

/// Reads a list of JSON piece by piece.
#[derive(Debug, Default)]
pub(super) struct Json {
    buffer: Vec<u8>,
    /// How much of the buffer has been looked at.
    at: usize,
    depth: usize,
    /// Whether anything has been opened, and whether that was no object.
    begun: bool,
    is_other: bool,
    /// Where the text began that is being read.
    text: Option<usize>,
    /// Whether the next byte of that text stands behind a backslash.
    escaped: bool,
    key: Key,
    in_items: bool,
    /// Where the object, or the list's metadata, began.
    start: usize,
    in_metadata: bool,
    objects: Vec<Range<usize>>,
    metadata: Vec<u8>,
}

#[derive(Default, Deserialize)]
struct ListMetadata {
    #[serde(default)]
    r#continue: Option<String>,
}

impl Scan for Json {
    fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
        while let Some(&byte) = self.buffer.get(self.at) {
            match self.text {
                Some(start) => self.within_text(start),
                None => {
                    match byte {
                        b'"' => self.text = Some(self.at + 1),
                        b'{' | b'[' => self.open(byte),
                        b'}' | b']' => self.close(),
                        _ => {}
                    }
                    self.at += 1;
                }
            }
        }
    }

    fn held(&self) -> usize {
        self.buffer.len()
    }

    fn has(&self, bytes: usize) -> bool {
        self.objects.last().is_some_and(|last| last.end >= bytes)
    }

    fn has_ended(&self) -> bool {
        self.begun && self.depth == 0
    }

    fn may_be_list(&self) -> bool {
        let first = || self.buffer.iter().find(|byte| !byte.is_ascii_whitespace());
        if self.begun { !self.is_other } else { first().is_none_or(|byte| *byte == b'{') }
    }

    fn take(&mut self) -> Batch {
        let end = self.objects.last().map_or(0, |last| last.end);
        let rest = self.buffer.split_off(end);
        let bytes = std::mem::replace(&mut self.buffer, rest);
        self.at -= end;
        self.start = self.start.saturating_sub(end);
        self.text = self.text.map(|start| start.saturating_sub(end));
        Batch { bytes: bytes.into(), objects: std::mem::take(&mut self.objects), form: Form::Json }
    }

    fn next_token(&self) -> String {
        let metadata: ListMetadata = serde_json::from_slice(&self.metadata).unwrap_or_default();
        metadata.r#continue.unwrap_or_default()
    }
}

impl Json {
    fn within_text(&mut self, start: usize) {
        if self.escaped {
            self.escaped = false;
            self.at += 1;
            return;
        }
        let Some(found) = memchr::memchr2(b'"', b'\\', &self.buffer[self.at..]) else {
            self.at = self.buffer.len();
            return;
        };
        self.at += found;
        if self.buffer[self.at] == b'\\' {
            self.escaped = true;
        } else {
            if self.depth == 1 {
                self.key = match self.buffer.get(start..self.at) {
                    Some(b"items") => Key::Items,
                    Some(b"metadata") => Key::Metadata,
                    _ => Key::Other,
                };
            }
            self.text = None;
        }
        self.at += 1;
    }

    fn open(&mut self, byte: u8) {
        match (self.depth, byte, self.key) {
            (1, b'[', Key::Items) => self.in_items = true,
            (1, b'{', Key::Metadata) => {
                self.in_metadata = true;
                self.start = self.at;
            }
            (2, b'{', _) if self.in_items => self.start = self.at,
            _ => {}
        }
        self.depth += 1;
        self.is_other |= !self.begun && byte != b'{';
        self.begun = true;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        match self.depth {
            2 if self.in_items => self.objects.push(self.start..self.at + 1),
            1 if self.in_metadata => {
                self.in_metadata = false;
                self.metadata = self.buffer[self.start..=self.at].to_vec();
            }
            1 => self.in_items = false,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Object;
    use super::*;

    const LIST: &str = r#" {"kind":"SecretList","apiVersion":"v1","metadata":{"continue":"a\"}b","resourceVersion":"7"},
        "items": [ {"metadata":{"name":"a"},"data":{"x":"}]\\\""}}, {"l":[{"items":[{}]}]} ,{}], "more": [{"no": 1}] } "#;

    fn text(object: Object<'_>) -> String {
        let Object::Json(json) = object else { panic!("it is JSON") };
        String::from_utf8(json.to_vec()).unwrap()
    }

    /// All objects of a list, and what to go on with, where it comes in pieces of this size.
    fn read(list: &str, size: usize, at_once: usize) -> (Vec<String>, String) {
        let mut scan = Json::default();
        let mut found = Vec::new();
        for piece in list.as_bytes().chunks(size) {
            scan.push(piece);
            assert!(scan.may_be_list());
            if scan.has(at_once) {
                found.extend(scan.take().objects().map(text));
            }
        }
        assert!(scan.has_ended());
        found.extend(scan.take().objects().map(text));
        (found, scan.next_token())
    }

    #[test]
    fn the_objects_are_found_however_they_come_in() {
        for size in 1..LIST.len() {
            for at_once in [1, 20, 1000] {
                let (objects, metadata) = read(LIST, size, at_once);
                let expected =
                    [r#"{"metadata":{"name":"a"},"data":{"x":"}]\\\""}}"#, r#"{"l":[{"items":[{}]}]}"#, "{}"];
                assert_eq!(objects, expected, "in pieces of {size}");
                assert_eq!(metadata, "a\"}b");
            }
        }
    }

    #[test]
    fn a_list_without_objects_has_none() {
        for list in [r#"{"items":null,"metadata":{}}"#, r#"{"items":[],"metadata":{}}"#, r#"{"metadata":{}}"#] {
            assert_eq!(read(list, 3, 1), (Vec::new(), String::new()), "{list}");
        }
    }

    #[test]
    fn what_is_cut_off_has_not_ended() {
        for end in 1..LIST.trim().len() {
            let mut scan = Json::default();
            scan.push(&LIST.trim().as_bytes()[..end]);
            assert!(!scan.has_ended(), "{}", &LIST.trim()[..end]);
        }
        for other in ["<html>", "[]", " [{", "7"] {
            let mut scan = Json::default();
            scan.push(other.as_bytes());
            assert!(!scan.may_be_list(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_input_makes_it_panic(input in proptest::collection::vec(prop_oneof![
            Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b'"'), Just(b'\\'), Just(b'a')], 0..200), size in 1..9_usize) {
            let mut scan = Json::default();
            scan.push(br#"{"items":["#);
            for piece in input.chunks(size) {
                scan.push(piece);
                scan.take();
            }
        }
    }
}

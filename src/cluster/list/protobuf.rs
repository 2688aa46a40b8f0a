//! The objects of a list, found in its protobuf while it is still coming in: only the lengths of fields are read.
//!
//! An answer is four bytes and a `runtime.Unknown`, whose field `raw` holds the list; in that, field 1 is its metadata and each
//! field 2 an object. See <https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding>.

use std::ops::Range;

use prost::Message;
use prost::encoding::WireType;

use super::{Batch, Form, Scan};
use crate::cluster::protobuf::MAGIC;

/// The fields of `runtime.Unknown` and of lists that count.
const RAW: u32 = 2;
const METADATA: u32 = 1;
const ITEMS: u32 = 2;
/// The key and the length of a field take no more bytes.
const LONGEST_HEAD: usize = 20;

/// Reads a list of protobuf piece by piece.
#[derive(Debug, Default)]
pub(super) struct Protobuf {
    buffer: Vec<u8>,
    /// How much of the buffer has been looked at: always up to the beginning of a field.
    at: usize,
    begun: bool,
    is_other: bool,
    /// How much of the list is still to come; none before it, and behind it.
    list: Option<usize>,
    has_list: bool,
    objects: Vec<Range<usize>>,
    next_token: String,
}

/// `metav1.ListMeta`, as far as it counts.
#[derive(Clone, PartialEq, Message)]
struct ListMeta {
    #[prost(string, tag = "3")]
    r#continue: String,
}

/// The beginning of a field: its number, how many bytes that takes, and how many its value.
struct Field {
    number: u32,
    head: usize,
    value: usize,
}

/// Reads where a field begins; `None` where more is to come.
///
/// # Errors
/// If it is none.
fn field(bytes: &[u8]) -> Result<Option<Field>, ()> {
    let mut rest = &bytes[..bytes.len().min(LONGEST_HEAD)];
    let length = rest.len();
    let unfinished = |_| if length < LONGEST_HEAD { Ok(None) } else { Err(()) };
    if rest.is_empty() {
        return Ok(None);
    }
    let (number, wire_type) = match prost::encoding::decode_key(&mut rest) {
        Ok(key) => key,
        Err(error) => return unfinished(error),
    };
    let before = rest.len();
    let value = match wire_type {
        WireType::LengthDelimited => match prost::encoding::decode_varint(&mut rest) {
            Ok(value) => usize::try_from(value).map_err(|_| ())?,
            Err(error) => return unfinished(error),
        },
        WireType::Varint => match prost::encoding::decode_varint(&mut rest) {
            Ok(_) => return Ok(Some(Field { number, head: length - before, value: before - rest.len() })),
            Err(error) => return unfinished(error),
        },
        WireType::SixtyFourBit => 8,
        WireType::ThirtyTwoBit => 4,
        WireType::StartGroup | WireType::EndGroup => return Err(()),
    };
    Ok(Some(Field { number, head: length - rest.len(), value }))
}

impl Protobuf {
    /// Looks at the next field. Says whether there was a whole one.
    fn step(&mut self) -> Result<bool, ()> {
        let Some(Field { number, head, value }) = field(&self.buffer[self.at..])? else { return Ok(false) };
        let Some(list) = self.list else {
            if number == RAW && !self.has_list {
                self.at += head;
                (self.list, self.has_list) = (Some(value), true);
                return Ok(true);
            }
            return self.skip(head, value).map(|range| range.is_some());
        };
        let whole = head.checked_add(value).filter(|whole| *whole <= list).ok_or(())?;
        let Some(range) = self.skip(head, value)? else { return Ok(false) };
        self.list = Some(list - whole);
        match number {
            METADATA => {
                let metadata = ListMeta::decode(&self.buffer[range]).map_err(drop)?;
                self.next_token = metadata.r#continue;
            }
            ITEMS => self.objects.push(range),
            _ => {}
        }
        Ok(true)
    }

    /// Where the value of the next field is, once all of it is there.
    fn skip(&mut self, head: usize, value: usize) -> Result<Option<Range<usize>>, ()> {
        let start = self.at + head;
        let end = start.checked_add(value).ok_or(())?;
        if end > self.buffer.len() {
            return Ok(None);
        }
        self.at = end;
        Ok(Some(start..end))
    }
}

impl Scan for Protobuf {
    fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
        if !self.begun {
            let known = self.buffer.len().min(MAGIC.len());
            self.is_other |= self.buffer[..known] != MAGIC[..known];
            if self.buffer.len() < MAGIC.len() {
                return;
            }
            (self.begun, self.at) = (true, MAGIC.len());
        }
        while !self.is_other {
            if self.list == Some(0) {
                self.list = None;
            }
            match self.step() {
                Ok(true) => {}
                Ok(false) => return,
                Err(()) => self.is_other = true,
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
        self.has_list && self.list.is_none() && self.at == self.buffer.len()
    }

    fn may_be_list(&self) -> bool {
        !self.is_other
    }

    fn take(&mut self) -> Batch {
        let end = self.objects.last().map_or(0, |last| last.end);
        let rest = self.buffer.split_off(end);
        let bytes = std::mem::replace(&mut self.buffer, rest);
        self.at -= end;
        Batch { bytes: bytes.into(), objects: std::mem::take(&mut self.objects), form: Form::Protobuf }
    }

    fn next_token(&self) -> String {
        self.next_token.clone()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Object;
    use super::*;

    /// A field of this number.
    fn of(number: u8, value: &[u8]) -> Vec<u8> {
        let mut field = vec![number << 3 | 2];
        prost::encoding::encode_varint(value.len() as u64, &mut field);
        field.extend_from_slice(value);
        field
    }

    fn list(objects: &[&[u8]]) -> Vec<u8> {
        let metadata = [of(2, b"7"), of(3, b"more"), vec![4 << 3, 200, 1]].concat();
        let items: Vec<u8> = objects.iter().flat_map(|object| of(2, object)).collect();
        let list = [of(1, &metadata), items, vec![9 << 3 | 5, 1, 2, 3, 4]].concat();
        [MAGIC.to_vec(), of(1, b"type"), of(2, &list), of(3, b""), of(4, b"")].concat()
    }

    fn objects(scan: &mut Protobuf) -> Vec<Vec<u8>> {
        let bytes = |object| match object {
            Object::Protobuf(bytes) => bytes.to_vec(),
            Object::Json(_) => panic!("it is protobuf"),
        };
        scan.take().objects().map(bytes).collect()
    }

    #[test]
    fn the_objects_are_found_however_they_come_in() {
        let large = vec![b'x'; 300];
        let list = list(&[b"one", b"", &large]);
        for size in 1..list.len() {
            for at_once in [1, 20, 1000] {
                let (mut scan, mut found) = (Protobuf::default(), Vec::new());
                for piece in list.chunks(size) {
                    scan.push(piece);
                    assert!(scan.may_be_list());
                    if scan.has(at_once) {
                        found.extend(objects(&mut scan));
                    }
                }
                assert!(scan.has_ended());
                found.extend(objects(&mut scan));
                assert_eq!(found, [b"one".to_vec(), Vec::new(), large.clone()], "in pieces of {size}");
                assert_eq!(scan.next_token(), "more");
            }
        }
    }

    #[test]
    fn a_list_without_objects_has_none() {
        for list in [list(&[]), [MAGIC.to_vec(), of(1, b"type"), of(2, b"")].concat()] {
            let mut scan = Protobuf::default();
            scan.push(&list);
            assert!(scan.has_ended() && scan.may_be_list() && objects(&mut scan).is_empty());
        }
    }

    #[test]
    fn what_is_cut_off_has_not_ended() {
        let list = list(&[b"one", b"two"]);
        let behind_the_list = list.len() - 4;
        for end in 1..behind_the_list {
            let mut scan = Protobuf::default();
            scan.push(&list[..end]);
            assert!(!scan.has_ended() && scan.may_be_list(), "{end}");
        }
    }

    #[test]
    fn what_is_no_list_is_told() {
        let longer_than_the_list = [MAGIC.to_vec(), of(2, &[2 << 3 | 2, 9, b'x'])].concat();
        let group = [MAGIC.to_vec(), vec![1 << 3 | 3]].concat();
        let endless = [MAGIC.to_vec(), vec![0xff; 30]].concat();
        for other in [b"key: value".to_vec(), b"k8s!".to_vec(), longer_than_the_list, group, endless] {
            let mut scan = Protobuf::default();
            scan.push(&other);
            assert!(!scan.may_be_list(), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn no_input_makes_it_panic(input in proptest::collection::vec(prop_oneof![0..30_u8, any::<u8>()], 0..200), size in 1..9_usize) {
            let mut scan = Protobuf::default();
            scan.push(&MAGIC);
            for piece in input.chunks(size) {
                scan.push(piece);
                scan.take();
            }
        }
    }
}

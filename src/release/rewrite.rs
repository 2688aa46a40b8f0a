//! Changes the status and the description within a stored record, and not one byte besides. Pure.
//!
//! The record is not read and written anew: fields that this program does not know, numbers and their spelling, and the order
//! of keys all matter to Helm. The two texts are replaced where they stand.

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::release::decode::{self, DecodeError};

/// A description is no longer than this, in characters.
pub const LONGEST_DESCRIPTION: usize = 300;

/// Shorter than this, in characters, a description is not cut to make it fit: it is left as it was.
const SHORTEST_DESCRIPTION: usize = 16;

/// What a record says about its revision, as far as it can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The status, as Helm spells it.
    pub status: String,
    /// The description.
    pub description: String,
}

/// What it shall say. `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// The status, as Helm spells it.
    pub status: Option<String>,
    /// The description; [`one_line`] makes one.
    pub description: Option<String>,
}

/// A record, unpacked.
pub struct Unpacked {
    json: Vec<u8>,
    gzip: bool,
    size: usize,
    places: Places,
}

/// Where the texts stand.
struct Places {
    name: String,
    revision: u32,
    stated: Stated,
    status: Place,
    description: Place,
}

/// Where a text stands in the JSON, or where it would.
struct Place {
    range: Range<usize>,
    /// Whether there is no such key yet.
    absent: bool,
}

impl Unpacked {
    /// Unpacks the value of the key `release` (of a Secret, after the API's own base64).
    ///
    /// # Errors
    /// If it is no record, or names the same key twice where this program would have to choose.
    pub fn new(payload: &[u8]) -> Result<Self, DecodeError> {
        let (json, gzip) = decode::unpack(payload, decode::MAX_INFLATED)?;
        let places = places(&json)?;
        Ok(Self { json, gzip, size: payload.len(), places })
    }

    /// The release's name and the revision, as the record has them.
    #[must_use]
    pub fn identity(&self) -> (&str, u32) {
        (&self.places.name, self.places.revision)
    }

    /// What it says now.
    #[must_use]
    pub fn stated(&self) -> &Stated {
        &self.places.stated
    }

    /// Packs it again in the form it had, with another statement. If that is larger than `room` bytes and than it was, the
    /// description is cut, and left as it was in the end.
    #[must_use]
    pub fn pack(&self, statement: &Statement, room: usize) -> Vec<u8> {
        let mut statement = statement.clone();
        loop {
            let payload = encode(&self.with(&statement), self.gzip);
            if payload.len() <= room.max(self.size) {
                return payload;
            }
            let Some(description) = statement.description.take() else { return payload };
            let half = description.chars().count() / 2;
            statement.description = (half >= SHORTEST_DESCRIPTION).then(|| cut(&description, half));
        }
    }

    /// The JSON with other texts.
    fn with(&self, statement: &Statement) -> Vec<u8> {
        let mut edits: Vec<(&Range<usize>, String)> = Vec::new();
        let texts = [
            ("status", &self.places.status, &statement.status),
            ("description", &self.places.description, &statement.description),
        ];
        for (key, place, text) in texts {
            let Some(text) = text else { continue };
            let text = quoted(text);
            // A new key stands first, so that a comma always follows: `info` has at least the status of a release.
            edits.push((&place.range, if place.absent { format!("\"{key}\":{text},") } else { text }));
        }
        edits.sort_by_key(|(range, _)| range.start);
        let mut json = Vec::with_capacity(self.json.len() + 1024);
        let mut at = 0;
        for (range, text) in edits {
            json.extend_from_slice(&self.json[at..range.start]);
            json.extend_from_slice(text.as_bytes());
            at = range.end;
        }
        json.extend_from_slice(&self.json[at..]);
        json
    }
}

impl fmt::Debug for Unpacked {
    /// Without the content, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unpacked({} revision {})", self.places.name, self.places.revision)
    }
}

/// A text as one line fit for a description: white space runs become one space, what could steer a terminal goes, and what
/// exceeds [`LONGEST_DESCRIPTION`] is cut.
#[must_use]
pub fn one_line(text: &str) -> String {
    let harmless = |c: &char| !crate::manifest::emit::is_unprintable(*c);
    let words = text.split_whitespace().map(|word| word.chars().filter(harmless).collect::<String>());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if line.chars().count() > LONGEST_DESCRIPTION { cut(&line, LONGEST_DESCRIPTION) } else { line }
}

fn cut(text: &str, length: usize) -> String {
    let kept: String = text.chars().take(length.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn encode(json: &[u8], gzip: bool) -> Vec<u8> {
    let packed = gzip.then(|| {
        let mut encoder = GzEncoder::new(Vec::with_capacity(json.len() / 6), Compression::best());
        // Writing to memory does not fail.
        encoder.write_all(json).and_then(|()| encoder.finish()).ok()
    });
    STANDARD.encode(packed.flatten().as_deref().unwrap_or(json)).into_bytes()
}

/// The entries of an object, in order, each value as it is written.
struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry::<String, &'de RawValue>()? {
                    entries.push((Cow::Owned(entry.0), entry.1));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl<'a> Entries<'a> {
    /// The value of a key. Go takes keys in any case of letters and the last of several, so where there is more than one, it is
    /// not for us to say which counts.
    fn only(&self, key: &str) -> Result<Option<&'a RawValue>, DecodeError> {
        let mut found = self.0.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| *value);
        match (found.next(), found.next()) {
            (found, None) => Ok(found),
            _ => Err(DecodeError::Json { what: "a key stands twice", line: 1, column: 1 }),
        }
    }
}

fn places(json: &[u8]) -> Result<Places, DecodeError> {
    let text = std::str::from_utf8(json).map_err(|_| DecodeError::Json { what: "no UTF-8", line: 1, column: 1 })?;
    let release: Entries<'_> = parse(text)?;
    let missing = || DecodeError::Json { what: "no name, revision or info", line: 1, column: 1 };
    let name: String = parse(release.only("name")?.ok_or_else(missing)?.get())?;
    let revision: u32 = parse(release.only("version")?.ok_or_else(missing)?.get())?;
    let info = release.only("info")?.ok_or_else(missing)?;
    let entries: Entries<'_> = parse(info.get())?;
    let status = entries.only("status")?.ok_or_else(missing)?;
    let description = entries.only("description")?;
    let stated = Stated {
        status: parse(status.get())?,
        description: description
            .map(|text| parse::<Option<String>>(text.get()))
            .transpose()?
            .flatten()
            .unwrap_or_default(),
    };
    let inside = offset(text, info.get()) + 1;
    let description = match description {
        Some(found) => Place { range: range(text, found), absent: false },
        None => Place { range: inside..inside, absent: true },
    };
    Ok(Places { name, revision, stated, status: Place { range: range(text, status), absent: false }, description })
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, DecodeError> {
    serde_json::from_str(text).map_err(|error| decode::json_error(&error))
}

fn range(text: &str, part: &RawValue) -> Range<usize> {
    let start = offset(text, part.get());
    start..start + part.get().len()
}

/// Where a part of a text begins, in bytes. A borrowed value is always a part of what it was read from.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spelled as Helm does not: what this program does not know, numbers and white space must all stay.
    const RECORD: &str = "{\"name\":\"web\", \"info\":{ \"first_deployed\":\"2026-01-01T00:00:00Z\",\"description\":\"Preparing \\u003cupgrade\\u003e\",\"status\":\"pending-upgrade\",\"notes\":\"\\u0041\"},\"chart\":{\"n\":1.00,\"b\":12345678901234567890},\"config\":{\"status\":\"x\"},\"manifest\":\"---\\n\",\"version\":7,\"own\":{\"description\":1}}\n";

    fn payload(json: &str, gzip: bool) -> Vec<u8> {
        encode(json.as_bytes(), gzip)
    }

    fn statement(status: Option<&str>, description: Option<&str>) -> Statement {
        Statement { status: status.map(str::to_owned), description: description.map(str::to_owned) }
    }

    fn repacked(json: &str, gzip: bool, statement: &Statement) -> String {
        let packed = Unpacked::new(&payload(json, gzip)).unwrap().pack(statement, 1 << 20);
        let (json, is_gzip) = decode::unpack(&packed, 1 << 20).unwrap();
        assert_eq!(is_gzip, gzip, "the form is kept");
        String::from_utf8(json).unwrap()
    }

    #[test]
    fn only_the_two_texts_change() {
        for gzip in [true, false] {
            let expected = RECORD.replace("\"pending-upgrade\"", "\"failed\"");
            assert_eq!(repacked(RECORD, gzip, &statement(Some("failed"), None)), expected);
            let expected = expected.replace("\"Preparing \\u003cupgrade\\u003e\"", "\"it \\\"failed\\\"\"");
            assert_eq!(repacked(RECORD, gzip, &statement(Some("failed"), Some("it \"failed\""))), expected);
            assert_eq!(repacked(RECORD, gzip, &Statement::default()), RECORD);
        }
    }

    #[test]
    fn what_it_says_is_read() {
        let unpacked = Unpacked::new(&payload(RECORD, true)).unwrap();
        assert_eq!(unpacked.identity(), ("web", 7));
        assert_eq!(unpacked.stated().status, "pending-upgrade");
        assert_eq!(unpacked.stated().description, "Preparing <upgrade>");
    }

    #[test]
    fn a_description_is_added_where_there_is_none() {
        let json = r#"{"name":"a","version":1,"info":{"status":"failed"}}"#;
        let new = repacked(json, true, &statement(Some("deployed"), Some("why")));
        assert_eq!(new, r#"{"name":"a","version":1,"info":{"description":"why","status":"deployed"}}"#);
    }

    #[test]
    fn what_is_no_record_or_could_be_read_in_two_ways_is_refused() {
        for json in [
            "",
            "{}",
            "[]",
            r#"{"name":"a","version":1}"#,
            r#"{"name":"a","version":1,"info":{}}"#,
            r#"{"name":"a","version":1,"info":[]}"#,
            r#"{"name":"a","version":-1,"info":{"status":"x"}}"#,
            r#"{"name":"a","version":1,"info":{"status":"x","Status":"y"}}"#,
            r#"{"name":"a","version":1,"info":{"status":"x"},"INFO":{"status":"y"}}"#,
            r#"{"name":"a","version":1,"info":{"status":"x"}"#,
        ] {
            assert!(Unpacked::new(&payload(json, true)).is_err(), "{json}");
        }
        assert_eq!(Unpacked::new(b"?").unwrap_err(), DecodeError::Base64);
        assert_eq!(Unpacked::new(&payload(RECORD, true)[..40]).unwrap_err(), DecodeError::Gzip);
    }

    #[test]
    fn a_record_near_the_limit_keeps_its_status_before_its_description() {
        let unpacked = Unpacked::new(&payload(RECORD, false)).unwrap();
        let size = unpacked.pack(&statement(Some("failed"), None), 0).len();
        let long = "x".repeat(300);
        let wanted = statement(Some("failed"), Some(&long));
        let tight = unpacked.pack(&wanted, size + 80);
        assert!(tight.len() <= size + 80, "{} of {}", tight.len(), size + 80);
        let tight = Unpacked::new(&tight).unwrap();
        assert_eq!(tight.stated().status, "failed");
        assert!(tight.stated().description.starts_with("xxxxx") && tight.stated().description.ends_with('…'));
        let brief = RECORD.replace("Preparing \\u003cupgrade\\u003e", "a");
        let full = Unpacked::new(&payload(&brief, false)).unwrap().pack(&wanted, 10);
        let expected = Stated { status: "failed".to_owned(), description: "a".to_owned() };
        assert_eq!(Unpacked::new(&full).unwrap().stated(), &expected, "a description as long as that fits nowhere");
    }

    #[test]
    fn a_description_is_one_clean_bounded_line() {
        assert_eq!(one_line("  a\n\tb\u{1b}[31m \u{202e}c "), "a b[31m c");
        let long = one_line(&"é".repeat(5000));
        assert_eq!(long.chars().count(), LONGEST_DESCRIPTION);
        assert!(long.ends_with('…'));
    }
}

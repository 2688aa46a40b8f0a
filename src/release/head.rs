//! The head of a record: what a list of revisions shows. Helm writes it first, so only the first kilobytes are inflated.
//! Pure.

use std::cell::Cell;
use std::fmt;
use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::release::Release;
use crate::release::decode::{self, DecodeError, GZIP_MAGIC, MAX_INFLATED};

/// What the head of a record says. Whatever is not there is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The status, as Helm spells it.
    pub status: String,
    /// When this revision was made; RFC 3339.
    pub last_deployed: String,
    /// What happened.
    pub description: String,
    /// The chart's name.
    pub chart: String,
    /// The chart's version.
    pub version: String,
    /// The version of what the chart installs.
    pub app_version: String,
}

impl Head {
    /// Decodes the head of a record, of the value that [`decode::decode`] takes.
    ///
    /// # Errors
    /// As [`decode::decode`], as far as it is read. What is broken further behind is not seen.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let bytes = STANDARD.decode(payload.trim_ascii()).map_err(|_| DecodeError::Base64)?;
        if bytes.starts_with(&GZIP_MAGIC) {
            read(GzDecoder::new(bytes.as_slice()).take(MAX_INFLATED))
        } else {
            read(bytes.as_slice())
        }
    }

    /// The same of a payload that is itself read bit by bit: of a large one only the beginning is decoded.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_from(payload: impl Read) -> Result<Self, DecodeError> {
        let broken = Cell::new(false);
        let mut bytes = Watched { inner: DecoderReader::new(payload, &STANDARD), broken: &broken };
        let mut first = Vec::with_capacity(GZIP_MAGIC.len());
        let begun = bytes.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut first);
        let head = match begun {
            Err(_) => return Err(DecodeError::Base64),
            Ok(_) if first == GZIP_MAGIC => read(GzDecoder::new(first.as_slice().chain(bytes)).take(MAX_INFLATED)),
            Ok(_) => read(first.as_slice().chain(bytes)),
        };
        if broken.get() { Err(DecodeError::Base64) } else { head }
    }

    /// The head of a release that was read as a whole.
    #[must_use]
    pub fn of(release: &Release) -> Self {
        Self {
            status: release.info.status.clone(),
            last_deployed: release.info.last_deployed.clone(),
            description: release.info.description.clone(),
            chart: release.chart.name().to_owned(),
            version: release.chart.version().to_owned(),
            app_version: release.chart.app_version().to_owned(),
        }
    }
}

/// Notes whether reading failed, as what reads from it tells its own story of that.
struct Watched<'a, R> {
    inner: R,
    broken: &'a Cell<bool>,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.inner.read(into).inspect_err(|_| self.broken.set(true))
    }
}

fn read(from: impl Read) -> Result<Head, DecodeError> {
    let mut found = Found::default();
    let mut deserializer = serde_json::Deserializer::from_reader(std::io::BufReader::with_capacity(16 * 1024, from));
    let read = Root(&mut found).deserialize(&mut deserializer);
    if !found.is_enough() {
        match read {
            Err(error) if error.is_io() => return Err(DecodeError::Gzip),
            Err(error) => return Err(decode::json_error(&error)),
            // A record without a chart is one all the same.
            Ok(()) if found.info.is_some() => {}
            Ok(()) => return Err(DecodeError::Json { what: "no info", line: 1, column: 1 }),
        }
    }
    let (info, chart) = (found.info.unwrap_or_default(), found.chart.unwrap_or_default());
    let text = |value: Value| match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    Ok(Head {
        status: text(info.status),
        last_deployed: text(info.last_deployed),
        description: text(info.description),
        chart: text(chart.name),
        version: text(chart.version),
        app_version: text(chart.app_version),
    })
}

#[derive(Default)]
struct Found {
    info: Option<Info>,
    chart: Option<Metadata>,
}

impl Found {
    fn is_enough(&self) -> bool {
        self.info.is_some() && self.chart.is_some()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Info {
    status: Value,
    last_deployed: Value,
    description: Value,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: Value,
    version: Value,
    app_version: Value,
}

/// The record.
struct Root<'a>(&'a mut Found);

/// Its chart.
struct Chart<'a>(&'a mut Found);

/// Reading ends with an error once all is found: the rest need not even be inflated.
const ENOUGH: &str = "enough";

impl<'de> DeserializeSeed<'de> for Root<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Root<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a release")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "info" => self.0.info = map.next_value()?,
                "chart" => map.next_value_seed(Chart(self.0))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            if self.0.is_enough() {
                return Err(A::Error::custom(ENOUGH));
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Chart<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Chart<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a chart")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key != "metadata" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            self.0.chart = map.next_value()?;
            if self.0.is_enough() {
                return Err(A::Error::custom(ENOUGH));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const RECORD: &str = r#"{"name":"web","info":{"first_deployed":"x","last_deployed":"2026-11-21T13:00:00Z","description":"Upgrade complete","status":"deployed","notes":"n"},"chart":{"metadata":{"name":"parts","version":"1.0.0","appVersion":"2.1"},"templates":[{"data":"xxxx"}]},"config":{},"manifest":"m","version":7}"#;

    fn gzipped(json: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(json.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn expected() -> Head {
        Head {
            status: "deployed".to_owned(),
            last_deployed: "2026-11-21T13:00:00Z".to_owned(),
            description: "Upgrade complete".to_owned(),
            chart: "parts".to_owned(),
            version: "1.0.0".to_owned(),
            app_version: "2.1".to_owned(),
        }
    }

    #[test]
    fn the_head_is_what_the_whole_record_says() {
        let whole = decode::from_json(RECORD.as_bytes()).unwrap();
        assert_eq!(Head::of(&whole), expected());
        for bytes in [gzipped(RECORD), RECORD.as_bytes().to_vec()] {
            let payload = STANDARD.encode(bytes);
            assert_eq!(Head::decode(payload.as_bytes()).unwrap(), expected());
            assert_eq!(Head::decode_from(payload.as_bytes()).unwrap(), expected());
            let twice = STANDARD.encode(&payload);
            assert_eq!(Head::decode_from(DecoderReader::new(twice.as_bytes(), &STANDARD)).unwrap(), expected());
        }
    }

    #[test]
    fn what_is_broken_is_told_alike_however_it_is_read() {
        let gzipped = gzipped(RECORD);
        let payloads = ["?".to_owned(), STANDARD.encode(&gzipped[..40]), STANDARD.encode("{}"), String::new()];
        for payload in payloads {
            let whole = Head::decode(payload.as_bytes()).unwrap_err();
            assert_eq!(Head::decode_from(payload.as_bytes()).unwrap_err(), whole, "{payload}");
        }
        let cut = format!("{}?", &STANDARD.encode(&gzipped)[..40]);
        assert_eq!(Head::decode_from(cut.as_bytes()).unwrap_err(), DecodeError::Base64);
    }

    #[test]
    fn what_stands_behind_it_is_not_read() {
        let cut = &RECORD[..RECORD.find("templates").unwrap()];
        assert_eq!(Head::decode(STANDARD.encode(cut).as_bytes()).unwrap(), expected());
    }

    #[test]
    fn another_order_is_read_too_and_what_is_missing_is_empty() {
        let turned = r#"{"chart":{"files":[],"metadata":{"name":"a","appVersion":2}},"version":1,"info":{"status":"failed","notes":null}}"#;
        let head = Head::decode(STANDARD.encode(turned).as_bytes()).unwrap();
        assert_eq!((head.chart.as_str(), head.app_version.as_str(), head.status.as_str()), ("a", "2", "failed"));
        let bare = Head::decode(STANDARD.encode(r#"{"info":{"status":"failed"},"chart":null}"#).as_bytes()).unwrap();
        assert_eq!(bare, Head { status: "failed".to_owned(), ..Head::default() });
    }

    #[test]
    fn what_is_no_record_is_an_error() {
        let decode = |json: &str| Head::decode(STANDARD.encode(json).as_bytes());
        for json in ["", "[]", "{}", "5", r#"{"info":"#, r#"{"info":5}"#, r#"{"info":{},"chart":7}"#] {
            assert!(decode(json).is_err(), "{json}");
        }
        assert_eq!(Head::decode(b"?").unwrap_err(), DecodeError::Base64);
        let cut = &gzipped(RECORD)[..40];
        assert_eq!(Head::decode(STANDARD.encode(cut).as_bytes()).unwrap_err(), DecodeError::Gzip);
    }
}

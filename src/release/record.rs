//! A release as Helm has it in JSON, before it is packed for storage.

use std::fmt;
use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The JSON of a whole release: its chart with templates and files, values, hooks and manifest. It may hold secrets, and does not
/// print them.
#[derive(Clone)]
pub struct Record(Arc<[u8]>);

impl Record {
    /// Keeps the JSON.
    #[must_use]
    pub fn new(json: &[u8]) -> Self {
        Self(json.into())
    }

    /// How many bytes it takes in Helm's storage, below the API's own base64: gzip at its best, then base64 (`encodeRelease` in
    /// Helm's `pkg/storage/driver/util.go`). Other programs' gzip differs by a few percent. What takes less than `enough` even when
    /// it is not compressed is not compressed.
    #[must_use]
    pub fn size(&self, enough: usize) -> usize {
        let in_base64 = |bytes: usize| bytes.div_ceil(3) * 4;
        let plain = in_base64(self.0.len());
        if plain < enough {
            return plain;
        }
        let mut encoder = GzEncoder::new(Count(0), Compression::best());
        // Counting never fails.
        let counted = encoder.write_all(&self.0).and_then(|()| encoder.finish());
        counted.map_or(plain, |count| in_base64(count.0))
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({} bytes)", self.0.len())
    }
}

/// Takes bytes and only counts them.
struct Count(usize);

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_takes_what_it_takes_compressed() {
        let record = Record::new("x".repeat(300_000).as_bytes());
        assert_eq!(record.size(500_000), 400_000, "it fits as it is");
        assert!(record.size(100_000) < 2_000);
        assert_eq!(format!("{record:?}"), "Record(300000 bytes)");
    }
}

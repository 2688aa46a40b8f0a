//! As one JSON document (`docs/diagnose.md`).

use std::io::{Error, Result, Write};

use serde::Serialize as _;

use crate::report::diagnosis::Diagnosis;
use crate::report::escape::Escaping;

/// Writes the document.
///
/// # Errors
/// If it can't be written.
pub fn write(diagnosis: &Diagnosis, out: &mut dyn Write) -> Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Escaping::default());
    diagnosis.serialize(&mut serializer).map_err(Error::from)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back_and_steers_no_terminal() {
        let mut out = Vec::new();
        write(&super::super::example::example(), &mut out).unwrap();
        assert!(!out.contains(&0x1b));
        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(read["causes"][0]["rule"], "crash");
        assert_eq!(read["causes"][0]["certainty"], "likely");
        assert_eq!(read["objects"][0]["state"], "waiting");
        assert_eq!(read["logs"][0]["lines"][1], "fatal: \u{1b}[31m`x`");
    }
}

//! JSON that steers no terminal: what could is written as `\\u….`, which reads as the same text.

use std::io::{Result, Write};

use serde_json::ser::{Formatter, PrettyFormatter};

use crate::report::style::steers;

/// Writes JSON indented, with every character escaped that could steer a terminal. JSON itself asks for that only below
/// U+0020.
#[derive(Default)]
pub(super) struct Escaping(PrettyFormatter<'static>);

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> Result<()> {
        let mut shown = 0;
        for (at, character) in fragment.char_indices().filter(|(_, character)| steers(*character)) {
            out.write_all(&fragment.as_bytes()[shown..at])?;
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}")?;
            }
            shown = at + character.len_utf8();
        }
        out.write_all(&fragment.as_bytes()[shown..])
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped_and_reads_the_same() {
        let text = "a\u{1b}[2J \u{7f}\u{9b}31m \u{202e}\u{feff} é \"quoted\" \t\n";
        let mut out = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, Escaping::default());
        serde::Serialize::serialize(&[text], &mut serializer).unwrap();
        let json = String::from_utf8(out).unwrap();
        assert!(!json.trim_end().replace('\n', "").chars().any(steers), "{json:?}");
        assert!(json.contains("\\u009b31m \\u202e\\ufeff é"), "{json}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&json).unwrap(), [text]);
    }
}

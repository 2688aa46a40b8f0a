//! What each values file and flag of a command line supplies, as far as it can be read here.

use std::io::Read as _;

use crate::helm::flags::ValueFlags;
use crate::manifest::yaml;
use crate::release::supplied::{Supplied, Text};

/// Larger values files are not looked into, in bytes.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// All that is supplied, in the order in which Helm merges it. (Helm: `values.Options.MergeValues`.)
pub(super) fn supplied(flags: &ValueFlags, stdin: Option<&[u8]>) -> Vec<Supplied> {
    let files = flags.paths().map(|path| file(path.trim(), stdin));
    let by = |flag: &'static str, texts: &[String]| -> Vec<Supplied> {
        texts.iter().map(|text| Supplied::by_flag(flag, text)).collect()
    };
    files
        .chain(by("--set-json", &flags.set_json))
        .chain(by("--set", &flags.set))
        .chain(by("--set-string", &flags.set_string))
        .chain(by("--set-file", &flags.set_file))
        .chain(flags.set_literal.iter().map(|text| Supplied::by_literal(text)))
        .collect()
}

/// What a file supplies. Of a URL, or of anything that Helm may read in another way, it is not known; a broken file is Helm's to refuse.
fn file(path: &str, stdin: Option<&[u8]>) -> Supplied {
    let of = |origin: &str, text: Option<String>| {
        let tree = text.as_deref().and_then(|text| yaml::parse(text).ok());
        Supplied { origin: origin.to_owned(), tree, text: text.map(|text| Text(text.into())) }
    };
    match stdin {
        Some(bytes) if path == "-" => of("standard input", String::from_utf8(bytes.to_vec()).ok()),
        _ => of(path, read(path)),
    }
}

fn read(path: &str) -> Option<String> {
    let file = std::fs::File::open(path).ok()?;
    // A pipe can be read once, and Helm is to read it.
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text).ok()?;
    Some(text)
}

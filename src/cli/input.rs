//! Files named on the command line.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::diff::release::Both;
use crate::error::{Error, Kind};
use crate::manifest::surroundings;

/// Larger files are refused, in bytes.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// Reads two files; `-` is standard input, and may stand for one of them.
pub(super) fn read_both(old: &Path, new: &Path) -> Result<Both<String>, Error> {
    if is_stdin(old) && is_stdin(new) {
        return Err(Error::new(Kind::Usage, "standard input can be one of the two manifests only"));
    }
    Ok(Both { old: read(old)?, new: read(new)? })
}

/// Reads all of standard input; `what` is for messages.
pub(super) fn read_stdin(what: &str) -> Result<Vec<u8>, Error> {
    let failed = |cause: String| Error::new(Kind::Usage, format!("cannot read {what} from standard input: {cause}"));
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(failed(format!("there is more than {} MiB", MAX_FILE / 1024 / 1024)));
    }
    Ok(bytes)
}

/// The folder that paths are seen from.
pub(super) fn current_folder() -> Result<PathBuf, Error> {
    std::env::current_dir().map_err(|error| Error::new(Kind::Usage, format!("cannot tell the current folder: {error}")))
}

/// The name of a file for a reader.
pub(super) fn name(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// Whether a path stands for standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads a text file; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<String, Error> {
    let failed = |cause: String| Error::new(Kind::Usage, format!("cannot read {}: {cause}", name(path)));
    let mut bytes = Vec::new();
    let read = if is_stdin(path) {
        std::io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => failed("there is no such file".to_owned()),
        std::io::ErrorKind::IsADirectory => failed("it is a folder".to_owned()),
        std::io::ErrorKind::PermissionDenied => failed("you may not read it".to_owned()),
        _ => failed(error.to_string()),
    })?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(failed(format!("it is larger than {} MiB", MAX_FILE / 1024 / 1024)));
    }
    decode(bytes).map_err(|(cause, hint)| {
        let error = failed(cause);
        if hint.is_empty() { error } else { error.hint(hint) }
    })
}

/// Text as its bytes say: UTF-8, or UTF-16 with a byte order mark, which PowerShell writes. What goes wrong is told as
/// cause and hint.
fn decode(bytes: Vec<u8>) -> Result<String, (String, &'static str)> {
    let text = match bytes.as_slice() {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        _ => String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
            let byte = error.as_bytes().get(at).copied().unwrap_or_default();
            let cause = format!("line {line} is not UTF-8: byte {} of the file is 0x{byte:02x}", at + 1);
            (cause, "save the file as UTF-8, or give a file of text")
        })?,
    };
    if let Some(at) = text.find('\0') {
        let line = text[..at].matches('\n').count() + 1;
        let cause = format!("line {line} has a NUL at byte {} of the text", at + 1);
        return Err((cause, "this is no file of text, or one in UTF-16 without a byte order mark"));
    }
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, (String, &'static str)> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(("it starts like UTF-16 and is not".to_owned(), "save the file as UTF-8")),
    }
}

/// The manifest in a file: without what Helm printed around it, which is told.
pub(super) fn manifest(name: &str, text: String, warn: &dyn Fn(&str)) -> Result<String, Error> {
    let text = match surroundings::take_out(&text) {
        None => text,
        Some((rest, taken)) => {
            let lines = if taken.len() == 1 { "1 line is".to_owned() } else { format!("{} lines are", taken.len()) };
            let (line, first) = taken.first().copied().unwrap_or_default();
            let first: String = first.chars().take(80).collect();
            warn(&format!("{name}: {lines} no part of the manifest and left out; line {line}: {first}"));
            rest
        }
    };
    if !surroundings::may_be_manifest(&text) {
        let message = format!("cannot read {name}: it is no manifest: no document in it has a kind");
        return Err(Error::new(Kind::Usage, message).hint("give the output of helm template or helm get manifest"));
    }
    if text.trim().is_empty() {
        warn(&format!("{name} is empty"));
    }
    Ok(text)
}

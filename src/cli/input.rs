//! Files named on the command line.

use std::io::Read as _;
use std::path::Path;

use crate::diff::release::Both;
use crate::error::{Error, Kind};

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
    String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1;
        failed(format!("line {line} is not UTF-8"))
    })
}

//! Writing evidence: a folder that only its owner may read, and one archive of it.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use crate::command::evidence::{Gathered, Place};
use crate::error::{Error, Kind};
use crate::manifest::emit::{self, Lead};
use crate::report::diagnosis::{Kept, markdown, write_json};
use crate::upgrade::diagnosis::evidence::{Evidence, named};

/// One file has no more than this, in bytes.
const LONGEST_FILE: usize = 1024 * 1024;
/// All files have no more than this together, in bytes.
const LONGEST_ALL: usize = 32 * 1024 * 1024;
/// Objects that others own, or that are large and tell little, are not written.
const NOT_WRITTEN: [&str; 1] = ["Node"];

/// Writes what was gathered: a folder `RELEASE-REVISION-TIME` in the place, and beside it an archive of the same name. Old ones of the release
/// are removed. Only the owner may read what is written.
///
/// # Errors
/// If the place can't be written to.
pub fn write(gathered: &mut Gathered, place: &Place, now: Timestamp) -> Result<Kept, Error> {
    let failed = |error: io::Error| {
        Error::new(Kind::Output, format!("cannot keep the evidence in {}: {error}", place.folder.display()))
            .hint("name another folder with --evidence DIR")
    };
    private_folder(&place.folder).map_err(failed)?;
    let namespace = &gathered.diagnosis.namespace;
    let prefix = format!("{namespace}-{}-", gathered.diagnosis.release);
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let (folder, name) =
        own_folder(&place.folder, &format!("{prefix}{}-{time}", gathered.diagnosis.revision)).map_err(failed)?;
    let archive = place.folder.join(format!("{name}.tar.gz"));
    let kept = Kept { folder: folder.display().to_string(), archive: archive.display().to_string() };
    gathered.diagnosis.kept = Some(kept.clone());
    let files = files(gathered);
    for (path, content) in &files {
        put(&folder.join(path), content).map_err(failed)?;
    }
    pack(&archive, &name, &files, now).map_err(failed)?;
    prune(&place.folder, &prefix, place.keep);
    Ok(kept)
}

/// Every file with its content. All of it was masked when it was gathered, but for the objects.
fn files(gathered: &Gathered) -> Vec<(String, String)> {
    let mut files = vec![("summary.md".to_owned(), summary(gathered))];
    let mut json = Vec::new();
    if write_json(&gathered.diagnosis, &mut json).is_ok() {
        files.push(("evidence.json".to_owned(), String::from_utf8_lossy(&json).into_owned()));
    }
    files.push(("events.txt".to_owned(), events(&gathered.evidence)));
    if !gathered.evidence.helm_output.is_empty() {
        files.push(("helm.log".to_owned(), gathered.evidence.helm_output.clone()));
    }
    if !gathered.diff.is_empty() {
        files.push(("diff.md".to_owned(), gathered.diff.clone()));
    }
    for log in &gathered.evidence.logs {
        let run = if log.previous { "-previous" } else { "" };
        files.push((format!("logs/{}-{}{run}.log", safe(&log.pod), safe(&log.container)), log.text.clone()));
    }
    for object in &gathered.evidence.objects {
        let kind = object.text(&["kind"]);
        if NOT_WRITTEN.contains(&kind) {
            continue;
        }
        let namespace = match object.namespace() {
            namespace if namespace == gathered.diagnosis.namespace || namespace.is_empty() => String::new(),
            namespace => format!("{}-", safe(namespace)),
        };
        let mut text = String::new();
        emit::write(object.node(), &Lead::root(), &mut |line| {
            text.push_str(&line);
            text.push('\n');
        });
        let name = format!("objects/{namespace}{}-{}.yaml", safe(&kind.to_lowercase()), safe(object.name()));
        files.push((name, gathered.secrets.mask(&text)));
    }
    bounded(files)
}

/// No file and no folder grows without bounds.
fn bounded(files: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut left = LONGEST_ALL;
    let mut kept = Vec::new();
    for (path, mut content) in files {
        if content.len() > LONGEST_FILE {
            let end = (0..=LONGEST_FILE).rev().find(|at| content.is_char_boundary(*at)).unwrap_or_default();
            content.truncate(end);
            content.push_str("\n… cut here\n");
        }
        let Some(rest) = left.checked_sub(content.len()) else { break };
        left = rest;
        kept.push((path, content));
    }
    kept
}

fn summary(gathered: &Gathered) -> String {
    let mut page = markdown(&gathered.diagnosis);
    page.push_str("## Files\n\n- `events.txt`: all events\n- `objects/`: the objects with their status\n- `logs/`: the ends of logs\n");
    if !gathered.evidence.helm_output.is_empty() {
        page.push_str("- `helm.log`: what Helm printed\n");
    }
    if !gathered.diff.is_empty() {
        page.push_str("- `diff.md`: what the upgrade changed\n");
    }
    page.push_str("- `evidence.json`: this page for a program\n\nThe content of Secrets is masked everywhere.\n");
    page
}

fn events(evidence: &Evidence) -> String {
    let mut text = String::new();
    for event in &evidence.events {
        let at = event.last.map_or_else(|| "-".to_owned(), |at| at.to_string());
        let kind = if event.warning { "Warning" } else { "Normal" };
        let message = event.message.split_whitespace().collect::<Vec<_>>().join(" ");
        let object = named(&event.kind, &event.name);
        _ = writeln!(text, "{at}  {kind:7}  {object}  {}  x{}  {message}", event.reason, event.count);
    }
    text
}

/// A name as a file has it: what leads out of the folder is replaced.
fn safe(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') { c } else { '_' };
    let name: String = name.chars().take(120).map(plain).collect();
    name.trim_start_matches('.').to_owned()
}

/// A new folder of this name, with a number behind it where the name is taken.
fn own_folder(place: &Path, name: &str) -> io::Result<(PathBuf, String)> {
    for number in 1..100 {
        let name = if number == 1 { safe(name) } else { format!("{}-{number}", safe(name)) };
        let folder = place.join(&name);
        match builder().create(&folder) {
            Ok(()) => return Ok((folder, name)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

fn private_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    builder().recursive(true).create(folder)
}

fn builder() -> fs::DirBuilder {
    #[allow(unused_mut)] // only Unix has modes
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// A new file that only its owner may read.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn put(path: &Path, content: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    match private_file(path) {
        Ok(mut file) => file.write_all(content.as_bytes()),
        // Two long names may become the same.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn pack(archive: &Path, name: &str, files: &[(String, String)], now: Timestamp) -> io::Result<()> {
    let mut builder = tar::Builder::new(GzEncoder::new(private_file(archive)?, Compression::default()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(now.as_second()).unwrap_or_default());
        builder.append_data(&mut header, format!("{name}/{path}"), content.as_bytes())?;
    }
    builder.into_inner()?.finish()?.flush()
}

/// Removes the oldest pieces of the release. What can't be removed stays.
fn prune(place: &Path, prefix: &str, keep: usize) {
    let Ok(entries) = fs::read_dir(place) else { return };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut own: Vec<(String, String)> = names.filter_map(|name| Some((written_at(&name, prefix)?, name))).collect();
    own.sort();
    let excess = own.len().saturating_sub(keep);
    for (_, name) in own.iter().take(excess) {
        // A link is none of ours.
        let folder = place.join(name);
        if fs::symlink_metadata(&folder).is_ok_and(|found| found.is_dir()) {
            _ = fs::remove_dir_all(&folder);
            _ = fs::remove_file(place.join(format!("{name}.tar.gz")));
        }
    }
}

/// When a piece was written, if this is the name of one of this release: `PREFIX7-20260102T030405Z`. A release `web` has none of `web-db`'s.
fn written_at(name: &str, prefix: &str) -> Option<String> {
    let (revision, time) = name.strip_prefix(&safe(prefix))?.split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let (date, clock) = time.split('-').next()?.split_once('T')?;
    let fits = digits(revision) && date.len() == 8 && digits(date) && digits(clock.strip_suffix('Z')?);
    fits.then(|| time.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_folder() {
        assert_eq!(safe("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(safe("web-1.2_x"), "web-1.2_x");
        assert_eq!(safe("système:x"), "syst_me_x");
    }

    #[test]
    fn a_release_has_its_own_pieces_only() {
        assert!(written_at("shop-web-7-20260102T030405Z", "shop-web-").is_some());
        assert!(written_at("shop-web-7-20260102T030405Z-2", "shop-web-").is_some());
        assert!(written_at("shop-web-db-7-20260102T030405Z", "shop-web-").is_none());
        assert!(written_at("shop-web-7-20260102T030405Z.tar.gz", "shop-web-").is_none());
        assert!(written_at("shop-web-notes", "shop-web-").is_none());
    }

    #[test]
    fn the_oldest_pieces_go() {
        let place = tempfile::tempdir().unwrap();
        for second in 0..5 {
            let name = format!("shop-web-{}-20260102T03040{second}Z", 10 - second);
            fs::create_dir(place.path().join(&name)).unwrap();
            fs::write(place.path().join(format!("{name}.tar.gz")), "x").unwrap();
        }
        fs::create_dir(place.path().join("shop-web-mine")).unwrap();
        prune(place.path(), "shop-web-", 2);
        let mut left: Vec<_> = fs::read_dir(place.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(
            left,
            [
                "shop-web-6-20260102T030404Z",
                "shop-web-6-20260102T030404Z.tar.gz",
                "shop-web-7-20260102T030403Z",
                "shop-web-7-20260102T030403Z.tar.gz",
                "shop-web-mine"
            ]
        );
    }

    #[test]
    fn nothing_grows_without_bounds() {
        let files = (0..40).map(|number| (format!("{number}"), "é".repeat(LONGEST_FILE))).collect();
        let kept = bounded(files);
        assert!(kept.iter().all(|(_, content)| content.len() < LONGEST_FILE + 100));
        assert!(kept.iter().map(|(_, content)| content.len()).sum::<usize>() <= LONGEST_ALL);
    }
}

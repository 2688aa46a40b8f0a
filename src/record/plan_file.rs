//! A saved plan: one archive with the plan, the chart as it was reviewed, and texts for a reader. Only its owner may read it.
//!
//! A plan may come from anywhere, so reading one is bounded, and takes nothing from it but what belongs into a plan.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use crate::error::{Error, Kind};

/// A plan may not be larger than this when it is unpacked, in bytes, and not have more files.
const MAX_BYTES: u64 = 300 * 1024 * 1024;
const MAX_FILES: usize = 50_000;

/// The plan itself may not be larger than this, in bytes.
const MAX_PLAN: u64 = 32 * 1024 * 1024;

const PLAN: &str = "plan.json";
/// The chart within a plan, where it is a folder.
const FOLDER: &str = "chart";
/// The chart within a plan, where it is an archive.
const ARCHIVE: &str = "chart.tgz";

/// What goes into a plan's file.
pub struct Parts<'a> {
    /// The plan as JSON.
    pub plan: &'a [u8],
    /// The chart: a folder or an archive.
    pub chart: &'a Path,
    /// Texts for a reader, by name.
    pub texts: &'a [(&'a str, Vec<u8>)],
}

/// A plan's file, unpacked into a folder that is gone with this value.
#[derive(Debug)]
pub struct Unpacked {
    folder: TempDir,
    /// The plan as JSON.
    pub plan: Vec<u8>,
}

impl Unpacked {
    /// The chart: a folder or an archive.
    #[must_use]
    pub fn chart(&self) -> PathBuf {
        let archive = self.folder.path().join(ARCHIVE);
        if archive.is_file() { archive } else { self.folder.path().join(FOLDER) }
    }
}

/// Writes a plan, in one step: there is the whole file or none.
///
/// # Errors
/// If it can't be written.
pub fn write(path: &Path, parts: &Parts<'_>) -> Result<(), Error> {
    let failed = |error: io::Error| {
        Error::new(Kind::Output, format!("cannot save the plan {}: {error}", path.display()))
            .hint("it is written beside its place first; the folder must exist and be writable")
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file is for its owner alone, and so is what it becomes.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    pack(&mut file, parts).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn pack(file: &mut impl Write, parts: &Parts<'_>) -> io::Result<()> {
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::default()));
    let mut add = |name: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        archive.append_data(&mut header, name, content)
    };
    add(PLAN, parts.plan)?;
    parts.texts.iter().try_for_each(|(name, content)| add(name, content))?;
    if parts.chart.is_dir() {
        archive.append_dir_all(FOLDER, parts.chart)?;
    } else {
        archive.append_path_with_name(parts.chart, ARCHIVE)?;
    }
    archive.into_inner()?.finish()?;
    Ok(())
}

/// Reads a plan.
///
/// # Errors
/// If it is none.
pub fn read(path: &Path) -> Result<Unpacked, Error> {
    let failed = |cause: String| {
        Error::new(Kind::Usage, format!("cannot read the plan {}: {cause}", path.display()))
            .hint("a plan is saved by: helm safe-upgrade plan RELEASE CHART --out FILE")
    };
    let file = fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    let folder = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
    let plan = unpack(file, folder.path()).map_err(|error| failed(format!("it is damaged, or no plan: {error}")))?;
    let Some(plan) = plan else { return Err(failed("it is no plan: it has no plan.json".to_owned())) };
    let unpacked = Unpacked { folder, plan };
    if !unpacked.chart().exists() {
        return Err(failed("it has no chart in it".to_owned()));
    }
    Ok(unpacked)
}

fn unpack(file: fs::File, folder: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut plan = None;
    let mut archive = tar::Archive::new(GzDecoder::new(file).take(MAX_BYTES));
    for (count, entry) in archive.entries()?.enumerate() {
        if count > MAX_FILES {
            return Err(io::Error::other("it has too many files"));
        }
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let stays = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let path: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
        if !entry.header().entry_type().is_file() || !stays {
            continue;
        }
        if path == Path::new(PLAN) {
            let mut bytes = Vec::new();
            entry.take(MAX_PLAN).read_to_end(&mut bytes)?;
            plan = Some(bytes);
        } else if path == Path::new(ARCHIVE) || path.starts_with(FOLDER) {
            let target = folder.join(path);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            io::copy(&mut entry, &mut fs::File::create(target)?)?;
        }
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(folder: &Path) -> PathBuf {
        let chart = folder.join("web");
        fs::create_dir_all(chart.join("templates")).unwrap();
        fs::write(chart.join("Chart.yaml"), "name: web").unwrap();
        fs::write(chart.join("templates/a.yaml"), "a").unwrap();
        let path = folder.join("web.plan");
        let texts = [("diff.txt", b"nothing".to_vec())];
        write(&path, &Parts { plan: b"{}", chart: &chart, texts: &texts }).unwrap();
        path
    }

    #[test]
    fn a_plan_is_read_as_it_was_saved_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = saved(folder.path());
        let unpacked = read(&path).unwrap();
        assert_eq!(unpacked.plan, b"{}");
        assert_eq!(fs::read_to_string(unpacked.chart().join("templates/a.yaml")).unwrap(), "a");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_is_cut_or_is_no_plan_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let whole = fs::read(saved(folder.path())).unwrap();
        let path = folder.path().join("other");
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            // The end of a gzip stream is a checksum that nobody needs.
            if let Ok(unpacked) = read(&path) {
                assert_eq!(unpacked.plan, b"{}");
            }
        }
        for bytes in [&b"not a plan"[..], &whole[..20], b""] {
            fs::write(&path, bytes).unwrap();
            assert!(read(&path).is_err());
        }
        assert!(read(folder.path()).is_err() && read(Path::new("nowhere/plan")).is_err());
    }

    #[test]
    fn nothing_is_written_outside_of_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hostile");
        let mut archive = tar::Builder::new(GzEncoder::new(fs::File::create(&path).unwrap(), Compression::fast()));
        for name in ["plan.json", "chart/../../out", "/chart/out", "other"] {
            let mut header = tar::Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(1);
            header.set_cksum();
            archive.append(&header, &b"x"[..]).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.message.contains("no chart"), "{error}");
    }
}

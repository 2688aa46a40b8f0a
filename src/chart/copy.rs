//! A copy of a chart, to be changed where the user's own must stay as it is.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path};

use flate2::read::GzDecoder;

/// A copy may not be larger than this, in bytes, and not have more files.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
const MAX_FILES: usize = 50_000;

/// Folders in folders are followed to this depth. Symbolic links may lead in a circle.
const MAX_DEPTH: usize = 24;

/// Copies a chart's folder, or unpacks its archive, to a folder that is made for it. Symbolic links become what they lead to, as Helm reads
/// them; a folder `.git` is left out.
///
/// # Errors
/// If a file can't be read or written, or the chart is larger than any.
pub fn copy(chart: &Path, to: &Path) -> io::Result<()> {
    let mut copying = Copying { bytes: 0, files: 0 };
    if chart.is_dir() {
        copying.folder(chart, to, 0)
    } else {
        fs::create_dir_all(to)?;
        copying.archive(fs::File::open(chart)?, to)
    }
}

struct Copying {
    bytes: u64,
    files: usize,
}

impl Copying {
    fn folder(&mut self, from: &Path, to: &Path, depth: usize) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(io::Error::other(format!("{} is too deep, or leads in a circle", from.display())));
        }
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (path, target) = (entry.path(), to.join(entry.file_name()));
            // A link that leads nowhere is Helm's to refuse, or to pass over.
            let Ok(kind) = fs::metadata(&path) else { continue };
            if kind.is_dir() {
                if entry.file_name() != ".git" {
                    self.folder(&path, &target, depth + 1)?;
                }
            } else if kind.is_file() {
                let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
                self.file(&mut fs::File::open(&path).map_err(named)?, &target)?;
            }
        }
        Ok(())
    }

    fn archive(&mut self, packed: impl Read, to: &Path) -> io::Result<()> {
        let mut archive = tar::Archive::new(GzDecoder::new(packed).take(MAX_BYTES));
        for entry in archive.entries()? {
            let mut entry = entry?;
            self.files += 1;
            if self.files > MAX_FILES {
                return Err(too_large());
            }
            let path = entry.path()?.into_owned();
            // Everything is in one folder, named like the chart.
            let inner: std::path::PathBuf = path.components().skip(1).collect();
            let stays = path.components().all(|part| matches!(part, Component::Normal(_)));
            if !entry.header().entry_type().is_file() || !stays || inner.as_os_str().is_empty() {
                continue;
            }
            let target = to.join(inner);
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder)?;
            }
            self.file(&mut entry, &target)?;
        }
        Ok(())
    }

    fn file(&mut self, content: &mut dyn Read, to: &Path) -> io::Result<()> {
        self.files += 1;
        let copied = io::copy(&mut content.take(MAX_BYTES - self.bytes + 1), &mut fs::File::create(to)?)?;
        self.bytes += copied;
        if self.bytes > MAX_BYTES || self.files > MAX_FILES {
            return Err(too_large());
        }
        Ok(())
    }
}

fn too_large() -> io::Error {
    io::Error::other("it is larger than any chart")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_copied_with_what_its_links_lead_to() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("templates")).unwrap();
        fs::create_dir_all(from.join(".git")).unwrap();
        fs::write(from.join("Chart.yaml"), "name: a").unwrap();
        fs::write(folder.path().join("shared.yaml"), "shared").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("../../shared.yaml", from.join("templates/link.yaml")).unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("Chart.yaml")).unwrap(), "name: a");
        assert!(!to.join(".git").exists());
        #[cfg(unix)]
        assert_eq!(fs::read_to_string(to.join("templates/link.yaml")).unwrap(), "shared");
        // A circle ends.
        #[cfg(unix)]
        std::os::unix::fs::symlink(".", from.join("circle")).unwrap();
        assert!(copy(&from, &folder.path().join("again")).is_err());
    }

    #[test]
    fn an_archive_stays_in_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for name in ["web/Chart.yaml", "web/templates/a.yaml", "web/../../out", "web"] {
            let mut header = tar::Header::new_gnu();
            let bytes = name.as_bytes();
            header.as_gnu_mut().unwrap().name[..bytes.len()].copy_from_slice(bytes);
            header.set_size(1);
            header.set_mode(0o644);
            header.set_cksum();
            archive.append(&header, &b"x"[..]).unwrap();
        }
        let packed = folder.path().join("web.tgz");
        fs::write(&packed, archive.into_inner().unwrap().finish().unwrap()).unwrap();
        let to = folder.path().join("a/b");
        copy(&packed, &to).unwrap();
        assert!(to.join("Chart.yaml").is_file() && to.join("templates/a.yaml").is_file());
        assert!(!folder.path().join("out").exists() && !folder.path().join("a/out").exists());
    }
}

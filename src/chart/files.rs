//! The files of a chart and of the charts in its folder `charts/`, read within bounds.

use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

/// All files of a chart together may not be larger than this, in bytes, and not more than so many.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
const MAX_FILES: usize = 50_000;

/// Charts in charts, and folders in folders, are followed to this depth.
const MAX_DEPTH: usize = 24;

/// What tells about a chart, beside its templates.
const DESCRIPTIONS: [&str; 3] = ["Chart.yaml", "requirements.yaml", "values.yaml"];

/// What the names of files begin with, in capitals, that tell a reader what changed from version to version.
const NOTES: [&str; 6] = ["CHANGELOG", "CHANGES", "UPGRAD", "MIGRAT", "BREAKING", "README"];

/// A file of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartFile {
    /// Its path within the chart, with the charts it is in: `charts/redis/templates/service.yaml`.
    pub path: String,
    /// Its content.
    pub content: Vec<u8>,
}

impl ChartFile {
    /// Whether it is a template.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.folder() == Some("templates")
    }

    /// Whether it tells what the chart, or one in it, is and which values it has: `Chart.yaml`, `values.yaml`.
    #[must_use]
    pub fn is_description(&self) -> bool {
        self.own_path().is_some_and(|path| DESCRIPTIONS.contains(&path))
    }

    /// Whether it says which values the chart, or one in it, takes: `values.schema.json`.
    #[must_use]
    pub fn is_schema(&self) -> bool {
        self.own_path() == Some("values.schema.json")
    }

    /// Whether it tells a reader what changed from version to version, or may do so. Only the chart's own are meant.
    #[must_use]
    pub fn is_note(&self) -> bool {
        let name = self.path.to_ascii_uppercase();
        let Some(stem) = name.strip_suffix(".MD").filter(|stem| !stem.contains('/')) else { return false };
        NOTES.iter().any(|start| stem.starts_with(start))
    }

    /// Its path within the innermost chart it belongs to, and `None` where it belongs to none.
    fn own_path(&self) -> Option<&str> {
        let mut rest = self.path.as_str();
        while let Some(inner) = rest.strip_prefix("charts/") {
            rest = inner.split_once('/')?.1;
        }
        Some(rest)
    }

    /// Whether it holds custom resource definitions.
    #[must_use]
    pub fn is_crd(&self) -> bool {
        self.folder() == Some("crds") && [".yaml", ".yml", ".json"].iter().any(|ending| self.path.ends_with(ending))
    }

    /// The folder it is in, of the innermost chart it belongs to.
    fn folder(&self) -> Option<&str> {
        self.own_path()?.split_once('/').map(|(folder, _)| folder)
    }
}

/// Reads those files of a chart that are templates, custom resource definitions, descriptions, schemas of values or notes for
/// readers.
///
/// # Errors
/// If the folder or archive can't be read, or is larger than any chart. The message names no file outside of the chart.
pub fn read(chart: &Path) -> std::io::Result<Vec<ChartFile>> {
    let mut reading = Reading { found: Vec::new(), bytes: 0, entries: 0 };
    if chart.is_dir() {
        reading.folder(chart, "", 0)?;
    } else {
        reading.archive(&mut fs::File::open(chart)?, "", 0)?;
    }
    Ok(reading.found)
}

struct Reading {
    found: Vec<ChartFile>,
    bytes: u64,
    entries: usize,
}

impl Reading {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> std::io::Result<()> {
        if depth > MAX_DEPTH {
            return Ok(());
        }
        let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            // Helm follows symbolic links, too.
            let Ok(kind) = fs::metadata(entry.path()) else { continue };
            if kind.is_dir() {
                self.folder(&entry.path(), &format!("{path}/"), depth + 1)?;
            } else if kind.is_file() && is_wanted(&path) {
                self.file(path, &mut fs::File::open(entry.path())?, depth)?;
            }
        }
        Ok(())
    }

    fn archive(&mut self, packed: &mut dyn Read, prefix: &str, depth: usize) -> std::io::Result<()> {
        if depth > MAX_DEPTH {
            return Ok(());
        }
        let mut archive = tar::Archive::new(GzDecoder::new(packed).take(MAX_BYTES));
        for entry in archive.entries()? {
            let mut entry = entry?;
            self.entries += 1;
            if self.entries > MAX_FILES {
                return Err(too_large());
            }
            let name = entry.path()?.to_string_lossy().into_owned();
            // Everything is in one folder, named like the chart.
            let Some((_, name)) = name.split_once('/') else { continue };
            let path = format!("{prefix}{name}");
            if entry.header().entry_type().is_file() && is_wanted(&path) {
                self.file(path, &mut entry, depth)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: String, content: &mut dyn Read, depth: usize) -> std::io::Result<()> {
        if let Some(chart) = path.strip_suffix(".tgz") {
            // `charts/redis-1.2.3.tgz` counts as the folder `charts/redis-1.2.3`.
            return self.archive(content, &format!("{chart}/"), depth + 1);
        }
        let mut bytes = Vec::new();
        content.take(MAX_BYTES - self.bytes + 1).read_to_end(&mut bytes)?;
        self.bytes += bytes.len() as u64;
        if self.bytes > MAX_BYTES || self.found.len() >= MAX_FILES {
            return Err(too_large());
        }
        self.found.push(ChartFile { path, content: bytes });
        Ok(())
    }
}

fn too_large() -> std::io::Error {
    std::io::Error::other("it is larger than any chart")
}

/// Whether a file is a template, a definition, a description, or a packed chart in `charts/`.
fn is_wanted(path: &str) -> bool {
    let file = ChartFile { path: path.to_owned(), content: Vec::new() };
    file.is_template()
        || file.is_crd()
        || file.is_description()
        || file.is_schema()
        || file.is_note()
        || (path.ends_with(".tgz") && path.rsplit('/').nth(1) == Some("charts"))
}

/// All that a chart consists of, as one text that is equal only for equal charts: each file with its path, in order. An archive is
/// what it is, byte by byte.
///
/// # Errors
/// If a file can't be read, or the chart is larger than any.
pub fn sorted_content(chart: &Path) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    if !chart.is_dir() {
        fs::File::open(chart)?.take(MAX_BYTES).read_to_end(&mut content)?;
        return Ok(content);
    }
    let mut folders = vec![(chart.to_owned(), 0)];
    let mut files = Vec::new();
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() && depth < MAX_DEPTH {
                folders.push((path, depth + 1));
            } else if path.is_file() && files.len() < MAX_FILES {
                files.push(path);
            }
        }
    }
    files.sort();
    for file in files {
        let name = file.strip_prefix(chart).unwrap_or(&file).to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        fs::File::open(&file)?
            .take(MAX_BYTES - content.len().min(MAX_BYTES as usize) as u64)
            .read_to_end(&mut bytes)?;
        content.extend(format!("{} {}\n{name}", name.len(), bytes.len()).into_bytes());
        content.extend(bytes);
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> ChartFile {
        ChartFile { path: path.to_owned(), content: Vec::new() }
    }

    #[test]
    fn files_are_told_by_their_folder() {
        for path in ["templates/a.yaml", "charts/redis/templates/b/c.tpl"] {
            assert!(file(path).is_template(), "{path}");
        }
        for path in ["crds/a.yaml", "charts/redis/crds/b.yaml", "crds/sub/c.yml"] {
            assert!(file(path).is_crd(), "{path}");
        }
        for path in ["README.md", "values.yaml", "files/templates/x", "crds/README.md", "charts/redis"] {
            assert!(!file(path).is_template() && !file(path).is_crd(), "{path}");
        }
        for (path, is) in
            [("CHANGELOG.md", true), ("upgrading.md", true), ("charts/a/README.md", false), ("NOTES.md", false)]
        {
            assert_eq!(file(path).is_note(), is, "{path}");
        }
        for (path, is) in [("values.yaml", true), ("charts/a/Chart.yaml", true), ("files/values.yaml", false)] {
            assert_eq!(file(path).is_description(), is, "{path}");
        }
    }

    #[test]
    fn a_folder_with_packed_charts_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let packed = {
            let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            let mut archive = tar::Builder::new(gzip);
            let mut header = tar::Header::new_gnu();
            header.set_size(5);
            header.set_mode(0o644);
            archive.append_data(&mut header, "redis/templates/a.yaml", &b"redis"[..]).unwrap();
            archive.into_inner().unwrap().finish().unwrap()
        };
        fs::create_dir_all(folder.path().join("charts")).unwrap();
        fs::create_dir_all(folder.path().join("templates")).unwrap();
        fs::write(folder.path().join("charts/redis-1.0.0.tgz"), packed).unwrap();
        fs::write(folder.path().join("templates/own.yaml"), "own").unwrap();
        fs::write(folder.path().join("values.yaml"), "a: 1").unwrap();
        let found: Vec<String> = read(folder.path()).unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(found, ["charts/redis-1.0.0/templates/a.yaml", "templates/own.yaml", "values.yaml"]);
    }
}

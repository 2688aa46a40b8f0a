//! A chart without its templates: what Helm needs of it to merge values and to settle which dependencies are on.

use std::fs;
use std::io;
use std::path::Path;

use crate::chart::description;
use crate::chart::files::ChartFile;

/// Writes the descriptions of a chart, and of the charts in it, to a folder. `kubeVersion` is left out, so that it can be
/// planned for any version of Kubernetes.
///
/// # Errors
/// If a file can't be written.
pub fn write(files: &[ChartFile], to: &Path) -> io::Result<()> {
    for file in files.iter().filter(|file| file.is_description()) {
        // Paths are those of an archive's or a folder's entries, and may be forged.
        if file.path.split('/').any(|step| matches!(step, "" | "." | "..")) {
            continue;
        }
        let target = to.join(&file.path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        match file.path.as_str() {
            "Chart.yaml" => fs::write(target, description::for_any_version(&file.content))?,
            _ => fs::write(target, &file.content)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_alone_are_written_and_stay_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("to");
        let file = |path: &str, content: &str| ChartFile { path: path.into(), content: content.into() };
        let files = [
            file("Chart.yaml", "name: web\nkubeVersion: '>1.99'\n"),
            file("templates/a.yaml", "a: 1"),
            file("charts/redis-1.0.0/values.yaml", "b: 1"),
            file("charts/../../values.yaml", "out: 1"),
        ];
        write(&files, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("charts/redis-1.0.0/values.yaml")).unwrap(), "b: 1");
        let chart = fs::read_to_string(to.join("Chart.yaml")).unwrap();
        assert!(chart.contains("web") && !chart.contains("kubeVersion"), "{chart}");
        assert!(!to.join("templates").exists() && !folder.path().join("values.yaml").exists());
    }
}

//! What a batch rests on beside the text of its plan: values files and charts on this machine, and the releases that are meant. A
//! state is gone on with only where all of it is as it was.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use ring::digest::{Context, SHA256};

use super::given::Item;
use crate::chart::{Location, files, locate};

/// No more than this is read of all values files, in bytes.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// A digest of all that a batch rests on.
pub(super) struct Content {
    context: Context,
    bytes: u64,
}

impl Content {
    /// The digest of a plan or a selection, in 16 hexadecimal digits.
    pub(super) fn of(text: &str, charts: &[&str], items: &[Item]) -> String {
        let mut content = Self { context: Context::new(&SHA256), bytes: 0 };
        content.take(text.as_bytes());
        for item in items {
            content.take(item.id.to_string().as_bytes());
        }
        let values: BTreeSet<&str> = items.iter().flat_map(|item| &item.planned.values).map(String::as_str).collect();
        for file in values.into_iter().filter(|file| !file.contains("://")) {
            content.file(Path::new(file));
        }
        let charts: BTreeSet<&str> =
            items.iter().map(|item| item.planned.chart.as_str()).chain(charts.iter().copied()).collect();
        for chart in charts {
            if let Location::Local(path) = locate(chart) {
                content.chart(&path);
            }
        }
        content.digits(8)
    }

    /// The digest of some texts, of so many bytes.
    pub(super) fn of_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
        let mut content = Self { context: Context::new(&SHA256), bytes: 0 };
        texts.into_iter().for_each(|text| content.take(text.as_bytes()));
        content.digits(4)
    }

    fn digits(self, bytes: usize) -> String {
        self.context.finish().as_ref().iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
    }

    /// A text, with its length, so that no two together are like another one.
    fn take(&mut self, bytes: &[u8]) {
        self.context.update(&bytes.len().to_le_bytes());
        self.context.update(bytes);
    }

    /// A values file. What can't be read, Helm will say.
    fn file(&mut self, path: &Path) {
        let left = MAX_BYTES.saturating_sub(self.bytes);
        let mut bytes = Vec::new();
        if path.is_file() {
            _ = File::open(path).and_then(|file| file.take(left).read_to_end(&mut bytes));
        }
        self.bytes += bytes.len() as u64;
        self.take(&bytes);
    }

    /// What a chart makes of its values, wherever it is. Other files may lie about in its folder.
    fn chart(&mut self, path: &Path) {
        // What can't be read, Helm will say.
        // So may hidden ones in the templates, and backups of an editor.
        let lies_about = |path: &str| path.ends_with('~') || path.split('/').any(|part| part.starts_with('.'));
        let meant = |file: &files::ChartFile| !file.is_note() && !lies_about(&file.path);
        for file in files::read(path).unwrap_or_default().into_iter().filter(meant) {
            self.take(file.path.as_bytes());
            self.take(&file.content);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::batch::Planned;
    use crate::upgrade::batch::Id;

    #[test]
    fn a_batch_is_another_one_once_its_values_or_charts_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::create_dir_all(path("web/templates")).unwrap();
        let write = |name: &str, text: &str| fs::write(path(name), text).unwrap();
        write("values.yaml", "a: 1\n");
        write("web/Chart.yaml", "name: web\n");
        write("web/templates/a.yaml", "a\n");
        let item = |namespace: &str| Item {
            id: Id { context: None, namespace: namespace.to_owned(), release: "web".to_owned() },
            planned: Planned { chart: path("web"), values: vec![path("values.yaml")], ..Planned::default() },
            is_ground: false,
        };
        let mut seen = vec![Content::of("plan", &[], &[item("shop")])];
        assert_eq!(seen[0], Content::of("plan", &[], &[item("shop")]));
        let mut differs = |text: &str, namespace: &str| {
            let digest = Content::of(text, &[], &[item(namespace)]);
            assert!(!seen.contains(&digest), "{text} {namespace} {seen:?}");
            seen.push(digest);
        };
        differs("other plan", "shop");
        differs("plan", "stage");
        write("values.yaml", "a: 2\n");
        differs("plan", "shop");
        write("web/templates/a.yaml", "b\n");
        differs("plan", "shop");
        write("web/templates/b.yaml", "");
        differs("plan", "shop");
        let before = Content::of("plan", &[], &[item("shop")]);
        write("web/state.json", "what lies about");
        write("web/README.md", "what is read");
        write("web/templates/.a.yaml.swp", "what an editor leaves");
        write("web/templates/a.yaml~", "the same");
        assert_eq!(Content::of("plan", &[], &[item("shop")]), before);
        fs::remove_file(path("values.yaml")).unwrap();
        differs("plan", "shop");
    }
}

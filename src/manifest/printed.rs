//! What `helm template` prints, taken apart: custom resource definitions, objects and hooks in one text.

use crate::manifest::document::{Document, Manifest};
use crate::manifest::yaml;

/// The parts of what `helm template` prints.
#[derive(Debug)]
pub struct Printed {
    /// The files in the folders `crds/` of the chart and the charts in it, as they are.
    pub definitions: Manifest,
    /// The objects that are no hooks.
    pub objects: Manifest,
    /// The hooks: the template of each, and its manifest.
    pub hooks: Vec<(String, Manifest)>,
}

impl Printed {
    /// Takes a text apart. The order within each part stays.
    #[must_use]
    pub fn of(text: String) -> Self {
        let text = Manifest::new(text);
        let (mut definitions, mut objects, mut hooks) = (String::new(), String::new(), Vec::new());
        let mut source = "";
        for document in text.documents(false) {
            // A file in `crds/` may hold several documents, of which only the first one says where it is from.
            source = document.source().unwrap_or(source);
            if is_definition(source) {
                add(&mut definitions, document);
            } else if is_hook(document) {
                hooks.push((source.to_owned(), Manifest::new(document.text().to_owned())));
            } else {
                add(&mut objects, document);
            }
        }
        Self { definitions: Manifest::new(definitions), objects: Manifest::new(objects), hooks }
    }
}

fn add(text: &mut String, document: Document<'_>) {
    text.push_str("---\n");
    text.push_str(document.text().trim_end_matches('\n'));
    text.push('\n');
}

/// Whether a file is in a folder `crds/`: `web/crds/a.yaml`, `web/charts/redis/crds/a.yaml`.
fn is_definition(source: &str) -> bool {
    let mut rest = source.split_once('/').map_or("", |(_, rest)| rest);
    while let Some(inner) = rest.strip_prefix("charts/") {
        rest = inner.split_once('/').map_or("", |(_, rest)| rest);
    }
    rest.starts_with("crds/")
}

/// Whether Helm takes a document for a hook: by its annotation. (Helm: `releaseutil.SortManifests`.)
fn is_hook(document: Document<'_>) -> bool {
    let text = document.text().as_bytes();
    // An escape could spell it in another way.
    if memchr::memmem::find(text, b"helm.sh/hook").is_none() && memchr::memchr(b'\\', text).is_none() {
        return false;
    }
    let Ok(object) = yaml::parse(document.text()) else { return false };
    let annotations = object.get("metadata").and_then(|metadata| metadata.get("annotations"));
    annotations.is_some_and(|annotations| annotations.get("helm.sh/hook").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_objects_and_hooks_are_told_apart() {
        let text = "---\n# Source: web/crds/all.yaml\nkind: A\n---\nkind: B\n---\n# Source: web/templates/a.yaml\nkind: C\nnote: helm.sh/hook\n---\n# Source: web/charts/redis/templates/job.yaml\nkind: Job\nmetadata:\n  annotations: {\"helm.sh/hook\": pre-install}\n";
        let printed = Printed::of(text.to_owned());
        let kinds = |manifest: &Manifest| -> Vec<String> {
            manifest
                .documents(false)
                .iter()
                .map(|d| yaml::parse(d.text()).unwrap())
                .map(|n| n.get("kind").unwrap().as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(kinds(&printed.definitions), ["A", "B"]);
        assert_eq!(kinds(&printed.objects), ["C"]);
        assert_eq!(printed.objects.documents(false)[0].source(), Some("web/templates/a.yaml"));
        assert_eq!(printed.hooks.len(), 1);
        assert_eq!(printed.hooks[0].0, "web/charts/redis/templates/job.yaml");
    }

    #[test]
    fn a_template_named_like_the_folder_is_none() {
        assert!(is_definition("web/crds/a.yaml") && is_definition("web/charts/a/charts/b/crds/c.yaml"));
        assert!(!is_definition("web/templates/crds/a.yaml") && !is_definition("crds/a.yaml") && !is_definition(""));
    }
}

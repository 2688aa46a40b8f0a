//! What must not stand in evidence: the content of the release's Secrets in all its forms, and what is named like a secret.

use crate::manifest::document::Document;
use crate::manifest::emit::is_unprintable;
use crate::manifest::mask::Masker;
use crate::manifest::node::{Node, Value};
use crate::manifest::sensitive::{Sensitive, named_like_a_secret};
use crate::release::Release;

/// Objects are looked at no deeper than this.
const DEEPEST: usize = 64;
/// So many texts are masked at once.
const AT_ONCE: usize = 50;
/// What stands between them, and is no part of any: of one that has it all are masked one by one.
const BETWEEN: &str = "\n\u{1}\n";

/// The secrets of a release.
pub(crate) struct Secrets {
    sensitive: Sensitive,
    masker: Masker,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// The secrets of these revisions.
    pub(crate) fn of(releases: &[&Release], masker: &Masker) -> Self {
        let documents: Vec<Document<'_>> = releases.iter().flat_map(|release| release.documents()).collect();
        let mut sensitive = Sensitive::of(documents.iter());
        for release in releases {
            sensitive.gather_values(&release.computed_values());
            sensitive.gather_values(&release.config);
        }
        let objects: Vec<_> = documents.iter().flat_map(|document| masker.open(document)).collect();
        objects.iter().for_each(|object| named(&object.node, DEEPEST, &mut sensitive));
        let mut names: Vec<&str> =
            objects.iter().flat_map(|object| [object.id.name.as_str(), object.id.kind.as_str()]).collect();
        let containers: Vec<String> = objects.iter().flat_map(|object| container_names(&object.node)).collect();
        names.extend(containers.iter().map(String::as_str));
        names.extend(
            releases
                .iter()
                .flat_map(|release| [release.name.as_str(), release.namespace.as_str(), release.chart.name()]),
        );
        sensitive.spare(names);
        Self { sensitive, masker: masker.clone() }
    }

    /// The text without secrets, and without what steers a terminal; its lines stay.
    pub(crate) fn mask(&self, text: &str) -> String {
        harmless(&self.sensitive.mask_text(text, &self.masker))
    }

    /// The same of many short texts: each search for all secrets takes some of them at once.
    pub(super) fn mask_all(&self, texts: &[&str]) -> Vec<String> {
        let mut masked = Vec::with_capacity(texts.len());
        for some in texts.chunks(AT_ONCE) {
            let all = self.sensitive.mask_text(&some.join(BETWEEN), &self.masker);
            let parts: Vec<&str> = all.split(BETWEEN).collect();
            if parts.len() == some.len() {
                masked.extend(parts.into_iter().map(harmless));
            } else {
                masked.extend(some.iter().map(|text| self.mask(text)));
            }
        }
        masked
    }
}

/// The text without what steers a terminal.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if is_unprintable(c) && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

/// Gathers what is set under a name of a secret: keys of maps, and variables of containers.
fn named(node: &Node, depth: usize, sensitive: &mut Sensitive) {
    if depth == 0 {
        return;
    }
    match node.value() {
        Value::Map(entries) => {
            let variable = node.get("name").and_then(Node::as_str).filter(|name| named_like_a_secret(name));
            if let (Some(_), Some(value)) = (variable, node.get("value").and_then(Node::as_str)) {
                sensitive.gather_text(value);
            }
            for (key, value) in entries {
                match value.as_str() {
                    Some(text) if named_like_a_secret(key) => sensitive.gather_text(text),
                    _ => named(value, depth - 1, sensitive),
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| named(item, depth - 1, sensitive)),
        _ => {}
    }
}

/// The names of containers, wherever the object has them.
fn container_names(node: &Node) -> Vec<String> {
    let Value::Map(entries) = node.value() else { return Vec::new() };
    let mut names = Vec::new();
    for (key, value) in entries {
        match &**key {
            "containers" | "initContainers" => {
                let items = value.as_list().unwrap_or_default();
                names
                    .extend(items.iter().filter_map(|item| item.get("name").and_then(Node::as_str)).map(str::to_owned));
            }
            "spec" | "template" | "jobTemplate" => names.extend(container_names(value)),
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let release = Release::of_manifest(
            "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {password: Zq8hunter2Lx9, name: web}\n"
                .to_owned(),
        );
        Secrets::of(&[&release], &Masker::new(b"key"))
    }

    #[test]
    fn many_texts_are_masked_as_each_by_itself() {
        let mut texts: Vec<String> = (0..120).map(|number| format!("{number}: Zq8hunter2Lx9 \u{1b}[31m")).collect();
        texts.push(format!("a{BETWEEN}b Zq8hunter2Lx9"));
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let secrets = secrets();
        let each: Vec<String> = texts.iter().map(|text| secrets.mask(text)).collect();
        assert_eq!(secrets.mask_all(&texts), each);
        assert!(each.iter().all(|text| !text.contains("hunter2") && !text.contains('\u{1b}')));
    }

    #[test]
    fn names_that_everybody_sees_stay() {
        assert_eq!(secrets().mask("deployment web: pod web-1"), "deployment web: pod web-1");
    }
}

//! What is told of the versions between the one that is deployed and the one that is proposed.

use std::collections::BTreeSet;

use super::notes::{self, plain};
use super::seen::{CHANGES, ChartSeen};
use crate::manifest::node::Node;
use crate::manifest::version::Version;
use crate::manifest::yaml;
use crate::release::Chart;

/// Entries of one version that are kept of an annotation.
const MOST: usize = 100;

/// Something that a version brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The version.
    pub(super) version: Version,
    /// One line.
    pub(super) text: String,
    /// Whether it says that something breaks, or what is to be done.
    pub(super) breaking: bool,
    /// The file that says it; empty for the annotation of the version.
    pub(super) source: String,
}

/// What is told of the versions after one, up to another: the entries by version, and the versions that nothing is told of.
pub(super) struct Told {
    pub(super) entries: Vec<Entry>,
    pub(super) silent: Vec<Version>,
    /// Whether all versions in between are known: by the index of the repository, or by a changelog of the chart that goes back so far.
    pub(super) is_complete: bool,
}

/// Gathers it: of annotations, and of the chart's files where a version has none. Upgrade notes are told in any case.
pub(super) fn between(seen: &ChartSeen, new: &Chart, (after, to): (&Version, &Version)) -> Told {
    let mut versions = BTreeSet::from([to.clone()]);
    let mut entries = annotation(new.metadata.find(&["annotations", CHANGES]), to);
    if let Some(Ok(index)) = &seen.index {
        for published in &index.versions {
            let Some(version) = Version::parse(&published.version) else { continue };
            // Pre-releases on the way to a release are not what the user goes through.
            let is_between = *after < version && version < *to;
            if !is_between || (to.is_release() && !version.is_release()) {
                continue;
            }
            if versions.insert(version.clone()) {
                entries.extend(changes(published.changes.as_deref().unwrap_or_default(), &version));
            }
        }
    }
    let annotated: BTreeSet<Version> = entries.iter().map(|entry| entry.version.clone()).collect();
    for note in &seen.notes {
        let told = notes::entries(note, (after, to)).into_iter();
        entries.extend(told.filter(|entry| entry.breaking || !annotated.contains(&entry.version)));
    }
    entries.sort_by(|a, b| a.version.cmp(&b.version));
    let told: BTreeSet<&Version> = entries.iter().map(|entry| &entry.version).collect();
    let silent = versions.iter().filter(|version| !told.contains(version)).cloned().collect();
    let is_next = (after.major, after.minor, after.patch + 1) == (to.major, to.minor, to.patch);
    let is_complete =
        is_next || matches!(seen.index, Some(Ok(_))) || seen.notes.iter().any(|note| notes::reaches(note, after));
    Told { entries, silent, is_complete }
}

fn annotation(node: Option<&Node>, version: &Version) -> Vec<Entry> {
    changes(node.and_then(Node::as_str).unwrap_or_default(), version)
}

/// Reads the annotation: a list of texts, or of maps with `kind` and `description`.
/// Source: <https://artifacthub.io/docs/topics/annotations/helm/>.
fn changes(text: &str, version: &Version) -> Vec<Entry> {
    let Ok(read) = yaml::parse(text) else { return Vec::new() };
    let entry = |node: &Node| {
        let field = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default();
        let (kind, text) = match (node.as_str(), node.get("description")) {
            (Some(text), _) => ("", plain(text)),
            (None, Some(_)) => (field("kind"), plain(field("description"))),
            // A text with a colon in it, which nobody quoted.
            (None, None) => {
                let pairs = node.as_map().unwrap_or_default().iter();
                (
                    "",
                    plain(
                        &pairs
                            .filter_map(|(key, value)| Some(format!("{key}: {}", value.as_str()?)))
                            .collect::<String>(),
                    ),
                )
            }
        };
        let breaking = kind.eq_ignore_ascii_case("removed") || breaks(&text);
        let text = if kind.is_empty() { text } else { format!("{}: {text}", plain(kind)) };
        (!text.is_empty()).then(|| Entry { version: version.clone(), text, breaking, source: String::new() })
    };
    read.as_list().unwrap_or_default().iter().filter_map(entry).take(MOST).collect()
}

/// Whether a line says that something breaks: in words, or with the `!` of conventional commits (`feat(api)!: …`).
pub(super) fn breaks(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let denied = ["non-breaking", "non breaking", "not breaking", "no breaking", "not a breaking", "without breaking"];
    let says = lower.contains("breaking") && !denied.iter().any(|word| lower.contains(word));
    let marked = lower.split_once("!:").is_some_and(|(kind, _)| {
        let last = kind.rsplit(' ').next().unwrap_or_default();
        !last.is_empty() && last.chars().all(|c| c.is_ascii_alphanumeric() || "()-_/".contains(c))
    });
    says || marked || lower.contains("incompatible")
}

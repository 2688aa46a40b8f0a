//! What of a diff an engineer wants to know first: images, replicas, ports, rights, what is deleted, what restarts.
//!
//! Each concern is a file with one function of type [`Rule`], and a line in [`RULES`]. A rule reads the [`Scene`] and
//! pushes what it finds; that the same difference in many objects becomes one line is done here.

mod deleted;
mod hosts;
mod images;
mod immutable;
mod privileges;
mod rbac;
mod replicas;
mod resources;
mod restarts;
mod scene;
mod services;
mod storage;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::diff::release::Both;
use crate::diff::resources::ManifestDiff;
use crate::manifest::identity::ObjectId;
use crate::manifest::node::{Node, Value};

use scene::Scene;

/// Finds the key differences of one concern.
type Rule = fn(&Scene<'_>, &mut Findings);

/// All concerns, in the order in which they are shown among those of one severity. The third column tells whether it
/// speaks of what an upgrade does to the cluster; two releases that stand side by side have no such thing.
const RULES: &[(Topic, Rule, bool)] = &[
    (Topic::Deleted, deleted::find, true),
    (Topic::Immutable, immutable::find, true),
    (Topic::Rbac, rbac::find, false),
    (Topic::Privileges, privileges::find, false),
    (Topic::Images, images::find, false),
    (Topic::Replicas, replicas::find, false),
    (Topic::Resources, resources::find, false),
    (Topic::Services, services::find, false),
    (Topic::Hosts, hosts::find, false),
    (Topic::Storage, storage::find, false),
    (Topic::Restarts, restarts::find, true),
];

/// A text from an object is cut behind so many characters.
const LONGEST_TEXT: usize = 200;

/// What a key difference is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// What the upgrade deletes.
    Deleted,
    /// Fields that can't be changed in place.
    Immutable,
    /// Rights gained and lost.
    Rbac,
    /// Access to the host, and privileges, gained.
    Privileges,
    /// Images.
    Images,
    /// Numbers of pods.
    Replicas,
    /// Requests and limits of containers.
    Resources,
    /// Types and ports of Services.
    Services,
    /// Names under which something is reached.
    Hosts,
    /// Claims, their sizes and classes.
    Storage,
    /// What restarts, what does not, and what should.
    Restarts,
}

impl Topic {
    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Immutable => "immutable",
            Self::Rbac => "rbac",
            Self::Privileges => "privileges",
            Self::Images => "images",
            Self::Replicas => "replicas",
            Self::Resources => "resources",
            Self::Services => "services",
            Self::Hosts => "hosts",
            Self::Storage => "storage",
            Self::Restarts => "restarts",
        }
    }
}

/// How much a difference matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// What an upgrade is made for: it changes how something runs.
    Notice,
    /// It may hurt, and wants a look.
    Warning,
    /// It fails, loses data, or opens the cluster.
    Danger,
}

impl Severity {
    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Danger => "danger",
        }
    }
}

/// Something before and after; new where there is nothing before, gone where there is nothing after.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Turn {
    /// What it is: `cpu request`. May be empty where the topic says it.
    pub what: String,
    /// Its value before.
    pub old: Option<String>,
    /// Its value after.
    pub new: Option<String>,
}

impl Turn {
    fn new(what: impl Into<String>, old: Option<String>, new: Option<String>) -> Self {
        Self { what: what.into(), old, new }
    }
}

/// One key difference, with all objects that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDifference {
    /// What it is about.
    pub topic: Topic,
    /// How much it matters.
    pub severity: Severity,
    /// The objects, in the order of the diff; one at least.
    pub objects: Vec<ObjectId>,
    /// Where in the objects: a container. Empty for the object itself.
    pub place: String,
    /// What changes from what to what. May be empty, where the note says it all.
    pub turns: Vec<Turn>,
    /// What it means. May be empty.
    pub note: String,
}

impl KeyDifference {
    /// The difference as a sentence without the objects: `nginx: cpu request 50m → 100m`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut parts: Vec<String> = self.turns.iter().map(Turn::text).collect();
        parts.retain(|part| !part.is_empty());
        let mut text = parts.join(", ");
        if !self.note.is_empty() {
            text = if text.is_empty() { self.note.clone() } else { format!("{text} ({})", self.note) };
        }
        if text.is_empty() {
            text.push_str(self.topic.name());
        }
        if self.place.is_empty() { text } else { format!("{}: {text}", self.place) }
    }
}

impl Turn {
    /// `cpu request 50m → 100m`, `+ 80/TCP`, `- 80/TCP`.
    fn text(&self) -> String {
        let space = if self.what.is_empty() { "" } else { " " };
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => format!("{}{space}{old} → {new}", self.what),
            (None, Some(new)) => format!("+ {}{space}{new}", self.what),
            (Some(old), None) => format!("- {}{space}{old}", self.what),
            (None, None) => self.what.clone(),
        }
    }
}

/// Finds the key differences: the grave ones first, then by topic, then in the order of the diff. Linear.
///
/// `namespaces` are those of the two releases. With `upgrade` the new side takes the place of the old one; without, the
/// two stand side by side, and nothing is deleted, forbidden or restarted.
#[must_use]
pub fn find(diff: &ManifestDiff, namespaces: Both<&str>, upgrade: bool) -> Vec<KeyDifference> {
    let scene = Scene::of(diff, namespaces);
    let mut findings = Findings::default();
    for (topic, rule, _) in RULES.iter().filter(|(_, _, of_upgrades)| upgrade || !of_upgrades) {
        findings.topic = Some(*topic);
        rule(&scene, &mut findings);
    }
    let mut found = findings.found;
    found.sort_by_key(|one| std::cmp::Reverse(one.severity));
    found
}

/// Gathers what rules find; the same difference in another object joins the first.
#[derive(Default)]
struct Findings {
    topic: Option<Topic>,
    found: Vec<KeyDifference>,
    known: HashMap<(Topic, Severity, String, Vec<Turn>, String), usize>,
}

/// What a rule found.
struct Finding<'a> {
    severity: Severity,
    object: &'a ObjectId,
    place: String,
    turns: Vec<Turn>,
    note: String,
}

impl<'a> Finding<'a> {
    fn new(severity: Severity, object: &'a ObjectId) -> Self {
        Self { severity, object, place: String::new(), turns: Vec::new(), note: String::new() }
    }

    fn place(self, place: impl Into<String>) -> Self {
        Self { place: place.into(), ..self }
    }

    fn turns(self, turns: Vec<Turn>) -> Self {
        Self { turns, ..self }
    }

    fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }
}

impl Findings {
    fn push(&mut self, finding: Finding<'_>) {
        let Some(topic) = self.topic else { return };
        let Finding { severity, object, place, turns, note } = finding;
        let key = (topic, severity, place, turns, note);
        if let Some(&at) = self.known.get(&key) {
            if self.found[at].objects.last() != Some(object) {
                self.found[at].objects.push(object.clone());
            }
            return;
        }
        let (_, _, place, turns, note) = key.clone();
        self.known.insert(key, self.found.len());
        self.found.push(KeyDifference { topic, severity, objects: vec![object.clone()], place, turns, note });
    }
}

/// A scalar as text, cut where it is long; of a list or a map only that it is one.
fn text(node: &Node) -> String {
    match node.value() {
        Value::String(text) => short(text),
        Value::List(items) => format!("[{} items]", items.len()),
        Value::Map(_) => "{…}".to_owned(),
        Value::Null => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
    }
}

/// A text of one line, cut where it is long.
fn short(text: &str) -> String {
    let line = text.trim().replace('\n', " ");
    match line.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The items of a list in a field; none if it is no list.
fn items<'a>(node: &'a Node, path: &[&str]) -> &'a [Node] {
    node.find(path).and_then(Node::as_list).unwrap_or_default()
}

/// The text of a field, if it is text.
fn string<'a>(node: &'a Node, path: &[&str]) -> Option<&'a str> {
    node.find(path)?.as_str()
}

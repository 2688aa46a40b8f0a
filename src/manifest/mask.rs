//! Opens documents and masks what is secret in them, so that nothing behind this module can print it.
//!
//! In an object of kind Secret only what describes it stays readable: `apiVersion`, `kind`, `metadata`, `type` and
//! `immutable`. Every other value becomes `<masked, 12 bytes, 3fa91c0d2e>`: its length and a short keyed digest, so
//! that equal and changed can be told apart and nothing else. The key differs from run to run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::manifest::document::{Document, Object};
use crate::manifest::excerpt::Excerpt;
use crate::manifest::identity::ObjectId;
use crate::manifest::node::{Node, Value};
use crate::manifest::sensitive::Sensitive;
use crate::manifest::yaml;

/// What of a Secret stays readable.
const READABLE: [&str; 5] = ["apiVersion", "kind", "metadata", "type", "immutable"];

/// The annotation in which `kubectl apply` keeps a copy of the whole object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Reads documents and masks what is secret.
#[derive(Clone)]
pub struct Masker {
    key: Option<ring::hmac::Key>,
    decode: bool,
}

impl Masker {
    /// Masks, with a key for the digests: random bytes, so that a digest can't be looked up.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self { key: Some(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key)), decode: false }
    }

    /// Masks nothing: for `--show-secrets`.
    #[must_use]
    pub fn showing_secrets() -> Self {
        Self { key: None, decode: false }
    }

    /// Masks nothing, and decodes the `data` of Secrets: for `--show-secrets-decoded`.
    #[must_use]
    pub fn showing_secrets_decoded() -> Self {
        Self { key: None, decode: true }
    }

    /// Whether secrets are masked.
    #[must_use]
    pub fn masks(&self) -> bool {
        self.key.is_some()
    }

    /// The objects of a document: one, or the items of a list. A document that can't be read becomes one object that
    /// says so and holds the text, or only its digest where it may hold a Secret.
    #[must_use]
    pub fn open(&self, document: &Document<'_>) -> Vec<Object> {
        let source = document.source().map(str::to_owned);
        match yaml::read_all(document.text()) {
            Ok(documents) => {
                let notices: Vec<String> = documents.repeated.iter().map(|one| twice(one, document.line())).collect();
                let objects = documents.nodes.into_iter().flat_map(flatten).map(|node| Object {
                    id: ObjectId::of(&node),
                    hook: document.is_hook(),
                    line: document.line(),
                    source: source.clone(),
                    notices: notices.clone(),
                    ..Object::of(self.mask(node))
                });
                objects.collect()
            }
            Err(error) => vec![self.unreadable(document, &error, source)],
        }
    }

    /// Masks a Secret as it is declared and as it is in the cluster, by what is secret on any side. No Secret at all is
    /// left as it is, but for Secrets that it carries.
    pub(super) fn mask_sides(&self, sides: Vec<Node>) -> Vec<Node> {
        if !self.masks() || !sides.iter().any(carries_secret) {
            return sides;
        }
        if !sides.iter().any(is_secret) {
            return sides.into_iter().map(|side| self.mask_carried(side)).collect();
        }
        let mut content = Sensitive::default();
        sides.iter().for_each(|side| content.gather_secret(side));
        sides.into_iter().map(|side| self.mask_secret_by(side, &content)).collect()
    }

    /// The raw Secrets of a document, for finding where else their content goes.
    pub(super) fn secrets(document: &Document<'_>) -> Vec<Node> {
        if !document.may_hold_secrets() {
            return Vec::new();
        }
        let nodes = yaml::parse_all(document.text()).unwrap_or_default();
        nodes.into_iter().flat_map(flatten).filter(is_secret).collect()
    }

    fn unreadable(&self, document: &Document<'_>, error: &yaml::YamlError, source: Option<String>) -> Object {
        let name = source.clone().unwrap_or_else(|| format!("line {}", document.line()));
        let hidden = self.masks() && document.may_hold_secrets();
        let node = match hidden {
            true => self.masked(document.text().as_bytes()),
            false => Node::string(document.text()),
        };
        let line = document.line().saturating_add(error.line).saturating_sub(1);
        let excerpt = Excerpt::of(document.text(), document.line(), error.line, error.column).filter(|_| !hidden);
        Object {
            id: ObjectId { name, ..ObjectId::default() },
            hook: document.is_hook(),
            node,
            line: document.line(),
            problem: Some(format!("line {line}, column {} of the manifest: {}", error.column, error.message)),
            excerpt,
            source,
            notices: Vec::new(),
        }
    }

    /// Masks every Secret in the tree: itself one, or carried inside another object.
    fn mask(&self, node: Node) -> Node {
        if (self.masks() || self.decode) && carries_secret(&node) { self.mask_carried(node) } else { node }
    }

    fn mask_carried(&self, node: Node) -> Node {
        if is_secret(&node) {
            return if self.masks() { self.mask_secret(node) } else { map_entry(node, "data", decoded) };
        }
        let line = node.line();
        match node.into_value() {
            Value::Map(entries) => {
                let entries = entries.into_iter().map(|(key, value)| (key, self.mask_carried(value)));
                Node::new(Value::Map(entries.collect())).at(line)
            }
            Value::List(items) => {
                Node::new(Value::List(items.into_iter().map(|item| self.mask_carried(item)).collect())).at(line)
            }
            other => Node::new(other).at(line),
        }
    }

    fn mask_secret(&self, secret: Node) -> Node {
        let mut content = Sensitive::default();
        if secret.get("metadata").is_some_and(|metadata| metadata.get("annotations").is_some()) {
            content.gather_secret(&secret);
        }
        self.mask_secret_by(secret, &content)
    }

    fn mask_secret_by(&self, secret: Node, content: &Sensitive) -> Node {
        let line = secret.line();
        let Value::Map(entries) = secret.into_value() else { return Node::new(Value::Null) };
        let masked = entries.into_iter().map(|(key, value)| {
            let value = match &*key {
                "metadata" => self.mask_metadata(value, content),
                "data" => self.mask_all(value, true),
                readable if READABLE.contains(&readable) => value,
                _ => self.mask_all(value, false),
            };
            (key, value)
        });
        Node::new(Value::Map(masked.collect())).at(line)
    }

    /// Annotations may repeat what the Secret holds.
    fn mask_metadata(&self, metadata: Node, content: &Sensitive) -> Node {
        map_entry(metadata, "annotations", |annotations| {
            let annotations = map_entry(annotations, LAST_APPLIED, |copy| self.mask_all(copy, false));
            self.mask_repeated(annotations, content)
        })
    }

    fn mask_repeated(&self, node: Node, content: &Sensitive) -> Node {
        let line = node.line();
        match node.into_value() {
            Value::Map(entries) => {
                let entries = entries.into_iter().map(|(key, value)| (key, self.mask_repeated(value, content)));
                Node::new(Value::Map(entries.collect())).at(line)
            }
            Value::String(text) => Node::string(content.mask_text(&text, self)).at(line),
            other => Node::new(other).at(line),
        }
    }

    /// Masks every scalar below the node. Base64 is decoded first, so that the length is that of the content.
    pub(super) fn mask_all(&self, node: Node, base64: bool) -> Node {
        let line = node.line();
        let masked = match node.value() {
            Value::String(text) => {
                let decoded = base64.then(|| decode(text)).flatten();
                self.masked(decoded.as_deref().unwrap_or(text.as_bytes()))
            }
            Value::Number(_) | Value::Bool(_) => self.masked(crate::manifest::emit::scalar(&node).as_bytes()),
            Value::Null => Node::new(Value::Null),
            Value::List(_) | Value::Map(_) => match node.into_value() {
                Value::List(items) => {
                    Node::new(Value::List(items.into_iter().map(|item| self.mask_all(item, base64)).collect()))
                }
                Value::Map(entries) => Node::new(Value::Map(
                    entries.into_iter().map(|(key, value)| (key, self.mask_all(value, base64))).collect(),
                )),
                other => Node::new(other),
            },
        };
        masked.at(line)
    }

    fn masked(&self, content: &[u8]) -> Node {
        Node::string(self.masked_text(content))
    }

    /// What stands for secret content.
    #[must_use]
    pub fn masked_text(&self, content: &[u8]) -> String {
        let Some(key) = &self.key else { return String::from_utf8_lossy(content).into_owned() };
        let digest = ring::hmac::sign(key, content);
        let short: String = digest.as_ref().iter().take(5).map(|byte| format!("{byte:02x}")).collect();
        let plural = if content.len() == 1 { "" } else { "s" };
        format!("<masked, {} byte{plural}, {short}>", content.len())
    }
}

/// What a reader should know of a key that stands twice; `start` is the document's line in the manifest.
fn twice(repeated: &yaml::Repeated, start: u32) -> String {
    let line = |line: u32| start.saturating_add(line).saturating_sub(1);
    let (first, last) = (line(repeated.first), line(repeated.last));
    format!(
        "{:?} stands twice in one map, at lines {first} and {last} of the manifest; the last one counts",
        repeated.key
    )
}

/// Base64 as Kubernetes reads it: line breaks do not count.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(compact).ok()
}

/// The texts of a Secret's `data`, decoded; what is no text stays in base64.
fn decoded(data: Node) -> Node {
    let line = data.line();
    let Value::Map(entries) = data.value() else { return data };
    let entries = entries.iter().map(|(key, value)| {
        let text = value.as_str().and_then(decode).and_then(|bytes| String::from_utf8(bytes).ok());
        (key.clone(), text.map_or_else(|| value.clone(), |text| Node::string(text).at(value.line())))
    });
    Node::new(Value::Map(entries.collect())).at(line)
}

pub(super) fn is_secret(node: &Node) -> bool {
    match node.get("kind").and_then(Node::as_str) {
        Some("Secret") => ["apiVersion", "data", "stringData"].iter().any(|key| node.get(key).is_some()),
        // A list whose items could not be told apart.
        Some("SecretList") => true,
        _ => false,
    }
}

fn carries_secret(node: &Node) -> bool {
    match node.value() {
        Value::Map(entries) => is_secret(node) || entries.iter().any(|(_, value)| carries_secret(value)),
        Value::List(items) => items.iter().any(carries_secret),
        _ => false,
    }
}

pub(super) fn map_entry(node: Node, key: &str, change: impl FnOnce(Node) -> Node) -> Node {
    if node.get(key).is_none() {
        return node;
    }
    let line = node.line();
    let Value::Map(entries) = node.into_value() else { return Node::new(Value::Null) };
    let mut change = Some(change);
    let entries = entries.into_iter().map(|(name, value)| {
        let value = match change.take_if(|_| &*name == key) {
            Some(change) => change(value),
            None => value,
        };
        (name, value)
    });
    Node::new(Value::Map(entries.collect())).at(line)
}

/// The objects of a `List`, as Helm applies them: one by one. Any other object is itself.
pub(super) fn flatten(node: Node) -> Vec<Node> {
    let kind = node.get("kind").and_then(Node::as_str).unwrap_or_default();
    let Some(item_kind) = kind.strip_suffix("List").map(str::to_owned) else { return vec![node] };
    let api_version = node.get("apiVersion").and_then(Node::as_str).unwrap_or_default().to_owned();
    let is_object =
        |item: &Node| item.get("kind").is_some() || (!item_kind.is_empty() && item.get("metadata").is_some());
    match node.get("items").and_then(Node::as_list) {
        Some(items) if !items.is_empty() && items.iter().all(is_object) => {}
        _ => return vec![node],
    }
    let Value::Map(entries) = node.into_value() else { return Vec::new() };
    let items = entries.into_iter().find(|(key, _)| &**key == "items").map(|(_, items)| items.into_value());
    let Some(Value::List(items)) = items else { return Vec::new() };
    items.into_iter().map(|item| with_type(item, &api_version, &item_kind)).flat_map(flatten).collect()
}

/// Items of a typed list may leave out their own type.
fn with_type(item: Node, api_version: &str, kind: &str) -> Node {
    if item.get("kind").is_some() {
        return item;
    }
    let line = item.line();
    let Value::Map(mut entries) = item.into_value() else { return Node::new(Value::Null) };
    entries.insert(0, ("kind".into(), Node::string(kind)));
    if !entries.iter().any(|(key, _)| &**key == "apiVersion") {
        entries.insert(0, ("apiVersion".into(), Node::string(api_version)));
    }
    Node::new(Value::Map(entries)).at(line)
}

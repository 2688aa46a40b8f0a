//! Manifests and their documents, as text that nobody may look at: it may hold Secrets.
//!
//! A [`Manifest`] and a [`Document`] give away no content. [`crate::manifest::mask::Masker`] opens a document and gives
//! back [`Object`]s in which what is secret has been masked; everything that is shown is made from those.

use std::collections::HashSet;
use std::fmt;

use crate::manifest::excerpt::Excerpt;
use crate::manifest::identity::ObjectId;
use crate::manifest::node::Node;
use crate::manifest::split::split;

/// A rendered manifest: several YAML documents in one text.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Manifest(String);

impl Manifest {
    /// Wraps the text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Its documents, in order, without those that are empty or hold only comments.
    #[must_use]
    pub fn documents(&self, hook: bool) -> Vec<Document<'_>> {
        split(&self.0)
            .into_iter()
            .map(|part| Document { text: part.text, line: part.line, hook, template: None })
            .collect()
    }

    /// Whether it is the same text.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// The documents of this one, then those of another.
    #[must_use]
    pub fn followed_by(mut self, other: Self) -> Self {
        self.0.push_str(&other.0);
        self
    }

    /// Its size in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Manifest({} bytes)", self.0.len())
    }
}

/// One document of a manifest, not yet read.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Document<'a> {
    text: &'a str,
    line: u32,
    hook: bool,
    template: Option<&'a str>,
}

impl<'a> Document<'a> {
    /// The text without its leading comment lines: for telling equal documents without reading them.
    #[must_use]
    pub fn fingerprint(&self) -> (bool, &'a str) {
        (self.hook, body(self.text).trim_end())
    }

    /// Whether it may hold Secrets: a quick look that is never wrong when it says no.
    #[must_use]
    pub fn may_hold_secrets(&self) -> bool {
        // An escape could spell the word in another way.
        memchr::memmem::find(self.text.as_bytes(), b"Secret").is_some() || self.text.contains('\\')
    }

    /// Whether one document may stand for several objects, or for none.
    #[must_use]
    pub fn may_be_list(&self) -> bool {
        memchr::memmem::find(self.text.as_bytes(), b"List").is_some()
            && memchr::memmem::find(self.text.as_bytes(), b"items").is_some()
    }

    /// Whether it may be a CustomResourceDefinition that says which keys the lists of this kind have: a quick look.
    #[must_use]
    pub fn may_define_lists(&self, group: &str, kind: &str) -> bool {
        let has = |word: &str| memchr::memmem::find(self.text.as_bytes(), word.as_bytes()).is_some();
        has("CustomResourceDefinition") && has("x-kubernetes-list-map-keys") && has(group) && has(kind)
    }

    /// Whether it may be an object of one of these kinds that mentions one of these names: a quick look that is never
    /// wrong when it says no. Linear in the text, however many names there are.
    #[must_use]
    pub fn may_mention(&self, kinds: &[&str], names: &HashSet<&str>) -> bool {
        // An escape could spell a word in another way.
        if names.is_empty() || self.text.contains('\\') {
            return !names.is_empty();
        }
        let has = |kind: &&str| memchr::memmem::find(self.text.as_bytes(), kind.as_bytes()).is_some();
        let word = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
        kinds.iter().any(has) && self.text.split(word).any(|word| names.contains(word))
    }

    /// For the masker only.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The line of the manifest that it starts on; 1 is the first.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Whether it comes from a hook.
    #[must_use]
    pub fn is_hook(&self) -> bool {
        self.hook
    }

    /// The same, with the template it was rendered from, which Helm stores beside a hook's manifest.
    #[must_use]
    pub fn rendered_from(self, template: &'a str) -> Self {
        Self { template: Some(template).filter(|template| !template.is_empty()), ..self }
    }

    /// The template it was rendered from: as Helm writes it into a comment, or as it was told.
    /// `web/templates/service.yaml`.
    #[must_use]
    pub fn source(&self) -> Option<&'a str> {
        let comments = self.text.lines().take_while(|line| line.trim().is_empty() || line.starts_with('#'));
        comments.filter_map(|line| line.strip_prefix("# Source: ")).map(str::trim).next().or(self.template)
    }
}

impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} bytes, line {})", self.text.len(), self.line)
    }
}

/// The text after the comment lines it starts with.
fn body(text: &str) -> &str {
    let mut rest = text;
    while let Some(line) = rest.split_inclusive('\n').next() {
        if !line.starts_with('#') && !line.trim().is_empty() {
            break;
        }
        rest = &rest[line.len()..];
    }
    rest
}

/// An object of a manifest, with what is secret masked.
#[derive(Clone, Debug)]
pub struct Object {
    /// Which object it is.
    pub id: ObjectId,
    /// Whether it is a hook's.
    pub hook: bool,
    /// Its content. A document that could not be read is a text here.
    pub node: Node,
    /// The line of the manifest on which its document starts, from 1; 0 means unknown.
    pub line: u32,
    /// Why it could not be read, where that is so.
    pub problem: Option<String>,
    /// The line at which reading failed; none where it may be of a Secret.
    pub excerpt: Option<Excerpt>,
    /// The template it was rendered from.
    pub source: Option<String>,
    /// What is odd about it and worth a look, as sentences: a key that stands twice.
    pub notices: Vec<String>,
}

impl Object {
    /// An object of which nothing but its content is known. The content must be masked.
    #[must_use]
    pub fn of(node: Node) -> Self {
        Self {
            id: ObjectId::of(&node),
            hook: false,
            node,
            line: 0,
            problem: None,
            excerpt: None,
            source: None,
            notices: Vec::new(),
        }
    }
}

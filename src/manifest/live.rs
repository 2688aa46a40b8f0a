//! Objects of the cluster beside those that a manifest declares: read, cleaned of what the server alone writes, and
//! masked together, so that nothing behind this module sees the content of a Secret of either side.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};

use crate::manifest::document::{Document, Object};
use crate::manifest::emit;
use crate::manifest::hook;
use crate::manifest::identity::ObjectId;
use crate::manifest::managed_fields::ManagedFields;
use crate::manifest::mask::{Masker, decode, flatten, is_secret, map_entry};
use crate::manifest::node::{Node, Number, Value};
use crate::manifest::observed::{Observed, at};
use crate::manifest::yaml;

/// What the server writes into `metadata`, and nobody else.
const SERVERS_OWN: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// An object as the cluster has it. It gives away no content: [`Masker::open_live`] opens it.
pub struct LiveObject(Node);

impl LiveObject {
    /// Reads the server's JSON.
    ///
    /// # Errors
    /// If it is no JSON object.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// Its name and namespace.
    #[must_use]
    pub fn name(&self) -> (Option<&str>, Option<&str>) {
        let text = |key| self.0.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Node::as_str);
        (text("name"), text("namespace"))
    }

    /// Whose it is.
    #[must_use]
    pub fn ownership(&self) -> Ownership {
        let text = |keys: &[&str]| at(&self.0, keys).and_then(Node::as_str).map(str::to_owned);
        Ownership {
            managed_by: text(&["metadata", "labels", MANAGED_BY.0]),
            release: text(&["metadata", "annotations", RELEASE_NAME]),
            release_namespace: text(&["metadata", "annotations", RELEASE_NAMESPACE]),
            deleting: text(&["metadata", "deletionTimestamp"]).is_some(),
        }
    }

    pub(super) fn node(&self) -> &Node {
        &self.0
    }
}

impl<'de> Deserialize<'de> for LiveObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let node = Node::deserialize(deserializer)?;
        match node.get("metadata").and_then(Node::as_map) {
            Some(_) => Ok(Self(node)),
            None => Err(serde::de::Error::custom("an object without metadata")),
        }
    }
}

impl fmt::Debug for LiveObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveObject({:?})", self.name())
    }
}

/// An object that a manifest declares. It gives away no content: [`Masker::open_live`] opens it.
pub struct Declared {
    /// Which object it is.
    pub id: ObjectId,
    /// The template it was rendered from.
    pub source: Option<String>,
    pub(super) node: Node,
}

impl fmt::Debug for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Declared({})", self.id)
    }
}

impl Declared {
    /// Whether it says anything there.
    #[must_use]
    pub fn says(&self, path: &[&str]) -> bool {
        self.node.find(path).is_some()
    }

    /// The whole number that it says there.
    #[must_use]
    pub fn number(&self, path: &[&str]) -> Option<i64> {
        match self.node.find(path)?.value() {
            Value::Number(Number::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// The objects that a document declares: one, or the items of a list.
    ///
    /// # Errors
    /// Why the document can't be read, with its line of the manifest.
    pub fn of(document: &Document<'_>) -> Result<Vec<Self>, String> {
        let source = document.source().map(str::to_owned);
        match yaml::parse_all(document.text()) {
            Ok(nodes) => Ok(nodes
                .into_iter()
                .flat_map(flatten)
                .map(|node| Self { id: ObjectId::of(&node), source: source.clone(), node })
                .collect()),
            Err(error) => {
                let line = document.line().saturating_add(error.line).saturating_sub(1);
                Err(format!("line {line} of the manifest: {}", error.message))
            }
        }
    }

    /// Whether Helm runs it as a hook at one of these points ([`hook::points_of_upgrade`]).
    #[must_use]
    pub fn runs_at(&self, points: &[&str]) -> bool {
        hook::runs_at(&self.node, points)
    }

    /// How often Helm runs it as a hook at these points.
    #[must_use]
    pub fn runs(&self, points: &[&str]) -> u32 {
        hook::runs(&self.node, points)
    }

    /// How often Helm waits for it there ([`hook::waits`]).
    #[must_use]
    pub fn waits(&self, points: &[&str]) -> u32 {
        hook::waits(&self.node, points)
    }

    /// What Helm sends to the API server to apply the object for this release: with the label and the annotations by
    /// which Helm knows its own (`setMetadataVisitor` in Helm's `pkg/action/validate.go`).
    #[must_use]
    pub fn configuration(&self, release: &str, namespace: &str) -> Configuration {
        Configuration::of(&self.to_apply(release, namespace))
    }

    /// What Helm sends to make a hook's object: it has no marks of the release.
    #[must_use]
    pub fn as_hook(&self) -> Configuration {
        Configuration::of(&without_servers_own(self.node.clone()))
    }

    /// The same for replacing an object, as Helm's `--force` does it: with the version that it replaces.
    #[must_use]
    pub fn replacement(&self, live: &LiveObject, (release, namespace): (&str, &str)) -> Configuration {
        let version = at(&live.0, &["metadata", "resourceVersion"]).and_then(Node::as_str).unwrap_or_default();
        let node = with_entry(self.to_apply(release, namespace), "metadata", |metadata| {
            with_entry(metadata, "resourceVersion", |_| Node::string(version))
        });
        Configuration::of(&node)
    }

    pub(super) fn to_apply(&self, release: &str, namespace: &str) -> Node {
        let annotations = [(RELEASE_NAME, release), (RELEASE_NAMESPACE, namespace)];
        let node = with_metadata(self.node.clone(), "labels", &[MANAGED_BY]);
        without_servers_own(with_metadata(node, "annotations", &annotations))
    }

    /// Whether it says the same as another one.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl Declared {
    /// Whether the object is as declared already, but for its metadata: each declared field has its value. Where a value is written
    /// in another way, it is said to differ.
    #[must_use]
    pub fn is_in(&self, live: &Observed) -> bool {
        const ASIDE: [&str; 4] = ["apiVersion", "kind", "metadata", "status"];
        let fields = self.node.as_map().unwrap_or_default().iter();
        let mut fields = fields.filter(|(key, _)| !ASIDE.contains(&&**key));
        fields.all(|(key, declared)| holds(live.node().get(key), declared))
    }
}

impl Declared {
    /// The same without a word of how many pods it has, which others may set.
    #[must_use]
    pub fn at_any_scale(&self) -> Self {
        let Self { id, source, node } = self;
        let (id, source) = (id.clone(), source.clone());
        let node = if self.says(&["spec", "replicas"]) {
            with_entry(node.clone(), "spec", |spec| match spec.into_value() {
                Value::Map(fields) => {
                    Node::new(Value::Map(fields.into_iter().filter(|(key, _)| &**key != "replicas").collect()))
                }
                other => Node::new(other),
            })
        } else {
            node.clone()
        };
        Self { id, source, node }
    }
}

/// Whether each field that is declared is there with its value.
fn holds(live: Option<&Node>, declared: &Node) -> bool {
    match (live.map(Node::value), declared.value()) {
        (_, Value::Null) => true,
        (Some(Value::Map(_)), Value::Map(fields)) => {
            fields.iter().all(|(key, declared)| holds(live.and_then(|live| live.get(key)), declared))
        }
        (Some(Value::List(there)), Value::List(items)) => {
            there.len() == items.len() && there.iter().zip(items).all(|(live, declared)| holds(Some(live), declared))
        }
        (Some(_), _) => live.is_some_and(|live| live.content_hash() == declared.content_hash()),
        (None, _) => false,
    }
}

/// The label and the annotations that Helm puts on each object.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "Helm");
const RELEASE_NAME: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";

/// Whose an object of the cluster is, by the marks that Helm leaves on its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// The label `app.kubernetes.io/managed-by`.
    pub managed_by: Option<String>,
    /// The annotation `meta.helm.sh/release-name`.
    pub release: Option<String>,
    /// The annotation `meta.helm.sh/release-namespace`.
    pub release_namespace: Option<String>,
    /// Whether it is on its way out.
    pub deleting: bool,
}

impl Ownership {
    /// Whether Helm takes it for an object of this release (`checkOwnership` in Helm's `pkg/action/validate.go`).
    #[must_use]
    pub fn is_of(&self, release: &str, namespace: &str) -> bool {
        let is = |known: &Option<String>, wanted: &str| known.as_deref() == Some(wanted);
        is(&self.managed_by, MANAGED_BY.1) && is(&self.release, release) && is(&self.release_namespace, namespace)
    }
}

/// An object's declaration on its way to the API server. It may hold a Secret's content, and does not print it.
pub struct Configuration(Vec<u8>);

impl Configuration {
    pub(super) fn of(node: &Node) -> Self {
        Self(serde_json::to_vec(node).unwrap_or_default())
    }

    /// An object of our own making.
    #[must_use]
    pub fn from_json(json: Vec<u8>) -> Self {
        Self(json)
    }

    /// The JSON, for the request alone.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Configuration({} bytes)", self.0.len())
    }
}

/// An object as declared, as it is in the cluster, and as it would be after it had been applied; masked together.
#[derive(Debug)]
pub struct Opened {
    /// As declared.
    pub declared: Object,
    /// As it is in the cluster, without its status.
    pub live: Option<Node>,
    /// Who wrote what in the cluster.
    pub managed: ManagedFields,
    /// As a dry run says it would be after it had been applied, and what would then be written by whom.
    pub applied: Option<(Node, ManagedFields)>,
}

impl Masker {
    /// Opens an object together with what the cluster has of it. Of a Secret, `stringData` is shown as the `data` that
    /// it becomes.
    #[must_use]
    pub fn open_live(&self, declared: &Declared, live: Option<&LiveObject>, applied: Option<&LiveObject>) -> Opened {
        let managed = |object: Option<&LiveObject>| {
            let fields = object.and_then(|object| object.0.get("metadata")?.get("managedFields"));
            fields.map(ManagedFields::of).unwrap_or_default()
        };
        let (of_live, of_applied) = (managed(live), managed(applied));
        let has = (live.is_some(), applied.is_some());
        let of_cluster = [live, applied].into_iter().flatten();
        let cluster = of_cluster.map(|object| cleaned(typed_as(object.0.clone(), &declared.node)));
        let sides = std::iter::once(cleaned(declared.node.clone())).chain(cluster).map(folded).collect();
        let mut masked = self.mask_sides(sides).into_iter();
        let node = masked.next().unwrap_or_else(|| Node::new(Value::Null));
        let declared = Object { id: declared.id.clone(), source: declared.source.clone(), ..Object::of(node) };
        let live = if has.0 { masked.next() } else { None };
        let applied = if has.1 { masked.next().map(|node| (node, of_applied)) } else { None };
        Opened { declared, live, managed: of_live, applied }
    }
}

/// An item of a list says no type of its own, and by its type a Secret is known.
fn typed_as(object: Node, like: &Node) -> Node {
    let line = object.line();
    let Value::Map(mut entries) = object.into_value() else { return Node::new(Value::Null) };
    for key in ["kind", "apiVersion"] {
        if !entries.iter().any(|(name, _)| &**name == key)
            && let Some(value) = like.get(key)
        {
            entries.insert(0, (key.into(), value.clone()));
        }
    }
    Node::new(Value::Map(entries)).at(line)
}

/// The object without its status and without what the server alone writes.
fn cleaned(object: Node) -> Node {
    let line = object.line();
    let Value::Map(entries) = object.into_value() else { return Node::new(Value::Null) };
    let entries = entries.into_iter().filter(|(key, _)| &**key != "status").collect();
    without_servers_own(Node::new(Value::Map(entries)).at(line))
}

fn without_servers_own(object: Node) -> Node {
    map_entry(object, "metadata", |metadata| {
        let line = metadata.line();
        match metadata.into_value() {
            Value::Map(entries) => {
                let entries = entries.into_iter().filter(|(key, _)| !SERVERS_OWN.contains(&&**key));
                Node::new(Value::Map(entries.collect())).at(line)
            }
            other => Node::new(other).at(line),
        }
    })
}

/// A Secret as the API server stores it: `stringData` moved into `data`, base64 without line breaks. A key of
/// `stringData` wins.
fn folded(object: Node) -> Node {
    if !is_secret(&object) {
        return object;
    }
    let line = object.line();
    let Value::Map(entries) = object.into_value() else { return Node::new(Value::Null) };
    let mut data: Vec<(Box<str>, Node)> = Vec::new();
    let mut rest = Vec::with_capacity(entries.len());
    let mut place = None;
    let mut plain = Vec::new();
    for (key, value) in entries {
        match (&*key, value.as_map().is_some()) {
            ("data", true) => {
                place.get_or_insert(rest.len());
                if let Value::Map(entries) = value.into_value() {
                    data = entries.into_iter().map(|(key, value)| (key, canonical_base64(value))).collect();
                }
            }
            ("stringData", true) => {
                place.get_or_insert(rest.len());
                if let Value::Map(entries) = value.into_value() {
                    plain = entries;
                }
            }
            _ => rest.push((key, value)),
        }
    }
    if let Some(place) = place {
        let mut at: std::collections::HashMap<Box<str>, usize> =
            data.iter().enumerate().map(|(index, (key, _))| (key.clone(), index)).collect();
        for (key, value) in plain {
            let text = value.as_str().map_or_else(|| emit::scalar(&value).into_owned(), str::to_owned);
            let value = Node::string(STANDARD.encode(text)).at(value.line());
            match at.get(&key) {
                Some(&index) => data[index].1 = value,
                None => {
                    at.insert(key.clone(), data.len());
                    data.push((key, value));
                }
            }
        }
        rest.insert(place, ("data".into(), Node::new(Value::Map(data))));
    }
    Node::new(Value::Map(rest)).at(line)
}

fn canonical_base64(value: Node) -> Node {
    let line = value.line();
    match value.as_str().and_then(decode) {
        Some(content) => Node::string(STANDARD.encode(content)).at(line),
        None => value,
    }
}

/// The object with these entries in a map of its metadata.
fn with_metadata(object: Node, map: &str, added: &[(&str, &str)]) -> Node {
    with_entry(object, "metadata", |metadata| {
        with_entry(metadata, map, |labels| {
            added.iter().fold(labels, |labels, (key, value)| with_entry(labels, key, |_| Node::string(*value)))
        })
    })
}

/// The map with one entry changed; one that is missing is made from an empty map.
fn with_entry(node: Node, key: &str, change: impl FnOnce(Node) -> Node) -> Node {
    let line = node.line();
    let mut entries = match node.into_value() {
        Value::Map(entries) => entries,
        _ => Vec::new(),
    };
    let at = entries.iter().position(|(name, _)| &**name == key);
    match at {
        Some(at) => {
            let value = std::mem::replace(&mut entries[at].1, Node::new(Value::Null));
            entries[at].1 = change(value);
        }
        None => entries.push((key.into(), change(Node::new(Value::Map(Vec::new()))))),
    }
    Node::new(Value::Map(entries)).at(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::document::Manifest;

    fn declared(text: &str) -> Declared {
        let manifest = Manifest::new(text.to_owned());
        let documents = manifest.documents(false);
        Declared::of(&documents[0]).unwrap().remove(0)
    }

    fn live(json: &str) -> LiveObject {
        LiveObject::from_json(json.as_bytes()).unwrap()
    }

    fn json(node: &Node) -> String {
        serde_json::to_string(node).unwrap()
    }

    const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n    note: pass is hunter22\n\
        stringData:\n  password: hunter22\ndata:\n  token: c2Vzc2FtZTEy\n";

    #[test]
    fn what_the_server_adds_does_not_keep_an_object_from_being_as_declared() {
        let wanted = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers: [{name: main, image: 'web:2'}]\n";
        let runs = |image: &str| {
            let object = serde_json::json!({"metadata": {"name": "web"}, "status": {"replicas": 1}, "spec": {"replicas": 1,
                "template": {"spec": {"dnsPolicy": "ClusterFirst", "containers": [{"name": "main", "image": image, "resources": {}}]}}}});
            let node = serde_json::from_value(object).unwrap();
            Observed::new(node, "apps/v1", "Deployment").unwrap()
        };
        assert!(declared(wanted).is_in(&runs("web:2")));
        assert!(!declared(wanted).is_in(&runs("web:1")));
        let scaled = wanted.replace("spec:\n  template", "spec:\n  replicas: 9\n  template");
        assert!(!declared(&scaled).is_in(&runs("web:2")));
        assert!(declared(&scaled).at_any_scale().is_in(&runs("web:2")));
        assert!(declared(&scaled).at_any_scale().is_same_as(&declared(wanted)));
    }

    #[test]
    fn no_byte_of_a_secret_is_left_on_any_side() {
        let masker = Masker::new(b"key");
        // An item of a list has no kind; the annotation repeats what the other side holds.
        let item = live(
            r#"{"metadata":{"name":"s","annotations":{"note":"pass is hunter22","kubectl.kubernetes.io/last-applied-configuration":"{\"data\":\"b3BlbnNlc2FtZQ==\"}"}},
                "data":{"password":"b3BlbnNlc2FtZQ==","token":"c2Vzc2FtZTEy"}}"#,
        );
        let applied = live(r#"{"kind":"Secret","metadata":{"name":"s"},"data":{"password":"aHVudGVyMjI="}}"#);
        let opened = masker.open_live(&declared(SECRET), Some(&item), Some(&applied));
        let shown = format!(
            "{} {} {}",
            json(&opened.declared.node),
            json(opened.live.as_ref().unwrap()),
            json(&opened.applied.as_ref().unwrap().0)
        );
        for secret in ["hunter22", "opensesame", "b3BlbnNlc2FtZQ", "aHVudGVyMjI", "sessame12", "c2Vzc2FtZTEy"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(shown.matches("<masked, 8 bytes,").count() >= 3, "{shown}");
    }

    #[test]
    fn string_data_is_the_data_that_it_becomes() {
        for masker in [Masker::new(b"key"), Masker::showing_secrets()] {
            let stored = live(
                r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s","uid":"1","annotations":{"note":"pass is hunter22"}},
                "data":{"token":"c2Vzc2FtZTEy","password":"aHVudGVyMjI="},"status":{"x":1}}"#,
            );
            let opened = masker.open_live(&declared(SECRET), Some(&stored), None);
            assert!(opened.declared.node == opened.live.unwrap(), "{}", json(&opened.declared.node));
        }
    }

    #[test]
    fn the_configuration_is_what_helm_would_apply() {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  creationTimestamp: null\n  labels:\n    \
            app.kubernetes.io/managed-by: me\ndata: {a: \"1\"}\n";
        let sent: serde_json::Value =
            serde_json::from_slice(declared(text).configuration("web", "shop").json()).unwrap();
        assert_eq!(
            sent,
            serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}, "metadata": {
                "name": "c",
                "labels": {"app.kubernetes.io/managed-by": "Helm"},
                "annotations": {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"},
            }})
        );
    }

    #[test]
    fn an_answer_without_metadata_is_no_object() {
        for odd in ["[]", "1", "{}", r#"{"metadata":1}"#] {
            assert!(LiveObject::from_json(odd.as_bytes()).is_err(), "{odd}");
        }
    }

    #[test]
    fn nothing_prints_its_content() {
        let declared = declared(SECRET);
        let printed = format!("{declared:?} {:?}", declared.configuration("a", "b"));
        assert!(!printed.contains("hunter22"), "{printed}");
    }
}

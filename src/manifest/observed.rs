//! Objects of the cluster with their status, to watch how they fare. Of a Secret nothing is kept but its metadata, so what
//! is behind this module sees no content of any.

use std::fmt;

use crate::manifest::hook;
use crate::manifest::node::{Node, Number, Value};

/// Who owns an object: the entry of `ownerReferences` whose `controller` is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// As in `ReplicaSet`.
    pub kind: String,
    /// Its name; it is in the object's own namespace, if it is in any.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

/// Which fields of an object are kept, when more than they would only take memory. Of a list it is said of each item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// All of them.
    All,
    /// Those with these names, and of each what is kept.
    Only(&'static [(&'static str, Self)]),
}

impl Kept {
    fn of(self, node: Node) -> Node {
        let Self::Only(fields) = self else { return node };
        match node.into_value() {
            Value::Map(entries) => {
                let field = |key: &str| fields.iter().find(|(name, _)| *name == key).map(|(_, kept)| *kept);
                let kept = entries.into_iter().filter_map(|(key, value)| field(&key).map(|kept| (key, kept.of(value))));
                Node::new(Value::Map(kept.collect()))
            }
            Value::List(items) => Node::new(Value::List(items.into_iter().map(|item| self.of(item)).collect())),
            other => Node::new(other),
        }
    }
}

/// An object of the cluster with its status.
#[derive(Clone)]
pub struct Observed(Node);

impl Observed {
    /// The object as the server sent it. An item of a list does not say what it is, so its kind is named here. `None` for what
    /// has no metadata, and so is no object.
    #[must_use]
    pub fn new(object: Node, api_version: &str, kind: &str) -> Option<Self> {
        object.get("metadata").and_then(Node::as_map)?;
        let secret = kind == "Secret" || object.get("kind").and_then(Node::as_str) == Some("Secret");
        let Value::Map(entries) = object.into_value() else { return None };
        let type_of = [("apiVersion", api_version), ("kind", kind)].map(|(key, text)| (key.into(), Node::string(text)));
        let own = entries.into_iter().filter_map(|(key, value)| match &*key {
            "apiVersion" | "kind" => None,
            "data" | "stringData" if secret => None,
            "metadata" => Some((key, without_authors(value, secret))),
            _ => Some((key, value)),
        });
        Some(Self(Node::new(Value::Map(type_of.into_iter().chain(own).collect()))))
    }

    /// The same object with only some of its fields; kind and version stay.
    #[must_use]
    pub fn keeping(self, kept: Kept) -> Self {
        let Kept::Only(_) = kept else { return self };
        let of_type = ["apiVersion", "kind"].map(|key| (key.into(), Node::string(self.text(&[key]))));
        match kept.of(self.0).into_value() {
            Value::Map(entries) => Self(Node::new(Value::Map(of_type.into_iter().chain(entries).collect()))),
            other => Self(Node::new(other)),
        }
    }

    /// The whole object. Of a Secret it has no `data`.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.0
    }

    /// What is at these keys, one within the other.
    #[must_use]
    pub fn at(&self, keys: &[&str]) -> Option<&Node> {
        at(&self.0, keys)
    }

    /// The text at these keys; empty where there is none.
    #[must_use]
    pub fn text(&self, keys: &[&str]) -> &str {
        self.at(keys).and_then(Node::as_str).unwrap_or_default()
    }

    /// The whole number at these keys.
    #[must_use]
    pub fn number(&self, keys: &[&str]) -> Option<i64> {
        match self.at(keys)?.value() {
            Value::Number(Number::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text(&["metadata", "name"])
    }

    /// Its namespace; empty where its kind has none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.text(&["metadata", "namespace"])
    }

    /// The uid: another one means that the object was made anew.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.text(&["metadata", "uid"])
    }

    /// How often its specification was changed; 0 where the server does not count.
    #[must_use]
    pub fn generation(&self) -> i64 {
        self.number(&["metadata", "generation"]).unwrap_or_default()
    }

    /// The resource version, with which a watch goes on.
    #[must_use]
    pub fn resource_version(&self) -> &str {
        self.text(&["metadata", "resourceVersion"])
    }

    /// Whether it is on its way out.
    #[must_use]
    pub fn is_deleting(&self) -> bool {
        !self.text(&["metadata", "deletionTimestamp"]).is_empty()
    }

    /// The value of a label; empty where it has none.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        self.text(&["metadata", "labels", name])
    }

    /// The value of an annotation; empty where it has none.
    #[must_use]
    pub fn annotation(&self, name: &str) -> &str {
        self.text(&["metadata", "annotations", name])
    }

    /// Whether Helm lets it stand where an upgrade or a rollback would delete it.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        hook::is_kept(&self.0)
    }

    /// The object that controls it.
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        let owners = self.at(&["metadata", "ownerReferences"]).and_then(Node::as_list)?;
        let owner = owners.iter().find(|owner| owner.get("controller").and_then(Node::as_bool) == Some(true))?;
        let text = |key| owner.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
        Some(Owner { kind: text("kind"), name: text("name"), uid: text("uid") })
    }

    /// The condition of this type, where its status has one.
    #[must_use]
    pub fn condition(&self, name: &str) -> Option<Condition<'_>> {
        let conditions = self.at(&["status", "conditions"]).and_then(Node::as_list)?;
        conditions.iter().map(Condition).find(|condition| condition.text("type") == name)
    }
}

/// A condition of an object's status.
#[derive(Clone, Copy)]
pub struct Condition<'a>(&'a Node);

impl<'a> Condition<'a> {
    /// Whether its status is `True`.
    #[must_use]
    pub fn is_true(self) -> bool {
        self.text("status") == "True"
    }

    /// Whether its status is `False`.
    #[must_use]
    pub fn is_false(self) -> bool {
        self.text("status") == "False"
    }

    /// One of its fields, as in `reason`; empty where it has none.
    #[must_use]
    pub fn text(self, key: &str) -> &'a str {
        self.0.get(key).and_then(Node::as_str).unwrap_or_default()
    }

    /// One of its fields that is a whole number, as in `observedGeneration`.
    #[must_use]
    pub fn number(self, key: &str) -> Option<i64> {
        match self.0.get(key)?.value() {
            Value::Number(Number::Int(number)) => Some(*number),
            _ => None,
        }
    }
}

/// What is at these keys, one within the other.
#[must_use]
pub fn at<'a>(node: &'a Node, keys: &[&str]) -> Option<&'a Node> {
    keys.iter().try_fold(node, |node, key| node.get(key))
}

/// What the server keeps about authors is long and of no use here; an annotation of a Secret may repeat its content, so none is kept
/// but the word by which Helm lets it stand.
fn without_authors(metadata: Node, secret: bool) -> Node {
    let kept = secret && metadata.find(&["annotations", hook::POLICY]).and_then(Node::as_str) == Some(hook::KEEP);
    match metadata.into_value() {
        Value::Map(entries) => {
            let dropped = |key: &str| key == "managedFields" || (secret && key == "annotations");
            let mut left: Vec<(Box<str>, Node)> = entries.into_iter().filter(|(key, _)| !dropped(key)).collect();
            left.extend(kept.then(|| {
                let policy = (hook::POLICY.into(), Node::string(hook::KEEP));
                ("annotations".into(), Node::new(Value::Map(vec![policy])))
            }));
            Node::new(Value::Map(left))
        }
        other => Node::new(other),
    }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Observed({} {}/{})", self.text(&["kind"]), self.namespace(), self.name())
    }
}

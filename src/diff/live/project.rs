//! The fields that a manifest sets, as they are in an object of the cluster.
//!
//! The result has the manifest's shape: what only the cluster has is left out, but for what counts as drift; what the
//! cluster does not have is missing. Lists are matched as the API server merges them: by the keys that
//! `managedFields` names, by value, or, where a list can only be written as a whole, item by item.

use std::collections::HashMap;

use crate::diff::changes::{Step, location};
use crate::diff::list;
use crate::diff::live::equal::{EqualValue, same_value};
use crate::diff::live::extra;
use crate::manifest::emit;
use crate::manifest::managed_fields::{Held, ManagedFields, item_identity};
use crate::manifest::node::{Node, Number, Value};

/// What of that which the manifest does not set is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extras {
    /// Nothing.
    None,
    /// What was written by hand, or into something that can only be written as a whole.
    Drift,
    /// Everything below this key of the object's `spec`.
    Below(&'static str),
}

/// Takes the fields that a manifest sets out of an object.
pub(super) struct Projection<'a> {
    kind: &'a str,
    custom: bool,
    extras: Extras,
    steps: Vec<Step<'a>>,
    /// Values that are spelled in another way and are equal.
    pub(super) equal: Vec<EqualValue>,
}

impl<'a> Projection<'a> {
    pub(super) fn new(kind: &'a str, custom: bool, extras: Extras) -> Self {
        Self { kind, custom, extras, steps: Vec::new(), equal: Vec::new() }
    }

    /// The object's fields that the manifest sets.
    pub(super) fn object(&mut self, declared: &'a Node, object: &'a Node, managed: &ManagedFields) -> Node {
        self.field(declared, Some(object), &managed.root()).unwrap_or_else(|| Node::new(Value::Null))
    }

    /// A value that the manifest sets; `None` if the object has none there.
    fn field(&mut self, declared: &'a Node, actual: Option<&'a Node>, held: &Held<'_>) -> Option<Node> {
        let Some(actual) = actual else { return self.is_nothing(declared).then(|| declared.clone()) };
        match (declared.value(), actual.value()) {
            (Value::Map(want), Value::Map(have)) => Some(self.map(declared, want, have, held)),
            (Value::List(want), Value::List(have)) => Some(self.list(declared, want, have, held)),
            // As nothing is asked for, whatever is there will do.
            (Value::Null, _) => Some(declared.clone()),
            _ if declared == actual => Some(declared.clone()),
            _ if self.is_nothing(declared) && self.is_nothing(actual) => Some(declared.clone()),
            _ if same_value(declared, actual, &self.steps, self.kind) => {
                self.equal.push(EqualValue {
                    location: location(&self.steps),
                    declared: plain(declared),
                    live: plain(actual),
                });
                Some(declared.clone())
            }
            _ => Some(actual.clone()),
        }
    }

    /// Whether leaving a field out means the same.
    fn is_nothing(&self, node: &Node) -> bool {
        match node.value() {
            Value::Null => true,
            Value::Map(entries) => entries.iter().all(|(_, value)| self.is_nothing(value)),
            Value::List(items) => items.is_empty(),
            Value::Bool(value) => !self.custom && !value,
            Value::Number(number) => !self.custom && *number == Number::Int(0),
            Value::String(text) => !self.custom && text.is_empty(),
        }
    }

    fn map(&mut self, declared: &'a Node, want: &'a [Entry], have: &'a [Entry], held: &Held<'_>) -> Node {
        let mut actual: HashMap<&str, &'a Node> = have.iter().map(|(key, value)| (&**key, value)).collect();
        let mut entries = Vec::with_capacity(want.len());
        for (key, value) in want {
            let below = held.field(key);
            self.steps.push(Step::Key(key));
            if let Some(found) = self.field(value, actual.remove(&**key), &below) {
                entries.push((key.clone(), found));
            }
            self.steps.pop();
        }
        if !actual.is_empty() && self.extras != Extras::None {
            let rest = have.iter().filter(|(key, _)| actual.contains_key(&**key));
            entries.extend(rest.filter_map(|(key, value)| Some((key.clone(), self.added(key, value, held)?))));
        }
        Node::new(Value::Map(entries)).at(declared.line())
    }

    /// What of a field that the manifest does not set is drift.
    fn added(&self, key: &str, value: &Node, held: &Held<'_>) -> Option<Node> {
        if let Extras::Below(part) = self.extras {
            let below = matches!(&self.steps[..], [Step::Key("spec"), Step::Key(key), ..] if *key == part);
            return (below && !self.is_nothing(value)).then(|| value.clone());
        }
        let free = self.steps.iter().any(|step| matches!(step, Step::Key(key) if extra::is_free(key)));
        // Whoever writes into something that can only be written as a whole takes it from Helm. What is in there while
        // Helm holds it was filled in.
        if held.is_whole() {
            let by_others = !held.only(|writer| writer.manager != "helm").is_empty();
            return (by_others && (free || !extra::is_default(key, value))).then(|| value.clone());
        }
        extra::part(key, value, &held.field(key), free)
    }

    fn list(&mut self, declared: &'a Node, want: &'a [Node], have: &'a [Node], held: &Held<'_>) -> Node {
        let items = match held.key_names() {
            _ if want.is_empty() => return self.empty_list(declared, have, held),
            Some(names) => {
                let id = |item: &Node| item_identity(item, names);
                self.by_identity(want, have, held, &id).unwrap_or_else(|| self.as_whole(want, have, held))
            }
            None if held.is_set() => self.as_set(want, have, held),
            None if held.is_empty() && !held.is_whole() => {
                let ids = list::identities_of(want, have);
                let Some(keys) = ids else { return self.finished(declared, want, have, held) };
                let id = |item: &Node| list::identity(item, keys);
                self.by_identity(want, have, held, &id).unwrap_or_else(|| self.as_whole(want, have, held))
            }
            None => self.as_whole(want, have, held),
        };
        Node::new(Value::List(items)).at(declared.line())
    }

    fn finished(&mut self, declared: &'a Node, want: &'a [Node], have: &'a [Node], held: &Held<'_>) -> Node {
        Node::new(Value::List(self.as_whole(want, have, held))).at(declared.line())
    }

    /// Items that are identified by keys: in the manifest's order, with what was added by hand at the end. `None` if
    /// one has no identity, or two have the same.
    fn by_identity(
        &mut self,
        want: &'a [Node],
        have: &'a [Node],
        held: &Held<'_>,
        id: &dyn Fn(&Node) -> Option<String>,
    ) -> Option<Vec<Node>> {
        let mut actual: HashMap<String, usize> = HashMap::with_capacity(have.len());
        for (index, item) in have.iter().enumerate() {
            if actual.insert(id(item)?, index).is_some() {
                return None;
            }
        }
        let wanted = want.iter().map(id).collect::<Option<Vec<_>>>()?;
        let unique: std::collections::HashSet<&String> = wanted.iter().collect();
        if unique.len() < wanted.len() {
            return None;
        }
        let mut items = Vec::with_capacity(want.len());
        for (item, id) in want.iter().zip(wanted) {
            if let Some(index) = actual.remove(&id) {
                items.push(self.item(item, &have[index], index, held));
            }
        }
        let mut rest: Vec<usize> = actual.into_values().collect();
        rest.sort_unstable();
        items.extend(rest.into_iter().filter_map(|index| self.added_item(&have[index], index, held)));
        Some(items)
    }

    /// A set of values: those of the manifest that are there, then what was added by hand.
    fn as_set(&mut self, want: &'a [Node], have: &'a [Node], held: &Held<'_>) -> Vec<Node> {
        let key = |node: &Node| serde_json::to_string(node).unwrap_or_default();
        let mut actual: HashMap<String, usize> =
            have.iter().enumerate().map(|(index, value)| (key(value), index)).collect();
        let mut items: Vec<Node> = want.iter().filter(|value| actual.remove(&key(value)).is_some()).cloned().collect();
        let mut rest: Vec<usize> = actual.into_values().collect();
        rest.sort_unstable();
        items.extend(rest.into_iter().filter_map(|index| self.added_item(&have[index], index, held)));
        items
    }

    /// A list that can only be written as a whole: all that is there, in its order. Of items that belong to each other
    /// only the fields that the manifest sets are compared, since the server fills in others there too.
    fn as_whole(&mut self, want: &'a [Node], have: &'a [Node], held: &Held<'_>) -> Vec<Node> {
        let partner: Vec<Option<usize>> = match list::identities_of(want, have) {
            Some(keys) => {
                let id = |item: &Node| list::identity(item, keys);
                let of_want: HashMap<Option<String>, usize> =
                    want.iter().enumerate().map(|(index, item)| (id(item), index)).collect();
                have.iter().map(|item| of_want.get(&id(item)).copied()).collect()
            }
            None => (0..have.len()).map(|index| (index < want.len()).then_some(index)).collect(),
        };
        let pairs = have.iter().enumerate().zip(partner);
        pairs
            .map(|((index, item), partner)| match partner {
                Some(at) => self.item(&want[at], item, index, held),
                None => item.clone(),
            })
            .collect()
    }

    /// The manifest asks for none; what the server or a controller put there is no drift.
    fn empty_list(&mut self, declared: &Node, have: &'a [Node], held: &Held<'_>) -> Node {
        let items = have.iter().enumerate().filter_map(|(index, item)| match self.extras {
            Extras::Below(_) => Some(item.clone()),
            _ if held.is_whole() => self.whole_by_hand(item, held),
            _ => self.added_item(item, index, held),
        });
        let items: Vec<Node> = items.collect();
        if items.is_empty() { declared.clone() } else { Node::new(Value::List(items)).at(declared.line()) }
    }

    fn whole_by_hand(&self, item: &Node, held: &Held<'_>) -> Option<Node> {
        let by_hand = self.extras == Extras::Drift && !held.only(extra::counts).is_empty();
        by_hand.then(|| item.clone())
    }

    fn item(&mut self, want: &'a Node, have: &'a Node, index: usize, held: &Held<'_>) -> Node {
        let label = list::identities_of(std::slice::from_ref(want), std::slice::from_ref(have))
            .and_then(|keys| list::identity(want, keys));
        self.steps.push(Step::Index(index, label));
        let below = held.item(have, index);
        let found = self.field(want, Some(have), &below).unwrap_or_else(|| have.clone());
        self.steps.pop();
        found
    }

    fn added_item(&self, item: &Node, index: usize, held: &Held<'_>) -> Option<Node> {
        match self.extras {
            Extras::None => None,
            Extras::Below(_) => Some(item.clone()),
            Extras::Drift => extra::part("", item, &held.item(item, index), false),
        }
    }
}

type Entry = (Box<str>, Node);

/// A scalar without quotes.
fn plain(node: &Node) -> String {
    node.as_str().map_or_else(|| emit::scalar(node).into_owned(), str::to_owned)
}

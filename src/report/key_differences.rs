//! The words of the key differences.

use crate::diff::key_differences::{KeyDifference, Severity, Topic};
use crate::manifest::identity::ObjectId;
use crate::report::style::Role;

/// So many parts of a line are shown; JSON has all.
pub(super) const MOST_TURNS: usize = 8;

/// The objects' column is no wider than this, in characters; longer names push the rest of their line.
pub(super) const WIDEST_OBJECTS: usize = 48;

/// What a severity is called, where there is no colour.
pub(super) fn severity(severity: Severity) -> (Role, &'static str) {
    match severity {
        Severity::Danger => (Role::Error, "danger"),
        Severity::Warning => (Role::Warning, "warning"),
        Severity::Notice => (Role::Plain, ""),
        Severity::Info => (Role::Dim, ""),
    }
}

/// What a topic is called in its column.
pub(super) fn label(topic: Topic) -> &'static str {
    match topic {
        Topic::Deleted => "delete",
        Topic::Immutable => "immutable",
        Topic::Rbac => "rights",
        Topic::Privileges => "privileges",
        Topic::Images => "image",
        Topic::Replicas => "replicas",
        Topic::Resources => "resources",
        Topic::Services => "service",
        Topic::Hosts => "host",
        Topic::Storage => "storage",
        Topic::Restarts => "restart",
    }
}

/// Whether the objects are in more than one namespace, so that each has to say its own.
pub(super) fn namespaces(all: &[KeyDifference]) -> bool {
    let mut named = all.iter().flat_map(|one| &one.objects).filter_map(|object| object.namespace.as_deref());
    let first = named.next();
    named.any(|namespace| Some(namespace) != first)
}

/// As many of the objects as fit into their column, one at least, and how many more there are.
pub(super) fn objects(one: &KeyDifference, with_namespace: bool) -> String {
    let name = |object: &ObjectId| match with_namespace {
        true => object.to_string(),
        false => ObjectId { namespace: None, ..object.clone() }.to_string(),
    };
    let mut text = String::new();
    for (shown, object) in one.objects.iter().enumerate() {
        let name = name(object);
        let rest = one.objects.len() - shown;
        let more = if rest > 1 { format!(" and {rest} more").len() } else { 0 };
        if shown > 0 && text.chars().count() + 2 + name.chars().count() + more > WIDEST_OBJECTS {
            return format!("{text} and {rest} more");
        }
        if shown > 0 {
            text.push_str(", ");
        }
        text.push_str(&name);
    }
    text
}

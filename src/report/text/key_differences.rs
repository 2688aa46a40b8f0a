//! The key differences: a line each, the grave ones first. Only what is dangerous is loud.

use crate::diff::key_differences::{KeyDifference, Severity, Topic, Turn};
use crate::manifest::identity::ObjectId;
use crate::report::style::Role;
use crate::report::text::Page;

/// So many parts of a line are shown; JSON has all.
const MOST_TURNS: usize = 8;

/// The objects' column is no wider than this, in characters; longer names push the rest of their line.
const WIDEST_OBJECTS: usize = 48;

impl Page {
    pub(super) fn key_differences(&mut self, all: &[KeyDifference]) {
        if all.is_empty() {
            return;
        }
        self.title("key differences", Role::Heading, "");
        let topics = all.iter().map(|one| label(one.topic).chars().count()).max().unwrap_or(0);
        let elsewhere = namespaces(all);
        let names: Vec<String> = all.iter().map(|one| objects(one, elsewhere)).collect();
        let widths = names.iter().map(|names| names.chars().count()).filter(|width| *width <= WIDEST_OBJECTS);
        let widest = widths.max().unwrap_or(WIDEST_OBJECTS);
        for (one, names) in all.iter().zip(&names) {
            let (sign, role) = match one.severity {
                Severity::Danger => ("!!", Role::Error),
                Severity::Warning => (" !", Role::Warning),
                Severity::Notice => ("  ", Role::Plain),
                Severity::Info => ("  ", Role::Dim),
            };
            self.put(role, &format!("{sign} {:topics$}", label(one.topic)));
            self.put(
                if one.severity == Severity::Info { Role::Dim } else { Role::Plain },
                &format!("  {names:widest$}  "),
            );
            self.difference(one, role);
            self.text.truncate(self.text.trim_end_matches(' ').len());
            self.text.push('\n');
        }
    }

    /// What differs: the place, what turned into what, and what that means.
    fn difference(&mut self, one: &KeyDifference, role: Role) {
        let loud = one.severity >= Severity::Warning;
        if !one.place.is_empty() {
            self.put(Role::Plain, &one.place);
            self.text.push_str(": ");
        }
        for (index, turn) in one.turns.iter().take(MOST_TURNS).enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            self.turn(turn, if loud { role } else { Role::Added });
        }
        if one.turns.len() > MOST_TURNS {
            self.put(Role::Dim, &format!(" and {} more", one.turns.len() - MOST_TURNS));
        }
        if !one.note.is_empty() {
            if !one.turns.is_empty() {
                self.text.push_str("  ");
            }
            self.put(if loud { role } else { Role::Dim }, &one.note);
        }
    }

    fn turn(&mut self, turn: &Turn, added: Role) {
        let space = if turn.what.is_empty() || (turn.old.is_none() && turn.new.is_none()) { "" } else { " " };
        match (&turn.old, &turn.new) {
            (Some(old), Some(new)) => {
                self.put(Role::Plain, &format!("{}{space}", turn.what));
                self.put(Role::Removed, old);
                self.put(Role::Dim, " → ");
                self.put(Role::Added, new);
            }
            (None, Some(new)) => self.put(added, &format!("+ {}{space}{new}", turn.what)),
            (Some(old), None) => self.put(Role::Removed, &format!("- {}{space}{old}", turn.what)),
            (None, None) => self.put(Role::Plain, &turn.what),
        }
    }
}

/// What a topic is called in its column.
fn label(topic: Topic) -> &'static str {
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
fn namespaces(all: &[KeyDifference]) -> bool {
    let mut named = all.iter().flat_map(|one| &one.objects).filter_map(|object| object.namespace.as_deref());
    let first = named.next();
    named.any(|namespace| Some(namespace) != first)
}

/// As many of the objects as fit into their column, one at least, and how many more there are.
fn objects(one: &KeyDifference, with_namespace: bool) -> String {
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

//! The key differences: a line each, the grave ones first. Only what is dangerous is loud.

use std::collections::HashMap;

use crate::diff::key_differences::{KeyDifference, Severity, Topic, Turn};
use crate::report::key_differences::{MOST_TURNS, WIDEST_OBJECTS, label, namespaces, objects};
use crate::report::style::Role;
use crate::report::text::Page;

/// So many lines of one topic and severity are shown; JSON has all. What is dangerous is never left out.
const MOST_LINES: usize = 20;

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
        let mut shown: HashMap<(Severity, Topic), usize> = HashMap::new();
        let mut left_out = 0;
        for (one, names) in all.iter().zip(&names) {
            let lines = shown.entry((one.severity, one.topic)).or_default();
            *lines += 1;
            if *lines > MOST_LINES && one.severity < Severity::Danger {
                left_out += 1;
                continue;
            }
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
        if left_out > 0 {
            self.line(Role::Dim, &format!("   and {left_out} more; -o json has all"));
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

//! The chart's metadata and defaults: a line a field.

use crate::diff::changes::{Change, Op};
use crate::report::chart;
use crate::report::style::Role;
use crate::report::text::Page;

impl Page {
    /// A section of one line for each change.
    pub(super) fn rows(&mut self, title: &str, changes: &[Change<'_>]) {
        if changes.is_empty() {
            return;
        }
        self.title(title, Role::Heading, "");
        let rows = chart::rows(changes);
        let widest = rows.iter().map(|row| row.location.chars().count()).max().unwrap_or(0).min(40);
        for row in rows {
            let (sign, role) = match row.op {
                Op::Add => ("+", Role::Added),
                Op::Remove => ("-", Role::Removed),
                Op::Replace | Op::Move => ("~", Role::Changed),
            };
            self.put(role, &format!("{sign} "));
            self.put(Role::Plain, &format!("{:widest$}  ", row.location));
            match (row.old, row.new) {
                (Some(old), Some(new)) => {
                    self.put(Role::Removed, &old);
                    self.put(Role::Dim, " → ");
                    self.put(Role::Added, &new);
                }
                (Some(old), None) => self.put(Role::Removed, &old),
                (None, Some(new)) => self.put(Role::Added, &new),
                (None, None) => self.put(Role::Dim, "moved"),
            }
            self.text.push('\n');
        }
    }
}

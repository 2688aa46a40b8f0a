//! A diff as one line for each change: short, and easy to search.

use crate::diff::changes::{Change, Op};
use crate::diff::resources;
use crate::manifest::emit;
use crate::manifest::managed_fields::Writer;
use crate::manifest::node::Node;
use crate::report::live;
use crate::report::style::{Painter, Role};
use crate::report::view::{Resource, View};

/// Longer values are cut, in characters.
const LONGEST_VALUE: usize = 120;

/// Writes a line for each change.
///
/// # Errors
/// If the writer fails.
pub fn write(view: &View<'_>, painter: Painter, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let mut line = Line { text: String::new(), painter };
    for resource in &view.resources {
        line.resource(resource);
        out.write_all(line.text.as_bytes())?;
        line.text.clear();
    }
    for resource in view.crds.iter().flat_map(|crds| &crds.resources) {
        line.titled(resource, &format!("{} (not applied by Helm)", resource.object.id));
    }
    let computed = view.computed_values.as_ref();
    for (title, changes) in [
        ("values", Some(&view.values.changes)),
        ("computed values", computed.map(|section| &section.changes)),
        ("chart", Some(&view.chart.changes)),
        ("chart defaults", Some(&view.defaults.changes)),
    ] {
        changes.into_iter().flatten().for_each(|change| line.change(title, change, None));
    }
    if view.notes.changed() {
        line.start(Role::Changed, "~", "notes");
        line.text.push('\n');
    }
    out.write_all(line.text.as_bytes())
}

struct Line {
    text: String,
    painter: Painter,
}

impl Line {
    fn start(&mut self, role: Role, sign: &str, title: &str) {
        self.painter.paint(&mut self.text, role, sign);
        self.text.push(' ');
        self.painter.paint(&mut self.text, Role::Heading, title);
    }

    fn resource(&mut self, resource: &Resource<'_>) {
        self.titled(resource, &resource.object.id.to_string());
    }

    fn titled(&mut self, resource: &Resource<'_>, title: &str) {
        match resource.change {
            resources::Change::Added => self.start(Role::Added, "+", title),
            resources::Change::Removed => {
                self.start(Role::Removed, "-", title);
                if resource.drift.is_some() {
                    self.painter.paint(&mut self.text, Role::Dim, &format!("  {}", live::fate(true)));
                }
            }
            resources::Change::Modified => {
                if let Some(name) = &resource.old_name {
                    self.start(Role::Changed, "~", title);
                    self.painter.paint(&mut self.text, Role::Dim, &format!("  renamed from {name}"));
                    self.text.push('\n');
                }
                return self.changes(title, resource);
            }
        }
        self.text.push('\n');
    }

    fn changes(&mut self, title: &str, resource: &Resource<'_>) {
        match resource.drift {
            None => resource.changes.iter().for_each(|change| self.change(title, change, None)),
            Some(drift) => {
                let writers = resource.changes.iter().zip(drift.writers_of(&resource.changes));
                writers.for_each(|(change, writers)| self.change(title, change, Some(writers)));
            }
        }
    }

    /// What changed within a text is told instead of the text.
    fn change(&mut self, title: &str, change: &Change<'_>, writers: Option<&[Writer]>) {
        match &change.within {
            Some(inner) if !inner.changes.is_empty() => {
                let outside = outside(change);
                inner.changes.iter().for_each(|inner| self.operation(title, &outside, inner, writers));
            }
            _ => self.operation(title, "", change, writers),
        }
    }

    fn operation(&mut self, title: &str, outside: &str, change: &Change<'_>, writers: Option<&[Writer]>) {
        let (sign, role) = sign(change.op);
        self.start(role, sign, title);
        self.text.push_str("  ");
        self.what(outside, change);
        if let Some(writers) = writers {
            self.painter.paint(&mut self.text, Role::Dim, &format!("  {}", live::by(writers)));
        }
        self.text.push('\n');
    }

    /// The place and the values.
    fn what(&mut self, outside: &str, change: &Change<'_>) {
        let place = if change.location.is_empty() { "." } else { &change.location };
        self.painter.paint(&mut self.text, Role::Plain, &format!("{outside}{place}"));
        self.text.push_str("  ");
        if let Some(inner) = change.within.as_ref().filter(|_| change.is_formatting()) {
            self.painter.paint(
                &mut self.text,
                Role::Dim,
                &format!("only the formatting changed ({})", inner.format.name()),
            );
            return;
        }
        match (change.old, change.new) {
            (Some(old), Some(new)) => {
                self.painter.paint(&mut self.text, Role::Removed, &brief(old));
                self.painter.paint(&mut self.text, Role::Dim, " → ");
                self.painter.paint(&mut self.text, Role::Added, &brief(new));
            }
            (Some(node), None) => self.painter.paint(&mut self.text, Role::Removed, &brief(node)),
            (None, Some(node)) => self.painter.paint(&mut self.text, Role::Added, &brief(node)),
            (None, None) => self.painter.paint(&mut self.text, Role::Dim, "moved"),
        }
    }
}

fn sign(op: Op) -> (&'static str, Role) {
    match op {
        Op::Add => ("+", Role::Added),
        Op::Remove => ("-", Role::Removed),
        Op::Replace | Op::Move => ("~", Role::Changed),
    }
}

/// A change on one line, without colour: `+ spec.replicas  3`, `~ spec.replicas  1 → 3`. What changed within a text takes
/// a line for each change.
pub(super) fn lines(change: &Change<'_>) -> Vec<String> {
    let one = |outside: &str, change: &Change<'_>| {
        let mut line = Line { text: format!("{} ", sign(change.op).0), painter: Painter::new(false) };
        line.what(outside, change);
        line.text
    };
    match &change.within {
        Some(inner) if !inner.changes.is_empty() => {
            let outside = outside(change);
            inner.changes.iter().map(|inner| one(&outside, inner)).collect()
        }
        _ => vec![one("", change)],
    }
}

/// The place of a text, before a place in it.
fn outside(change: &Change<'_>) -> String {
    format!("{} → ", change.location)
}

/// A value on one line; text of several lines is only counted.
pub(super) fn brief(node: &Node) -> String {
    if let Some(text) = node.as_str()
        && emit::is_block(text)
    {
        return format!("({} lines)", emit::block_lines(text).count());
    }
    let text = if node.as_list().is_some() || node.as_map().is_some() {
        serde_json::to_string(node).unwrap_or_default()
    } else {
        emit::scalar(node).into_owned()
    };
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

//! A diff for a reader at a terminal or in a log.

mod chart;
mod crds;
mod header;
mod impact;
mod key_differences;
mod live;
mod regenerated;
mod resource;
mod values;

use crate::diff::lines::{Hunk, Tag};
use crate::report::style::{Painter, Role};
use crate::report::view::{Section, View};
use crate::report::wording::range;

/// Writes the diff as text.
///
/// # Errors
/// If the writer fails.
pub fn write(view: &View<'_>, painter: Painter, out: &mut impl std::io::Write) -> std::io::Result<()> {
    Page::new(painter, Layout::Unified).write(view, out)
}

/// How hunks are drawn.
#[derive(Clone, Copy)]
pub(super) enum Layout {
    /// Removed lines above added ones.
    Unified,
    /// Before and after beside each other, on so many terminal columns.
    SideBySide(usize),
}

/// The text so far.
pub(super) struct Page {
    pub(super) text: String,
    painter: Painter,
    /// Whether nothing is left out for being much.
    all: bool,
    layout: Layout,
}

impl Page {
    pub(super) fn new(painter: Painter, layout: Layout) -> Self {
        Self { text: String::new(), painter, all: false, layout }
    }

    /// Writes all of it, part by part.
    pub(super) fn write(mut self, view: &View<'_>, out: &mut impl std::io::Write) -> std::io::Result<()> {
        self.all = view.all;
        self.header(view);
        if !view.is_empty() {
            self.key_differences(&view.key_differences);
            if let Some(impact) = &view.impact {
                self.impact(impact);
            }
        }
        self.flush(out)?;
        for resource in &view.resources {
            self.resource(resource);
            self.flush(out)?;
        }
        self.crds(view);
        self.flush(out)?;
        self.values(view);
        self.rows("chart", &view.chart.changes);
        self.defaults(view);
        if !view.notes_hunks.is_empty() {
            self.title("notes", Role::Heading, "");
            self.hunks(&view.notes_hunks);
        }
        self.flush(out)
    }

    fn flush(&mut self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        out.write_all(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }

    pub(super) fn put(&mut self, role: Role, text: &str) {
        self.painter.paint(&mut self.text, role, text);
    }

    fn line(&mut self, role: Role, text: &str) {
        self.put(role, text);
        self.text.push('\n');
    }

    fn title(&mut self, title: &str, role: Role, note: &str) {
        self.text.push('\n');
        self.put(role, title);
        if !note.is_empty() {
            self.text.push_str("  ");
            self.put(Role::Dim, note);
        }
        self.text.push('\n');
    }

    fn section(&mut self, title: &str, section: &Section<'_>) {
        if !section.hunks.is_empty() {
            self.title(title, Role::Heading, "");
            self.hunks(&section.hunks);
        }
    }

    fn hunks(&mut self, hunks: &[Hunk]) {
        match self.layout {
            Layout::Unified => self.unified(hunks),
            Layout::SideBySide(width) => self.columns(hunks, width),
        }
    }

    fn unified(&mut self, hunks: &[Hunk]) {
        for hunk in hunks {
            self.put(
                Role::Hunk,
                &format!("@@ -{} +{} @@", range(hunk.old_start, hunk.old_len), range(hunk.new_start, hunk.new_len)),
            );
            if !hunk.location.is_empty() {
                self.text.push(' ');
                self.put(Role::Dim, &hunk.location);
            }
            self.text.push('\n');
            for line in &hunk.lines {
                let (sign, role, word) = match line.tag {
                    Tag::Context => (" ", Role::Plain, Role::Plain),
                    Tag::Removed => ("-", Role::Removed, Role::RemovedWord),
                    Tag::Added => ("+", Role::Added, Role::AddedWord),
                };
                self.put(role, sign);
                for segment in &line.segments {
                    self.put(if segment.emphasised { word } else { role }, &segment.text);
                }
                if !line.note.is_empty() {
                    self.put(Role::Dim, &format!("  # {}", line.note));
                }
                self.text.push('\n');
            }
        }
    }
}

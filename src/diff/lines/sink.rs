//! Gathers lines into hunks. Of what is unchanged, only the lines near a change are ever written.

use std::collections::VecDeque;

use super::{Hunk, Line, Tag};
use crate::diff::words::Segment;
use crate::manifest::emit::{self, Lead};
use crate::manifest::node::Node;

/// Unchanged lines that are not written yet.
pub(super) enum Context<'a> {
    /// A line.
    Text(String),
    /// The line above a map or a list.
    Head(Lead<'a>),
    /// A line of a text, at a column.
    Row(&'a str, usize),
    /// All lines of a node.
    Node(&'a Node, Lead<'a>),
}

impl Context<'_> {
    fn count(&self) -> usize {
        match self {
            Self::Text(_) | Self::Head(_) | Self::Row(..) => 1,
            Self::Node(node, lead) => emit::count(node, lead),
        }
    }

    /// Writes those lines from `start` on, up to `end`.
    fn write(&self, start: usize, end: usize, line: &mut impl FnMut(String)) {
        match self {
            Self::Node(node, lead) => emit::write_some(node, lead, start..end, line),
            _ if start > 0 || end == 0 => {}
            Self::Text(text) => line(text.clone()),
            Self::Head(lead) => line(lead.head()),
            Self::Row(text, column) => line(emit::indented(text, *column)),
        }
    }
}

/// Gathers lines into hunks, and keeps only as much context as is wanted.
pub(super) struct Sink<'a> {
    context: usize,
    /// Unchanged lines since the last hunk, each with how many of them are in that hunk. Those that are too far from what
    /// follows are gone.
    waiting: VecDeque<(Context<'a>, usize)>,
    /// How many lines they are.
    waiting_lines: usize,
    /// Whether a change would start a new hunk.
    pub(super) dropped: bool,
    trailing: usize,
    old_line: usize,
    new_line: usize,
    /// For the next changed line.
    pub(super) note: &'static str,
    hunks: Vec<Hunk>,
}

impl<'a> Sink<'a> {
    /// With so many unchanged lines around each change; `None` keeps all.
    pub(super) fn new(context: Option<usize>) -> Self {
        Self {
            context: context.unwrap_or(usize::MAX),
            waiting: VecDeque::new(),
            waiting_lines: 0,
            dropped: true,
            trailing: 0,
            old_line: 0,
            new_line: 0,
            note: "",
            hunks: Vec::new(),
        }
    }

    /// Unchanged lines.
    pub(super) fn context(&mut self, context: Context<'a>) {
        let lines = context.count();
        self.old_line += lines;
        self.new_line += lines;
        let shown = self.trailing.min(lines);
        if shown > 0 {
            self.trailing -= shown;
            context.write(0, shown, &mut |line| push(&mut self.hunks, Tag::Context, vec![Segment::plain(line)]));
        }
        if shown == lines {
            return;
        }
        self.waiting.push_back((context, shown));
        self.waiting_lines += lines - shown;
        self.dropped |= self.waiting_lines > self.context;
        while let Some((first, shown)) = self.waiting.front() {
            let lines = first.count() - shown;
            if self.waiting_lines - lines < self.context {
                break;
            }
            self.waiting_lines -= lines;
            self.waiting.pop_front();
        }
    }

    /// Many unchanged lines of a text, at a column.
    pub(super) fn rows(&mut self, rows: &[&'a str], column: usize) {
        let shown = self.trailing.min(rows.len());
        let kept = rows.len().saturating_sub(self.context).max(shown);
        rows[..shown].iter().for_each(|row| self.context(Context::Row(row, column)));
        if kept > shown {
            self.waiting.clear();
            self.waiting_lines = 0;
            self.dropped = true;
            self.old_line += kept - shown;
            self.new_line += kept - shown;
        }
        rows[kept..].iter().for_each(|row| self.context(Context::Row(row, column)));
    }

    /// A changed line. If it starts a hunk, that is at `location`.
    pub(super) fn changed(&mut self, tag: Tag, segments: Vec<Segment>, location: &str) {
        if self.dropped {
            let before = self.waiting_lines.min(self.context);
            let (old_start, new_start) = (self.old_line - before + 1, self.new_line - before + 1);
            self.hunks.push(Hunk { old_start, new_start, location: location.to_owned(), ..Hunk::default() });
            self.dropped = false;
        }
        self.flush();
        self.trailing = self.context;
        match tag {
            Tag::Removed => self.old_line += 1,
            Tag::Added => self.new_line += 1,
            Tag::Context => {}
        }
        push(&mut self.hunks, tag, segments);
        let note = std::mem::take(&mut self.note);
        if let Some(line) = self.hunks.last_mut().and_then(|hunk| hunk.lines.last_mut()) {
            line.note = note;
        }
    }

    /// Writes the unchanged lines that are near enough.
    fn flush(&mut self) {
        let mut skip = self.waiting_lines.saturating_sub(self.context);
        for (context, shown) in std::mem::take(&mut self.waiting) {
            context.write(shown + skip, usize::MAX, &mut |line| {
                push(&mut self.hunks, Tag::Context, vec![Segment::plain(line)]);
            });
            skip = skip.saturating_sub(context.count() - shown);
        }
        self.waiting_lines = 0;
    }

    pub(super) fn finish(mut self) -> Vec<Hunk> {
        if self.context == usize::MAX && !self.hunks.is_empty() {
            self.flush();
        }
        for hunk in &mut self.hunks {
            // As `diff -u` has it: an empty side starts at the line before.
            hunk.old_start -= usize::from(hunk.old_len == 0);
            hunk.new_start -= usize::from(hunk.new_len == 0);
        }
        self.hunks
    }
}

fn push(hunks: &mut [Hunk], tag: Tag, segments: Vec<Segment>) {
    if let Some(hunk) = hunks.last_mut() {
        hunk.old_len += usize::from(tag != Tag::Added);
        hunk.new_len += usize::from(tag != Tag::Removed);
        hunk.lines.push(Line { tag, segments, note: "" });
    }
}

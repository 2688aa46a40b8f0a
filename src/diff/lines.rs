//! A delta as unified hunks of YAML lines.
//!
//! The lines follow the structure: an item of a list is compared with the item it belongs to, and never with whatever
//! happens to stand on the same line. Only text of several lines is compared line by line.

use std::collections::VecDeque;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::diff::changes::{Step, location};
use crate::diff::structure::{Delta, Entry, Fate, Item, Pair};
use crate::diff::words::{Segment, highlight};
use crate::manifest::emit::{self, Lead, LeadKind, indentation};
use crate::manifest::node::{Node, Value};

/// What a line of a hunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// The same on both sides.
    Context,
    /// Only before.
    Removed,
    /// Only after.
    Added,
}

/// One line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// On which side it stands.
    pub tag: Tag,
    /// Its text, with what changed within it.
    pub segments: Vec<Segment>,
}

/// A stretch of changed lines with the unchanged ones around it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hunk {
    /// First line before, 1-based; 0 if there is none.
    pub old_start: usize,
    /// Number of lines before.
    pub old_len: usize,
    /// First line after, 1-based; 0 if there is none.
    pub new_start: usize,
    /// Number of lines after.
    pub new_len: usize,
    /// What the first change is in: `spec.template.spec`.
    pub location: String,
    /// The lines.
    pub lines: Vec<Line>,
}

/// Hunks with `context` unchanged lines around each change; `None` shows all lines.
#[must_use]
pub fn hunks(delta: &Delta<'_>, context: Option<usize>) -> Vec<Hunk> {
    let mut drawing = Drawing { sink: Sink::new(context), steps: Vec::new() };
    drawing.delta(delta, &Lead::root());
    drawing.sink.finish()
}

/// One hunk in which every line of a tree is added or removed.
#[must_use]
pub fn whole(node: &Node, tag: Tag) -> Vec<Hunk> {
    let mut drawing = Drawing { sink: Sink::new(None), steps: Vec::new() };
    drawing.write(node, &Lead::root(), tag);
    drawing.sink.finish()
}

/// Hunks of two texts, line by line.
#[must_use]
pub fn text_hunks(old: &str, new: &str, context: Option<usize>) -> Vec<Hunk> {
    let mut drawing = Drawing { sink: Sink::new(context), steps: Vec::new() };
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    drawing.texts(&old, &new, "");
    drawing.sink.finish()
}

struct Drawing<'a> {
    sink: Sink,
    steps: Vec<Step<'a>>,
}

impl<'a> Drawing<'a> {
    fn delta(&mut self, delta: &Delta<'a>, lead: &Lead) {
        match delta {
            Delta::Same(node) => self.write(node, lead, Tag::Context),
            Delta::Replaced { old, new } => self.replaced(old, new, lead),
            Delta::Map(entries) => self.map(entries, lead),
            Delta::List(items) => self.list(items, lead),
        }
    }

    fn map(&mut self, entries: &[Entry<'a>], lead: &Lead) {
        let column = lead.child_column(false);
        // A dash goes before an entry that is on both sides; where there is none, it stands alone.
        let kept = entries.iter().position(|entry| matches!(entry.fate, Fate::Kept(_)));
        let on_dash = kept.filter(|_| lead.kind == LeadKind::Dash);
        if on_dash.is_none() && lead.kind != LeadKind::Root {
            self.sink.context(lead.text.trim_end().to_owned());
        }
        let before = indentation(column);
        if let Some(at) = on_dash {
            self.entry(&entries[at], &lead.text, column);
        }
        for (at, entry) in entries.iter().enumerate() {
            if Some(at) != on_dash {
                self.entry(entry, &before, column);
            }
        }
    }

    fn entry(&mut self, entry: &Entry<'a>, before: &str, column: usize) {
        let lead = Lead::key(before, entry.key, column);
        self.steps.push(Step::Key(entry.key));
        match &entry.fate {
            Fate::Kept(delta) => self.delta(delta, &lead),
            Fate::Added(node) => self.write(node, &lead, Tag::Added),
            Fate::Removed(node) => self.write(node, &lead, Tag::Removed),
        }
        self.steps.pop();
    }

    fn list(&mut self, items: &[Item<'a>], lead: &Lead) {
        if lead.kind != LeadKind::Root {
            self.sink.context(lead.text.trim_end().to_owned());
        }
        let column = lead.child_column(true);
        let dash = Lead::dash(&indentation(column), column);
        for item in items {
            let (index, label) = match item {
                Item::Kept(Pair { new_index, label, .. }) | Item::MovedHere(Pair { new_index, label, .. }) => {
                    (*new_index, label.clone())
                }
                Item::Added { new_index, .. } => (*new_index, None),
                Item::Removed { old_index, .. } | Item::MovedAway { old_index, .. } => (*old_index, None),
            };
            self.steps.push(Step::Index(index, label));
            match item {
                Item::Kept(pair) => self.delta(&pair.delta, &dash),
                Item::MovedHere(Pair { new, .. }) | Item::Added { new, .. } => self.write(new, &dash, Tag::Added),
                Item::Removed { old, .. } | Item::MovedAway { old, .. } => self.write(old, &dash, Tag::Removed),
            }
            self.steps.pop();
        }
    }

    fn replaced(&mut self, old: &Node, new: &Node, lead: &Lead) {
        match (old.value(), new.value()) {
            (Value::String(a), Value::String(b)) if emit::is_block(a) && emit::is_block(b) => {
                let (header_a, header_b) = (emit::block_header(a), emit::block_header(b));
                if header_a == header_b {
                    self.sink.context(lead.line(header_a));
                } else {
                    self.pair(&lead.line(header_a), &lead.line(header_b));
                }
                let (old_lines, new_lines): (Vec<&str>, Vec<&str>) =
                    (emit::block_lines(a).collect(), emit::block_lines(b).collect());
                self.texts(&old_lines, &new_lines, &indentation(lead.child_column(false)));
            }
            _ if one_line(old) && one_line(new) => {
                self.pair(&lead.line(&emit::scalar(old)), &lead.line(&emit::scalar(new)));
            }
            _ => {
                self.write(old, lead, Tag::Removed);
                self.write(new, lead, Tag::Added);
            }
        }
    }

    fn texts(&mut self, old: &[&str], new: &[&str], before: &str) {
        let indented = |line: &str| if line.is_empty() { String::new() } else { format!("{before}{line}") };
        for op in capture_diff_slices(Algorithm::Myers, old, new) {
            match op {
                DiffOp::Equal { old_index, len, .. } => {
                    old[old_index..old_index + len].iter().for_each(|line| self.sink.context(indented(line)));
                }
                _ => self.replaced_lines(&old[op.old_range()], &new[op.new_range()], &indented),
            }
        }
    }

    /// Removed lines first, then added ones; the first is compared with the first, word by word, and so on.
    fn replaced_lines(&mut self, old: &[&str], new: &[&str], indented: &impl Fn(&str) -> String) {
        // Of a long text the key is rarely in sight.
        let at = self.place(self.steps.len());
        let mut added: Vec<Vec<Segment>> = Vec::with_capacity(new.len());
        for (index, line) in old.iter().enumerate() {
            let segments = match new.get(index) {
                Some(other) => {
                    let (before, after) = highlight(&indented(line), &indented(other));
                    added.push(after);
                    before
                }
                None => vec![Segment::plain(indented(line))],
            };
            self.sink.changed(Tag::Removed, segments, &at);
        }
        added.extend(new.iter().skip(old.len()).map(|line| vec![Segment::plain(indented(line))]));
        added.into_iter().for_each(|segments| self.sink.changed(Tag::Added, segments, &at));
    }

    fn pair(&mut self, old: &str, new: &str) {
        let at = self.parent();
        let (before, after) = highlight(old, new);
        self.sink.changed(Tag::Removed, before, &at);
        self.sink.changed(Tag::Added, after, &at);
    }

    fn write(&mut self, node: &Node, lead: &Lead, tag: Tag) {
        if tag == Tag::Context {
            emit::write(node, lead, &mut |line| self.sink.context(line));
        } else {
            let at = self.parent();
            emit::write(node, lead, &mut |line| self.sink.changed(tag, vec![Segment::plain(line)], &at));
        }
    }

    /// What the current node is in, where a new hunk would start.
    fn parent(&self) -> String {
        self.place(self.steps.len().saturating_sub(1))
    }

    /// The path down to this depth, where a new hunk would start.
    fn place(&self, depth: usize) -> String {
        if self.sink.dropped { location(&self.steps[..depth]) } else { String::new() }
    }
}

fn one_line(node: &Node) -> bool {
    match node.value() {
        Value::String(text) => !emit::is_block(text),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        _ => true,
    }
}

/// Gathers lines into hunks, and keeps only as much context as is wanted.
struct Sink {
    context: usize,
    before: VecDeque<String>,
    dropped: bool,
    trailing: usize,
    old_line: usize,
    new_line: usize,
    hunks: Vec<Hunk>,
}

impl Sink {
    fn new(context: Option<usize>) -> Self {
        Self {
            context: context.unwrap_or(usize::MAX),
            before: VecDeque::new(),
            dropped: true,
            trailing: 0,
            old_line: 0,
            new_line: 0,
            hunks: Vec::new(),
        }
    }

    fn context(&mut self, line: String) {
        self.old_line += 1;
        self.new_line += 1;
        if self.trailing > 0 {
            self.trailing -= 1;
            self.push(Tag::Context, vec![Segment::plain(line)]);
            return;
        }
        self.before.push_back(line);
        if self.before.len() > self.context {
            self.before.pop_front();
            self.dropped = true;
        }
    }

    fn changed(&mut self, tag: Tag, segments: Vec<Segment>, location: &str) {
        if self.dropped {
            let (old_start, new_start) = (self.old_line - self.before.len() + 1, self.new_line - self.before.len() + 1);
            self.hunks.push(Hunk { old_start, new_start, location: location.to_owned(), ..Hunk::default() });
            self.dropped = false;
        }
        for line in std::mem::take(&mut self.before) {
            self.push(Tag::Context, vec![Segment::plain(line)]);
        }
        self.trailing = self.context;
        match tag {
            Tag::Removed => self.old_line += 1,
            Tag::Added => self.new_line += 1,
            Tag::Context => {}
        }
        self.push(tag, segments);
    }

    fn push(&mut self, tag: Tag, segments: Vec<Segment>) {
        if let Some(hunk) = self.hunks.last_mut() {
            hunk.old_len += usize::from(tag != Tag::Added);
            hunk.new_len += usize::from(tag != Tag::Removed);
            hunk.lines.push(Line { tag, segments });
        }
    }

    fn finish(mut self) -> Vec<Hunk> {
        if self.context == usize::MAX && !self.hunks.is_empty() {
            let rest = std::mem::take(&mut self.before);
            rest.into_iter().for_each(|line| self.push(Tag::Context, vec![Segment::plain(line)]));
        }
        for hunk in &mut self.hunks {
            // As `diff -u` has it: an empty side starts at the line before.
            hunk.old_start -= usize::from(hunk.old_len == 0);
            hunk.new_start -= usize::from(hunk.new_len == 0);
        }
        self.hunks
    }
}

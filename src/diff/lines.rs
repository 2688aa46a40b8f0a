//! A delta as unified hunks of YAML lines.
//!
//! The lines follow the structure: an item of a list is compared with the item it belongs to, and never with whatever
//! happens to stand on the same line. Only text of several lines is compared line by line.

mod sink;

use crate::diff::changes::{Step, location};
use crate::diff::sequence::{Stretch, align};
use crate::diff::structure::{Delta, Entry, Fate, Item, Pair, Within};
use crate::diff::words::{Highlighter, Segment};
use crate::manifest::emit::{self, Lead};
use crate::manifest::node::{Node, Value};

use sink::{Context, Sink};

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
    /// What a reader should know beside the text: that a list item only moved. Empty on most lines.
    pub note: &'static str,
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
    let mut drawing = Drawing::new(context);
    drawing.delta(delta, &Lead::root());
    drawing.sink.finish()
}

/// One hunk in which every line of a tree is added or removed.
#[must_use]
pub fn whole(node: &Node, tag: Tag) -> Vec<Hunk> {
    let mut drawing = Drawing::new(None);
    drawing.write(node, &Lead::root(), tag);
    drawing.sink.finish()
}

/// Hunks of two texts, line by line.
#[must_use]
pub fn text_hunks(old: &str, new: &str, context: Option<usize>) -> Vec<Hunk> {
    let mut drawing = Drawing::new(context);
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    drawing.texts(&old, &new, 0);
    drawing.sink.finish()
}

struct Drawing<'a> {
    sink: Sink<'a>,
    steps: Vec<Step<'a>>,
    highlighter: Highlighter,
}

impl<'a> Drawing<'a> {
    fn new(context: Option<usize>) -> Self {
        Self { sink: Sink::new(context), steps: Vec::new(), highlighter: Highlighter::default() }
    }

    fn delta(&mut self, delta: &Delta<'a>, lead: &Lead<'a>) {
        match delta {
            Delta::Same(node) => self.write(node, lead, Tag::Context),
            Delta::Replaced { old, new } => self.replaced(old, new, lead),
            Delta::Map(entries) => self.map(entries, lead),
            Delta::List(items) => self.list(items, lead),
            Delta::Within(within) => self.within(within, lead),
        }
    }

    /// What a text holds is drawn like the rest of the document, below a line that says so. If only its formatting
    /// changed, there is nothing to draw but that.
    fn within(&mut self, within: &Within<'a>, lead: &Lead<'a>) {
        let format = within.format.name();
        if within.is_formatting() {
            let size = |node: &Node| node.as_str().map_or(0, |text| text.lines().count());
            let line = |node: &Node, note: &str| lead.line(&format!("# {format}, {}{note}", lines(size(node))));
            let at = self.parent();
            let before = vec![Segment::plain(line(within.old, ""))];
            let after = vec![Segment::plain(line(within.new, ": only the formatting changed"))];
            self.sink.changed(Tag::Removed, before, &at);
            self.sink.changed(Tag::Added, after, &at);
            return;
        }
        self.sink.context(Context::Text(lead.line(&format!("# text with {format}"))));
        self.steps.push(Step::Inside);
        self.delta(&within.delta, &Lead::top(lead.child_column(false)));
        self.steps.pop();
    }

    fn map(&mut self, entries: &[Entry<'a>], lead: &Lead<'a>) {
        // A dash goes before an entry that is on both sides; where there is none, it stands alone.
        let kept = entries.iter().position(|entry| matches!(entry.fate, Fate::Kept(_)));
        let on_dash = kept.filter(|_| lead.is_dash());
        if on_dash.is_none() && !lead.is_top() {
            self.sink.context(Context::Head(*lead));
        }
        if let Some(at) = on_dash {
            self.entry(&entries[at], lead, true);
        }
        for (at, entry) in entries.iter().enumerate() {
            if Some(at) != on_dash {
                self.entry(entry, lead, false);
            }
        }
    }

    fn entry(&mut self, entry: &Entry<'a>, above: &Lead<'a>, on_dash: bool) {
        let lead = above.key(entry.key, on_dash);
        self.steps.push(Step::Key(entry.key));
        match &entry.fate {
            Fate::Kept(delta) => self.delta(delta, &lead),
            Fate::Added(node) => self.write(node, &lead, Tag::Added),
            Fate::Removed(node) => self.write(node, &lead, Tag::Removed),
        }
        self.steps.pop();
    }

    fn list(&mut self, items: &[Item<'a>], lead: &Lead<'a>) {
        if !lead.is_top() {
            self.sink.context(Context::Head(*lead));
        }
        let dash = lead.dash(false);
        for item in items {
            let (index, label) = match item {
                Item::Kept(Pair { new_index, label, .. }) | Item::MovedHere(Pair { new_index, label, .. }) => {
                    (*new_index, label.as_deref())
                }
                Item::Added { new_index, .. } => (*new_index, None),
                Item::Removed { old_index, .. } | Item::MovedAway { old_index, .. } => (*old_index, None),
            };
            self.steps.push(Step::Index(index, label.map(str::to_owned)));
            match item {
                Item::Kept(pair) => self.delta(&pair.delta, &dash),
                Item::Added { new, .. } => self.write(new, &dash, Tag::Added),
                Item::Removed { old, .. } => self.write(old, &dash, Tag::Removed),
                Item::MovedAway { old, .. } => self.moved(old, &dash, Tag::Removed),
                Item::MovedHere(Pair { new, .. }) => self.moved(new, &dash, Tag::Added),
            }
            self.steps.pop();
        }
    }

    /// An item that moved is drawn where it was and where it is.
    fn moved(&mut self, item: &'a Node, lead: &Lead<'a>, tag: Tag) {
        self.sink.note = "moved";
        self.write(item, lead, tag);
    }

    fn replaced(&mut self, old: &'a Node, new: &'a Node, lead: &Lead<'a>) {
        match (old.value(), new.value()) {
            (Value::String(a), Value::String(b)) if emit::is_block(a) && emit::is_block(b) => {
                let (header_a, header_b) = (emit::block_header(a), emit::block_header(b));
                if header_a == header_b {
                    self.sink.context(Context::Text(lead.line(header_a)));
                } else {
                    self.pair(&lead.line(header_a), &lead.line(header_b));
                }
                let (old_lines, new_lines): (Vec<&str>, Vec<&str>) =
                    (emit::block_lines(a).collect(), emit::block_lines(b).collect());
                self.texts(&old_lines, &new_lines, lead.child_column(false));
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

    fn texts(&mut self, old: &[&'a str], new: &[&'a str], column: usize) {
        for Stretch { old: before, new: after, equal } in align(old, new) {
            match equal {
                true => self.sink.rows(&old[before], column),
                false => self.replaced_lines(&old[before], &new[after], column),
            }
        }
    }

    /// Removed lines first, then added ones; the first is compared with the first, word by word, and so on.
    fn replaced_lines(&mut self, old: &[&str], new: &[&str], column: usize) {
        // Of a long text the key is rarely in sight.
        let at = self.place(self.steps.len());
        let indented = |line: &str| emit::indented(line, column);
        let mut added: Vec<Vec<Segment>> = Vec::with_capacity(new.len());
        for (index, line) in old.iter().enumerate() {
            let segments = match new.get(index) {
                Some(other) => {
                    let (before, after) = self.highlighter.highlight(&indented(line), &indented(other));
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
        let (before, after) = self.highlighter.highlight(old, new);
        self.sink.changed(Tag::Removed, before, &at);
        self.sink.changed(Tag::Added, after, &at);
    }

    fn write(&mut self, node: &'a Node, lead: &Lead<'a>, tag: Tag) {
        if tag == Tag::Context {
            self.sink.context(Context::Node(node, *lead));
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

fn lines(count: usize) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}

fn one_line(node: &Node) -> bool {
    match node.value() {
        Value::String(text) => !emit::is_block(text),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        _ => true,
    }
}

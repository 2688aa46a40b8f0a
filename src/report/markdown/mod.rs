//! A diff as a comment on GitHub or GitLab: a title, tables, and a folded section for each object, never longer than
//! such a comment may be.

mod block;
pub(in crate::report) mod escape;

use crate::diff::resources::Change;
use crate::report::markdown::block::{Block, lines};
use crate::report::markdown::escape::{code, prose, span};
use crate::report::parts::{self, Body, Cell, Part, Table};
use crate::report::remarks::{CRDS, NOT_APPLIED, crds, remarks};
use crate::report::style::Role;
use crate::report::view::{Resource, View};
use crate::report::wording::{
    changed_lines, counted, ending, headline, left_out, noise, noise_title, notes, nothing_differs, shortened,
};

/// A comment can't be asked to be shorter, in bytes: its title and its summary take that much.
pub const LEAST_BYTES: usize = 2000;

/// Longer names are cut in titles, in characters.
const LONGEST_NAME: usize = 60;

/// Longer notices are cut, in characters.
const LONGEST_NOTICE: usize = 300;

/// Longer texts in a table are cut, in characters.
const LONGEST_CELL: usize = 500;

/// Longer remarks on an object are cut, in characters.
const LONGEST_REMARK: usize = 600;

/// Bytes kept free for the sentence about what is left out.
const LAST_WORD: usize = 400;

/// Less of an object is not worth showing, in bytes.
const WORTHWHILE: usize = 1500;

/// Writes the comment, of at most `max_bytes` bytes. Less than [`LEAST_BYTES`] counts as that.
///
/// # Errors
/// If the writer fails.
pub fn write(view: &View<'_>, max_bytes: usize, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let mut text = head(view);
    let (first, objects, last) = (above(view), objects(view), below(view));
    let all = first.iter().chain(&objects).chain(&last);
    let room = max_bytes.max(LEAST_BYTES).saturating_sub(text.len());
    if all.clone().map(Block::size).sum::<usize>() <= room {
        all.for_each(|block| block.write(block.len(), &mut text));
    } else {
        cut([&first, &objects, &last], room.saturating_sub(LAST_WORD), max_bytes, &mut text);
    }
    out.write_all(text.as_bytes())
}

/// The title and the count of objects.
fn head(view: &View<'_>) -> String {
    let pieces = headline(view)
        .into_iter()
        .map(|piece| if piece.name { span(&ending(&piece.text, LONGEST_NAME)) } else { piece.text });
    let mut text = format!("### {}\n\n", pieces.collect::<String>());
    if view.is_empty() {
        text.push_str(&nothing_differs(view));
        left_out(view.summary).iter().for_each(|what| text.push_str(&format!(", {what}")));
        text.push_str(".\n\n");
        return text;
    }
    let summary = view.summary;
    let columns = [
        ("Changed", summary.modified),
        ("Added", summary.added),
        ("Removed", summary.removed),
        ("Unchanged", summary.unchanged),
    ];
    let row =
        |cell: &dyn Fn(&(&str, usize)) -> String| columns.iter().map(|c| format!(" {} |", cell(c))).collect::<String>();
    text.push_str(&format!("|{}\n", row(&|column| column.0.to_owned())));
    text.push_str(&format!("|{}\n", row(&|_| "--:".to_owned())));
    text.push_str(&format!("|{}\n\n", row(&|column| column.1.to_string())));
    let left_out = left_out(summary);
    if !left_out.is_empty() {
        text.push_str(&format!("Not shown: {}.\n\n", left_out.join(", ")));
    }
    text
}

/// What stands above the objects: the revisions, what matters most, and the noise.
fn above(view: &View<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let said = parts::said(view);
    if !said.is_empty() {
        let row = |said: &Cell| {
            let sign = if said.role == Role::Warning { "⚠ " } else { "" };
            format!("<tr><td>{sign}{}</td></tr>", prose(&shortened(&said.text, LONGEST_NOTICE)))
        };
        blocks.push(Block::table("<table>\n".to_owned(), said.iter().map(row).collect(), "</table>\n\n".to_owned()));
    }
    if view.is_empty() {
        return blocks;
    }
    blocks.extend(parts::revisions(view).iter().map(|revisions| table("", revisions, "</table>\n\n".to_owned())));
    blocks.extend(parts::above(view).iter().map(part));
    let muted = &view.noise.objects;
    if !muted.is_empty() {
        let lines =
            muted.iter().map(|(muted, objects)| format!("<tr><td>{}</td></tr>", prose(&noise(muted, *objects))));
        let open = format!("<details><summary>{}</summary><table>\n", noise_title(&view.noise));
        blocks.push(Block::table(open, lines.collect(), "</table></details>\n\n".to_owned()));
    }
    blocks
}

/// The objects that differ, and the chart's definitions.
fn objects(view: &View<'_>) -> Vec<Block> {
    let mut blocks: Vec<Block> = view.resources.iter().map(object).collect();
    if let Some((crds, said)) = crds(view) {
        let lines =
            said.iter().map(|cell| format!("<tr><td>{}</td></tr>", prose(&shortened(&cell.text, LONGEST_NOTICE))));
        let open = format!("<b>{CRDS}: {NOT_APPLIED}</b>\n\n<table>\n");
        blocks.push(Block::table(open, lines.collect(), "</table>\n\n".to_owned()));
        blocks.extend(crds.resources.iter().map(object));
    }
    blocks
}

fn object(resource: &Resource<'_>) -> Block {
    let sign = match resource.change {
        Change::Added => '+',
        Change::Removed => '-',
        Change::Modified => '~',
    };
    let name = |text: &str| code(&shortened(text, 4 * LONGEST_NAME));
    let title = name(&format!("{sign} {}", resource.object.id));
    let notes: String = notes(resource).iter().map(|note| format!(" · {}", prose(&shortened(note, 200)))).collect();
    let (added, removed) = changed_lines(&resource.hunks);
    let mut open = format!("<details><summary>{title}{notes} · +{added} −{removed}</summary>\n");
    for remark in remarks(resource) {
        let sign = if remark.rest.role == Role::Warning { "⚠ " } else { "" };
        let (lead, rest) =
            (prose(&shortened(&remark.lead.text, LONGEST_NOTICE)), shortened(&remark.rest.text, LONGEST_REMARK));
        open.push_str(&format!("<p>{sign}{lead} {}</p>\n", prose(&rest)));
    }
    open.push('\n');
    Block::folded(open, lines(&resource.hunks)).of(resource.change, 1 + resource.also.len())
}

/// What stands below the objects.
fn below(view: &View<'_>) -> Vec<Block> {
    parts::below(view).iter().map(part).collect()
}

fn part(part: &Part<'_>) -> Block {
    match &part.body {
        Body::Table(rows) => {
            let notes: String = part.notes.iter().map(|note| format!("<p>{note}</p>\n")).collect();
            table(part.title, rows, format!("</table>\n{notes}\n"))
        }
        Body::Hunks(hunks) => {
            let (added, removed) = changed_lines(hunks);
            let open = format!("<details><summary><b>{}</b> · +{added} −{removed}</summary>\n\n", part.title);
            Block::folded(open, lines(hunks))
        }
    }
}

/// A table as HTML, in which nothing can become Markdown.
fn table(title: &str, table: &Table, close: String) -> Block {
    let head: String = table.head.iter().map(|name| format!("<th>{name}</th>")).collect();
    let title = if title.is_empty() { String::new() } else { format!("<b>{title}</b>\n\n") };
    let lines = table.rows.iter().map(|row| {
        let cells = row.iter().map(|cell| {
            let text = prose(&shortened(&cell.text, LONGEST_CELL));
            match cell.role {
                Role::Error | Role::Warning => format!("<td><b>{text}</b></td>"),
                _ => format!("<td>{text}</td>"),
            }
        });
        format!("<tr>{}</tr>", cells.collect::<String>())
    });
    let open = format!("{title}<table>\n<tr>{head}</tr>\n");
    Block::table(open, lines.collect(), close)
}

/// The bytes that are left.
struct Room(usize);

impl Room {
    /// How many lines of a block there is room for, within `most` bytes.
    fn take(&mut self, block: &Block, most: usize) -> Option<usize> {
        let lines = block.fit(self.0.min(most))?;
        self.0 -= block.size_of(lines);
        Some(lines)
    }

    /// Gives what is left to blocks that are not whole, first to those that lack least.
    fn fill(&mut self, blocks: &[Block], shown: &mut [Option<usize>]) {
        let size = |block: &Block, shown: Option<usize>| shown.map_or(0, |lines| block.size_of(lines));
        let mut short: Vec<usize> = (0..blocks.len()).filter(|&at| shown[at] != Some(blocks[at].len())).collect();
        short.sort_by_key(|&at| blocks[at].size() - size(&blocks[at], shown[at]));
        for at in short {
            self.0 += size(&blocks[at], shown[at]);
            shown[at] = self.take(&blocks[at], usize::MAX);
        }
    }
}

/// Writes as much as there is room for: first what stands above and below the objects, then the objects, of which long
/// ones are shortened so that more of them are seen.
fn cut(blocks: [&[Block]; 3], room: usize, max_bytes: usize, text: &mut String) {
    let [first, objects, last] = blocks;
    let mut left = Room(room);
    let mut around = |blocks: &[Block]| blocks.iter().map(|block| left.take(block, room / 8)).collect::<Vec<_>>();
    let (shown_first, shown_last) = (around(first), around(last));
    let share = fair_share(objects.iter().map(Block::size).collect(), left.0).max(WORTHWHILE);
    let mut shown: Vec<Option<usize>> = objects.iter().map(|block| left.take(block, share)).collect();
    left.fill(objects, &mut shown);
    for (blocks, shown) in [(first, &shown_first), (objects, &shown), (last, &shown_last)] {
        for (block, lines) in blocks.iter().zip(shown) {
            lines.iter().for_each(|&lines| block.write(lines, text));
        }
    }
    let mut lost = Lost::default();
    let is_whole = |(block, shown): (&Block, &Option<usize>)| shown.map(|lines| lines == block.len());
    let fates = objects.iter().zip(&shown).filter_map(|pair| Some((pair.0.objects()?, is_whole(pair))));
    for ((change, count), whole) in fates {
        lost.objects += count;
        match whole {
            Some(true) => {}
            Some(false) => lost.shortened += count,
            None => *lost.missing(change) += count,
        }
    }
    for whole in first.iter().zip(&shown_first).chain(last.iter().zip(&shown_last)).map(is_whole) {
        match whole {
            Some(true) => {}
            Some(false) => lost.sections_shortened += 1,
            None => lost.sections_missing += 1,
        }
    }
    text.push_str(&lost.told(max_bytes));
}

/// What is not in the comment.
#[derive(Default)]
struct Lost {
    /// How many objects differ.
    objects: usize,
    /// Of them, those that are not in the comment.
    changed: usize,
    added: usize,
    removed: usize,
    shortened: usize,
    sections_missing: usize,
    sections_shortened: usize,
}

impl Lost {
    fn missing(&mut self, change: Change) -> &mut usize {
        match change {
            Change::Added => &mut self.added,
            Change::Removed => &mut self.removed,
            Change::Modified => &mut self.changed,
        }
    }

    /// A sentence about it, of at most [`LAST_WORD`] bytes.
    fn told(&self, max_bytes: usize) -> String {
        let &Self { changed, added, removed, .. } = self;
        let missing = changed + added + removed;
        let fates = format!("{changed} changed, {added} added, {removed} removed");
        let objects = format!("{missing} of {} left out ({fates})", counted(self.objects, "object"));
        let parts = [
            (missing, objects),
            (self.shortened, format!("{} shortened", counted(self.shortened, "object"))),
            (self.sections_missing, format!("{} left out", counted(self.sections_missing, "other section"))),
            (self.sections_shortened, format!("{} shortened", counted(self.sections_shortened, "other section"))),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, part)| part).collect();
        let parts = parts.join(", ");
        format!("**Cut to {max_bytes} bytes:** {parts}. All of it: `-o html`, or a larger `--max-bytes`.\n")
    }
}

/// The largest size that all may have so that they fit into the room together.
fn fair_share(mut sizes: Vec<usize>, room: usize) -> usize {
    sizes.sort_unstable();
    let mut left = room;
    for (at, size) in sizes.iter().enumerate() {
        let share = left / (sizes.len() - at);
        if *size > share {
            return share;
        }
        left -= size;
    }
    room
}

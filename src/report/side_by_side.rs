//! A diff in two columns, before and after, for a wide terminal.

use unicode_width::UnicodeWidthChar as _;

use crate::diff::lines::{Hunk, Line, Tag};
use crate::report::stretches::{Stretch, stretches};
use crate::report::style::{Painter, Role, clean};
use crate::report::text::{Layout, Page};
use crate::report::view::View;
use crate::report::wording::range;

/// Narrower is not readable, in terminal columns.
pub const NARROWEST: usize = 40;

/// Between the two columns; a blank follows where there is something on the right.
const BETWEEN: &str = " │";

/// A tab reaches to the next multiple of this.
const TAB: usize = 4;

/// Writes the diff as text of `width` terminal columns, in which hunks have two columns and long lines are wrapped.
/// Less than [`NARROWEST`] counts as that. Titles and messages are not wrapped.
///
/// # Errors
/// If the writer fails.
pub fn write(view: &View<'_>, painter: Painter, width: usize, out: &mut impl std::io::Write) -> std::io::Result<()> {
    Page::new(painter, Layout::SideBySide(width.max(NARROWEST))).write(view, out)
}

impl Page {
    /// Hunks in two columns.
    pub(super) fn columns(&mut self, hunks: &[Hunk], width: usize) {
        let last = hunks.iter().map(|hunk| (hunk.old_start + hunk.old_len).max(hunk.new_start + hunk.new_len)).max();
        let digits = last.unwrap_or(0).to_string().len();
        let half = (width - 3) / 2;
        let text = half.saturating_sub(digits + 3).max(8);
        let columns = Columns { digits, text, cell: digits + 3 + text };
        for hunk in hunks {
            let (old, new) = (range(hunk.old_start, hunk.old_len), range(hunk.new_start, hunk.new_len));
            self.put(Role::Hunk, &format!("@@ -{old} +{new} @@"));
            if !hunk.location.is_empty() {
                self.put(Role::Dim, &format!(" {}", hunk.location));
            }
            self.text.push('\n');
            for (old_line, new_line, stretch) in stretches(hunk) {
                let (left, right) = match stretch {
                    Stretch::Same(same) => (same, same),
                    Stretch::Changed { old, new } => (old, new),
                };
                for at in 0..left.len().max(right.len()) {
                    let cell = |side: &[Line], first: usize| side.get(at).map(|line| columns.cell(line, first + at));
                    self.row(&columns, cell(left, old_line), cell(right, new_line));
                }
            }
        }
    }

    /// One line of each side, over as many rows as the longer one takes.
    fn row(&mut self, columns: &Columns, left: Option<Cell>, right: Option<Cell>) {
        let rows = |cell: &Option<Cell>| cell.as_ref().map_or(0, |cell| cell.rows.len());
        for at in 0..rows(&left).max(rows(&right)) {
            let used = self.half(columns, left.as_ref(), at);
            self.text.extend(std::iter::repeat_n(' ', columns.cell - used));
            self.put(Role::Dim, BETWEEN);
            if at < rows(&right) {
                self.text.push(' ');
                self.half(columns, right.as_ref(), at);
            }
            self.text.push('\n');
        }
    }

    /// One row of one side. Returns how many terminal columns it took.
    fn half(&mut self, columns: &Columns, cell: Option<&Cell>, at: usize) -> usize {
        let Some((cell, row)) = cell.and_then(|cell| Some((cell, cell.rows.get(at)?))) else { return 0 };
        let digits = columns.digits;
        let number = if at == 0 { format!("{:digits$}", cell.number) } else { " ".repeat(digits) };
        self.put(Role::Dim, &number);
        let (sign, role) = match cell.tag {
            Tag::Context => (' ', Role::Plain),
            Tag::Removed => ('-', Role::Removed),
            Tag::Added => ('+', Role::Added),
        };
        if cell.tag == Tag::Context && row.pieces.is_empty() {
            return digits;
        }
        self.put(role, &format!(" {sign} "));
        for (role, text) in &row.pieces {
            self.put(*role, text);
        }
        digits + 3 + row.width
    }
}

/// The measures of both columns.
struct Columns {
    /// Of a line number.
    digits: usize,
    /// Of the text, in terminal columns.
    text: usize,
    /// Of a whole cell: number, sign and text.
    cell: usize,
}

/// A line of one side.
struct Cell {
    number: usize,
    tag: Tag,
    rows: Vec<Row>,
}

/// As much of a line as fits into its column.
#[derive(Default)]
struct Row {
    pieces: Vec<(Role, String)>,
    width: usize,
}

impl Columns {
    fn cell(&self, line: &Line, number: usize) -> Cell {
        let (role, word) = match line.tag {
            Tag::Context => (Role::Plain, Role::Plain),
            Tag::Removed => (Role::Removed, Role::RemovedWord),
            Tag::Added => (Role::Added, Role::AddedWord),
        };
        let note = if line.note.is_empty() { String::new() } else { format!("  # {}", line.note) };
        let segments =
            line.segments.iter().map(|segment| (if segment.emphasised { word } else { role }, &segment.text));
        let mut rows = vec![Row::default()];
        let mut column = 0;
        for (role, text) in segments.chain([(Role::Dim, &note)]) {
            for character in clean(text).chars() {
                if character == '\t' {
                    let blanks = TAB - column % TAB;
                    column += (0..blanks).map(|_| self.put(&mut rows, role, ' ')).sum::<usize>();
                } else {
                    column += self.put(&mut rows, role, character);
                }
            }
        }
        Cell { number, tag: line.tag, rows }
    }

    /// Adds a character, on a new row where the last one is full. Returns its width.
    fn put(&self, rows: &mut Vec<Row>, role: Role, character: char) -> usize {
        let width = character.width().unwrap_or(0);
        if rows.last().is_none_or(|row| row.width + width > self.text) {
            rows.push(Row::default());
        }
        if let Some(row) = rows.last_mut() {
            row.width += width;
            match row.pieces.last_mut() {
                Some((last, text)) if *last == role => text.push(character),
                _ => row.pieces.push((role, character.to_string())),
            }
        }
        width
    }
}

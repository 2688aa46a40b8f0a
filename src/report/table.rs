//! A plain table: columns that are as wide as what stands in them, and a last column that goes on in the next line where the
//! terminal ends.

use unicode_width::UnicodeWidthStr as _;

use crate::report::markdown::escape::prose;
use crate::report::style::{Painter, Role, clean};

/// Between two columns.
const GAP: usize = 2;

/// The last column is not squeezed below this, in terminal columns.
pub(super) const LEAST_LAST: usize = 24;

/// What stands in a column of a row.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    role: Role,
    text: String,
}

impl Cell {
    pub(super) fn new(role: Role, text: impl Into<String>) -> Self {
        let text: String = text.into();
        // Widths are those of what is printed.
        Self { role, text: clean(&text).into_owned() }
    }
}

/// A table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    titles: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn new(titles: &[&'static str]) -> Self {
        Self { titles: titles.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Draws it, on so many terminal columns where that is known. Columns that are empty in every row are left out.
    pub(super) fn draw(&self, painter: Painter, columns: Option<u16>, out: &mut String) {
        let shown = self.shown();
        let widths: Vec<usize> = shown.iter().map(|&column| self.width(column)).collect();
        let Some((_, before)) = widths.split_last() else { return };
        let indent: usize = before.iter().map(|width| width + GAP).sum();
        let room = columns.map_or(usize::MAX, |columns| usize::from(columns).saturating_sub(indent).max(LEAST_LAST));
        let titles: Vec<Cell> = self.titles.iter().map(|title| Cell::new(Role::Dim, *title)).collect();
        for row in std::iter::once(&titles).chain(&self.rows) {
            let cells: Vec<&Cell> = shown.iter().filter_map(|&column| row.get(column)).collect();
            let Some((last, before)) = cells.split_last() else { continue };
            for (cell, width) in before.iter().zip(&widths) {
                painter.paint(out, cell.role, &cell.text);
                out.extend(std::iter::repeat_n(' ', width - cell.text.width() + GAP));
            }
            for (number, line) in wrapped(&last.text, room).into_iter().enumerate() {
                if number > 0 {
                    out.push('\n');
                    out.extend(std::iter::repeat_n(' ', indent));
                }
                painter.paint(out, last.role, &line);
            }
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
        }
    }

    /// Leaves out columns, the first named first, until all but the last column fit into so many terminal columns.
    pub(super) fn fit(&mut self, columns: Option<u16>, least: &[&str]) {
        let Some(columns) = columns.map(usize::from) else { return };
        for title in least {
            let shown = self.shown();
            let widths: usize = shown.iter().map(|&column| self.width(column) + GAP).sum();
            let last = shown.last().map_or(0, |&column| self.width(column));
            if widths.saturating_sub(GAP + last) + last.min(LEAST_LAST) <= columns {
                return;
            }
            if let Some(column) = self.titles.iter().position(|one| one == title) {
                self.titles.remove(column);
                self.rows.iter_mut().filter(|row| column < row.len()).for_each(|row| drop(row.remove(column)));
            }
        }
    }

    /// The same as a table within Markdown: a block of HTML, in which nothing from outside becomes a link or markup.
    pub(super) fn markdown(&self, out: &mut String) {
        let shown = self.shown();
        let mut row = |tag: &str, cells: &mut dyn Iterator<Item = String>| {
            out.push_str("<tr>");
            for cell in cells {
                out.push_str(&format!("<{tag}>{cell}</{tag}>"));
            }
            out.push_str("</tr>\n");
        };
        row("th", &mut shown.iter().map(|&column| self.titles[column].to_owned()));
        for cells in &self.rows {
            let cells = shown.iter().filter_map(|&column| cells.get(column));
            row("td", &mut cells.map(|cell| prose(&cell.text)));
        }
        out.insert_str(0, "<table>\n");
        out.push_str("</table>\n");
    }

    fn shown(&self) -> Vec<usize> {
        let filled =
            |column: &usize| self.rows.iter().any(|row| row.get(*column).is_some_and(|cell| !cell.text.is_empty()));
        (0..self.titles.len()).filter(filled).collect()
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.width());
        cells.max().unwrap_or(0).max(self.titles[column].width())
    }
}

/// A text in lines of at most so many terminal columns, broken between words where that can be.
pub(super) fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if !line.is_empty() && line.width() + 1 + word.width() > room {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["REVISION", "STATUS", "MARK", "DESCRIPTION"]);
        table.row(["1", "superseded", "", "Install complete"].map(|text| Cell::new(Role::Plain, text)).to_vec());
        table.row(
            ["12", "日本", "", "it was all|one two three\u{1b}"].map(|text| Cell::new(Role::Plain, text)).to_vec(),
        );
        table
    }

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let mut out = String::new();
        table().draw(Painter::new(false), None, &mut out);
        let expected = "REVISION  STATUS      DESCRIPTION\n1         superseded  Install complete\n12        日本        it was all|one two three\\u{1b}\n";
        assert_eq!(out, expected);
    }

    #[test]
    fn the_last_column_goes_on_below_where_the_terminal_ends() {
        let mut out = String::new();
        table().draw(Painter::new(false), Some(46), &mut out);
        assert!(
            out.ends_with("12        日本        it was all|one two\n                      three\\u{1b}\n"),
            "{out}"
        );
    }

    #[test]
    fn in_markdown_nothing_leaves_its_cell() {
        let mut out = String::new();
        table().markdown(&mut out);
        assert!(out.starts_with("<table>\n<tr><th>REVISION</th><th>STATUS</th><th>DESCRIPTION</th></tr>\n"), "{out}");
        assert!(out.contains("<td>it was <code>all|one</code> two "), "{out}");
        assert!(out.ends_with("</tr>\n</table>\n") && !out.contains("\n\n"), "{out}");
    }
}

//! The impact as a table: a block for each workload whose amounts differ, a line for each resource, and the total.

use crate::diff::impact::Impact;
use crate::report::impact::{Cells, Row, footnotes, growth, rows};
use crate::report::style::Role;
use crate::report::text::Page;

/// So many workloads are shown; JSON has all, and the total is of all.
const MOST_WORKLOADS: usize = 30;

impl Page {
    pub(super) fn impact(&mut self, impact: &Impact) {
        let rows = rows(impact, MOST_WORKLOADS);
        if rows.is_empty() {
            return;
        }
        self.title("resource impact", Role::Heading, "");
        self.table(&rows);
        for note in footnotes(impact) {
            self.line(Role::Dim, &format!("  {note}"));
        }
    }

    fn table(&mut self, rows: &[Row]) {
        let titles = ["before", "after", "", "peak"].map(str::to_owned);
        let mut widths = [[0_usize; 4]; 2];
        let cells = || rows.iter().filter_map(|row| row.cells.as_ref());
        for (side, widths) in widths.iter_mut().enumerate() {
            for (column, width) in widths.iter_mut().enumerate() {
                let widest = cells().map(|cells| cells[side][column].chars().count()).max().unwrap_or(0);
                *width = if widest == 0 { 0 } else { widest.max(titles[column].chars().count()) };
            }
        }
        let names =
            rows.iter().filter(|row| row.cells.is_some()).map(|row| row.name.chars().count()).max().unwrap_or(0);
        let indent = names + 4;
        let width = |side: usize| widths[side].iter().filter(|width| **width > 0).map(|width| width + 2).sum::<usize>();
        let mut head = " ".repeat(indent);
        for (side, title) in ["requests", "limits"].into_iter().enumerate().filter(|(side, _)| width(*side) > 0) {
            head.push_str(&format!("  {title:width$}", width = width(side)));
        }
        self.line(Role::Dim, head.trim_end());
        let mut head = " ".repeat(indent);
        for widths in widths.iter().filter(|widths| widths.iter().any(|width| *width > 0)) {
            head.push_str("  ");
            for (title, width) in titles.iter().zip(widths).filter(|(_, width)| **width > 0) {
                head.push_str(&format!("{title:>width$}  "));
            }
        }
        self.line(Role::Dim, head.trim_end());
        for row in rows {
            match &row.cells {
                None => {
                    self.put(Role::Plain, &row.name);
                    self.line(Role::Dim, &format!("  {}", row.note));
                }
                Some(cells) => self.amounts(row, cells, &widths, names),
            }
        }
    }

    fn amounts(&mut self, row: &Row, cells: &[Cells; 2], widths: &[[usize; 4]; 2], names: usize) {
        self.put(Role::Plain, &format!("  {:names$}  ", row.name));
        for (side, cells) in cells.iter().enumerate() {
            if widths[side].iter().all(|width| *width == 0) {
                continue;
            }
            self.text.push_str("  ");
            let role = growth(row.ratios[side]);
            let same = cells[0] == cells[1];
            let roles = [Role::Dim, if same { Role::Dim } else { Role::Plain }, role, Role::Dim];
            for ((cell, width), role) in cells.iter().zip(widths[side]).zip(roles).filter(|((_, width), _)| *width > 0)
            {
                // Blanks are not painted, so that those at the end of the line can go.
                self.text.extend(std::iter::repeat_n(' ', width - cell.chars().count()));
                self.put(role, cell);
                self.text.push_str("  ");
            }
        }
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
    }
}

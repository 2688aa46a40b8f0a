//! A diff as the number of changed lines of each object, in the manner of `git diff --stat`.

use crate::diff::lines::Hunk;
use crate::report::chart;
use crate::report::style::{Painter, Role};
use crate::report::view::View;
use crate::report::wording::{changed_lines, counted, headline, left_out, nothing_differs};

/// The widest bar, in characters.
const WIDEST_BAR: usize = 40;

/// Writes what is compared, a line for each object, and the sums.
///
/// # Errors
/// If the writer fails.
pub fn write(view: &View<'_>, painter: Painter, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let mut text = String::new();
    for piece in headline(view) {
        painter.paint(&mut text, if piece.name { Role::Heading } else { Role::Plain }, &piece.text);
    }
    text.push('\n');
    for notice in &view.notices {
        painter.paint(&mut text, Role::Warning, &format!(" ! {notice}"));
        text.push('\n');
    }
    if view.is_empty() {
        painter.paint(&mut text, Role::Plain, &format!(" {}", nothing_differs(view)));
        left_out(view.summary).iter().for_each(|what| painter.paint(&mut text, Role::Dim, &format!(", {what}")));
        text.push('\n');
        return out.write_all(text.as_bytes());
    }
    draw(&mut text, painter, view, &rows(view));
    out.write_all(text.as_bytes())
}

/// A title, and how many lines are added and removed there.
type Row = (String, usize, usize);

fn rows(view: &View<'_>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut add = |title: String, hunks: &[Hunk]| {
        let (added, removed) = changed_lines(hunks);
        if added + removed > 0 {
            rows.push((title, added, removed));
        }
    };
    for resource in &view.resources {
        add(resource.object.id.to_string(), &resource.hunks);
    }
    for resource in view.crds.iter().flat_map(|crds| &crds.resources) {
        add(format!("{} (not applied by Helm)", resource.object.id), &resource.hunks);
    }
    add("values".to_owned(), &view.values.hunks);
    if let Some(computed) = &view.computed_values {
        add("values (computed)".to_owned(), &computed.hunks);
    }
    add("notes".to_owned(), &view.notes_hunks);
    for (title, section) in [("chart", &view.chart), ("chart defaults", &view.defaults)] {
        let fields = chart::rows(&section.changes);
        let count = |side: fn(&chart::Row) -> &Option<String>| fields.iter().filter(|row| side(row).is_some()).count();
        if !fields.is_empty() {
            rows.push((title.to_owned(), count(|row| &row.new), count(|row| &row.old)));
        }
    }
    rows
}

fn draw(text: &mut String, painter: Painter, view: &View<'_>, rows: &[Row]) {
    let title_width = rows.iter().map(|(title, ..)| title.chars().count()).max().unwrap_or(0);
    let most = rows.iter().map(|(_, added, removed)| added + removed).max().unwrap_or(0);
    let count_width = most.to_string().len();
    let scale = |lines: usize| if most <= WIDEST_BAR { lines } else { (lines * WIDEST_BAR).div_ceil(most) };
    for (title, added, removed) in rows {
        text.push(' ');
        painter.paint(text, Role::Plain, &format!("{title:title_width$}"));
        painter.paint(text, Role::Plain, &format!(" | {:>count_width$} ", added + removed));
        painter.paint(text, Role::Added, &"+".repeat(scale(*added)));
        painter.paint(text, Role::Removed, &"-".repeat(scale(*removed)));
        text.push('\n');
    }
    let sum = |pick: fn(&Row) -> usize| rows.iter().map(pick).sum::<usize>();
    let summary = view.summary;
    let objects = format!(
        " {} changed, {} added, {} removed, {} unchanged{}; ",
        summary.modified,
        summary.added,
        summary.removed,
        summary.unchanged,
        left_out(summary).iter().map(|what| format!(", {what}")).collect::<String>()
    );
    painter.paint(text, Role::Plain, &objects);
    painter.paint(text, Role::Added, &format!("{} added", counted(sum(|row| row.1), "line")));
    painter.paint(text, Role::Plain, ", ");
    painter.paint(text, Role::Removed, &format!("{} removed", counted(sum(|row| row.2), "line")));
    text.push('\n');
}
